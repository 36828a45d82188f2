"""Laws of magnitudes: the null and its link to the rate, families, loudness, draws given activity."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import ndtr, ndtri

from rote.simulate import (
    IndependentBernoulli,
    RectifiedMagnitude,
    ScaledMagnitude,
    loudness,
    null_scale,
    sample_magnitudes,
)
from rote.simulate.magnitude_families import FAMILIES, FIXED

FREE = [family for family in FAMILIES if family not in FIXED]
VARIATION = np.array([0.3, 0.8, 1.5])
MEAN = np.array([0.5, 1.0, 20.0])


def laws():
    yield RectifiedMagnitude(threshold=[-8.0, -0.5, 4.0], scale=[3.0, 1.0, 0.5])
    for family in FAMILIES:
        yield ScaledMagnitude(family=family, mean=MEAN, variation=None if family in FIXED else VARIATION)


@pytest.fixture(params=list(laws()), ids=["null", *FAMILIES])
def law(request):
    return request.param


def test_density_has_the_mean_and_variance_that_are_told(law):
    logarithm = np.linspace(-120, 15, 30_001)[:, None]
    value = law.mean * np.exp(logarithm)
    density = np.exp(law.log_density(value)) * value  # of the logarithm
    total, first, second = (
        np.trapezoid(value**power * density, logarithm, axis=0) for power in range(3)
    )
    assert total == pytest.approx(1, rel=1e-9)
    assert first == pytest.approx(law.mean, rel=1e-9)
    assert second - first**2 == pytest.approx(law.variance, rel=1e-7)


def test_distribution_function_is_the_integral_of_the_density_and_undoes_the_quantile(law):
    share = np.array([1e-6, 0.1, 0.5, 0.9, 1 - 1e-6])[:, None]
    value = law.quantile(share)
    assert law.cdf(value) == pytest.approx(np.broadcast_to(share, (5, 3)), rel=1e-7)
    step = 1e-5 * law.mean
    middle = value[1:4]
    slope = (law.cdf(middle + step) - law.cdf(middle - step)) / (2 * step)
    assert np.log(slope) == pytest.approx(law.log_density(middle), abs=1e-4)


def test_chosen_units_have_their_own_law(law):
    units = np.array([2, 0, 2])
    for of in (law.quantile, law.cdf, law.log_density):
        assert of(np.full(3, 0.4), units) == pytest.approx(of(np.full(3, 0.4))[units])


def test_null_is_scipys_truncated_normal():
    law = next(laws())
    twin = stats.truncnorm(-law.threshold, np.inf, loc=law.scale * law.threshold, scale=law.scale)
    value = law.quantile(np.array([0.02, 0.5, 0.97])[:, None])
    assert law.log_density(value) == pytest.approx(twin.logpdf(value), rel=1e-9)
    assert law.cdf(value) == pytest.approx(twin.cdf(value), rel=1e-9)
    assert law.mean == pytest.approx(twin.mean(), rel=1e-9)
    assert law.variance == pytest.approx(twin.var(), rel=1e-6)


def test_rate_fixes_the_null_and_a_rarer_unit_is_quieter():
    rate = np.array([1e-300, 1e-9, 1e-3, 0.1, 0.5, 0.9, 1 - 1e-9])
    law = RectifiedMagnitude.from_rate(rate, scale=2.0)
    assert law.rate == pytest.approx(rate, rel=1e-12)
    assert (np.diff(law.mean) > 0).all()
    assert law.mean[4] == pytest.approx(2 * np.sqrt(2 / np.pi))  # half-normal
    assert law.variation[4] == pytest.approx(FIXED["half-normal"])
    assert law.variation[0] == pytest.approx(1, abs=2e-3)  # all but exponential
    assert law.mean[0] == pytest.approx(2 / -ndtri(1e-300), rel=2e-3)


@pytest.mark.parametrize("family", FREE)
def test_families_meet_at_the_exponential_or_at_the_normal(family):
    one = ScaledMagnitude(family=family, mean=[3.0], variation=1.0)
    narrow = ScaledMagnitude(family=family, mean=[3.0], variation=0.002)
    value = np.linspace(0.2, 9, 7)[:, None]
    exponential = one.log_density(value) == pytest.approx(stats.expon(scale=3).logpdf(value), abs=1e-9)
    assert exponential == (family != "log-normal")
    near = np.array([[2.994], [3.0], [3.006]])
    normal = narrow.cdf(near) == pytest.approx(stats.norm(3, 0.006).cdf(near), abs=2e-3)
    assert normal == (family != "Weibull")


@pytest.mark.parametrize("family", FAMILIES)
def test_matching_keeps_mean_and_variation(family):
    null = RectifiedMagnitude.from_rate([0.01, 0.3, 0.99], scale=0.7)
    match = ScaledMagnitude.matched(family, null)
    assert match.mean == pytest.approx(null.mean)
    due = null.variation if family in FREE else np.full(3, FIXED[family])
    assert match.variation == pytest.approx(due)


def test_loudness_is_one_at_the_null_and_its_scale_is_found():
    rate = np.array([0.0, 0.02, 0.3, 0.8, 1.0, 0.5])
    null = RectifiedMagnitude.from_rate(rate[1:4], scale=2.5).mean
    magnitude = np.array([np.nan, *null, 4.0, 0.0])
    assert null_scale(rate, magnitude) == pytest.approx(2.5)
    nan = np.nan
    loud = loudness(rate, magnitude, scale=2.5)
    assert loud == pytest.approx([nan, 1, 1, 1, nan, nan], nan_ok=True)
    assert loudness(rate, 3 * magnitude, scale=2.5) == pytest.approx(3 * loud, nan_ok=True)


def fit(active, loud, law):
    """Kolmogorov-Smirnov p-values of the magnitudes of each unit."""
    return [
        stats.kstest(
            loud[active[:, unit], unit], lambda a, u=unit: law.cdf(a[:, None], np.array([u])).ravel()
        ).pvalue
        for unit in range(law.n_units)
    ]


def test_draws_follow_their_law_and_no_other_whoever_is_active(law, rng, agrees, rejects):
    active = IndependentBernoulli(rate=[0.2, 0.9, 0.5]).sample(20_000, rng=rng)
    loud = sample_magnitudes(active, law, rng=rng)
    assert loud.dtype == np.float32
    assert np.array_equal(loud > 0, active)
    assert agrees(fit(active, loud, law))
    near = ScaledMagnitude(family="gamma", mean=1.07 * law.mean, variation=law.variation)
    assert rejects(fit(active, loud, near))
    between = stats.pearsonr(*loud[active.all(axis=1)][:, :2].T).pvalue
    assert agrees(between)  # independent given who is active


def test_draws_are_a_function_of_example_and_unit(law):
    everyone = np.ones((40, 3), dtype=np.bool_)
    some = np.random.default_rng(1).random((40, 3)) < 0.4
    loud, fewer = (
        sample_magnitudes(active, law, rng=np.random.default_rng(2)) for active in (everyone, some)
    )
    assert np.array_equal(fewer, np.where(some, loud, 0))


def test_rounding_silences_no_active_unit():
    faint = ScaledMagnitude(family="gamma", mean=[1e-30], variation=30.0)
    assert (
        sample_magnitudes(np.ones((500, 1), dtype=np.bool_), faint, rng=np.random.default_rng(0)) > 0
    ).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: RectifiedMagnitude.from_rate([0.2, 1.0]),
            r"rate must lie in \(0, 1\), got 1.0 at unit 1",
        ),
        (
            lambda: RectifiedMagnitude(threshold=[0.0], scale=0.0),
            "scale must be above 0, got 0.0 at unit 0",
        ),
        (
            lambda: RectifiedMagnitude(threshold=[0.0, 1.0], scale=[1.0, 1.0, 1.0]),
            r"scale must be one number or one for each of 2 units, got shape \(3,\)",
        ),
        (
            lambda: ScaledMagnitude(family="Cauchy", mean=[1.0]),
            "family must be one of half-normal, exponential, gamma, log-normal, Weibull; got 'Cauchy'",
        ),
        (
            lambda: ScaledMagnitude(family="gamma", mean=[1.0]),
            "variation of the gamma law must be given",
        ),
        (
            lambda: ScaledMagnitude(family="exponential", mean=[1.0], variation=2.0),
            "variation of the exponential law is fixed, got 2.0",
        ),
        (
            lambda: ScaledMagnitude(family="Weibull", mean=[1.0, 1.0], variation=[1.0, 1e-4]),
            r"variation must lie in \[0.001, 1000\], got 0.0001 at unit 1",
        ),
        (
            lambda: ScaledMagnitude(family="half-normal", mean=[1.0, -1.0]),
            "mean must be above 0, got -1.0 at unit 1",
        ),
        (
            lambda: loudness([0.1, 0.2], [1.0], scale=1.0),
            r"mean_magnitude must have shape \(2,\), got \(1,\)",
        ),
        (
            lambda: null_scale([0.0, 1.0], [1.0, 1.0]),
            r"rate must lie in \(0, 1\) for some unit that has a magnitude, got none",
        ),
        (
            lambda: sample_magnitudes(
                np.ones((2, 2), dtype=np.bool_),
                RectifiedMagnitude(threshold=[0.0], scale=1.0),
                rng=np.random.default_rng(),
            ),
            "active must have 1 units, got 2",
        ),
    ],
)
def test_impossible_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_rare_draws_keep_their_law_at_a_threshold_of_forty(rng, agrees):
    law = RectifiedMagnitude(threshold=[-37.0], scale=1.0)
    assert law.rate[0] == pytest.approx(ndtr(-37.0))
    loud = sample_magnitudes(np.ones((20_000, 1), dtype=np.bool_), law, rng=rng)
    assert agrees(stats.kstest(loud[:, 0], stats.expon(scale=law.mean[0]).cdf).pvalue)
