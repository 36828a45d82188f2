"""Pairs of Poisson counts of a Gaussian copula: against binary pairs, integrals, and the way back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from rote.simulate.bivariate import binary_covariance
from rote.simulate.poisson_copula import PoissonCopula
from rote.simulate.poisson_pairs import (
    poisson_correlation_bounds,
    poisson_covariance,
    poisson_latent_correlation,
)

MEANS = [(2.0, 2.0), (1e-3, 0.5), (50.0, 3.0), (1e-5, 1e-5), (0.5, 40.0)]


def sum_over_binary_pairs(rate, other, latent):
    """Hoeffding's identity with each pair of tails as a dichotomized Gaussian pair."""
    one, two = (
        stats.poisson.sf(np.arange(int(m + 12 * np.sqrt(m)) + 20), m)[:, None] for m in (rate, other)
    )
    return binary_covariance(one, two.T, latent).sum()


@pytest.mark.parametrize(("rate", "other"), MEANS)
@pytest.mark.parametrize("latent", [-0.999, -0.9, -0.3, 0.0, 1e-9, 0.2, 0.9, 0.901, 0.9999])
def test_covariance_is_the_sum_over_pairs_of_tails(rate, other, latent):
    expected = sum_over_binary_pairs(rate, other, latent)
    assert poisson_covariance(rate, other, latent) == pytest.approx(expected, rel=1e-10, abs=1e-300)


def test_covariance_is_an_integral_of_products():
    """By another road: E[y y'] as a double integral over the normal density."""
    rate, other, latent = 1.3, 0.4, 0.6

    def conditional(z):  # E[y | z] of each count, the two independent given z
        values = []
        for mean in (rate, other):
            step = stats.norm.isf(stats.poisson.sf(np.arange(40), mean))
            values.append(stats.norm.sf((step - np.sqrt(latent) * z) / np.sqrt(1 - latent)).sum())
        return values[0] * values[1] * stats.norm.pdf(z)

    product, _ = integrate.quad(conditional, -9, 9, epsabs=1e-13, epsrel=1e-12, limit=200)
    assert poisson_covariance(rate, other, latent) == pytest.approx(product - rate * other, rel=1e-10)


@pytest.mark.parametrize(("rate", "other"), MEANS)
def test_bounds_are_those_of_counts_that_rise_or_fall_together(rate, other):
    u = (np.arange(400_000) + 0.5) / 400_000
    one, rising = stats.poisson.ppf(u, rate), stats.poisson.ppf(u, other)
    reached = [np.mean(one * two) - rate * other for two in (rising[::-1], rising)]
    lowest, highest = poisson_correlation_bounds(rate, other)
    scale = np.sqrt(rate * other)
    assert [lowest, highest] == pytest.approx(np.array(reached) / scale, rel=2e-2, abs=2e-4)
    assert poisson_covariance(rate, other, [-1, 1]) == pytest.approx([lowest * scale, highest * scale])


def test_rare_counts_cannot_be_opposed():
    lowest, highest = poisson_correlation_bounds(1e-4, 1e-4)
    assert lowest == pytest.approx(-1e-4)
    assert highest == pytest.approx(1)


@given(
    st.floats(-5, 1.5),
    st.floats(-5, 1.5),
    st.floats(0.001, 0.9999),
    st.booleans(),
)
def test_latent_correlation_gives_the_correlation_back(log_rate, log_other, share, opposed):
    rate, other = 10.0**log_rate, 10.0**log_other
    wanted = share * poisson_correlation_bounds(rate, other)[0 if opposed else 1]
    latent = poisson_latent_correlation(rate, other, wanted)
    reached = poisson_covariance(rate, other, latent) / np.sqrt(rate * other)
    assert reached == pytest.approx(wanted, rel=1e-10)


def test_arguments_broadcast():
    rates = np.array([0.2, 1.0, 3.0])
    matrix = poisson_covariance(rates[:, None], rates, 0.3)
    assert matrix.shape == (3, 3)
    assert matrix == pytest.approx(matrix.T, rel=1e-14)
    assert poisson_latent_correlation(rates, 1.0, 0.0).tolist() == [0, 0, 0]


def test_from_correlation_reaches_every_pair():
    rate = np.array([0.05, 0.4, 2.0, 30.0])
    wanted = np.array(
        [[1, 0.3, 0.2, -0.05], [0.3, 1, 0.1, -0.3], [0.2, 0.1, 1, -0.2], [-0.05, -0.3, -0.2, 1]]
    )
    reached = PoissonCopula.from_correlation(rate=rate, correlation=wanted).predict().correlation
    assert reached == pytest.approx(wanted, rel=1e-10)


def test_nearest_keeps_what_can_be_reached_and_says_what_it_gives():
    rate = np.array([1.0, 1.0, 1.0])
    fair = np.array([[1, 0.3, 0.2], [0.3, 1, 0.1], [0.2, 0.1, 1]])
    assert PoissonCopula.nearest(rate=rate, correlation=fair).predict().correlation == pytest.approx(
        fair
    )
    opposed = np.full((3, 3), -0.6) + 1.6 * np.eye(3)
    with pytest.raises(
        ValueError, match=r"positive semi-definite, got smallest eigenvalue -0\.\d+; PoissonC"
    ):
        PoissonCopula.from_correlation(rate=rate, correlation=opposed)
    pairs = PoissonCopula.nearest(rate=rate, correlation=opposed).predict().pair_correlation
    assert np.allclose(pairs, poisson_covariance(1.0, 1.0, -0.5))


def test_unreachable_pairs_are_named_with_their_bounds():
    wanted = np.eye(3)
    wanted[0, 2] = wanted[2, 0] = -0.5
    with pytest.raises(
        ValueError,
        match=r"lie in \[-0\.1, 0\.3\d+\] for units 0 and 2 of mean counts 0\.01 and 1, got -0\.5",
    ):
        PoissonCopula.from_correlation(rate=[0.01, 5.0, 1.0], correlation=wanted)
    with pytest.raises(ValueError, match=r"lie in \[-1, 1\], got -1\.5"):
        poisson_covariance(1.0, 1.0, -1.5)
    with pytest.raises(ValueError, match=r"counts of means 2 and 2, got 1\.1"):
        poisson_latent_correlation(2.0, 2.0, 1.1)
    with pytest.raises(ValueError, match=r"rate must lie in \[1e-09, 10000\], got 0\.0"):
        poisson_correlation_bounds(0.0, 1.0)
    with pytest.raises(ValueError, match=r"rate must lie in \[0, 10000\], got 20000\.0 at unit 1"):
        PoissonCopula(rate=[1.0, 2e4], latent_correlation=np.eye(2))
