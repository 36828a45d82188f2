"""Laws of weights: their densities, landmarks and draws, and two ways to read an exponent off."""

import numpy as np
import pytest
from scipy import integrate, stats
from scipy.special import gammaln

from rote.activity.weights import GAUSSIAN_RATIO, LAPLACE_RATIO
from rote.simulate import GeneralizedNormal, VarianceGamma
from rote.simulate.weight_laws import gamma_ratio

WEIGHT = np.array([-7.0, -1.5, -0.3, 1e-3, 0.1, 0.8, 2.5, 6.0])
EXPONENTS = [0.4, 1.0, 1.3, 2.0, 5.0]
SHAPES = [0.3, 0.5, 1.0, 2.5, 49.9, 50.6, 3000.0]


@pytest.mark.parametrize("exponent", EXPONENTS)
def test_generalized_normal_is_scipys(exponent):
    law = GeneralizedNormal(exponent=exponent, sd=1.7)
    twin = stats.gennorm(exponent, scale=law.scale)
    np.testing.assert_allclose(law.pdf(WEIGHT), twin.pdf(WEIGHT), rtol=1e-12)
    np.testing.assert_allclose(law.cdf(WEIGHT), twin.cdf(WEIGHT), rtol=1e-9)
    assert twin.std() == pytest.approx(1.7)
    assert law.excess_kurtosis == pytest.approx(float(twin.stats("k")), abs=1e-9)
    size = 2 * integrate.quad(lambda w: w * twin.pdf(w), 0, np.inf)[0]
    assert law.l1_l2_ratio == pytest.approx(size / 1.7, rel=1e-6)


def test_laplace_and_gaussian_are_the_landmarks():
    laplace, gaussian = GeneralizedNormal(exponent=1.0), GeneralizedNormal(exponent=2.0)
    assert (laplace.l1_l2_ratio, laplace.excess_kurtosis) == pytest.approx((LAPLACE_RATIO, 3))
    assert gaussian.l1_l2_ratio == pytest.approx(GAUSSIAN_RATIO)
    np.testing.assert_allclose(laplace.pdf(WEIGHT), VarianceGamma(sd=1, shape=1).pdf(WEIGHT), rtol=1e-12)
    np.testing.assert_allclose(laplace.cdf(WEIGHT), VarianceGamma(sd=1, shape=1).cdf(WEIGHT), atol=1e-14)
    np.testing.assert_allclose(gaussian.pdf(WEIGHT), VarianceGamma(sd=1).pdf(WEIGHT), rtol=1e-12)
    assert VarianceGamma(sd=1, shape=1).l1_l2_ratio == pytest.approx(LAPLACE_RATIO)
    assert VarianceGamma(sd=1).l1_l2_ratio == pytest.approx(GAUSSIAN_RATIO)
    assert GeneralizedNormal.matching(l1_l2_ratio=LAPLACE_RATIO).exponent == pytest.approx(1, rel=1e-9)
    assert GeneralizedNormal.matching(l1_l2_ratio=GAUSSIAN_RATIO).exponent == pytest.approx(2, rel=1e-9)


@pytest.mark.parametrize("exponent", [0.6, 1.0, 1.5, 2.0])
def test_two_readings_of_the_exponent_agree_on_its_own_draws(exponent, agrees, rejects, rng):
    weights = GeneralizedNormal(exponent=exponent, sd=0.02).sample((40, 4000), rng=rng)
    likely = [GeneralizedNormal.fit(row) for row in weights]
    ratio = np.abs(weights).mean(axis=1) / np.sqrt(np.square(weights).mean(axis=1))
    matched = [GeneralizedNormal.matching(l1_l2_ratio=one).exponent for one in ratio]
    for read in ([law.exponent for law in likely], matched):
        assert agrees(stats.ttest_1samp(read, exponent).pvalue)
        assert rejects(stats.ttest_1samp(read, 1.08 * exponent).pvalue)
    assert np.mean([law.sd for law in likely]) == pytest.approx(0.02, rel=0.05)


def test_two_readings_part_on_weights_of_another_law(rng):
    """Variance-gamma weights of shape ½ have the L1/L2 ratio of q = .71, but a sharper peak."""
    law = VarianceGamma(sd=1.0, shape=0.5)
    assert GeneralizedNormal.matching(l1_l2_ratio=law.l1_l2_ratio).exponent == pytest.approx(
        0.707, abs=1e-3
    )
    assert GeneralizedNormal.fit(law.sample((100_000,), rng=rng)).exponent < 0.66


@pytest.mark.parametrize(
    "law", [GeneralizedNormal(exponent=0.7), VarianceGamma(sd=2, shape=0.7, mean=1)]
)
def test_draws_follow_the_distribution_function(law, agrees, rejects, rng):
    draws = law.sample((30_000,), rng=rng)
    assert agrees(stats.kstest(draws, law.cdf).pvalue)
    assert rejects(stats.kstest(1.15 * draws, law.cdf).pvalue)


@pytest.mark.parametrize("shape", SHAPES)
def test_variance_gamma_is_a_mixture_of_normals(shape):
    """Density and distribution function against the integral over the variance that defines them."""
    law = VarianceGamma(sd=1.3, shape=shape, mean=0.2)
    low, high = (
        np.log(shape) - min(12 / np.sqrt(shape) + 40 / shape, 300),
        np.log(shape + 12 * shape**0.5 + 40),
    )
    log = np.linspace(low, high, 40_001)
    chance = np.exp(shape * log - np.exp(log) - gammaln(shape))
    spread = 1.3 * np.exp(log / 2) / np.sqrt(shape)
    for weight in WEIGHT:
        density = np.trapezoid(chance * stats.norm.pdf(weight, 0.2, spread), log)
        assert law.pdf(weight) == pytest.approx(density, rel=1e-7)
        below = np.trapezoid(chance * stats.norm.cdf(weight, 0.2, spread), log)
        assert law.cdf(weight) == pytest.approx(below, abs=1e-9)
    near = VarianceGamma(sd=1.3, shape=1.1 * shape, mean=0.2)
    assert np.abs(near.pdf(WEIGHT) / law.pdf(WEIGHT) - 1).max() > 1e-4


def test_variance_gamma_moments():
    law = VarianceGamma(sd=0.7, shape=1.5, mean=-0.4)
    for order, moment in enumerate(law.moments, start=1):
        halves = [
            integrate.quad(lambda w, n=order: w**n * law.pdf(w), *ends)[0]
            for ends in ((-20, -0.4), (-0.4, 20))
        ]
        assert moment == pytest.approx(sum(halves), rel=1e-8)
    about = integrate.quad(lambda w: (w + 0.4) * law.pdf(w), -0.4, 20)[0]
    assert law.l1_l2_ratio == pytest.approx(2 * about / 0.7, rel=1e-8)
    assert law.pdf(-0.4) == pytest.approx(law.pdf(-0.4 + 1e-9), rel=1e-6)
    assert VarianceGamma(sd=1, shape=0.5).pdf(0.0) == np.inf


def test_gamma_ratio_rises_from_sparse_to_gaussian():
    shape = np.array([1e-3, 0.3, 1.0, 7.0, 49.0, 51.0, 400.0])
    due = np.exp(gammaln(shape + 0.5) - gammaln(shape)) / np.sqrt(shape) * GAUSSIAN_RATIO
    np.testing.assert_allclose(gamma_ratio(shape), due, rtol=1e-9)
    assert gamma_ratio(np.inf) == pytest.approx(GAUSSIAN_RATIO)


@pytest.mark.parametrize("shape", [0.4, 1.0, np.inf])
def test_a_sum_takes_one_draw(shape, agrees, rejects, rng):
    law = VarianceGamma(sd=0.5, shape=shape, mean=0.1)
    sums = law.sample_sums(np.full(20_000, 7), rng=rng)
    of_seven = VarianceGamma(sd=0.5 * np.sqrt(7), shape=7 * shape, mean=0.7)
    assert agrees(stats.kstest(sums, of_seven.cdf).pvalue)
    assert agrees(stats.ks_2samp(sums, law.sample((20_000, 7), rng=rng).sum(axis=1)).pvalue)
    of_five = VarianceGamma(sd=0.5 * np.sqrt(5), shape=5 * shape, mean=0.7)
    assert rejects(stats.kstest(sums, of_five.cdf).pvalue)
    assert not law.sample_sums(np.zeros(3, dtype=np.int64), rng=rng).any()


@pytest.mark.parametrize(
    ("law", "error", "sentence"),
    [
        (
            lambda: GeneralizedNormal(exponent=0.0),
            ValueError,
            r"exponent must lie in \[0\.05, 100\], got 0",
        ),
        (lambda: GeneralizedNormal(exponent=1, sd=0), ValueError, "sd must be above 0, got 0"),
        (
            lambda: GeneralizedNormal(exponent=[1, 2]),
            TypeError,
            "exponent must be one number, got shape",
        ),
        (
            lambda: GeneralizedNormal.matching(l1_l2_ratio=0.9),
            ValueError,
            r"l1_l2_ratio must lie in \(.*, 0\.86596\), got 0\.9",
        ),
        (lambda: GeneralizedNormal.fit(np.zeros(4)), ValueError, "weight must hold more than zeros"),
        (lambda: GeneralizedNormal.fit([1.0, -1.0]), ValueError, "no exponent .* is most likely"),
        (lambda: VarianceGamma(sd=1, shape=0), ValueError, "shape must be above 0, got 0"),
        (lambda: VarianceGamma(sd=np.nan), ValueError, "sd must be finite, got nan"),
        (
            lambda: VarianceGamma(sd=1).sample((2,), rng=7),
            TypeError,
            "rng must be a numpy.random.Generator",
        ),
    ],
)
def test_impossible_laws_are_named(law, error, sentence):
    with pytest.raises(error, match=sentence):
        law()
