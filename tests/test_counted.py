"""Layers drawn by their population count: slow twins, uniform subsets, laws of what is not empty."""

import numpy as np
import pytest
from scipy import stats

from rote.activity import unpack
from rote.activity.streams import draw_keys, uniform
from rote.activity.ziggurat import exponential
from rote.simulate import ExchangeableBernoulli, PopulationBernoulli
from rote.simulate.counted import GROUP, CountLaw
from rote.simulate.exchangeable import MIXINGS
from rote.simulate.poisson_variates import below
from rote.simulate.subsets import FEW, SPAN, choose_units

WIDE = np.zeros(161)  # of 160 units: subsets in order, of Floyd, and of those left out
WIDE[[0, 1, 3, 5, 6, 60, 100, 160]] = 0.9, 0.02, 0.02, 0.02, 0.01, 0.01, 0.01, 0.01


def slow_gaps(law, n_examples, key):
    """Examples that are not empty: geometric steps within groups."""
    for group in range(-(-n_examples // GROUP)):
        at, counter = 0, np.uint64(group) * SPAN
        while True:
            gap, counter = exponential(key, np.uint64(counter))
            at += int(min(gap * law.reach, GROUP))
            if at >= GROUP:
                break
            if group * GROUP + at < n_examples:
                yield group * GROUP + at
            at += 1


def slow_subset(n_units, n, key, counter):
    """The words of :func:`choose_units`, and sets instead of lists and bits."""
    if n * FEW <= n_units:
        gaps = []
        for _ in range(n + 1):
            gap, counter = exponential(key, np.uint64(counter))
            gaps.append(gap)
        total = np.cumsum(gaps)
        chosen = {int(part * (n_units / total[-1])) for part in total[:-1]}
        while len(chosen) < n:
            unit, counter = below(key, np.uint64(counter), n_units)
            chosen.add(unit)
        return chosen
    chosen = set()
    for last in range(max(n, n_units - n), n_units):
        unit, counter = below(key, np.uint64(counter), last + 1)
        chosen.add(last if unit in chosen else unit)
    return chosen if 2 * n <= n_units else set(range(n_units)) - chosen


@pytest.mark.parametrize(
    "pmf", [WIDE, [0.5, 0, 0.1, 0.2, 0, 0.2], [0, 1.0]], ids=["wide", "five", "one"]
)
def test_counted_layers_equal_their_slow_twin(pmf):
    process, n_examples = PopulationBernoulli(population_pmf=pmf), 3000
    keys = draw_keys(np.random.default_rng(3), 3)
    some = np.array(pmf[1:]) / (1 - pmf[0])
    twin = np.zeros((n_examples, process.n_units), dtype=bool)
    for example in slow_gaps(CountLaw.of(process.population_pmf), n_examples, keys[0]):
        drawn = uniform(keys[1], np.uint64(example))
        count = 1 + int(np.searchsorted(np.cumsum(some), drawn, side="right"))
        units = slow_subset(process.n_units, count, keys[2], np.uint64(example) * SPAN)
        twin[example, list(units)] = True
    assert np.array_equal(process.sample(n_examples, rng=np.random.default_rng(3)), twin)
    words = process.sample_packed(n_examples, rng=np.random.default_rng(3))
    assert np.array_equal(unpack(words, process.n_units), twin)
    assert np.array_equal(process.sample_events(n_examples, rng=np.random.default_rng(3)).dense(), twin)


def chosen(n_units, n, n_subsets, rng):
    units = np.empty(n * n_subsets, dtype=np.int32)
    counts = np.full(n_subsets, n)
    choose_units(units, n_units, np.arange(n_subsets), counts, draw_keys(rng, 1)[0])
    return units.reshape(n_subsets, n)


@pytest.mark.parametrize(("n_units", "n"), [(64, 2), (40, 2), (9, 7)], ids=["in order", "floyd", "most"])
def test_all_subsets_are_as_likely(n_units, n, rng, agrees, rejects):
    """In order, half of the subsets of 64 units would lack pairs that fall on one unit."""
    units = chosen(n_units, n, 200_000, rng)
    assert (np.diff(units, axis=1) > 0).all()
    left_out = units
    if n > 2:
        silent = np.ones((len(units), n_units), dtype=bool)
        np.put_along_axis(silent, units, values=False, axis=1)
        left_out = np.nonzero(silent)[1].reshape(-1, 2)
    code = left_out[:, 0] * n_units + left_out[:, 1]
    seen = np.bincount(code, minlength=n_units**2)[
        np.ravel_multi_index(np.triu_indices(n_units, 1), (n_units,) * 2)
    ]
    assert agrees(stats.chisquare(seen).pvalue)
    off = np.linspace(0.9, 1.1, seen.size)
    assert rejects(stats.chisquare(seen, off * seen.sum() / off.sum()).pvalue)


def test_larger_subsets_hold_each_unit_and_each_pair_as_often(rng, agrees, rejects):
    """Nine of 300 units: in one subset of nine two draws fall on one unit, and another is added."""
    units = chosen(300, 9, 60_000, rng)
    assert (np.diff(units, axis=1) > 0).all()
    count = np.bincount(units.ravel(), minlength=300)
    z = (count - 1800) / np.sqrt(60_000 * 0.03 * 0.97)
    # hypergeometric: units of one subset repel each other, by 1 - 1/300 of the variance
    assert agrees(stats.chi2.sf((z**2).sum() * 299 / 300, 299))
    assert rejects(stats.chi2.sf((z[:-1] ** 2 * 1.6).sum(), 299))
    near = (np.diff(units, axis=1) == 1).sum()  # 299 neighbours, each of 9·8/(300·299)
    mean = 60_000 * 299 * 9 * 8 / (300 * 299)
    assert agrees(2 * stats.norm.sf(abs(near - mean) / np.sqrt(mean)))
    assert rejects(2 * stats.norm.sf(abs(near - 1.1 * mean) / np.sqrt(mean)))


@pytest.mark.parametrize("mixing", MIXINGS)
def test_counts_of_rare_layers_follow_the_law_of_their_mixing(mixing, rng, agrees, rejects):
    layer = ExchangeableBernoulli(n_units=300, rate=0.01, correlation=0.1, mixing=mixing)
    count = layer.sample_events(100_000, rng=rng).population_count

    def p_value(other):
        due = 100_000 * other.predict().population_pmf
        likely = due > 10
        seen = np.bincount(count, minlength=301)
        rest = due[~likely].sum()
        cells = np.append(seen[likely], seen[~likely].sum()), np.append(due[likely], rest)
        return stats.chisquare(*cells).pvalue

    assert agrees(p_value(layer))
    for other in {*MIXINGS} - {mixing}:
        near = ExchangeableBernoulli(n_units=300, rate=0.01, correlation=0.1, mixing=other)
        assert rejects(p_value(near))


def test_a_layer_that_is_never_active_and_one_that_always_is(rng):
    never = PopulationBernoulli(population_pmf=[1.0, 0.0])
    assert never.sample_events(1000, rng=rng).unit.size == 0
    always = PopulationBernoulli(population_pmf=[0.0, 0.0, 1.0])
    assert always.sample(1000, rng=rng).all()
