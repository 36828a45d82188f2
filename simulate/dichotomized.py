"""Dichotomized Gaussian activity: a unit is active where its latent normal variable is positive.

    u_i = h_i + w_i z + √(1 - w_i²) e_i,    s_i = 1 where u_i > 0,    h_i = Φ⁻¹(rate_i), w_i = loading_i

with one factor z shared by the layer and e_i its own, all standard normal. Units i and j have latent
correlation w_i w_j and binary covariance Φ₂(h_i, h_j; w_i w_j) - rate_i rate_j [1]_. This is the law of
a wide layer's pre-activations when one direction of the input dominates; given z the units are
independent with probability Φ((h_i + w_i z)/√(1 - w_i²)).

.. [1] Emrich and Piedmonte (1991), The American Statistician 45, 302-304; Macke et al. (2009), Neural
   Computation 21, 397-423.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from ..activity.arrays import Floats
from ..activity.checks import check_probability, unit_values
from ..activity.streams import Key, uniforms
from .drawing import LANE, Chords, in_lanes
from .population import check_loading, conditional_rate, latent_grid, one_factor_pmf
from .prediction import Prediction
from .rare import BoundedMixture

_REACH = 8.3  # beyond the normal number of any uniform number of 52 bits
_TABLE = 1 << 24  # entries of a table at most
_EDGES = np.array([-_REACH, *np.linspace(-4, 4, 17), _REACH])  # of steps of z that share bounds


@dataclass(frozen=True, kw_only=True, eq=False)
class DichotomizedGaussian(BoundedMixture):
    """Units with rates of their own that share one normal factor."""

    rate: Floats  # (n_units,) probability that a unit is active, in [0, 1]
    loading: Floats  # (n_units,) weight of the factor, in (-1, 1); a number stands for all units

    def __post_init__(self) -> None:
        rate = unit_values("rate", check_probability("rate", self.rate, closed="01"))
        object.__setattr__(self, "rate", rate)
        object.__setattr__(self, "loading", check_loading(self.loading, rate.size))

    @property
    def n_units(self) -> int:
        """Number of units."""
        return self.rate.size

    def predict(self) -> Prediction:
        """Return the laws of this process, by quadrature over the factor to rounding."""
        z, weight = latent_grid(self.rate, self.loading)
        deviation = conditional_rate(self.rate, self.loading, z) - self.rate
        return Prediction(
            rate=self.rate,
            shared=(deviation * np.sqrt(weight)[:, None]).T,
            population=lambda: one_factor_pmf(self.rate, self.loading),
        )

    def latent(self, key: Key, examples: NDArray[np.uint64]) -> Floats:
        """Return each example's factor z."""
        return ndtri(uniforms(key, examples))

    def chords(self, latent: Floats) -> Chords:
        """Tabulate p_i(z) over a grid of z, fine enough that few cells fall within the margin.

        With slope w/√(1 - w²) = v, |p_i''| < v²/4, so a chord over a step errs by less than v² step²/32.
        The step weighs a table entry against the cells that a wider margin leaves undecided.
        """
        steepest = float(np.max(self.loading**2 / (1 - self.loading**2)))
        step = np.cbrt(50 / (steepest * latent.size + 1e-3))
        most = max(8, min(4096, _TABLE // self.n_units))
        n_steps = int(np.clip(np.ceil(2 * _REACH / step), 8, most))
        step = 2 * _REACH / n_steps
        table = conditional_rate(self.rate, self.loading, np.linspace(-_REACH, _REACH, n_steps + 1))
        state, share = np.divmod((latent + _REACH) / step, 1.0)
        margin = int(LANE * steepest * step**2 / 32) + 5  # and at most 5 lanes of rounding
        return Chords(in_lanes(table), state.astype(np.int64), (65535 * share).astype(np.uint16), margin)

    @property
    def rarity(self) -> float:
        """Mean rate."""
        return float(self.rate.mean())

    def bounds(self) -> Floats:
        """Return the greater end of each step of z: p_i(z) is monotone."""
        table = conditional_rate(self.rate, self.loading, _EDGES)
        return np.maximum(table[:-1], table[1:])

    def neighbourhood(self, latent: Floats) -> NDArray[np.int64]:
        """Return the step of z."""
        return np.searchsorted(_EDGES[1:-1], latent)

    def given(self, latent: Floats, units: NDArray[np.int64]) -> Floats:
        """Return the probability of ``units`` given the factor."""
        loading = self.loading[units]
        return ndtr((self._threshold[units] + loading * latent) / np.sqrt(1 - loading**2))

    @cached_property
    def _threshold(self) -> Floats:
        """h_i: where the units' latent normal numbers are cut off, ``(n_units,)``."""
        return ndtri(self.rate)
