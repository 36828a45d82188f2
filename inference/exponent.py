"""Posterior of an exponent: a straight line between two logarithms, of which both were measured.

Unit i has the true log-quantity ξ_i, measured as x_i, and y_i goes with it as a power does:

    ξ_i ~ N(x_center, x_spread²),                 x_i ~ N(ξ_i, error_x_i²),
    y_i ~ intercept + exponent·ξ_i + noise_i,     noise_i of scale √(spread² + error_y_i²),

with known standard errors of measurement. The true ξ_i is integrated out (Kelly, Astrophys. J. 665,
1489, 2007, equations 13-17 for one component). With s_i = x_spread²/(x_spread² + error_x_i²),

    x_i ~ N(x_center, x_spread² + error_x_i²),
    y_i | x_i ~ intercept + exponent·(x_center + s_i (x_i - x_center)) + noise of scale
                √(spread² + error_y_i² + exponent² s_i error_x_i²).

A plain least-squares slope is too flat by the mean of s_i; adding exponent² error_x² to the variance
without the shrinkage, the "effective variance", does not repair that. Without errors of x this is
ordinary regression, whatever the law of x. With them it rests on a normal law of ξ, to which it is the
less sensitive the smaller the errors are beside the spread of x.

Noise is normal, or Student's t of ``prior.freedom`` degrees, under which a few units off the line do not
move it; ``spread`` is then the scale of t, not its standard deviation, and measurement error shares the
tails. Units are taken as independent given the line.

The chain moves in the height of the line at the mean of x, which the data tell apart from its slope. The
height and the slope given it have the joint normal law that independent normal priors of ``intercept``
and ``exponent`` imply, so the priors are those of :class:`ExponentPrior`, whatever the data.
"""

from dataclasses import dataclass

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from numpy.typing import ArrayLike
from scipy.special import digamma, polygamma

from ..activity.arrays import Counts, Floats
from ..activity.checks import as_floats, unit_values

LEAST_UNITS = 3  # two lie on a line, whatever it is


@dataclass(frozen=True, slots=True, kw_only=True)
class ExponentPrior:
    """Priors of one layer's line, and its noise."""

    exponent: tuple[float, float] = (0.5, 1.0)  # mean, sd: about from -1 to 2
    intercept: tuple[float, float] = (0.0, 5.0)  # mean, sd of y at x = 0: any order of magnitude
    spread: tuple[float, float] = (0.3, 1.0)  # median and sd of the logarithm: 0.06 to 1.6
    x_center: tuple[float, float] = (-2.0, 3.0)  # mean, sd: log-rates of 0.1 % and up
    x_spread: tuple[float, float] = (1.0, 1.0)  # median and sd of the logarithm: 0.2 to 5
    freedom: float = np.inf  # degrees of Student's t noise, above 0; inf is normal, 4 is robust

    def __post_init__(self) -> None:
        if not self.freedom > 0:
            raise ValueError(f"freedom must be above 0, got {self.freedom}")


def exponent_model(
    x: ArrayLike,
    y: ArrayLike,
    *,
    error_x: ArrayLike = 0.0,
    error_y: ArrayLike = 0.0,
    prior: ExponentPrior = ExponentPrior(),
) -> pm.Model:
    """Build the model of one layer's units from two logarithms of shape ``(n_units,)``.

    Errors are standard deviations of measurement, one or one for each unit. Raises ``ValueError`` for
    fewer than three units, or arrays that do not fit each other.
    """
    x, y = unit_values("x", x), unit_values("y", y)
    if x.size != y.size or x.size < LEAST_UNITS:
        raise ValueError(
            f"x and y must hold one number for each of {LEAST_UNITS} units or more, got "
            f"{x.size} and {y.size}"
        )
    error_x, error_y = _errors("error_x", error_x, x.size), _errors("error_y", error_y, x.size)
    with pm.Model() as model:
        middle = pm.Data("middle", x.mean())
        x_seen, y_seen = pm.Data("x_seen", x), pm.Data("y_seen", y)
        x_variance = pm.Data("error_x", error_x) ** 2
        y_variance = pm.Data("error_y", error_y) ** 2
        exponent, intercept = _line(prior, middle)
        median, log_sd = prior.spread
        spread = pm.LogNormal("spread", np.log(median), log_sd)
        x_center = pm.Normal("x_center", *prior.x_center)
        median, log_sd = prior.x_spread
        x_spread = pm.LogNormal("x_spread", np.log(median), log_sd)
        total = x_spread**2 + x_variance
        share = x_spread**2 / total
        pm.Normal("x", x_center, total**0.5, observed=x_seen)
        mean = intercept + exponent * (x_center + share * (x_seen - x_center))
        scale = (spread**2 + y_variance + exponent**2 * share * x_variance) ** 0.5
        if prior.freedom == np.inf:
            pm.Normal("y", mean, scale, observed=y_seen)
        else:
            pm.StudentT("y", nu=prior.freedom, mu=mean, sigma=scale, observed=y_seen)
    return model


def log_rate(count: Counts, n_examples: int) -> tuple[Floats, Floats]:
    """Return logarithms of the rates of units active on ``count`` > 0 examples, and their errors.

    They are mean and standard deviation of ln p where ln p itself is flat a priori, so that p ~ Beta(k,
    T - k + 1): the normal law that stands best for the likelihood k ln p + (T - k) ln(1 - p) when it is
    averaged over a law of ln p that is broader. (Jeffreys' prior adds ½ to k, which lifts rare units,
    and rates then come out too alike and exponents too steep.)
    """
    variance = polygamma(1, count) - polygamma(1, n_examples + 1)
    return digamma(count) - digamma(n_examples + 1), np.sqrt(variance)


def _line(
    prior: ExponentPrior, middle: pt.TensorVariable
) -> tuple[pt.TensorVariable, pt.TensorVariable]:
    """Add height, slope and intercept, the latter two with independent normal priors."""
    (slope, slope_sd), (base, base_sd) = prior.exponent, prior.intercept
    height_variance = base_sd**2 + (middle * slope_sd) ** 2
    height = pm.Normal("height", base + slope * middle, height_variance**0.5)
    pull = middle * slope_sd**2 / height_variance
    exponent = pm.Normal(
        "exponent",
        slope + pull * (height - base - slope * middle),
        slope_sd * base_sd / height_variance**0.5,
    )
    return exponent, pm.Deterministic("intercept", height - exponent * middle)


def _errors(name: str, error: ArrayLike, n_units: int) -> Floats:
    """Return one standard error for each unit."""
    error = as_floats(name, error)
    if error.shape not in ((), (n_units,)):
        raise ValueError(f"{name} must be one number or have shape ({n_units},), got {error.shape}")
    if error.min() < 0:
        raise ValueError(f"{name} must be at least 0, got {error.min()}")
    return np.broadcast_to(error, n_units).copy()
