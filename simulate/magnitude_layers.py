"""How loud the units of a layer are: scales that vary over the layer, and means that go with the rate.

    log scale_i = center + spread z_i,                                  z_i ~ N(0, 1)     (1)
    log E[a_i | a_i > 0] = intercept + exponent log rate_i + spread z_i                  (2)

A layer of rectified Gaussians with one σ follows no power of the rate, but has at each rate an exponent
of its own, with h = Φ⁻¹(rate), m = φ(h)/Φ(h),

    d log E[a | a > 0] / d log rate = (1 - h m - m²) / (m (h + m)),                       (3)

the quotient of d log(h + m)/dh = (1 - h m - m²)/(h + m) and d log Φ(h)/dh = m. It is .571 at a rate of
one half, falls like 1/h² for rare units and grows without bound toward a rate of one.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from ..activity.arrays import Floats
from ..activity.checks import (
    as_floats,
    check_count,
    check_generator,
    check_probability,
    one_number,
    unit_values,
)
from .positive_normals import inverse_mills, positive_moments


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitScales:
    """Law (1) of the scales, or means, of ``n_units`` units."""

    n_units: int
    center: float  # logarithm of a typical unit's scale
    spread: float  # standard deviation of the logarithm, 0 or above

    def __post_init__(self) -> None:
        check_count("n_units", self.n_units)
        one_number("center", as_floats("center", self.center))
        _check_deviation("spread", self.spread)

    def sample(self, *, rng: np.random.Generator) -> Floats:
        """Draw scales of shape ``(n_units,)``."""
        return np.exp(self.center + self.spread * check_generator(rng).normal(size=self.n_units))


@dataclass(frozen=True, slots=True, kw_only=True)
class MagnitudeLink:
    """Law (2) of mean magnitudes, given the rates."""

    intercept: float  # logarithm of the mean magnitude of a unit that is always active
    exponent: float  # of the rate: 0 where loudness does not go with it
    spread: float  # standard deviation of the logarithm between units of one rate, 0 or above

    def __post_init__(self) -> None:
        for name in ("intercept", "exponent"):
            one_number(name, as_floats(name, getattr(self, name)))
        _check_deviation("spread", self.spread)

    def sample(self, rate: ArrayLike, *, rng: np.random.Generator) -> Floats:
        """Draw the mean magnitudes of units active at ``rate`` ``(n_units,)``, in (0, 1]."""
        logarithm = np.log(unit_values("rate", check_probability("rate", rate, closed="1")))
        noise = self.spread * check_generator(rng).normal(size=logarithm.size)
        return np.exp(self.intercept + self.exponent * logarithm + noise)


def null_exponent(rate: ArrayLike) -> Floats:
    """Return (3), the null's own exponent at ``rate`` in (0, 1), in its shape."""
    h = ndtri(check_probability("rate", rate))
    mean, variance = positive_moments(h)
    return variance / (inverse_mills(h) * mean)


def _check_deviation(name: str, value: float) -> None:
    if one_number(name, as_floats(name, value)) < 0:
        raise ValueError(f"{name} must be at least 0, got {value}")
