"""Dichotomized Gaussian activity with any latent correlation matrix.

    u = h + L e,    s_i = 1 where u_i > 0,    h_i = Φ⁻¹(rate_i),    L Lᵀ = R,    e normal

so that units i and j have the covariance Φ₂(h_i, h_j; R_ij) - rate_i rate_j [1]_;
:meth:`LatentGaussian.from_correlation` solves for the R that gives binary correlations, pair by pair.

L e is a product in single precision of triangular L with fast normal numbers; where u_i is nearer to
0 than the greatest error of that product, (n + 3) 2⁻²⁴ ‖e‖ whatever the order of summation [2]_, it is
computed again in double precision. So the activity depends neither on the blocks nor on the threads nor
on the linear algebra library. The work is n_units²/2 operations for an example: where a few factors
say as much, :class:`~rote.simulate.factors.FactorGaussian` is faster.

.. [1] Emrich and Piedmonte (1991), The American Statistician 45, 302-304.
.. [2] Higham (2002), Accuracy and Stability of Numerical Algorithms, equation 3.13.
"""

from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg.blas import strmm
from scipy.special import ndtri

from ..activity.arrays import Activity, Floats
from ..activity.checks import check_probability, unit_values
from ..activity.kernel import kernel
from ..activity.streams import Key, draw_keys
from .bivariate import binary_covariance, binary_slope
from .correlation_matrices import check_correlation_matrix, factored, latent_matrix
from .nearest import Reach, nearest_reachable
from .normals import ERROR, exact_normals, fast_normals, fill_normals
from .prediction import PairPrediction
from .process import Draw, Process

_SINGLE = 2.0**-24  # rounding of single precision
_REMEDY = "LatentGaussian.nearest draws the nearest reachable correlations"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LatentGaussian(Process):
    """Units with rates of their own and a latent correlation for every pair."""

    rate: Floats  # (n_units,) probability that a unit is active, in [0, 1]
    latent_correlation: Floats  # (n_units, n_units) positive semi-definite, ones on its diagonal
    factor: Floats = field(init=False, repr=False)  # L, lower triangular

    def __post_init__(self) -> None:
        name = "latent_correlation"
        rate = unit_values("rate", check_probability("rate", self.rate, closed="01"))
        latent = check_correlation_matrix(name, self.latent_correlation, rate.size)
        latent, factor = factored(name, latent, remedy=_REMEDY)
        for array in (latent, factor):
            array.setflags(write=False)
        object.__setattr__(self, "rate", rate)
        object.__setattr__(self, name, latent)
        object.__setattr__(self, "factor", factor)

    @classmethod
    def from_correlation(cls, *, rate: ArrayLike, correlation: ArrayLike) -> Self:
        """Build the process whose units have these Pearson correlations, ``(n_units, n_units)``.

        ``rate`` lies in (0, 1). Raises ``ValueError`` for a pair beyond its bounds, which it names, and
        for pairs that are reachable one by one but not together, with the latent matrix's smallest
        eigenvalue.
        """
        rate = unit_values("rate", check_probability("rate", rate))
        return cls(rate=rate, latent_correlation=latent_matrix(rate, correlation))

    @classmethod
    def nearest(cls, *, rate: ArrayLike, correlation: ArrayLike) -> Self:
        """Build the process that comes nearest to correlations which no layer may have.

        Nearest in the sum of squares over pairs of what separates the correlation reached from that
        asked for, a minimum among its neighbours (:mod:`rote.simulate.nearest`). Correlations that can
        all be reached are. ``predict().correlation`` tells what is reached.
        """
        rate = unit_values("rate", check_probability("rate", rate))
        wanted = check_correlation_matrix("correlation", correlation, rate.size)
        latent = latent_matrix(rate, wanted, cut=True)
        return cls(rate=rate, latent_correlation=nearest_reachable(wanted, latent, _reach(rate)))

    @property
    def n_units(self) -> int:
        """Number of units."""
        return self.rate.size

    def draw(self, rng: np.random.Generator) -> Draw:
        """Take one key."""
        key = draw_keys(rng, 1)[0]
        single = np.asfortranarray(self.factor, dtype=np.float32)
        return Draw(self.n_units, lambda first, last: self._draw(first, last, key, single))

    def predict(self) -> PairPrediction:
        """Return the laws of rates and pairs in closed form; the population count has none."""
        return PairPrediction(rate=self.rate, pairs=self._pairs)

    def _pairs(self, units: slice) -> Floats:
        return binary_covariance(self.rate[units, None], self.rate, self.latent_correlation[units])

    def _draw(self, first: int, last: int, key: Key, single: NDArray[np.float32]) -> Activity:
        normals = fast_normals(key, first, last, self.n_units)
        threshold = -ndtri(self.rate).astype(np.float32)
        length = np.sqrt(np.einsum("tn,tn->t", normals, normals).max())
        farthest = np.max(np.abs(threshold), initial=0.0, where=np.isfinite(threshold))
        margin = _SINGLE * ((self.n_units + 3) * length + farthest) + ERROR * np.sqrt(self.n_units)
        latent = strmm(1.0, single, normals.T, lower=1, overwrite_b=1).T  # normals are overwritten
        active = latent > threshold
        row = np.flatnonzero(_near(latent, threshold, np.float32(1.01 * margin)))
        near, unit = np.nonzero(np.abs(latent[row] - threshold) <= np.float32(1.01 * margin))
        active[row[near], unit] = self._decide(first + row[near], unit, key)
        return active

    def _decide(self, example: NDArray[np.int64], unit: NDArray[np.int64], key: Key) -> Activity:
        """Return whether cells are active: by fast normals, and where these do not do by exact ones."""
        h = ndtri(self.rate)
        value = h[unit] + _in_double(self.factor, example, unit, key)
        for cell in np.flatnonzero(np.abs(value) <= ERROR * np.sqrt(self.n_units)):
            start = example[cell] * self.n_units
            normals = exact_normals(key, start, start + self.n_units)
            value[cell] = h[unit[cell]] + (self.factor[unit[cell]] * normals).sum()
        return value > 0


def _reach(rate: Floats) -> Reach:
    """Return the function that tells correlations and slopes of pairs of units of these rates."""
    h, deviation = ndtri(rate), np.sqrt(rate * (1 - rate))

    def reach(one: NDArray[np.int64], other: NDArray[np.int64], latent: Floats) -> tuple[Floats, Floats]:
        scale = deviation[one] * deviation[other]
        covariance = binary_covariance(rate[one], rate[other], latent)
        return covariance / scale, binary_slope(h[one], h[other], latent) / scale

    return reach


def nearest_correlation(rate: ArrayLike, correlation: ArrayLike) -> Floats:
    """Return the correlations of :meth:`LatentGaussian.nearest`: ``(n_units, n_units)``.

    ``np.abs(nearest_correlation(rate, correlation) - correlation).max()`` is the largest deviation.
    """
    return LatentGaussian.nearest(rate=rate, correlation=correlation).predict().correlation


@kernel
def _near(
    latent: NDArray[np.float32], threshold: NDArray[np.float32], margin: np.float32
) -> NDArray[np.bool_]:
    """Return which examples have a unit within the margin of its threshold."""
    any_near = np.zeros(latent.shape[0], dtype=np.bool_)
    for example in range(latent.shape[0]):
        row, count = latent[example], np.uint32(0)
        for unit in range(threshold.size):
            count += np.uint32(abs(np.float32(row[unit] - threshold[unit])) <= margin)
        any_near[example] = count > 0
    return any_near


@kernel
def _in_double(factor: Floats, example: NDArray[np.int64], unit: NDArray[np.int64], key: Key) -> Floats:
    """Return L e of cells from fast normals; cells of one example follow one another."""
    n_units, before = factor.shape[0], -1
    normals = np.empty(n_units, dtype=np.float32)
    latent = np.zeros(unit.size)
    for cell in range(unit.size):
        if example[cell] != before:
            before = example[cell]
            fill_normals(normals, key, before * n_units)
        for other in range(unit[cell] + 1):
            latent[cell] += factor[unit[cell], other] * normals[other]
    return latent
