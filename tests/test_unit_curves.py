"""Curves of units under a law of the layer: against adaptive quadrature, in all regimes of width."""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
from scipy import integrate, stats

from rote.inference.unit_curves import UnitCurves, law_weights, unit_logp

LOW, HIGH = -6.0, 6.0
PEAK = np.array([-1.0, 0.2, 0.9, 2.5])
WIDTH = np.array([0.0004, 0.05, 0.5, 2.0])  # far below the spacing of .06, and far above
LAWS = [(0.0, 1.0), (0.5, 0.3), (-1.0, 2.0)]


def hills(x):
    return -(((x - PEAK[:, None]) / WIDTH[:, None]) ** 2) / 2 - 3.0


@pytest.fixture(scope="module")
def curves():
    return UnitCurves.tabulate(hills, 4, low=LOW, high=HIGH)


def reference(unit, center, spread):
    """The integral by SciPy, and the same for the law's part in [LOW, HIGH]."""

    def density(x):
        return np.exp(hills(np.full((4, 1), x))[unit, 0]) * stats.norm.pdf(x, center, spread)

    ends = np.clip(PEAK[unit] + np.array([-9, 9]) * WIDTH[unit], LOW, HIGH)
    total = integrate.quad(density, *ends, points=[PEAK[unit]], epsabs=0, epsrel=1e-9, limit=400)[0]
    return np.log(total) - np.log(np.diff(stats.norm.cdf([LOW, HIGH], center, spread))[0])


@pytest.mark.parametrize("law", LAWS)
def test_averages_are_those_of_quadrature(law, curves):
    due = [reference(unit, *law) for unit in range(4)]
    assert curves.log_likelihood(*law) == pytest.approx(due, abs=0.04)


def test_a_curve_flat_to_one_side_keeps_its_plateau():
    curves = UnitCurves.tabulate(lambda x: -np.logaddexp(0, 3 * x), 1, low=LOW, high=HIGH)
    center, spread = -1.0, 0.8
    due = integrate.quad(
        lambda x: stats.norm.pdf(x, center, spread) / (1 + np.exp(3 * x)), LOW, HIGH, epsrel=1e-10
    )[0]
    assert curves.log_likelihood(center, spread)[0] == pytest.approx(np.log(due), abs=1e-3)


def test_a_law_narrower_than_the_spacing_is_as_smooth_as_a_wider_one(curves):
    centers = np.linspace(0.2, 0.32, 41)
    value = curves.log_likelihood(centers, np.full(41, 1e-3))[:, 2]
    assert np.abs(value - hills(np.tile(centers, (4, 1)))[2]).max() < 0.01


def test_the_graph_is_its_numpy_twin(curves):
    center, spread = pt.dscalar(), pt.dscalar()
    with pm.Model() as model:
        terms = unit_logp(curves, center, spread)
    evaluate = model.compile_fn(terms, inputs=[center, spread], mode="FAST_COMPILE", point_fn=False)
    for law in LAWS:
        assert evaluate(*law) == pytest.approx(curves.log_likelihood(*law), abs=1e-10)


def test_units_shrink_towards_the_law_as_much_as_they_are_unsure(curves):
    center, spread = np.full(3, 0.5), np.full(3, 1.0)
    mean, sd = curves.unit_posterior(center, spread)
    keep = 1 / (1 + WIDTH**2)
    assert mean == pytest.approx(0.5 + keep * (PEAK - 0.5), abs=0.01)
    assert sd[1:] == pytest.approx(np.sqrt(WIDTH**2 * keep)[1:], rel=0.15)
    assert sd[0] < 0.06  # narrower than the spacing is told as the spacing


def test_weights_sum_to_one_for_any_law():
    weight = law_weights(
        np.linspace(LOW, HIGH, 201), np.array([-50.0, 0.01, 4.0]), np.array([1e-9, 1, 99])
    )
    assert weight.sum(axis=-1) == pytest.approx(1)


@pytest.mark.parametrize("value", [np.nan, -np.inf])
def test_a_unit_without_a_likelihood_is_named(value):
    def broken(x):
        out = -(x**2)
        out[1] = value
        return out

    with pytest.raises(ValueError, match="must be finite somewhere, got none for unit 1"):
        UnitCurves.tabulate(broken, 2, low=LOW, high=HIGH)
