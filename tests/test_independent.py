"""Independent Bernoulli: what it promises, down to the rarest units."""

import numpy as np
import pytest
from scipy import stats

from rote.simulate import IndependentBernoulli


def test_names_keep_their_promise():
    rate = np.array([0.0, 1e-6, 0.2, 0.5, 1.0])
    predicted = IndependentBernoulli(rate=rate).predict()
    variance = rate * (1 - rate)
    np.testing.assert_array_equal(predicted.rate, rate)
    np.testing.assert_array_equal(predicted.covariance, np.diag(variance))
    np.testing.assert_array_equal(predicted.excess_fano(), 0)
    assert predicted.participation_ratio == pytest.approx(variance.sum() ** 2 / (variance**2).sum())
    assert predicted.population_variance == pytest.approx(variance.sum())


def test_like_units_are_binomial():
    predicted = IndependentBernoulli(rate=np.full(30, 0.2)).predict()
    np.testing.assert_allclose(
        predicted.population_pmf, stats.binom.pmf(np.arange(31), 30, 0.2), rtol=1e-12
    )
    assert predicted.participation_ratio == pytest.approx(30)


WAYS = pytest.mark.parametrize(
    "others", [[], [0.9], np.full(20, 0.9)], ids=["64 at a time", "events", "cells"]
)


@WAYS
def test_rates_far_below_a_lane_are_kept(others, agrees, rejects, rng):
    """A rate of 1e-6 is a fifteenth of the 2⁻¹⁶ that a lane can tell apart."""
    process = IndependentBernoulli(rate=np.r_[np.full(640, 1e-6), others])
    active = process.sample(100_000, rng=rng)[:, :640]
    assert agrees(stats.binomtest(int(active.sum()), active.size, 1e-6).pvalue)
    assert rejects(stats.binomtest(int(active.sum()), active.size, 2.0**-16).pvalue)
    assert rejects(stats.binomtest(int(active.sum()), active.size, 1e-7).pvalue)


@pytest.mark.parametrize("rate", [0.0, 1.0])
@pytest.mark.parametrize("n_units", [1, 63, 64, 65])
def test_certain_units_never_err(rate, n_units, rng):
    process = IndependentBernoulli(rate=np.full(n_units, rate))
    assert (process.sample(20_000, rng=rng) == bool(rate)).all()
    assert process.predict().population_pmf[int(rate) * n_units] == 1
    assert np.isnan(process.predict().participation_ratio)


@pytest.mark.parametrize("others", [[], [0.1]], ids=["64 at a time", "cells"])
def test_all_but_certain_units_do_err(others, agrees, rejects, rng):
    rate = 1 - 1e-5
    silent = ~IndependentBernoulli(rate=np.r_[np.full(640, rate), others]).sample(100_000, rng=rng)
    silent = silent[:, :640]
    assert agrees(stats.binomtest(int(silent.sum()), silent.size, 1 - rate).pvalue)
    assert rejects(stats.binomtest(int(silent.sum()), silent.size, 2.0**-16).pvalue)


def test_callers_array_is_not_kept():
    rate = np.array([0.2, 0.4])
    process = IndependentBernoulli(rate=rate)
    rate[0] = 7
    assert process.rate.tolist() == [0.2, 0.4]
    assert IndependentBernoulli(rate=[0, 1]).rate.dtype == np.float64


@pytest.mark.parametrize(
    ("rate", "error", "sentence"),
    [
        ([0.1, 1.2], ValueError, r"rate must lie in \[0, 1\], got 1\.2 at unit 1"),
        ([-1e-9], ValueError, r"rate must lie in \[0, 1\], got -1e-09 at unit 0"),
        ([0.1, np.nan], ValueError, "rate must be finite, got nan"),
        (0.1, ValueError, r"rate must have shape \(n_units,\), got \(\)"),
        ([], ValueError, r"rate must have shape \(n_units,\), got \(0,\)"),
        ([[0.1, 0.2]], ValueError, r"rate must have shape \(n_units,\), got \(1, 2\)"),
        ([True, False], TypeError, "rate must hold numbers, got list of dtype bool"),
        ("high", TypeError, "rate must hold numbers, got str"),
        (None, TypeError, "rate must hold numbers, got NoneType"),
    ],
)
def test_impossible_rates_are_named(rate, error, sentence):
    with pytest.raises(error, match=sentence):
        IndependentBernoulli(rate=rate)
