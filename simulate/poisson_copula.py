"""Poisson counts with a Gaussian copula: any correlation between counts, negative ones included.

    u ~ N(0, R),    y_i = F_i⁻¹(Φ(u_i)),    F_i the distribution function of Poisson(rate_i)

Every count is Poisson; the correlation of a pair lies between Fréchet's bounds and grows with R_ij, as
:mod:`rote.simulate.poisson_pairs` computes (the NORTA method [1]_). The population count has no law in
closed form; its variance has. Where one factor says as much,
:class:`~rote.simulate.one_factor_poisson.OneFactorPoisson` is faster and takes any number of units.

A product u = L e rounds differently in blocks of different size; where that could matter, u is summed
again in one order, so that counts depend neither on threads nor blocks nor the linear algebra library.

.. [1] Cario and Nelson (1997), Modeling and generating random vectors with arbitrary marginal
   distributions and correlation matrix, Northwestern University.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..activity.arrays import Counts, Floats
from ..activity.checks import unit_values
from .correlation_matrices import check_correlation_matrix, factored
from .count_prediction import CountPrediction
from .counts import CountArray, CountProcess
from .nearest import nearest_reachable
from .normals import exact_normals
from .poisson_pairs import (
    poisson_correlation_bounds,
    poisson_covariance,
    poisson_latent_correlation,
    poisson_reach,
)
from .poisson_steps import Steps, count_steps, decide, new_steps
from .quantiles import check_copula_rate, poisson_quantiles

_CELLS = 1 << 17  # latent numbers made at a time
_DOUBLE = 2.0**-50  # rounding of a product in double precision, for each of its terms
_SLACK = 1 + 1e-12  # a correlation at its bound may come rounded
_REMEDY = "PoissonCopula.nearest draws the nearest reachable correlations"


@dataclass(frozen=True, kw_only=True, eq=False)
class PoissonCopula(CountProcess):
    """Units with mean counts of their own and a latent correlation for every pair."""

    rate: Floats  # (n_units,) mean count, in [0, 10,000]
    latent_correlation: Floats  # (n_units, n_units) positive semi-definite, ones on its diagonal
    factor: Floats = field(init=False, repr=False)  # lower triangular L with L Lᵀ = latent_correlation

    def __post_init__(self) -> None:
        name = "latent_correlation"
        rate = unit_values("rate", check_copula_rate("rate", self.rate))
        latent = check_correlation_matrix(name, self.latent_correlation, rate.size)
        latent, factor = factored(name, latent, remedy=_REMEDY)
        for array in (latent, factor):
            array.setflags(write=False)
        object.__setattr__(self, "rate", rate)
        object.__setattr__(self, name, latent)
        object.__setattr__(self, "factor", factor)

    @classmethod
    def from_correlation(cls, *, rate: ArrayLike, correlation: ArrayLike) -> Self:
        """Build the process whose counts have these Pearson correlations, ``(n_units, n_units)``.

        Mean counts lie in [1e-9, 10,000]. Raises ``ValueError`` for a pair beyond its bounds, which it
        names, and for pairs that are reachable one by one but not together, with the smallest eigenvalue
        of the latent matrix. Solved once for every distinct pair.
        """
        rate = unit_values("rate", check_copula_rate("rate", rate, least=1e-9))
        return cls(rate=rate, latent_correlation=_latent_matrix(rate, correlation))

    @classmethod
    def nearest(cls, *, rate: ArrayLike, correlation: ArrayLike) -> Self:
        """Build the process that comes nearest to correlations which no layer may have.

        Nearest in the sum of squares over pairs of what separates the correlation reached from that
        asked for, a minimum among its neighbours (:mod:`rote.simulate.nearest`). Correlations that can
        all be reached are. ``predict().correlation`` tells what is reached.
        """
        rate = unit_values("rate", check_copula_rate("rate", rate, least=1e-9))
        wanted = check_correlation_matrix("correlation", correlation, rate.size)
        latent = _latent_matrix(rate, wanted, cut=True)
        return cls(rate=rate, latent_correlation=nearest_reachable(wanted, latent, poisson_reach(rate)))

    @property
    def n_units(self) -> int:
        """Number of units."""
        return self.rate.size

    def predict(self) -> CountPrediction:
        """Return the laws of units and pairs, exact to rounding; the population count has none."""
        return CountPrediction(rate=self.rate, fano=np.ones(self.n_units), pairs=self._pairs)

    def _pairs(self, units: slice) -> Floats:
        return poisson_covariance(self.rate[units, None], self.rate, self.latent_correlation[units])

    @cached_property
    def _steps(self) -> Steps:
        """Steps of the units' quantiles: a draw comes in many blocks, and its tables are made once."""
        return new_steps(poisson_quantiles(self.rate))

    def fill(self, counts: CountArray, first: int, keys: NDArray[np.uint64], worst: Counts) -> None:
        """Draw rows of counts from example ``first`` on."""
        steps = self._steps
        size = max(1, _CELLS // self.n_units)
        for top in range(0, len(counts), size):
            part = counts[top : top + size]
            example = np.arange(first + top, first + top + len(part))
            normals = exact_normals(keys[0], example[0] * self.n_units, (example[-1] + 1) * self.n_units)
            normals = normals.reshape(len(part), self.n_units)
            latent = normals @ self.factor.T
            margin = _DOUBLE * (self.n_units + 3) * np.sqrt(np.square(normals).sum(axis=1).max())
            row, unit = count_steps(part, latent, steps, margin, worst)
            exact = (normals[row] * self.factor[unit]).sum(axis=1)
            decide(part, row, unit, exact, steps, worst)


def _latent_matrix(rate: Floats, correlation: ArrayLike, *, cut: bool = False) -> Floats:
    """Return the latent correlations; pairs beyond their bounds are cut to them if ``cut``, or named."""
    wanted = check_correlation_matrix("correlation", correlation, rate.size)
    one, other = np.triu_indices(rate.size, k=1)
    alike = np.vstack([np.sort(rate[np.stack([one, other])], axis=0), wanted[one, other]])
    distinct, which, place = np.unique(alike, axis=1, return_index=True, return_inverse=True)
    least, most = poisson_correlation_bounds(*distinct[:2])
    beyond = np.flatnonzero((distinct[2] < least * _SLACK) | (distinct[2] > most * _SLACK))
    if beyond.size and not cut:
        first = beyond[0]
        i, j = one[which[first]], other[which[first]]
        raise ValueError(
            f"correlation must lie in [{least[first]:.6g}, {most[first]:.6g}] for units {i} and {j} "
            f"of mean counts {rate[i]:g} and {rate[j]:g}, got {distinct[2, first]:g}"
        )
    distinct[2] = np.clip(distinct[2], least, most)
    latent = np.eye(rate.size)
    latent[one, other] = latent[other, one] = poisson_latent_correlation(*distinct)[place]
    return latent
