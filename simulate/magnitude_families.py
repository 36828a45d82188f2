"""Laws of magnitudes that do not know of the rate: what to compare the rectified Gaussian with.

Each family is given by its mean and its **variation**, the standard deviation over the mean, so that any
can be matched to any other:

    half-normal   variation √(π/2 - 1) = .756      exponential   variation 1
    gamma         shape 1/variation²               log-normal    σ² of the logarithm log(1 + variation²)
    Weibull       shape k with Γ(1 + 2/k)/Γ(1 + 1/k)² = 1 + variation²
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from scipy.optimize import elementwise
from scipy.special import gamma, gammaln
from scipy.stats.distributions import rv_frozen

from ..activity.arrays import Floats
from ..activity.checks import check_choice, unit_values
from .magnitudes import ALL, Magnitude, Units, positive_values

FIXED = {"half-normal": float(np.sqrt(np.pi / 2 - 1)), "exponential": 1.0}  # variation without choice
FAMILIES = (*FIXED, "gamma", "log-normal", "Weibull")
_LEAST, _MOST = 1e-3, 1e3  # variation, beyond which shapes lose their digits


@dataclass(frozen=True, kw_only=True, eq=False)
class ScaledMagnitude(Magnitude):
    """A law of :data:`FAMILIES` by its mean and variation: an alternative to the null model."""

    family: str
    mean: Floats  # (n_units,) above 0
    variation: Floats | None = None  # (n_units,) or a number, in [.001, 1000]; only where it is a choice

    def __post_init__(self) -> None:
        family = check_choice("family", self.family, FAMILIES)
        mean = unit_values("mean", self.mean)
        variation = self.variation
        if family in FIXED:
            if variation is not None:
                raise ValueError(f"variation of the {family} law is fixed, got {variation}")
            variation = FIXED[family]
        elif variation is None:
            raise ValueError(f"variation of the {family} law must be given")
        variation = positive_values("variation", variation, mean.size)
        wrong = np.flatnonzero((variation < _LEAST) | (variation > _MOST))
        if wrong.size:
            raise ValueError(
                f"variation must lie in [{_LEAST:g}, {_MOST:g}], got {variation[wrong[0]]} "
                f"at unit {wrong[0]}"
            )
        object.__setattr__(self, "mean", positive_values("mean", mean, mean.size))
        object.__setattr__(self, "variation", variation)

    @classmethod
    def matched(cls, family: str, to: Magnitude) -> Self:
        """Build the law of ``family`` with the mean, and if it can the variation, of another law."""
        free = check_choice("family", family, FAMILIES) not in FIXED
        return cls(family=family, mean=to.mean, variation=to.variation if free else None)

    @property
    def variance(self) -> Floats:
        """Variance of the magnitude: ``(n_units,)``."""
        return np.square(self.variation * self.mean)

    @cached_property
    def shape(self) -> Floats:
        """The family's shape parameter, ``(n_units,)``: of the log-normal law σ of the logarithm."""
        square = np.square(self.variation)
        if self.family == "log-normal":
            return np.sqrt(np.log1p(square))
        return _weibull_shape(np.log1p(square)) if self.family == "Weibull" else 1 / square

    def log_density(self, value: ArrayLike, units: Units = ALL) -> Floats:
        """Return the logarithm of the family's density."""
        return self._law(units).logpdf(value)

    def cdf(self, value: ArrayLike, units: Units = ALL) -> Floats:
        """Return the family's distribution function."""
        return self._law(units).cdf(value)

    def quantile(self, share: ArrayLike, units: Units = ALL) -> Floats:
        """Return the family's quantile."""
        return self._law(units).ppf(share)

    def _law(self, units: Units) -> rv_frozen:
        """Return SciPy's law of the same family, mean and variation."""
        mean = self.mean[units]
        if self.family == "half-normal":
            return stats.halfnorm(scale=mean * np.sqrt(np.pi / 2))
        if self.family == "exponential":
            return stats.expon(scale=mean)
        shape = self.shape[units]
        if self.family == "gamma":
            return stats.gamma(shape, scale=mean / shape)
        if self.family == "log-normal":
            return stats.lognorm(shape, scale=mean * np.exp(-0.5 * np.square(shape)))
        return stats.weibull_min(shape, scale=mean / gamma(1 + 1 / shape))


def _weibull_shape(logarithm: Floats) -> Floats:
    """Return k with log Γ(1 + 2/k) - 2 log Γ(1 + 1/k) = ``logarithm``, which falls with k."""
    found = elementwise.find_root(
        lambda log_inverse, due: (
            gammaln(1 + 2 * np.exp(log_inverse)) - 2 * gammaln(1 + np.exp(log_inverse)) - due
        ),
        (np.full_like(logarithm, np.log(_LEAST / 10)), np.full_like(logarithm, np.log(20.0))),
        args=(logarithm,),
    )
    return np.exp(-found.x)
