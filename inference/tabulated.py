"""Functions of one variable, tabulated once and evaluated in a PyMC graph with an exact gradient.

A log-likelihood that depends on the data through thousands of terms, but on one parameter only, is
interpolated at the Chebyshev points x_j = cos(πj/n) of an interval [low, high] (Trefethen,
*Approximation Theory and Approximation Practice*, SIAM 2013, chapters 3 and 8):

    f(x) ≈ Σ_k c_k cos(k arccos x),    x = (2 point - low - high) / (high - low).

For an analytic f the error falls geometrically with the degree. It is measured: the points of degree
2n hold those of degree n, and the interpolant of degree n is held against f at the new ones before the
finer one is returned. Outside [low, high] the function goes on along its tangents.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytensor.tensor as pt
from numpy.polynomial import chebyshev
from scipy.fft import dct

from ..activity.arrays import Floats

EDGE = 1 - 1e-6  # arccos has no slope at 1; the last millionth counts as outside


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tabulated:
    """Chebyshev interpolants, one for each leading index of ``coefficient``."""

    low: Floats  # (...)
    high: Floats  # (...)
    coefficient: Floats  # (..., degree + 1)
    falls: bool = False  # whether to go on level where a tangent would rise away from the interval

    @property
    def slope(self) -> Floats:
        """Slopes in x of the tangents at the low and the high end: ``(..., 2)``."""
        order = np.arange(self.coefficient.shape[-1]) ** 2  # T_k'(1) = k², T_k'(-1) = -(-1)^k k²
        sign = (-1.0) ** np.arange(1, order.size + 1)
        slope = np.stack([self.coefficient @ (sign * order), self.coefficient @ order], axis=-1)
        return np.where(slope * [1, -1] < 0, 0.0, slope) if self.falls else slope

    @classmethod
    def stack(cls, tables: list["Tabulated"]) -> "Tabulated":
        """Return several tables as one with a new leading axis; coefficients are padded with zeros."""
        longest = max(table.coefficient.shape[-1] for table in tables)
        return cls(
            falls=all(table.falls for table in tables),
            low=np.array([table.low for table in tables]),
            high=np.array([table.high for table in tables]),
            coefficient=np.array([_pad(table.coefficient, longest) for table in tables]),
        )

    def __call__(self, point: Floats) -> Floats:
        """Evaluate a single table at ``point`` of any shape."""
        x = (2 * np.asarray(point) - self.low - self.high) / (self.high - self.low)
        inside = np.clip(x, -EDGE, EDGE)
        tangent = np.where(x < 0, self.slope[0], self.slope[1])
        return chebyshev.chebval(inside, self.coefficient) + tangent * (x - inside)


def tabulate(
    function: Callable[[Floats], Floats],
    low: float,
    high: float,
    *,
    tolerance: float,
    most: int = 256,
    falls: bool = False,
) -> Tabulated:
    """Interpolate ``function`` (array in, array out) on [low, high] to an error below ``tolerance``.

    Raises ``ValueError`` if a polynomial of degree ``most`` does not reach it.
    """
    middle, half = (low + high) / 2, (high - low) / 2
    degree = 8
    values = function(middle + half * np.cos(np.pi * np.arange(degree + 1) / degree))
    error = np.inf
    while 2 * degree <= most:
        coefficient = _coefficients(values)
        new = np.cos(np.pi * np.arange(1, 2 * degree, 2) / (2 * degree))
        between = function(middle + half * new)
        error = np.max(np.abs(chebyshev.chebval(new, coefficient) - between))
        finer = np.empty(2 * degree + 1)
        finer[::2], finer[1::2] = values, between
        values, degree = finer, 2 * degree
        if error < tolerance:
            return Tabulated(
                low=np.float64(low),
                high=np.float64(high),
                coefficient=_coefficients(values),
                falls=falls,
            )
    raise ValueError(
        f"function must be smooth on [{low:.4g}, {high:.4g}]: a polynomial of degree {degree // 2} "
        f"misses it by {error:.2g}, allowed {tolerance:.2g}"
    )


def evaluate(
    point: pt.TensorLike,
    *,
    low: pt.TensorLike,
    high: pt.TensorLike,
    slope: pt.TensorLike,
    coefficient: pt.TensorLike,
) -> pt.TensorVariable:
    """Return the tabulated functions at ``point`` (...) as a graph; shapes as in :class:`Tabulated`."""
    x = (2 * point - low - high) / (high - low)
    inside = pt.clip(x, -EDGE, EDGE)
    tangent = pt.where(x < 0, slope[..., 0], slope[..., 1])
    order = pt.arange(coefficient.shape[-1])
    basis = pt.cos(order * pt.arccos(inside)[..., None])
    return (coefficient * basis).sum(axis=-1) + tangent * (x - inside)


def _coefficients(values: Floats) -> Floats:
    """Chebyshev coefficients of the polynomial through ``values`` at cos(πj/n), j = 0..n."""
    degree = values.size - 1
    coefficient = dct(values, type=1) / degree
    coefficient[[0, -1]] /= 2
    return coefficient


def _pad(coefficient: Floats, size: int) -> Floats:
    return np.pad(coefficient, (*[(0, 0)] * (coefficient.ndim - 1), (0, size - coefficient.shape[-1])))
