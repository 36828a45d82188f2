"""The line between two logarithms: its graph against SciPy's bivariate normal, and its priors."""

import numpy as np
import pytest
from scipy import stats

from rote.inference.exponent import ExponentPrior, exponent_model
from rote.inference.posterior import sample

X = np.array([-3.0, -1.0, -2.5, 0.3])
Y = np.array([1.0, 2.0, 0.5, 3.0])
ERROR_X = np.array([0.5, 0.0, 0.2, 1.0])
ERROR_Y = np.array([0.1, 0.3, 0.0, 0.2])
POINTS = [
    {"intercept": 1.0, "exponent": 0.7, "spread": 0.4, "x_center": -1.5, "x_spread": 0.8},
    {"intercept": -4.0, "exponent": -1.2, "spread": 0.05, "x_center": 2.0, "x_spread": 3.0},
]


def free(point, middle):
    height = point["intercept"] + point["exponent"] * middle
    return {
        "height": height,
        "exponent": point["exponent"],
        "spread_log__": np.log(point["spread"]),
        "x_center": point["x_center"],
        "x_spread_log__": np.log(point["x_spread"]),
    }


@pytest.mark.parametrize("point", POINTS)
def test_likelihood_is_that_of_two_correlated_measurements(point):
    model = exponent_model(X, Y, error_x=ERROR_X, error_y=ERROR_Y)
    logp = model.compile_logp(vars=model.observed_RVs, jacobian=False, mode="FAST_COMPILE")
    b, own = point["exponent"], point["x_spread"] ** 2
    mean = [point["x_center"], point["intercept"] + b * point["x_center"]]
    expected = sum(
        stats.multivariate_normal(
            mean, [[own + ex**2, b * own], [b * own, b**2 * own + point["spread"] ** 2 + ey**2]]
        ).logpdf([x, y])
        for x, y, ex, ey in zip(X, Y, ERROR_X, ERROR_Y, strict=True)
    )
    assert logp(free(point, X.mean())) == pytest.approx(expected)


@pytest.mark.parametrize("point", POINTS)
def test_students_noise_has_its_freedom(point):
    prior = ExponentPrior(freedom=4.0)
    model = exponent_model(X, Y, error_y=ERROR_Y, prior=prior)
    logp = model.compile_logp(vars=model["y"], jacobian=False, mode="FAST_COMPILE")
    line = point["intercept"] + point["exponent"] * X
    law = stats.t(4, line, np.hypot(point["spread"], ERROR_Y))
    assert logp(free(point, X.mean())) == pytest.approx(law.logpdf(Y).sum())


@pytest.mark.parametrize("point", POINTS)
def test_priors_of_slope_and_intercept_are_independent_whatever_the_data(point):
    prior = ExponentPrior(exponent=(0.3, 0.6), intercept=(-1.0, 2.0))
    for shift in (0.0, -7.0):
        model = exponent_model(X + shift, Y, prior=prior)
        drawn = [model["height"], model["exponent"]]
        logp = model.compile_logp(vars=drawn, jacobian=False, mode="FAST_COMPILE")
        expected = stats.norm(-1, 2).logpdf(point["intercept"])
        expected += stats.norm(0.3, 0.6).logpdf(point["exponent"])
        assert logp(free(point, X.mean() + shift)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"y": Y[:3]}, "x and y must hold one number for each of 3 units or more, got 4 and 3"),
        ({"x": X[:2], "y": Y[:2]}, "each of 3 units or more, got 2 and 2"),
        ({"error_x": np.ones(3)}, r"error_x must be one number or have shape \(4,\), got \(3,\)"),
        ({"error_y": -0.1}, r"error_y must be at least 0, got -0\.1"),
    ],
)
def test_measurements_that_do_not_fit_are_named(change, sentence):
    data = {"x": X, "y": Y} | change
    with pytest.raises(ValueError, match=sentence):
        exponent_model(data.pop("x"), data.pop("y"), **data)


def test_impossible_freedom_is_named():
    with pytest.raises(ValueError, match="freedom must be above 0, got 0"):
        ExponentPrior(freedom=0)


@pytest.mark.slow
def test_errors_of_x_do_not_flatten_the_line(rng):
    """Half of the spread of x is error: the plain slope is half the true one, the posterior's is not."""
    truth = rng.normal(-3, 1, 2000)
    x = truth + rng.normal(0, 1, truth.size)
    y = 1 + 0.8 * truth + rng.normal(0, 0.2, truth.size)
    prior = ExponentPrior()
    tree = sample(exponent_model(x, y, error_x=1.0), kind="exponent", prior=prior, rng=rng)
    exponent = tree["posterior"]["exponent"]
    assert abs(0.8 - exponent.mean()) < stats.norm.isf(0.5e-6) * exponent.std()
    assert stats.linregress(x, y).slope == pytest.approx(0.4, abs=0.1)
