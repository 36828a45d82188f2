"""Gamma frailty: all orders against independent integrals and draws, extreme shapes, errors."""

from itertools import combinations

import numpy as np
import pytest
from scipy import integrate, stats

from rote.simulate.frailty import GammaFrailty

RATE = np.array([0.3, 0.02, 0.5, 1e-6, 0.97])
SHAPES = (0.05, 0.7, 3.0, 200.0)


def silent_by_integral(process, units):
    """P(all silent) = E exp(-g Σh), by adaptive quadrature over the quantiles of g."""
    h = process.shape * ((1 - process.rate) ** (-1 / process.shape) - 1)
    frailty = stats.gamma(process.shape, scale=1 / process.shape)
    total = h[list(units)].sum()
    return integrate.quad(lambda u: np.exp(-frailty.ppf(u) * total), 0, 1, limit=400, epsabs=1e-11)[0]


@pytest.mark.parametrize("shape", [0.7, 3.0, 200.0])
def test_all_orders_keep_their_promise(shape):
    process = GammaFrailty(rate=RATE, shape=shape)
    for order in (1, 2, 3):
        for units in combinations(range(4), order):
            due = silent_by_integral(process, units)
            assert process.all_silent(units) == pytest.approx(due, abs=1e-8)


@pytest.mark.parametrize("shape", SHAPES)
def test_covariances_are_those_of_silence(shape):
    process = GammaFrailty(rate=RATE, shape=shape)
    covariance = process.predict().covariance
    for one, other in combinations(range(5), 2):
        due = process.all_silent([one, other]) - process.all_silent([one]) * process.all_silent([other])
        assert covariance[one, other] == pytest.approx(due, abs=1e-14)
        assert process.all_silent([one]) == pytest.approx(1 - RATE[one], rel=1e-12)


def test_rare_pairs_keep_their_digits():
    """For p → 0 the covariance is p²/k (1 - p (1 + 1/k)/… ): to first order p²/k."""
    process = GammaFrailty(rate=[1e-9, 1e-9], shape=2.0)
    assert process.predict().covariance[0, 1] == pytest.approx(0.5e-18, rel=1e-8)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("rate", [np.full(30, 0.1), np.linspace(0, 0.99, 40), np.full(400, 1e-3)])
def test_the_population_law_has_the_moments_and_the_silence_of_the_closed_form(rate, shape):
    process = GammaFrailty(rate=rate, shape=shape)
    predicted = process.predict()
    pmf, counts = predicted.population_pmf, np.arange(rate.size + 1)
    assert pmf.sum() == pytest.approx(1, abs=1e-12)
    assert pmf @ counts == pytest.approx(rate.sum(), rel=1e-11)
    variance = pmf @ (counts - rate.sum()) ** 2
    assert variance == pytest.approx(predicted.population_variance, rel=1e-10)
    assert pmf[0] == pytest.approx(process.all_silent(np.arange(rate.size)), rel=1e-10)


def test_three_units_are_silent_together_as_often_as_predicted(rng, agrees, rejects):
    process = GammaFrailty(rate=np.full(6, 0.2), shape=0.8)
    active = process.sample(20_000, rng=rng)
    p, q = [], []
    pairwise = 1 - 3 * 0.2 + 3 * (process.predict().covariance[0, 1] + 0.04) - 0.2**3  # no third order
    for units in combinations(range(6), 3):
        count = int((~active[:, list(units)]).all(axis=1).sum())
        p.append(stats.binomtest(count, 20_000, process.all_silent(units)).pvalue)
        q.append(stats.binomtest(count, 20_000, pairwise).pvalue)
    assert agrees(p)
    assert rejects(q)


@pytest.mark.parametrize("shape", [0.05, 50.0])
def test_extreme_shapes_and_rates_are_drawn_exactly(shape, rng, agrees):
    process = GammaFrailty(rate=[0.999, 0.5, 1e-3, 1e-5, 0.0], shape=shape)
    active = process.sample(100_000, rng=rng)
    counts = active.sum(axis=0)
    assert counts[4] == 0
    p = [
        stats.binomtest(int(count), 100_000, rate).pvalue
        for count, rate in zip(counts[:4], process.rate, strict=False)
    ]
    assert agrees(p)


@pytest.mark.parametrize("shape", [1e-3, 1e-2, 1.0, 1e4])
def test_chords_stay_within_their_margin(shape):
    """Tabulated probabilities against exact ones, at all units and frailties of a draw."""
    process = GammaFrailty(rate=RATE, shape=shape)
    latent = process.latent(np.array([3, 5], dtype=np.uint64), np.arange(2_000, dtype=np.uint64))
    chords = process.chords(latent)
    before = chords.table[chords.state].astype(float)
    after = chords.table[np.minimum(chords.state + 1, len(chords.table) - 1)].astype(float)
    share = chords.share[:, None] / 65536
    chord = np.floor(before * (65535 / 65536 - share)) + np.floor(after * share)
    exact = 65536 * np.array([process.given(latent, np.full(latent.size, unit)) for unit in range(5)]).T
    assert np.abs(chord - exact).max() < chords.margin


def test_many_rare_units_need_no_square_memory():
    process = GammaFrailty(rate=np.full(100_000, 1e-4), shape=10.0)
    rows = process.predict().pairs(slice(0, 2))
    assert rows.shape == (2, 100_000)
    assert rows[0, 1] == pytest.approx(1e-9, rel=1e-3)


@pytest.mark.parametrize(
    ("rate", "shape", "error", "message"),
    [
        ([0.1, 1.0], 1.0, ValueError, r"rate must lie in \[0, 1\), got 1.0 at unit 1"),
        ([0.1], 0.0, ValueError, r"shape must lie in \[0.001, 1e9\], got 0.0"),
        ([0.1], [1.0, 2.0], TypeError, r"shape must be one number, got shape \(2,\)"),
        (0.1, 1.0, ValueError, r"rate must have shape \(n_units,\), got \(\)"),
    ],
)
def test_impossible_parameters_are_named(rate, shape, error, message):
    with pytest.raises(error, match=message):
        GammaFrailty(rate=rate, shape=shape)
