"""Exchangeable Bernoulli: three laws of one rate and one correlation that part at the third order."""

import math
from fractions import Fraction

import numpy as np
import pytest
from scipy import integrate, stats
from scipy.special import ndtr, ndtri

from rote.simulate import ExchangeableBernoulli, PopulationBernoulli, latent_correlation
from rote.simulate.exchangeable import MIXINGS
from rote.simulate.population import alike_pmf, binomial_mixture_pmf, one_factor_pmf
from rote.simulate.population_law import least_correlation

RATE, CORRELATION = 0.2, 0.3
MIXING = pytest.mark.parametrize("mixing", MIXINGS)


def process(mixing, n_units=3, rate=RATE, correlation=CORRELATION):
    return ExchangeableBernoulli(n_units=n_units, rate=rate, correlation=correlation, mixing=mixing)


def moment(mixing, order, rate=RATE, correlation=CORRELATION):
    """E[P^order], by the algebra of each law."""
    if mixing == "beta":
        spread = 1 / correlation - 1
        steps = np.arange(order)
        return np.prod((rate * spread + steps) / (spread + steps))
    if mixing == "two-point":
        share = np.sqrt(correlation)  # the coin falls either way; a unit follows it or throws its own
        quiet, loud = (1 - share) * rate, share + (1 - share) * rate
        return (1 - rate) * quiet**order + rate * loud**order
    loading = np.sqrt(latent_correlation(rate, rate, correlation))
    own = np.sqrt(1 - loading**2)

    def integrand(z):
        return stats.norm.pdf(z) * ndtr((ndtri(rate) + loading * z) / own) ** order

    return integrate.quad(integrand, -9, 9, epsabs=1e-15, epsrel=1e-12)[0]


def rising(start, n):
    """start (start + 1) … (start + n - 1)."""
    return math.prod(start + step for step in range(n))


@MIXING
@pytest.mark.parametrize(("rate", "correlation"), [(0.2, 0.3), (1e-4, 0.05), (0.9, 0.01), (0.5, 0.9)])
def test_names_keep_their_promise(mixing, rate, correlation):
    variance = correlation * rate * (1 - rate)
    assert moment(mixing, 1, rate, correlation) == pytest.approx(rate, rel=1e-9)
    assert moment(mixing, 2, rate, correlation) - rate**2 == pytest.approx(variance, rel=1e-8)
    predicted = process(mixing, rate=rate, correlation=correlation).predict()
    np.testing.assert_allclose(predicted.pair_correlation, correlation, rtol=1e-12)
    np.testing.assert_array_equal(predicted.rate, rate)
    assert predicted.population_variance == pytest.approx(3 * rate * (1 - rate) * (1 + 2 * correlation))


@MIXING
@pytest.mark.parametrize("order", [1, 2, 3, 5])
@pytest.mark.parametrize(("rate", "correlation"), [(0.2, 0.3), (1e-3, 0.05), (0.7, 0.9)])
def test_all_of_some_units_are_active_with_the_moment_of_the_propensity(
    mixing, order, rate, correlation
):
    pmf = process(mixing, order, rate, correlation).predict().population_pmf
    assert pmf[order] == pytest.approx(moment(mixing, order, rate, correlation), rel=1e-9)


@pytest.mark.parametrize(
    ("mixing", "other"), [("beta", "probit"), ("probit", "two-point"), ("two-point", "beta")]
)
def test_units_are_active_together_as_often_as_this_law_has_it(mixing, other, agrees, rejects, rng):
    active = process(mixing, n_units=5).sample(1_000_000, rng=rng)
    three, five = (int(active[:, :order].all(axis=1).sum()) for order in (3, 5))
    assert agrees(stats.binomtest(three, len(active), moment(mixing, 3)).pvalue)
    assert agrees(stats.binomtest(five, len(active), moment(mixing, 5)).pvalue)
    assert rejects(stats.binomtest(five, len(active), moment(other, 5)).pvalue)


def test_silence_tells_the_laws_apart():
    """One rate, one correlation, a thousand units: P(nobody active) of three different worlds."""
    silent = {mixing: process(mixing, 1000, 0.05, 0.1).predict().population_pmf[0] for mixing in MIXINGS}
    assert silent["probit"] == pytest.approx(0.043, abs=5e-4)
    assert silent["beta"] == pytest.approx(0.115, abs=5e-4)
    assert silent["two-point"] == pytest.approx(0.95 * (1 - 0.05 * (1 - np.sqrt(0.1))) ** 1000, rel=1e-9)


@pytest.mark.parametrize("correlation", [1e-4, 0.3, 0.999])
def test_beta_count_is_scipys_beta_binomial(correlation):
    spread = 1 / correlation - 1
    expected = stats.betabinom.pmf(np.arange(41), 40, 0.2 * spread, 0.8 * spread)
    pmf = process("beta", 40, 0.2, correlation).predict().population_pmf
    np.testing.assert_allclose(pmf, expected, rtol=1e-8)


@MIXING
@pytest.mark.parametrize("correlation", [1e-9, 1e-12, 1e-15, 1e-300])
def test_faint_correlation_leaves_the_binomial(mixing, correlation):
    pmf = process(mixing, 100, 0.1, correlation).predict().population_pmf
    binomial = stats.binom.pmf(np.arange(40), 100, 0.1)
    np.testing.assert_allclose(pmf[:40], binomial, rtol=5000 * correlation + 1e-10)


@pytest.mark.parametrize("correlation", [0.3, 1e-6, 1e-12])
def test_beta_count_is_exact_in_fractions(correlation):
    """Also where the law written in log-Beta functions has lost its digits."""
    rate, spread = Fraction(0.1), 1 / Fraction(correlation) - 1
    a, b = rate * spread, (1 - rate) * spread
    exact = [math.comb(30, k) * rising(a, k) * rising(b, 30 - k) / rising(spread, 30) for k in range(31)]
    pmf = process("beta", 30, 0.1, correlation).predict().population_pmf
    np.testing.assert_allclose(pmf, [float(p) for p in exact], rtol=1e-12)


@MIXING
def test_nearly_full_correlation_is_all_or_nothing(mixing, agrees, rng):
    layer = process(mixing, 50, 0.2, 1 - 1e-7)
    pmf = layer.predict().population_pmf
    assert pmf[0] == pytest.approx(0.8, abs=1e-4)
    assert pmf[-1] == pytest.approx(0.2, abs=1e-4)
    count = layer.sample(20_000, rng=rng).sum(axis=1)
    assert np.isin(count, [0, 50]).mean() > 0.999
    assert agrees(stats.binomtest(int((count == 50).sum()), count.size, 0.2).pvalue)


@pytest.mark.parametrize("mixing", ["beta", "probit"])
def test_silence_mirrors_activity(mixing):
    """Not so for two points, whose coin is as rare as the units."""
    quiet, loud = (process(mixing, 20, rate).predict().population_pmf for rate in (0.2, 0.8))
    np.testing.assert_allclose(quiet, loud[::-1], rtol=1e-9)


@MIXING
@pytest.mark.parametrize("n_units", [1, 63, 64, 65])
def test_any_width(mixing, n_units, agrees, rng):
    active = process(mixing, n_units).sample(5000, rng=rng)
    assert active.shape == (5000, n_units)
    assert agrees(stats.binomtest(int(active[:, -1].sum()), 5000, RATE).pvalue)
    assert process(mixing, n_units).predict().population_pmf.size == n_units + 1


@pytest.mark.parametrize(
    ("change", "error", "sentence"),
    [
        ({"rate": 0}, ValueError, r"rate must lie in \(0, 1\), got 0"),
        ({"rate": 1.0}, ValueError, r"rate must lie in \(0, 1\), got 1"),
        ({"rate": float("nan")}, ValueError, "rate must be finite, got nan"),
        ({"rate": [0.1, 0.2]}, TypeError, r"rate must be one number, got shape \(2,\)"),
        ({"rate": "0.1"}, TypeError, "rate must hold numbers, got str"),
        ({"correlation": 0.0}, ValueError, r"correlation must lie in \(0, 1\), got 0"),
        (
            {"correlation": -0.1},
            ValueError,
            r"correlation must lie in \(0, 1\), got -0\.1: 3 units of rate 0\.2 reach -0\.25, by "
            r"PopulationBernoulli\.from_correlation",
        ),
        (
            {"correlation": -0.1, "n_units": 1},
            ValueError,
            r"correlation must lie in \(0, 1\), got -0\.1$",
        ),
        ({"correlation": 1}, ValueError, r"correlation must lie in \(0, 1\), got 1"),
        ({"correlation": 1e-310}, ValueError, "correlation must be at least 1e-300, got 1e-310"),
        (
            {"correlation": 1 - 1e-12, "mixing": "probit"},
            ValueError,
            r"correlation must lie below 1 - 1e-8 \(probit\), got 0\.999999999999",
        ),
        ({"n_units": 0}, ValueError, "n_units must be at least 1, got 0"),
        ({"n_units": 3.0}, TypeError, r"n_units must be a whole number, got 3\.0"),
        ({"mixing": "gamma"}, ValueError, "mixing must be one of beta, probit, two-point; got 'gamma'"),
        ({"mixing": None}, ValueError, "mixing must be one of beta, probit, two-point; got None"),
    ],
)
def test_impossible_layers_are_named(change, error, sentence):
    with pytest.raises(error, match=sentence):
        ExchangeableBernoulli(
            **{"n_units": 3, "rate": RATE, "correlation": CORRELATION, "mixing": "beta", **change}
        )


def test_the_remedy_that_is_named_for_negative_correlations_works():
    least = least_correlation(3, RATE)
    assert least == pytest.approx(-0.25)
    remedy = PopulationBernoulli.from_correlation(n_units=3, rate=RATE, correlation=least)
    assert remedy.predict().correlation[0, 1] == pytest.approx(-0.25)


@MIXING
def test_the_law_of_the_count_is_computed_when_asked_for_and_for_wide_layers_too(mixing, monkeypatch):
    layer = process(mixing, 100_000, 1e-3, 0.02)
    with monkeypatch.context() as patched:
        for name in ("_beta_binomial_pmf", "alike_pmf", "binomial_mixture_pmf"):
            patched.setattr(f"rote.simulate.exchangeable.{name}", None)
        law = layer.predict()
        assert law.rate[-1] == 1e-3
        assert law.participation_ratio > 1
        with pytest.raises(TypeError, match="not callable"):  # the test can fail
            _ = law.population_pmf
    count = np.arange(100_001)
    variance = law.population_pmf @ (count - 100.0) ** 2
    assert law.population_pmf.sum() == pytest.approx(1, abs=1e-11)
    assert law.population_pmf @ count == pytest.approx(100.0, rel=1e-9)
    assert variance == pytest.approx(law.population_variance, rel=1e-9)


@pytest.mark.parametrize("loading", [0.0, 0.3, 0.95, 1 - 1e-9])
def test_units_alike_have_the_law_that_is_convolved_unit_by_unit(loading):
    expected = one_factor_pmf(np.full(60, 0.03), loading)
    np.testing.assert_allclose(alike_pmf(60, 0.03, loading), expected, rtol=1e-9, atol=1e-18)


def test_mixtures_of_binomials_are_scipys_into_the_tails():
    chance, share = (
        np.array([0.0, 1e-6, 0.02, 0.5, 0.999, 1.0]),
        np.array([0.1, 0.2, 0.3, 0.2, 0.1, 0.1]),
    )
    expected = share @ stats.binom.pmf(np.arange(301), 300, chance[:, None])
    np.testing.assert_allclose(binomial_mixture_pmf(300, chance, share), expected, rtol=1e-11)


def test_mixing_is_never_chosen_for_the_caller():
    with pytest.raises(TypeError, match="mixing"):
        ExchangeableBernoulli(n_units=3, rate=RATE, correlation=CORRELATION)
