"""Pairs of thresholded normals, against other algebra: series, conditional form, arcsine, bounds."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats
from scipy.special import ndtr, ndtri

from rote.simulate.bivariate import binary_covariance, correlation_bounds, latent_correlation

RATES = [1e-12, 1e-6, 1e-3, 0.05, 0.3, 0.5, 0.9, 1 - 1e-6]
rates = st.floats(1e-6, 1 - 1e-6)


def tetrachoric_series(rate, other, r, n_terms=120):
    """φ(h) φ(k) Σ_n rⁿ⁺¹ He_n(h) He_n(k) / (n + 1)! (Pearson 1900), He_n/√n! by recurrence."""
    h, k = ndtri(rate), ndtri(other)
    now, before, total = np.ones(2), np.zeros(2), 0.0
    for n in range(n_terms):
        total += r ** (n + 1) / (n + 1) * now.prod()
        now, before = (np.array([h, k]) * now - np.sqrt(n) * before) / np.sqrt(n + 1), now
    return stats.norm.pdf(h) * stats.norm.pdf(k) * total


def conditional_form(rate, other, r):
    """∫_{x > -h} φ(x) [Φ((k + r x)/√(1 - r²)) - Φ(k)] dx, in relative precision."""
    h, k = ndtri(rate), ndtri(other)
    own = np.sqrt(1 - r**2)

    def joint(x):
        return stats.norm.pdf(x) * (ndtr((k + r * x) / own) - other)

    places = np.unique(np.clip([-h + 0.1, -h + 1, -k / r, -k / r - 6 * own, -k / r + 6 * own], -h, 12))
    edges = [-h, *places[(places > -h) & (places < 12)], 12]
    return sum(
        integrate.quad(joint, *edge, epsabs=0, epsrel=1e-12, limit=200)[0] for edge in pairwise(edges)
    )


@pytest.mark.parametrize("r", [-0.5, -1e-9, 1e-9, 0.01, 0.3, 0.5])
def test_covariance_is_the_tetrachoric_series(r):
    for rate in RATES[1:]:  # for rarer pairs the series needs more terms than floats can carry
        for other in RATES[1:]:
            if r * (rate - 0.5) * (other - 0.5) >= 0:  # else its terms cancel
                expected = tetrachoric_series(rate, other, r)
                assert binary_covariance(rate, other, r) == pytest.approx(expected, rel=1e-11, abs=0)


@pytest.mark.parametrize("r", [0.1, 0.5, 0.9, 0.99, 0.9999])
def test_covariance_is_the_conditional_integral(r):
    for rate in [1e-6, 1e-3, 0.05, 0.3, 0.5]:
        for other in [1e-6, 1e-3, 0.05, 0.3, 0.5]:
            expected = conditional_form(rate, other, r)
            assert binary_covariance(rate, other, r) == pytest.approx(expected, rel=1e-9, abs=0)


@pytest.mark.parametrize("r", [-0.95, -0.3, 0.3, 0.95])
def test_covariance_is_scipys_joint_probability_less_the_product(r):
    for rate, other in [(0.05, 0.3), (0.5, 0.5), (0.9, 0.2)]:
        joint = stats.multivariate_normal.cdf([ndtri(rate), ndtri(other)], cov=[[1, r], [r, 1]])
        assert binary_covariance(rate, other, r) == pytest.approx(joint - rate * other, abs=1e-9)


@given(st.floats(-1, 1))
def test_half_rates_give_the_arcsine_law(r):
    assert binary_covariance(0.5, 0.5, r) == pytest.approx(np.arcsin(r) / (2 * np.pi), rel=1e-13, abs=0)


@given(rates, rates, st.floats(-1, 1))
def test_covariance_has_the_symmetries_of_its_definition(rate, other, r):
    covariance = binary_covariance(rate, other, r)
    one, two = 1 - rate, 1 - other
    close = {"rel": 1e-7, "abs": 0}  # 1 - rate keeps ten digits of a rate of 1e-6, its logarithm fewer
    assert binary_covariance(other, rate, r) == pytest.approx(covariance, rel=1e-12, abs=0)
    assert binary_covariance(one, two, r) == pytest.approx(covariance, **close)
    assert binary_covariance(one, other, -r) == pytest.approx(-covariance, **close)


@given(rates, rates)
def test_full_latent_correlation_reaches_the_frechet_bounds(rate, other):
    scale = np.sqrt(rate * (1 - rate) * other * (1 - other))
    lowest, highest = correlation_bounds(rate, other)
    assert binary_covariance(rate, other, 1.0) == pytest.approx(highest * scale, rel=1e-9, abs=0)
    assert binary_covariance(rate, other, -1.0) == pytest.approx(lowest * scale, rel=1e-9, abs=0)


@given(rates, rates)
def test_bounds_are_those_of_the_joint_probability(rate, other):
    lowest, highest = correlation_bounds(rate, other)
    scale = np.sqrt(rate * (1 - rate) * other * (1 - other))
    assert highest * scale + rate * other == pytest.approx(min(rate, other), rel=1e-12)
    assert lowest * scale + rate * other == pytest.approx(max(0, rate + other - 1), abs=1e-15)
    assert -1 - 1e-15 <= lowest < 0 < highest <= 1 + 1e-15


@pytest.mark.parametrize("bound", [0, 1], ids=["below", "above"])
@given(rates, rates, st.one_of(st.floats(1e-100, 0.999), st.floats(0.999, 1 - 1e-5)))
def test_latent_correlation_gives_the_covariance_that_was_asked_for(bound, rate, other, share):
    correlation = share * correlation_bounds(rate, other)[bound]
    reached = binary_covariance(rate, other, latent_correlation(rate, other, correlation))
    asked = correlation * np.sqrt(rate * (1 - rate) * other * (1 - other))
    assert reached == pytest.approx(asked, rel=1e-10, abs=0)


@pytest.mark.parametrize("bound", [0, 1], ids=["below", "above"])
@pytest.mark.parametrize("short", [1e-6, 1e-7, 1e-8, 1e-10, 0.0])
def test_next_to_the_bound_a_covariance_is_met_as_far_as_a_latent_number_can_say(bound, short):
    rate, other = np.meshgrid(RATES[1:], RATES[1:])
    wanted = (1 - short) * correlation_bounds(rate, other)[bound]
    latent = latent_correlation(rate, other, wanted)
    reached = binary_covariance(rate, other, latent)
    asked = wanted * np.sqrt(rate * (1 - rate) * other * (1 - other))
    step = 2.0**-53 / np.sqrt(2 * np.maximum(1 - np.abs(latent), 2.0**-53))
    assert (np.abs(reached / asked - 1) <= 4 * step + 1e-12).all()


@pytest.mark.parametrize("rate", [0.05, 0.01, 1e-3, 1e-4, 1e-6])
def test_rare_pairs_reach_a_correlation_of_a_twentieth(rate):
    """The case that R's bindata and simstudy miss by factors of two to eight at rates of 1e-4."""
    latent = latent_correlation(rate, rate, 0.05)
    assert conditional_form(rate, rate, latent) / (rate * (1 - rate)) == pytest.approx(0.05, rel=1e-9)


@pytest.mark.parametrize("other", [0.2, 0.3, 0.8])
def test_correlation_at_its_bound_is_reached(other):
    for bound in correlation_bounds(0.2, other):
        reached = binary_covariance(0.2, other, latent_correlation(0.2, other, bound))
        assert reached == pytest.approx(bound * 0.4 * np.sqrt(other * (1 - other)), rel=1e-7, abs=0)
    assert latent_correlation(0.2, 0.2, 1.0) == pytest.approx(1.0, abs=1e-12)
    assert latent_correlation(0.2, other, 0.0) == 0.0


def test_arguments_broadcast_and_numbers_give_numbers():
    matrix = binary_covariance(np.array([0.1, 0.2])[:, None], [0.1, 0.2, 0.3], 0.4)
    assert matrix.shape == (2, 3)
    assert matrix[1, 2] == binary_covariance(0.2, 0.3, 0.4)
    assert latent_correlation([0.1, 0.2], 0.2, 0.1)[1] == latent_correlation(0.2, 0.2, 0.1)
    assert binary_covariance(0.1, 0.2, 0.3).shape == ()
    assert binary_covariance([], 0.2, 0.3).shape == (0,)


def test_a_unit_that_never_changes_has_no_covariance():
    assert binary_covariance([0.0, 1.0, 0.5], [0.5, 0.5, 0.0], [0.9, -1.0, 1.0]).tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (
            lambda: binary_covariance(0.1, 1.1, 0.3),
            ValueError,
            r"other must lie in \[0, 1\], got 1\.1",
        ),
        (lambda: binary_covariance(np.nan, 0.1, 0.3), ValueError, "rate must be finite, got nan"),
        (
            lambda: binary_covariance(0.1, 0.1, [0.3, -1.5]),
            ValueError,
            r"latent_correlation must lie in \[-1, 1\], got -1\.5",
        ),
        (lambda: correlation_bounds(0, 0.5), ValueError, r"rate must lie in \(0, 1\), got 0"),
        (
            lambda: correlation_bounds(0.5, [0.5, 1]),
            ValueError,
            r"other .* \(0, 1\), got 1\.0 at unit 1",
        ),
        (lambda: latent_correlation(0.1, 1, 0.3), ValueError, r"other must lie in \(0, 1\), got 1"),
        (lambda: latent_correlation(0.1, 0.1, "x"), TypeError, "correlation must hold numbers, got str"),
        (
            lambda: latent_correlation(0.1, [0.1, 0.4], 0.5),
            ValueError,
            r"must lie in \[-0\.2721.*, 0\.4082.*\] for units of rates 0\.1 and 0\.4, got 0\.5",
        ),
        (
            lambda: latent_correlation(1e-3, 1e-3, -0.01),
            ValueError,
            r"must lie in \[-0\.001001, 1\] for units of rates 0\.001 and 0\.001, got -0\.01",
        ),
    ],
)
def test_impossible_pairs_are_named_with_their_bound(call, error, sentence):
    with pytest.raises(error, match=sentence):
        call()
