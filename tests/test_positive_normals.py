"""A normal variable above zero, against quadrature of its definition; its covariance with another."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats
from scipy.special import ndtr, ndtri

from rote.simulate.bivariate import binary_covariance
from rote.simulate.positive_normals import inverse_mills, positive_moments, rectified_moments
from rote.simulate.rectified_pairs import rectified_covariance

THRESHOLDS = [-40.0, -12.0, -3.1, -3.0, -2.9, -1.0, 0.0, 0.5, 3.0, 8.0]


def tilted_moments(h):
    """Moments of x > 0 under exp(hx - x²/2), in units in which nothing over- or underflows."""
    peak = max(h, 0.0)
    width = 1 / max(1.0, -h)

    def moment(power):
        def density(x):
            return x**power * np.exp(h * (x - peak) - (x**2 - peak**2) / 2)

        return integrate.quad(
            density, 0, peak + 40 * width, points=[peak + width], epsabs=0, epsrel=1e-13, limit=400
        )[0]

    norm = moment(0)
    mean = moment(1) / norm
    return mean, moment(2) / norm - mean**2


@pytest.mark.parametrize("h", THRESHOLDS)
def test_moments_above_zero_are_those_of_the_density(h):
    mean, variance = tilted_moments(h)
    got = positive_moments(h)
    assert got[0] == pytest.approx(mean, rel=1e-12)
    assert got[1] == pytest.approx(variance, rel=1e-10)  # the quadrature's difference loses digits


@given(st.floats(-40, 35))
def test_mills_ratio_ties_the_moments_together(h):
    mean, variance = positive_moments(h)
    mills = inverse_mills(h)
    assert mean == pytest.approx(h + mills, rel=1e-12, abs=1e-13 * abs(h))
    # d/dh of the mean is the variance: nothing but the definition of an exponential family
    step = 1e-4 * max(1.0, abs(h))
    slope = (positive_moments(h + step)[0] - positive_moments(h - step)[0]) / (2 * step)
    assert slope == pytest.approx(variance, rel=1e-5)


def test_rare_magnitudes_become_exponential():
    mean, variance = positive_moments(np.array([-1e3, -1e6]))
    assert mean * [1e3, 1e6] == pytest.approx(1, rel=1e-5)
    assert variance / mean**2 == pytest.approx(1, rel=1e-5)


@pytest.mark.parametrize("h", [-2.0, 0.0, 1.5])
def test_rectified_moments_are_those_of_the_two_parts(h):
    def moment(power):
        return integrate.quad(lambda x: (x + h) ** power * stats.norm.pdf(x), -h, 12, epsrel=1e-12)[0]

    mean, variance = rectified_moments(h)
    assert mean == pytest.approx(moment(1), rel=1e-10)
    assert variance == pytest.approx(moment(2) - moment(1) ** 2, rel=1e-9)


def pair(h, k, r):
    return rectified_covariance([h, k], [[1.0, r], [r, 1.0]])[0, 1]


def rosenbaum(h, k, r):
    """E[(x + h)⁺ (y + k)⁺] (Rosenbaum 1961, for thresholds below), less the product of means."""
    own = np.sqrt(1 - r**2)
    law = stats.multivariate_normal(cov=[[1, r], [r, 1]])
    pdf = stats.norm.pdf
    joint = (
        (r + h * k) * law.cdf([h, k])
        + h * pdf(k) * ndtr((h - r * k) / own)
        + k * pdf(h) * ndtr((k - r * h) / own)
        + own**2 * law.pdf([h, k])
    )
    return joint - (h * ndtr(h) + pdf(h)) * (k * ndtr(k) + pdf(k))


@pytest.mark.parametrize("r", [-0.95, -0.3, 0.2, 0.7, 0.99])
def test_covariance_is_rosenbaums_moment_less_the_product(r):
    for h in (-1.5, -0.5, 0.0, 1.0, 2.5):
        for k in (-1.0, 0.0, 0.3, 2.0):
            assert pair(h, k, r) == pytest.approx(rosenbaum(h, k, r), abs=1e-10)


@given(st.floats(-1, 1))
def test_half_active_units_give_the_arc_cosine_kernel(r):
    """Cho and Saul (2009), equation 6, at n = 1."""
    angle = np.arccos(r)
    kernel = (np.sin(angle) + (np.pi - angle) * r) / (2 * np.pi)
    assert pair(0.0, 0.0, r) == pytest.approx(kernel - 1 / (2 * np.pi), abs=1e-15)


@pytest.mark.parametrize("r", [-0.9, -0.2, 0.1, 0.6, 0.999])
def test_covariance_is_the_integral_of_the_binary_one_over_latent_correlation(r):
    """Price's theorem, the kernel's slow twin: rare pairs keep their digits."""
    for h in (-6.0, -3.0, -0.5, 1.0):
        for k in (-5.0, -1.0, 2.0):
            p, q = ndtr(h), ndtr(k)

            def joint(angle, p=p, q=q):
                both = binary_covariance(p, q, np.sin(angle)) + p * q
                return float(both * np.cos(angle))

            due = integrate.quad(joint, 0, np.arcsin(r), epsabs=0, epsrel=1e-11, limit=200)[0]
            assert pair(h, k, r) == pytest.approx(due, rel=1e-8, abs=0)


@given(st.floats(-6, 6))
def test_units_of_one_latent_variable_have_the_units_own_variance(h):
    mean, variance = rectified_moments(h)
    assert pair(h, h, 1.0) == pytest.approx(variance, rel=1e-9)
    other = rectified_moments(-h)[0]
    assert pair(h, -h, -1.0) == pytest.approx(-mean * other, rel=1e-7)  # never active together


def test_a_matrix_is_its_pairs_whatever_the_rows_of_a_thread(rng):
    vectors = rng.normal(size=(37, 5))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    latent = np.clip(vectors @ vectors.T, -1, 1)
    np.fill_diagonal(latent, 1.0)
    h = ndtri(rng.uniform(0.001, 0.999, 37))
    matrix = rectified_covariance(h, latent)
    assert np.array_equal(matrix, matrix.T)
    assert np.array_equal(np.diag(matrix), rectified_moments(h)[1])
    for one, other in [(0, 1), (3, 36), (20, 7), (35, 36)]:
        assert matrix[one, other] == pair(h[min(one, other)], h[max(one, other)], latent[one, other])
    assert np.linalg.eigvalsh(matrix)[0] > -1e-12


@pytest.mark.parametrize(
    ("latent", "message"),
    [
        (np.eye(3), r"correlation must have shape \(2, 2\), got \(3, 3\)"),
        ([[1, 1.5], [1.5, 1]], r"correlation must lie in \[-1, 1\], got 1.5"),
    ],
)
def test_impossible_correlations_are_named(latent, message):
    with pytest.raises(ValueError, match=message):
        rectified_covariance([0.0, 1.0], latent)
