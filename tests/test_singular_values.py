"""Singular values of random matrices: known limits, and draws."""

import numpy as np
import pytest
from scipy import integrate, optimize, stats

from rote.simulate.singular_values import expected_singular_values


def draw(a, b, noise_sd, rng):
    normal = rng.standard_normal((2, a.size, b.size))
    return np.sqrt(a)[:, None] * normal[0] * np.sqrt(b) + noise_sd * normal[1]


@pytest.mark.parametrize(("n_units", "n_inputs"), [(100, 400), (300, 120), (200, 200)])
def test_equal_units_and_inputs_follow_marchenko_and_pastur(n_units, n_inputs):
    n_least, n_most = sorted((n_units, n_inputs))
    low, high = (np.sqrt(n_most) - np.sqrt(n_least)) ** 2, (np.sqrt(n_most) + np.sqrt(n_least)) ** 2

    def above(x):
        angle = np.arccos(np.clip((2 * x - low - high) / (high - low), -1, 1))
        middle, half = (high + low) / 2, (high - low) / 2
        place = lambda t: (half * np.sin(t)) ** 2 / (middle + half * np.cos(t)) / (2 * np.pi)  # noqa: E731
        return integrate.quad(place, 0, angle)[0]

    values = expected_singular_values(np.ones(n_units), np.ones(n_inputs))
    assert values.shape == (n_least,)
    for rank in (0, n_least // 10, n_least // 2, 9 * n_least // 10):
        due = optimize.brentq(lambda x, r=rank: above(x) - r - 0.5, low + 1e-9, high)
        assert values[rank] == pytest.approx(np.sqrt(due), rel=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("noise_sd", [0.0, 0.7])
@pytest.mark.parametrize(("n_units", "n_inputs"), [(150, 250), (250, 150)])
def test_unequal_ones_are_those_drawn(n_units, n_inputs, noise_sd, rng):
    a = stats.gamma.ppf((np.arange(n_units) + 0.5) / n_units, 1.0)
    b = stats.gamma.ppf((np.arange(n_inputs) + 0.5) / n_inputs, 2.0)
    b[:100] = 0
    values = expected_singular_values(a, b, noise_sd)
    drawn = [np.linalg.svd(draw(a, b, noise_sd, rng), compute_uv=False) for _ in range(20)]
    seen = np.mean(drawn, axis=0)
    rank = min(n_units, n_inputs if noise_sd else n_inputs - 100)
    assert (values[rank:] == 0).all()
    most = slice(0, int(0.9 * rank))  # the least ones, next to 0, are off by more
    np.testing.assert_allclose(values[most], seen[most], rtol=0.06)
    assert np.square(values).sum() == pytest.approx(np.square(seen).sum(), rel=0.02)
    of_rows = np.sqrt(np.sort(a)[::-1][: values.size] * b.sum() + noise_sd**2 * n_inputs)
    assert np.abs(of_rows[most] / seen[most] - 1).max() > 0.3


def test_nothing_has_no_singular_values():
    assert not expected_singular_values(np.zeros(3), np.ones(4)).any()
    assert expected_singular_values(np.zeros(3), np.zeros(400), 2.0) == pytest.approx(
        2 * np.sqrt(400), rel=0.1
    )
