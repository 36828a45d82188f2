"""Poisson counts that share one normal factor: the Gaussian copula of a layer with one common drive.

    u_i = w_i z + √(1 - w_i²) e_i,    y_i = F_i⁻¹(Φ(u_i)),    w_i = loading_i

z one number for an example and e_i a unit's own, all standard normal, F_i the distribution function of
Poisson(rate_i). Units i and j have latent correlation w_i w_j, negative if the signs differ, and the
covariance of :mod:`rote.simulate.poisson_pairs`; of the population count only mean and variance have a
closed form.

The numbers e are made fast, with a known margin of error, and a cell whose u is nearer than that to a
step of its quantile is decided by e to double precision.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from ..activity.arrays import Counts, Floats
from ..activity.checks import unit_values
from ..activity.kernel import kernel
from ..activity.streams import uniforms
from .count_prediction import CountPrediction
from .counts import CountArray, CountProcess
from .normals import ERROR, exact_normals, fill_normals
from .poisson_pairs import poisson_covariance
from .poisson_steps import Steps, count_steps, decide, new_steps
from .population import check_loading
from .quantiles import check_copula_rate, poisson_quantiles

_CELLS = 1 << 17  # latent numbers made at a time
_MARGIN = ERROR + 5e-6  # and the rounding of two terms below 20 in single precision


@dataclass(frozen=True, kw_only=True, eq=False)
class OneFactorPoisson(CountProcess):
    """Units with mean counts of their own that share one normal factor."""

    rate: Floats  # (n_units,) mean count, in [0, 10,000]
    loading: Floats  # (n_units,) weight of the factor, in (-1, 1); a number stands for all units

    def __post_init__(self) -> None:
        rate = unit_values("rate", check_copula_rate("rate", self.rate))
        object.__setattr__(self, "rate", rate)
        object.__setattr__(self, "loading", check_loading(self.loading, rate.size))

    @property
    def n_units(self) -> int:
        """Number of units."""
        return self.rate.size

    def predict(self) -> CountPrediction:
        """Return the laws of units and pairs, exact to rounding; the population count has none."""
        return CountPrediction(rate=self.rate, fano=np.ones(self.n_units), pairs=self._pairs)

    def _pairs(self, units: slice) -> Floats:
        latent = self.loading[units, None] * self.loading
        return poisson_covariance(self.rate[units, None], self.rate, latent)

    @cached_property
    def _steps(self) -> Steps:
        """Steps of the units' quantiles: a draw comes in many blocks, and its tables are made once."""
        return new_steps(poisson_quantiles(self.rate))

    def fill(self, counts: CountArray, first: int, keys: NDArray[np.uint64], worst: Counts) -> None:
        """Draw rows of counts from example ``first`` on."""
        steps = self._steps
        own = np.sqrt(1 - self.loading**2)
        size = max(1, _CELLS // self.n_units)
        for top in range(0, len(counts), size):
            part = counts[top : top + size]
            examples = np.arange(first + top, first + top + len(part), dtype=np.uint64)
            factor = ndtri(uniforms(keys[0], examples))
            latent = np.empty(part.shape, dtype=np.float32)
            fill_normals(latent.reshape(-1), keys[1], (first + top) * self.n_units)
            _mix(
                latent,
                factor.astype(np.float32),
                self.loading.astype(np.float32),
                own.astype(np.float32),
            )
            row, unit = count_steps(part, latent, steps, _MARGIN, worst)
            cell = (first + top + row) * self.n_units + unit
            noise = np.array([exact_normals(keys[1], at, at + 1)[0] for at in cell])
            exact = self.loading[unit] * factor[row] + own[unit] * noise
            decide(part, row, unit, exact, steps, worst)


@kernel
def _mix(
    latent: NDArray[np.float32],
    factor: NDArray[np.float32],
    loading: NDArray[np.float32],
    own: NDArray[np.float32],
) -> None:
    """Set u from e, in its place."""
    for row in range(latent.shape[0]):
        for unit in range(latent.shape[1]):
            latent[row, unit] = np.float32(
                np.float32(loading[unit] * factor[row]) + np.float32(own[unit] * latent[row, unit])
            )
