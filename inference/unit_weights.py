"""Posterior of the norms that a layer's units obey, each unit's weights being a piece of their own.

Twin of :class:`rote.simulate.UnitExponents`. Unit i has d_i weights other than 0, generalized normal of
exponent q_i [1]_ and a scale of its own, and

    ln q_i ~ N(ln exponent, exponent_spread²);    a weight is 0 with probability zero_fraction.

What a unit's weights say about its exponent is said by their directions w/|w|, whatever their scale.
The scale integrated out under its invariant prior dα/α gives the likelihood of the directions, up to a
factor without q,

    L_i(q) = [q/(2Γ(1/q))]^d_i Γ(d_i/q) / q · (Σ_j |w_ij|^q)^(-d_i/q),

so units may differ in scale as they like, and how they do is neither assumed nor learned. A unit with a
single weight says nothing: L is level. The curves are tabulated and averaged over the layer's law
(:mod:`rote.inference.unit_curves`), so that a fit costs the same for any number of weights.

Landmarks: exponent 1 is Laplace, what an L1 penalty expects of a unit's weights, 2 Gaussian, what an L2
penalty does; uniform weights press against the end at 10. These are tails *within* units. A pool of
units whose scales differ has heavier ones (:mod:`rote.inference.pooled_weights`).

Units are taken as independent given the law, and so are the weights of a unit. Inputs of unequal
strength give every unit heavy tails, of which the exponent then tells as well; inputs that are zero on
all examples should be left out of the columns.

.. [1] Subbotin (1923), Mat. Sb. 31, 296-301.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from numpy.polynomial.chebyshev import chebval, chebvander
from numpy.typing import ArrayLike
from scipy.special import gammaln

from ..activity.arrays import Floats
from ..activity.checks import as_floats
from .unit_curves import UnitCurves, unit_logp

LOWEST, HIGHEST = np.log([0.1, 10.0])  # logarithms of exponents between which units' own are looked for
DEGREE = 48  # of the polynomials in ln q


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightPrior:
    """Priors of one layer."""

    exponent: tuple[float, float] = (1.5, 0.5)  # median and sd of the logarithm: 0.7 to 3.4
    exponent_spread: tuple[float, float] = (0.1, 1.0)  # median and sd of the logarithm: 0.02 to 0.5
    zero_fraction: tuple[float, float] = (1.0, 1.0)  # Beta shapes: every share equally likely


def weight_model(weight: ArrayLike, *, prior: WeightPrior = WeightPrior()) -> pm.Model:
    """Build the model of a matrix ``(n_units, n_inputs)``, or of its change.

    Raises ``ValueError`` if no unit has two weights other than 0, or for another shape.
    """
    matrix = _as_matrix(weight)
    with pm.Model() as model:
        median, log_sd = prior.exponent
        exponent = pm.LogNormal("exponent", np.log(median), log_sd)
        median, log_sd = prior.exponent_spread
        spread = pm.LogNormal("exponent_spread", np.log(median), log_sd)
        zero_fraction = pm.Beta("zero_fraction", *prior.zero_fraction)
        n_zeros = pm.Data("n_zeros", (matrix == 0).sum(axis=1))
        n_written = pm.Data("n_written", (matrix != 0).sum(axis=1))
        zeros = n_zeros * pt.log(zero_fraction) + n_written * pt.log1p(-zero_fraction)
        pm.Potential("weight", unit_logp(exponent_curves(matrix), pt.log(exponent), spread) + zeros)
    return model


def exponent_curves(weight: ArrayLike) -> UnitCurves:
    """Tabulate each unit's likelihood in the logarithm of its exponent; errors as of the model."""
    matrix = _as_matrix(weight)
    n_written = (matrix != 0).sum(axis=1)
    if n_written.max() < 2:
        raise ValueError(
            f"weight must have a unit with two weights other than 0, got at most {n_written.max()}"
        )
    power = _log_power(matrix)
    number = n_written[:, None]

    def log_likelihood(x: Floats) -> Floats:
        q = np.exp(x)
        peak = number * (x - np.log(2) - gammaln(1 / q)) - x
        value = peak + gammaln(np.maximum(number, 1) / q) - number / q * power(x)
        return np.where(number > 1, value, 0.0)

    return UnitCurves.tabulate(log_likelihood, len(matrix), low=LOWEST, high=HIGHEST)


def _log_power(matrix: Floats) -> Callable[[Floats], Floats]:
    """Return ln Σ_j |w_ij / max|^q of each unit as a function of x = ln q: ``(n_units, n_points)``.

    It is evaluated at Chebyshev points and interpolated (:mod:`rote.inference.tabulated`).
    """
    size = np.abs(matrix)
    largest = size.max(axis=1, keepdims=True)
    with np.errstate(divide="ignore"):
        log_size = np.log(size / np.where(largest > 0, largest, 1.0))
    middle, half = (HIGHEST + LOWEST) / 2, (HIGHEST - LOWEST) / 2
    point = np.cos(np.pi * np.arange(DEGREE + 1) / DEGREE)
    total = np.array([np.exp(np.exp(x) * log_size).sum(axis=1) for x in middle + half * point])
    value = np.log(np.maximum(total, 1.0))  # at least 1 but for a unit of zeros
    coefficient = np.linalg.solve(chebvander(point, DEGREE), value)[..., None]

    def power(x: Floats) -> Floats:
        return chebval((x - middle) / half, coefficient, tensor=False)

    return power


def _as_matrix(weight: ArrayLike) -> Floats:
    matrix = as_floats("weight", weight)
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise ValueError(f"weight must have shape (n_units, n_inputs), got {matrix.shape}")
    return matrix
