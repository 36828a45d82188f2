"""The likelihood of a pool of weights in the two parameters of a law, tabulated once.

Of independent weights under a law of parameter a (an exponent, a shape) and scale, only how often each
size occurs is of account. Log-sizes are put on a grid of spacing ``STEP`` by Lagrange's formula on the
six nodes around each [1]_, once for any number of weights: with c_m the sums of their six shares,

    Σ_j f(ln|w_j|) ≈ Σ_m c_m f(t_m),

exact for polynomials of degree 5 in ln|w| between nodes. What is left is a sum over at most a thousand
nodes, tabulated as a tensor product of Chebyshev polynomials in (ln a, ln E|w|), doubling the degree
until points in between are met to ``TOLERANCE``. The mean size is nearly orthogonal to a, the standard
deviation of a heavy-tailed law is not, so that a box in these two just holds the likelihood.

The box holds all points within ``DROP`` nats of the maximum, unless the range of a ends before; beyond
such an end the likelihood goes on level, beyond the others it falls by ``DROP`` for each half-width.

.. [1] Press et al., Numerical Recipes, 3rd ed., section 3.2.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from numpy.polynomial.chebyshev import chebval2d
from scipy.fft import dctn

from ..activity.arrays import Floats

STEP = 1 / 32  # of ln|w|
DROP = 25.0  # nats below the maximum at which a point is out of the question
TOLERANCE = 1e-3  # nats; of the polynomials, where the likelihood is within DROP of its maximum
MOST_DEGREE = 64
SCAN = 13  # points each way that look for the maximum
EDGE = 1 - 1e-9  # arccos has no slope at 1

type LogDensity = Callable[[Floats, float], Floats]
"""Log-density at sizes |w| (m,) of the law of parameter a and mean size 1."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sizes:
    """How often sizes occur in a pool of weights without zeros."""

    log_size: Floats  # (n_nodes,)
    share: Floats  # (n_nodes,) of sum n_weights; some may be negative
    n_weights: int

    @classmethod
    def of(cls, weight: Floats) -> "Sizes":
        """Return the sizes of ``weight`` of any shape, none of them 0."""
        place = np.log(np.abs(weight)).ravel() / STEP
        left = np.floor(place)
        place, left = place - left, left.astype(np.int64)
        first = left.min() - 2
        n_nodes = left.max() - first + 4
        share = np.zeros(n_nodes)
        for node in range(-2, 4):
            others = [other for other in range(-2, 4) if other != node]
            factor = np.prod([(place - other) / (node - other) for other in others], axis=0)
            share += np.bincount(left - first + node, factor, n_nodes)
        used = share != 0
        return cls(
            log_size=STEP * (first + np.flatnonzero(used)), share=share[used], n_weights=place.size
        )

    @property
    def log_mean(self) -> float:
        """Logarithm of the mean size."""
        return float(np.log(self.share @ np.exp(self.log_size) / self.n_weights))

    def log_likelihood(self, log_density: LogDensity, x: Floats, y: Floats) -> Floats:
        """Return the log-likelihood at x = ln a and y = ln E|w|: ``(len(x), len(y))``."""
        size = np.exp(self.log_size - np.asarray(y)[:, None])
        rows = [log_density(size, float(np.exp(one))) @ self.share for one in x]
        return np.array(rows) - self.n_weights * np.asarray(y)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Surface:
    """A log-likelihood in (ln a, ln E|w|), less its highest value seen."""

    middle: Floats  # (2,) of the box
    half: Floats  # (2,)
    level: Floats  # (2,) 1 where an end of ln a is that of its range, low and high, else 0
    coefficient: Floats  # (degree + 1, degree + 1)
    best: float  # what is left out

    @classmethod
    def tabulate(cls, sizes: Sizes, log_density: LogDensity, low: float, high: float) -> "Surface":
        """Tabulate for a in [low, high]; raises ``ValueError`` if the polynomials are not enough."""

        def function(points: Floats) -> Floats:  # of points of the box, the same for both
            return sizes.log_likelihood(log_density, *(middle[:, None] + half[:, None] * points))

        ends = np.log([low, high])
        box, best = _box(sizes, log_density, ends)
        middle, half = box.mean(axis=1), np.diff(box, axis=1)[:, 0] / 2
        degree = 8
        while degree <= MOST_DEGREE:
            coarse = _coefficient(function(_points(degree)) - best)
            between = np.cos(np.pi * (np.arange(degree) + 0.5) / degree)
            value = function(between) - best
            error = np.abs(chebval2d(*np.meshgrid(between, between, indexing="ij"), coarse) - value)
            if np.max(error[value > -DROP], initial=0.0) < TOLERANCE:
                level = (box[0] == ends).astype(float)
                return cls(middle=middle, half=half, level=level, coefficient=coarse, best=best)
            degree *= 2
        raise ValueError(
            f"weight must be of sizes that vary smoothly, got a likelihood that polynomials of degree "
            f"{MOST_DEGREE} miss by {error.max():.2g} nats"
        )

    def __call__(self, x: Floats, y: Floats) -> Floats:
        """Evaluate in the box at x = ln a and y = ln E|w|, of one shape."""
        u, v = (x - self.middle[0]) / self.half[0], (y - self.middle[1]) / self.half[1]
        return chebval2d(u, v, self.coefficient)


def surface_logp(surface: Surface, x: pt.TensorVariable, y: pt.TensorVariable) -> pt.TensorVariable:
    """Return the log-likelihood, its best value put back, as a graph; for use in a model's context."""
    middle, half = pm.Data("box_middle", surface.middle), pm.Data("box_half", surface.half)
    level, coefficient = pm.Data("box_level", surface.level), pm.Data("coefficient", surface.coefficient)
    u, v = (x - middle[0]) / half[0], (y - middle[1]) / half[1]
    order = pt.arange(coefficient.shape[0])
    across, along = (pt.cos(order * pt.arccos(pt.clip(place, -EDGE, EDGE))) for place in (u, v))
    beyond = (1 - level[0]) * pt.maximum(-1 - u, 0) + (1 - level[1]) * pt.maximum(u - 1, 0)
    beyond += pt.maximum(pt.abs(v) - 1, 0)
    return across @ coefficient @ along - DROP * beyond + pm.Data("best", surface.best)


def _box(sizes: Sizes, log_density: LogDensity, ends: Floats) -> tuple[Floats, float]:
    """Return a box ``(2, 2)`` that just holds all points within ``DROP``, and the highest value."""
    box = np.array([ends, sizes.log_mean + np.array([-3.0, 3.0])])
    while True:
        points = [np.linspace(*pair, SCAN) for pair in box]
        value = sizes.log_likelihood(log_density, *points)
        near = value > value.max() - DROP
        inside = [np.flatnonzero(near.any(axis=1 - axis)) for axis in (0, 1)]
        first = [max(each[0] - 1, 0) for each in inside]
        last = [min(each[-1] + 1, SCAN - 1) for each in inside]
        box = np.array([[p[a], p[b]] for p, a, b in zip(points, first, last, strict=True)])
        if all(b - a > SCAN // 2 for a, b in zip(first, last, strict=True)):
            return box, float(value.max())


def _points(degree: int) -> Floats:
    return np.cos(np.pi * np.arange(degree + 1) / degree)


def _coefficient(value: Floats) -> Floats:
    """Chebyshev coefficients in both variables of the polynomial through values at cos(πj/n)."""
    degree = len(value) - 1
    coefficient = dctn(value, type=1) / degree**2
    coefficient[[0, -1]] /= 2
    coefficient[:, [0, -1]] /= 2
    return coefficient
