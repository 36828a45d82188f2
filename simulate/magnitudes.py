"""Laws of magnitudes: how loud a unit is on the examples on which it is active.

The null model is the rectified Gaussian. A pre-activation u ~ N(σh, σ²) makes a unit active at the rate
p = Φ(h), and above zero has

    E[u | u > 0] = σ (h + m),    Var[u | u > 0] = σ² (1 - h m - m²),    m = φ(h)/Φ(h),

so the rate fixes the shape: as p → 0 the law tends to an exponential of mean σ/|h|, and at one σ a rarer
unit is also quieter. The **loudness** of a unit is its mean magnitude over the null's at its own rate.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import log_ndtr, ndtr, ndtri, ndtri_exp

from ..activity.arrays import Floats
from ..activity.checks import as_floats, check_probability, unit_values
from .positive_normals import positive_moments

_LOG_ROOT = float(np.log(2 * np.pi) / 2)
type Units = slice | NDArray[np.int64]
"""Which units are meant: all of them, or one for each value."""

ALL = slice(None)


class Magnitude(ABC):
    """Laws of the positive activations of ``n_units`` units."""

    mean: Floats  # (n_units,)
    variance: Floats  # (n_units,)

    @property
    def n_units(self) -> int:
        """Number of units."""
        return self.mean.size

    @property
    def variation(self) -> Floats:
        """Standard deviation over the mean: ``(n_units,)``."""
        return np.sqrt(self.variance) / self.mean

    @abstractmethod
    def log_density(self, value: ArrayLike, units: Units = ALL) -> Floats:
        """Return the logarithm of the density at positive values, the last axis being the units."""

    @abstractmethod
    def cdf(self, value: ArrayLike, units: Units = ALL) -> Floats:
        """Return the probability of a smaller magnitude; axes as in :meth:`log_density`."""

    @abstractmethod
    def quantile(self, share: ArrayLike, units: Units = ALL) -> Floats:
        """Return the magnitude with ``share`` of the law, in (0, 1), below it; axes likewise."""


@dataclass(frozen=True, kw_only=True, eq=False)
class RectifiedMagnitude(Magnitude):
    """What is above zero of normal pre-activations: the null model."""

    threshold: Floats  # (n_units,) h, the pre-activation's mean over its standard deviation
    scale: Floats  # (n_units,) σ, its standard deviation, above 0; a number stands for all units

    def __post_init__(self) -> None:
        threshold = unit_values("threshold", self.threshold)
        object.__setattr__(self, "threshold", threshold)
        object.__setattr__(self, "scale", positive_values("scale", self.scale, threshold.size))

    @classmethod
    def from_rate(cls, rate: ArrayLike, *, scale: ArrayLike = 1.0) -> Self:
        """Build the null model of units active at ``rate`` ``(n_units,)``, in (0, 1)."""
        return cls(threshold=ndtri(unit_values("rate", check_probability("rate", rate))), scale=scale)

    @property
    def rate(self) -> Floats:
        """Probability of being active, Φ(h): ``(n_units,)``."""
        return ndtr(self.threshold)

    @property
    def mean(self) -> Floats:
        """Mean magnitude, σ(h + m): ``(n_units,)``."""
        return self.scale * positive_moments(self.threshold)[0]

    @property
    def variance(self) -> Floats:
        """Variance of the magnitude, σ²(1 - hm - m²): ``(n_units,)``."""
        return np.square(self.scale) * positive_moments(self.threshold)[1]

    def log_density(self, value: ArrayLike, units: Units = ALL) -> Floats:
        """Return log φ(a/σ - h) - log(σ Φ(h))."""
        h, scale = self.threshold[units], self.scale[units]
        standing = np.asarray(value) / scale - h
        return -0.5 * np.square(standing) - _LOG_ROOT - np.log(scale) - log_ndtr(h)

    def cdf(self, value: ArrayLike, units: Units = ALL) -> Floats:
        """Return 1 - Φ(h - a/σ)/Φ(h)."""
        h = self.threshold[units]
        return -np.expm1(log_ndtr(h - np.asarray(value) / self.scale[units]) - log_ndtr(h))

    def quantile(self, share: ArrayLike, units: Units = ALL) -> Floats:
        """Return σ(h - Φ⁻¹((1 - share) Φ(h))), by whichever tail is the smaller."""
        share, h = np.broadcast_arrays(share, self.threshold[units])
        above = h - ndtri_exp(np.log1p(-share) + log_ndtr(h))
        below = h + ndtri(share + (1 - share) * ndtr(-h))
        return self.scale[units] * np.where(h < 0, above, below)


def null_scale(rate: ArrayLike, mean_magnitude: ArrayLike) -> float:
    """Return the one σ of a layer, by least squares of the logarithm; ``ValueError`` without such units.

    Of the units active at a ``rate`` in (0, 1) and not silent, both ``(n_units,)``.
    """
    logarithm = np.log(loudness(rate, mean_magnitude, scale=1.0))
    if np.isnan(logarithm).all():
        raise ValueError("rate must lie in (0, 1) for some unit that has a magnitude, got none")
    return float(np.exp(np.nanmean(logarithm)))


def loudness(rate: ArrayLike, mean_magnitude: ArrayLike, *, scale: float) -> Floats:
    """Return each unit's mean magnitude over the null's at its own rate: ``(n_units,)``.

    ``scale`` is the null's σ; :func:`null_scale` is the layer's own. nan for units that are never or
    always active, and for those without a magnitude.
    """
    rate = unit_values("rate", check_probability("rate", rate, closed="01"))
    magnitude = np.asarray(mean_magnitude, dtype=np.float64)
    if magnitude.shape != rate.shape:
        raise ValueError(f"mean_magnitude must have shape {rate.shape}, got {magnitude.shape}")
    loud = np.full(rate.size, np.nan)
    known = (rate > 0) & (rate < 1) & (magnitude > 0)
    if known.any():
        null = RectifiedMagnitude.from_rate(rate[known], scale=scale)
        loud[known] = magnitude[known] / null.mean
    return loud


def positive_values(name: str, values: ArrayLike, n_units: int) -> Floats:
    """Return numbers above 0, one for each unit, from those or from a single one."""
    numbers = as_floats(name, values)
    if numbers.shape not in ((), (n_units,)):
        raise ValueError(
            f"{name} must be one number or one for each of {n_units} units, got shape {numbers.shape}"
        )
    numbers = unit_values(name, np.broadcast_to(numbers, n_units))
    wrong = np.flatnonzero(numbers <= 0)
    if wrong.size:
        raise ValueError(f"{name} must be above 0, got {numbers[wrong[0]]} at unit {wrong[0]}")
    return numbers
