"""Rare mixtures, drawn by their activations: slow twins, bounds that hold, tables made once."""

import numpy as np
import pytest

from rote.activity.streams import draw_keys, uniform
from rote.activity.ziggurat import exponential
from rote.simulate import (
    ClassConditional,
    DichotomizedGaussian,
    GammaFrailty,
    IndependentBernoulli,
)
from rote.simulate.rare import CERTAIN, SPAN

N_EXAMPLES = 3000
RATE = np.concatenate([np.geomspace(1e-5, 0.02, 90), [0.0, 0.6, 0.0]])
SIGNS = np.where(np.arange(RATE.size) % 3, 0.6, -0.6)
BOUNDED = {
    "independent": IndependentBernoulli(rate=RATE),
    "certain": IndependentBernoulli(rate=np.concatenate([RATE, [1.0], np.zeros(100)])),
    "dichotomized": DichotomizedGaussian(rate=RATE, loading=SIGNS),
    "steep": DichotomizedGaussian(rate=RATE, loading=0.99),
    "classes": ClassConditional(class_probability=[0.3, 0.7], class_rate=[RATE, RATE[::-1] / 3]),
}
SHAPES = (0.003, 0.1, 2.0, 500.0)


def divided(number, frailty):
    with np.errstate(over="ignore"):  # frailties of great variance are next to nothing
        return number / np.float64(frailty)


def slow_line(line, frailty, key, example):
    """Units whose pieces a Poisson process of rate ``frailty`` hits, each once, by search."""
    at, counter, units = 0.0, np.uint64(example) * SPAN, []
    while line[-1] > 0 and frailty > 0:
        gap, counter = exponential(key, np.uint64(counter))
        at += divided(gap, frailty)
        if at >= line[-1]:
            break
        unit = int(np.searchsorted(line, at, side="right"))
        if units and units[-1] == unit:
            continue
        units.append(unit)
        if line[unit] > at + divided(1, frailty):  # what is left of a long piece cannot be hit again
            at = line[unit]
    return units


@pytest.mark.parametrize("name", BOUNDED)
def test_bounded_mixtures_equal_their_slow_twin_bit_for_bit(name):
    process = BOUNDED[name]
    keys = draw_keys(np.random.default_rng(8), 3)
    latent = process.latent(keys[0], np.arange(N_EXAMPLES, dtype=np.uint64))
    twin = np.zeros((N_EXAMPLES, process.n_units), dtype=bool)
    for example, state in enumerate(process.neighbourhood(latent)):
        bound = process.bounds()[state]
        with np.errstate(divide="ignore"):
            line = np.cumsum(np.minimum(-np.log1p(-bound), CERTAIN))
        units = np.array(slow_line(line, 1.0, keys[1], example), dtype=np.int64)
        if not process.tight:
            chance = process.given(np.full(units.size, latent[example]), units) / bound[units]
            drawn = [uniform(keys[2], np.uint64(example) * SPAN + np.uint64(unit)) for unit in units]
            units = units[np.array(drawn) < chance]
        twin[example, units] = True
    assert process.rarity < 1 / 64
    assert twin.sum() > 1000
    assert np.array_equal(process.sample(N_EXAMPLES, rng=np.random.default_rng(8)), twin)


@pytest.mark.parametrize("name", BOUNDED)
def test_bounds_hold_everywhere_in_their_neighbourhood(name, rng):
    process = BOUNDED[name]
    latent = process.latent(draw_keys(rng, 1)[0], np.arange(20_000, dtype=np.uint64))
    bound = process.bounds()[process.neighbourhood(latent)]
    for unit in (0, 40, 89, 91):
        chance = process.given(latent, np.full(latent.size, unit))
        assert (chance <= bound[:, unit] * (1 + 1e-12)).all()
        assert not process.tight or (chance == bound[:, unit]).all()


@pytest.mark.parametrize("shape", SHAPES)
def test_frailty_equals_its_slow_twin_bit_for_bit(shape):
    process = GammaFrailty(rate=RATE, shape=shape)
    keys = draw_keys(np.random.default_rng(8), 3)
    frailty = np.exp(process.latent(keys[0], np.arange(N_EXAMPLES, dtype=np.uint64)))
    hazard = np.exp(np.minimum(process.log_hazard, 650.0))
    order = np.argsort(hazard, kind="stable")
    ascending = hazard[order]
    twin, n_steep = np.zeros((N_EXAMPLES, process.n_units), dtype=bool), 0
    for example, g in enumerate(frailty):
        with np.errstate(divide="ignore", over="ignore"):
            uncertain = int((ascending <= CERTAIN / g).sum())
        if uncertain == process.n_units:
            twin[example, slow_line(np.cumsum(hazard), g, keys[1], example)] = True
            continue
        n_steep += 1
        twin[example, order[uncertain:]] = True
        twin[example, order[slow_climb(np.cumsum(ascending)[:uncertain], g, keys[1], example)]] = True
    assert (n_steep > 0) == (shape < 1)
    assert twin.sum() > 1000
    assert np.array_equal(process.sample(N_EXAMPLES, rng=np.random.default_rng(8)), twin)


def slow_climb(line, frailty, key, example):
    """As :func:`slow_line`, but what is left of any piece that was hit is passed over."""
    at, counter, units = 0.0, np.uint64(example) * SPAN, []
    while line.size:
        gap, counter = exponential(key, np.uint64(counter))
        at += divided(gap, frailty)
        unit = int(np.searchsorted(line, at, side="right"))
        if unit >= line.size:
            break
        units.append(unit)
        at = line[unit]
    return units


@pytest.mark.parametrize("shape", SHAPES)
def test_the_draw_of_an_example_does_not_depend_on_how_many_are_drawn(shape):
    process = GammaFrailty(rate=RATE, shape=shape)
    few = process.sample_events(100, rng=np.random.default_rng(3)).dense()
    assert np.array_equal(process.sample_events(400, rng=np.random.default_rng(3)).dense()[:100], few)


@pytest.mark.parametrize("name", ["dichotomized", "classes"])
def test_a_process_makes_its_lines_once_however_many_blocks_it_draws(name, monkeypatch):
    process, made = BOUNDED[name], []
    process.__dict__.pop("_bounds", None)
    bounds = type(process).bounds
    monkeypatch.setattr(type(process), "bounds", lambda self: made.append(1) or bounds(self))
    list(process.event_blocks(100, rng=np.random.default_rng(3), block=10))
    process.sample(20, rng=np.random.default_rng(3))
    assert made == [1]
