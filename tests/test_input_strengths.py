"""Strengths of inputs in few levels: the slow twin, and the sums that they stand for."""

import numpy as np
import pytest
from scipy import integrate

from rote.simulate.input_strengths import InputStrengths

N_INPUTS = 5


@pytest.fixture
def inputs(rng):
    values = rng.standard_normal((70, N_INPUTS)) * np.geomspace(1e-3, 10, N_INPUTS)
    values[:, 2] *= rng.random(70) < 0.2
    values[:, 3] = 0
    return values


def strengths_of(inputs, rates):
    return np.square(inputs[np.arange(rates.size) % len(inputs)] * rates[:, None])


@pytest.mark.parametrize("rates", [np.full(200, 0.7), np.linspace(1, 0, 200)], ids=["one", "falling"])
def test_levels_keep_number_mean_and_mean_square(inputs, rates):
    found, slow = InputStrengths.of(inputs, rates), strengths_of(inputs, rates)
    assert found.presentations == pytest.approx((slow > 0).sum(axis=0))
    for order in (1, 2):
        due = (slow**order).sum(axis=0)
        assert (found.number * found.level**order).sum(axis=1) == pytest.approx(due, rel=1e-9)


def test_transform_is_the_slow_twins(inputs):
    rates = np.linspace(1, 0.2, 200)
    found, slow = InputStrengths.of(inputs, rates), strengths_of(inputs, rates)
    place, rate = np.array([0, 2, 3, 4, 4]), np.array([0.1, 0.02, 0.5, 0.3, 1.0])
    power = np.array([2.0, 1.0, 1.0, 0.5, 0.1])
    u = np.geomspace(1e-3, 1e2, 9) / (0.1 + slow.sum(axis=0)[place, None])
    kernel = found.log_transform(u, place, rate, power)
    level, number = found.level[place][:, None], found.number[place][:, None]
    lost = -np.expm1(-u[..., None] * power[:, None, None] * level)
    twin = (number * np.log1p(-rate[:, None, None] * lost)).sum(axis=-1)
    np.testing.assert_allclose(kernel, twin, rtol=1e-12, atol=1e-15)
    exact = np.stack(
        [
            np.log1p(rate[i] * np.expm1(-u[i][:, None] * power[i] * slow[:, place[i]])).sum(axis=1)
            for i in range(5)
        ]
    )
    np.testing.assert_allclose(kernel, exact, rtol=2e-3, atol=1e-12)


@pytest.mark.parametrize("often", [0.5, 1.0, 5.0])
@pytest.mark.parametrize("start", [0.0, 0.3])
def test_mean_root_is_the_integral_over_all_presentations(often, start, rng):
    inputs = rng.standard_normal((400, 1))
    square, rate = np.square(inputs[:, 0]), often / 400

    def lost(log):
        u = np.exp(log)
        inner = np.log1p(rate * np.expm1(-u * square)).sum() - u * start
        return -np.expm1(inner) * np.exp(-log / 2)

    due = integrate.quad(lost, -40, 40, limit=400, points=[-8, -4, 0, 4])[0] / (2 * np.sqrt(np.pi))
    mean = np.array([rate * square.sum() + start])
    found = InputStrengths.of(inputs, np.ones(400)).mean_root(
        np.zeros(1, dtype=np.int64), np.array([rate]), np.ones(1), mean, start
    )
    assert found == pytest.approx(due, rel=5e-4)
    assert due < 0.97 * np.sqrt(mean)
