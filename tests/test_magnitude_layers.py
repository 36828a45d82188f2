"""Scales over a layer and their link to the rate: laws, the null's own exponent, error messages."""

import numpy as np
import pytest
from scipy import stats

from rote.simulate import MagnitudeLink, RectifiedMagnitude, UnitScales, null_exponent

N_UNITS = 4_000


def normal_p(standing):
    return stats.kstest(standing, "norm").pvalue


def test_scales_are_log_normal_and_no_other(agrees, rejects, rng):
    log_scale = np.log(UnitScales(n_units=N_UNITS, center=-1.0, spread=0.4).sample(rng=rng))
    assert agrees(normal_p((log_scale + 1.0) / 0.4))
    assert rejects(normal_p((log_scale + 1.0) / 0.5))
    assert rejects(normal_p((log_scale + 0.9) / 0.4))


def test_magnitudes_go_with_a_power_of_the_rate(agrees, rejects, rng):
    law = MagnitudeLink(intercept=0.5, exponent=0.3, spread=0.2)
    rate = rng.uniform(0.001, 1, size=N_UNITS)
    noise = np.log(law.sample(rate, rng=rng)) - 0.5
    assert agrees(normal_p((noise - 0.3 * np.log(rate)) / 0.2))
    assert rejects(normal_p((noise - 0.35 * np.log(rate)) / 0.2))
    still = MagnitudeLink(intercept=0.5, exponent=0.3, spread=0.0).sample([1.0, 0.25], rng=rng)
    np.testing.assert_allclose(still, [np.exp(0.5), np.exp(0.5) * 0.25**0.3])


def test_nulls_exponent_is_the_slope_of_its_magnitudes():
    rate = np.array([1e-12, 1e-4, 0.02, 0.5, 0.9, 0.9999])
    step = 1e-7
    ends = [RectifiedMagnitude.from_rate(rate * np.exp(sign * step)).mean for sign in (1, -1)]
    slope = (np.log(ends[0]) - np.log(ends[1])) / (2 * step)
    np.testing.assert_allclose(null_exponent(rate), slope, rtol=1e-5)
    assert null_exponent(0.5) == pytest.approx(np.pi / 2 - 1)  # 1 - m² over m², m² = 2/π
    h = stats.norm.ppf(1e-300)
    assert null_exponent(1e-300) * h**2 == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: UnitScales(n_units=0, center=0, spread=1), "n_units must be at least 1, got 0"),
        (lambda: UnitScales(n_units=2, center=np.inf, spread=1), "center must be finite, got inf"),
        (lambda: UnitScales(n_units=2, center=0, spread=-1), "spread must be at least 0, got -1"),
        (
            lambda: MagnitudeLink(intercept=0, exponent=0, spread=-0.1),
            r"spread must be at least 0, got -0\.1",
        ),
        (lambda: MagnitudeLink(intercept=np.nan, exponent=0, spread=1), "intercept must be finite"),
        (
            lambda: MagnitudeLink(intercept=0, exponent=0, spread=1).sample([0.0], rng=None),
            r"rate must lie in \(0, 1\], got 0",
        ),
        (lambda: null_exponent([0.5, 1.0]), r"rate must lie in \(0, 1\), got 1\.0 at unit 1"),
    ],
)
def test_what_is_impossible_is_named(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
