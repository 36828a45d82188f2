"""Kernels of Poisson counts against slow twins that read the same streams; single Poisson numbers."""

import sys

import numpy as np
import pytest
from scipy import stats
from scipy.special import ndtr

from rote.activity.gamma import log_gamma_variates
from rote.activity.streams import draw_keys, uniform, uniforms, word
from rote.simulate.common_sources import CommonSources
from rote.simulate.compound import CompoundPoisson
from rote.simulate.gamma_poisson import GammaPoisson
from rote.simulate.normals import exact_normals
from rote.simulate.one_factor_poisson import OneFactorPoisson
from rote.simulate.poisson import IndependentPoisson
from rote.simulate.poisson_copula import PoissonCopula
from rote.simulate.poisson_lanes import CHUNK, LANES, LEAST, TABLED, tables
from rote.simulate.poisson_steps import new_steps
from rote.simulate.poisson_variates import (
    WORDS,
    alias_table,
    below,
    pick,
    poisson_variate,
    poisson_variates,
)
from rote.simulate.quantiles import poisson_quantiles
from rote.simulate.rare_counts import ROW

KEY = np.array([5, 8], dtype=np.uint64)


def owned_lanes(rate):
    """Lanes of every count, from the definition."""
    probability = stats.poisson.pmf(np.arange(400), rate)
    lanes = np.floor((LANES - 1) * probability)
    return np.where(lanes >= LEAST, lanes, 0), probability


def slow_count(rate, lane, rest):
    lanes, probability = owned_lanes(rate)
    if lane < lanes.sum():
        return np.searchsorted(np.cumsum(lanes), lane, side="right")
    owed = np.cumsum(LANES * probability - lanes)
    return np.searchsorted(owed, rest * owed[-1])


def test_every_count_is_paid_what_it_is_owed():
    for rate in (0.0, 1e-6, 0.3, 1.6, 20.0, TABLED):
        table = tables(np.full((1, 1), rate))
        edges = table.edge[0, 0, : table.depth[0, 0], 0].astype(np.int64)
        lanes, probability = owned_lanes(rate)
        kept = np.diff(edges, prepend=0)
        first = table.first[0, 0]
        assert np.allclose(kept, lanes[first : first + kept.size])
        assert (LANES * probability >= lanes).all()
        assert edges[-1] < LANES


def test_lanes_equal_a_search_of_the_law_bit_for_bit():
    rate = np.concatenate([np.geomspace(1e-4, TABLED, CHUNK + 3), [0.0, 50.0]])
    n_examples, width = 120, 2 * CHUNK
    counts = IndependentPoisson(rate=rate).sample(n_examples, rng=np.random.default_rng(3))
    lane_key, rest_key = draw_keys(np.random.default_rng(3), 4)[:2]
    n_rests = 0
    for example, unit in np.ndindex(counts.shape):
        cell = np.uint64(example * width + unit)
        drawn = int(word(lane_key, cell // np.uint64(4)))
        lane = (drawn >> 16 * (unit % 4)) & 0xFFFF
        n_rests += lane >= owned_lanes(rate[unit])[0].sum()
        assert counts[example, unit] == slow_count(rate[unit], lane, uniform(rest_key, cell * WORDS))
    assert n_rests > 3


def test_one_factor_counts_are_quantiles_of_latent_numbers_bit_for_bit():
    process = OneFactorPoisson(rate=np.geomspace(0.01, 3000, 300), loading=np.linspace(-0.99, 0.99, 300))
    counts = process.sample(2000, rng=np.random.default_rng(4), dtype=np.uint16)
    keys = draw_keys(np.random.default_rng(4), 4)
    factor = stats.norm.ppf(uniforms(keys[0], np.arange(2000, dtype=np.uint64)))
    noise = exact_normals(keys[1], 0, 2000 * 300).reshape(2000, 300)
    latent = factor[:, None] * process.loading + noise * np.sqrt(1 - process.loading**2)
    assert (counts == stats.poisson.ppf(ndtr(latent), process.rate)).all()


def test_copula_counts_are_quantiles_of_latent_numbers_bit_for_bit():
    rate = np.geomspace(0.01, 3000, 40)
    latent_correlation = 0.6 ** np.abs(np.subtract.outer(np.arange(40), np.arange(40)))
    process = PoissonCopula(rate=rate, latent_correlation=latent_correlation)
    counts = process.sample(5000, rng=np.random.default_rng(4), dtype=np.uint16)
    key = draw_keys(np.random.default_rng(4), 4)[0]
    latent = exact_normals(key, 0, 5000 * 40).reshape(5000, 40) @ process.factor.T
    assert (counts == stats.poisson.ppf(ndtr(latent), rate)).all()


def test_the_guide_to_the_steps_is_a_search_of_each_row():
    rate = np.concatenate([[0.0, 1e-6], np.geomspace(0.01, 5000, 40)])
    quantiles = poisson_quantiles(rate)
    steps = new_steps(quantiles)
    edges = np.linspace(-8, 8, 65)[1:-1]
    for unit, row in enumerate(quantiles.threshold):
        assert np.array_equal(steps.guide[unit, 1:], np.searchsorted(row, edges))
        assert steps.guide[unit, 0] == 0
    inside = np.diff(steps.guide.astype(int), axis=1)
    assert steps.most >= inside.max()


@pytest.mark.parametrize(
    "process",
    [
        OneFactorPoisson(rate=np.full(3000, 2.0), loading=0.5),
        PoissonCopula(rate=[2.0, 3.0], latent_correlation=np.eye(2)),
    ],
    ids=["factor", "copula"],
)
def test_a_process_makes_its_steps_once_however_many_blocks_it_draws(process, monkeypatch):
    made = []
    module = sys.modules[type(process).__module__]
    monkeypatch.setattr(module, "new_steps", lambda known: made.append(1) or new_steps(known))
    list(process.blocks(40, rng=np.random.default_rng(2), block=4))
    process.sample_events(500, rng=np.random.default_rng(2))
    assert made == [1]


def slow_independent(rate, keys):
    """Counts of units of some ``rate``, ``(n_examples, n_units)``, cell by cell."""
    width = -(-rate.shape[1] // CHUNK) * CHUNK
    counts = np.empty(rate.shape, dtype=np.int64)
    for example, unit in np.ndindex(counts.shape):
        cell = np.uint64(example * width + unit)
        lane = (int(word(keys[0], cell // np.uint64(4))) >> 16 * (unit % 4)) & 0xFFFF
        counts[example, unit] = slow_count(rate[example, unit], lane, uniform(keys[1], cell * WORDS))
    return counts


def test_common_sources_equal_their_slow_twin_bit_for_bit():
    rng, n_examples = np.random.default_rng(1), 300
    wiring, source_rate = rng.random((9, 4)) < 0.4, np.array([0.3, 0.0, 2.0, 30.0])
    process = CommonSources(own=rng.gamma(1, 2, 9), wiring=wiring, source_rate=source_rate)
    keys = draw_keys(np.random.default_rng(6), 4)
    twin = slow_independent(np.tile(process.own, (n_examples, 1)), keys[:2])
    for example, source in np.ndindex(n_examples, 4):
        counter = np.uint64(example * 4 + source) * WORDS
        twin[example] += poisson_variate(keys[2], counter, source_rate[source]) * wiring[:, source]
    assert not process.is_rare
    assert np.array_equal(process.sample(n_examples, rng=np.random.default_rng(6)), twin)


@pytest.mark.parametrize(
    ("n_units", "event_rate", "synchrony"),
    [(9, 4.0, [0.5, 0.1, 0, 0.1, 0, 0, 0.1, 0.1, 0.1]), (5, 12.0, [0, 0, 1.0]), (300, 0.3, [0.8, 0.2])],
    ids=["all orders", "three", "rare"],
)
def test_compound_counts_equal_their_slow_twin_bit_for_bit(n_units, event_rate, synchrony):
    process = CompoundPoisson(n_units=n_units, event_rate=event_rate, synchrony=synchrony)
    keys, n_examples = draw_keys(np.random.default_rng(6), 4), 400
    alone = event_rate * synchrony[0]
    law = alias_table(np.array([0.0, *synchrony[1:]]))
    twin = np.zeros((n_examples, n_units), dtype=np.int64)
    for example in range(n_examples):
        counter = np.uint64(example) * ROW
        for _ in range(poisson_variate(keys[0], np.uint64(example) * WORDS, alone)):
            unit, counter = below(keys[1], np.uint64(counter), n_units)
            twin[example, unit] += 1
        counter = np.uint64(example) * ROW
        for _ in range(poisson_variate(keys[2], np.uint64(example) * WORDS, event_rate - alone)):
            column, counter = pick(keys[3], np.uint64(counter), *law)
            size, chosen = column + 1, set()
            while len(chosen) < min(size, n_units - size):
                unit, counter = below(keys[3], np.uint64(counter), n_units)
                chosen.add(unit)
            hit = list(chosen if 2 * size <= n_units else set(range(n_units)) - chosen)
            twin[example, hit] += 1
    assert process.is_rare == (n_units == 300)
    assert twin.sum() > 100
    assert np.array_equal(process.sample(n_examples, rng=np.random.default_rng(6)), twin)
    assert np.array_equal(process.sample_events(n_examples, rng=np.random.default_rng(6)).dense(), twin)


@pytest.mark.parametrize("greatest", [0.3, 20.0, 200.0], ids=["few", "tables", "each"])
def test_gains_equal_their_slow_twin_bit_for_bit(greatest):
    rate, n_examples = np.append(np.geomspace(0.01, greatest, 12), 0.0), 300
    process = GammaPoisson(rate=rate, dispersion=0.7)
    keys, examples = draw_keys(np.random.default_rng(6), 4), np.arange(n_examples, dtype=np.uint64)
    gain = np.exp(log_gamma_variates(keys[0], 1 / 0.7, examples)) * 0.7
    if greatest > TABLED:
        cells = np.arange(n_examples * 13, dtype=np.uint64)
        twin = poisson_variates(keys[1], cells, np.outer(gain, rate).ravel()).reshape(n_examples, 13)
    else:
        step = np.floor(np.log(gain) / np.log(1.1))
        lower = np.minimum(np.exp(step * np.log(1.1)), gain)
        lower[gain * rate.sum() <= 13 / 16] = 0.0  # so few counts that all are dealt out
        twin = slow_independent(np.outer(lower, rate), keys[1:3])
        for example in examples:
            rest, counter = (gain - lower)[example] * rate.sum(), example * ROW
            n_events = poisson_variate(keys[3], counter, rest)
            counter += WORDS
            for _ in range(n_events):
                unit, counter = pick(keys[3], np.uint64(counter), *alias_table(rate))
                twin[int(example), unit] += 1
        assert (lower == 0).any() or greatest > 1
        assert (lower > 0).any()
    assert not process.is_rare
    assert np.array_equal(
        process.sample(n_examples, rng=np.random.default_rng(6), dtype=np.uint16), twin
    )


@pytest.mark.parametrize("mean", [1e-3, 3.0, 9.99, 10.0, 40.0, 1000.0, 1e6])
def test_poisson_variates_follow_their_law(mean, rng, agrees, rejects):
    rows = np.arange(100_000, dtype=np.uint64)
    counts = poisson_variates(draw_keys(rng, 1)[0], rows, np.full(rows.size, mean))

    def p_value(law):
        edges = np.unique(law.ppf(np.linspace(0, 1, 41)[1:-1]))
        due = np.diff(law.cdf(edges), prepend=0, append=1)
        seen = np.bincount(np.searchsorted(edges, counts), minlength=due.size)
        return stats.chisquare(seen[due > 0], rows.size * due[due > 0]).pvalue

    assert agrees(p_value(stats.poisson(mean)))
    if mean >= 3:
        assert rejects(p_value(stats.poisson(mean + 0.04 * np.sqrt(mean))))


def test_choices_follow_their_odds(rng, agrees, rejects):
    weight = np.array([0.0, 3.0, 1e-3, 0.5, 7.0, 0.0, 2.0])
    table, key, counter, seen = alias_table(weight), draw_keys(rng, 1)[0], np.uint64(0), np.zeros(7)
    kept = table.stay + np.bincount(table.other, weights=1 - table.stay, minlength=7)
    assert kept / 7 == pytest.approx(weight / weight.sum(), abs=1e-15)
    for _ in range(20_000):
        choice, counter = pick(key, np.uint64(counter), *table)
        seen[choice] += 1
    assert not seen[weight == 0].any()
    odds = 20_000 * weight / weight.sum()
    likely = weight > 0.1
    assert agrees(
        stats.chisquare(seen[likely], odds[likely] * seen[likely].sum() / odds[likely].sum()).pvalue
    )
    assert rejects(stats.chisquare(seen[likely], np.full(4, seen[likely].sum() / 4)).pvalue)


def test_numbers_below_n_are_the_high_half_of_a_product():
    for counter in range(200):
        number, after = below(KEY, np.uint64(counter), 1000)
        assert number == (int(word(KEY, np.uint64(counter))) >> 32) * 1000 >> 32
        assert after == counter + 1
