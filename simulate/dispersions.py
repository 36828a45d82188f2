"""Dispersions of a layer's units: a log-normal law, cut where no recording tells the difference.

    log dispersion_i ~ Normal(log dispersion, dispersion_spread²)  on [log ``LEAST``, log ``MOST``]

The dispersion of a unit is θ of :mod:`rote.simulate.dispersed` or the variance φ of a Gamma-Poisson
count's gain. With θ = ρ/(1 - ρ) the law is a logit-normal one of the correlation ρ within windows.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from ..activity.arrays import Floats
from ..activity.checks import as_floats, check_count, check_generator, one_number

LEAST, MOST = 1e-6, 1e3


@dataclass(frozen=True, slots=True, kw_only=True)
class LogNormalDispersions:
    """Law of the dispersions of ``n_units`` units."""

    n_units: int
    dispersion: float  # of the typical unit, the median of the law before it is cut; above 0
    dispersion_spread: float  # standard deviation of its logarithm over units, above 0

    def __post_init__(self) -> None:
        check_count("n_units", self.n_units)
        for name in ("dispersion", "dispersion_spread"):
            if one_number(name, as_floats(name, getattr(self, name))) <= 0:
                raise ValueError(f"{name} must be above 0, got {getattr(self, name)}")

    def sample(self, *, rng: np.random.Generator) -> Floats:
        """Draw dispersions of shape ``(n_units,)``."""
        ends = (np.log([LEAST, MOST]) - np.log(self.dispersion)) / self.dispersion_spread
        sign = -1.0 if ends[0] > 0 else 1.0  # in the tail that floats resolve
        low, high = ndtr(np.sort(sign * ends))
        if not high > low:
            raise ValueError(
                f"dispersion must leave units within [{LEAST:g}, {MOST:g}], got {self.dispersion:g} "
                f"with a dispersion_spread of {self.dispersion_spread:g}"
            )
        uniform = low + (high - low) * check_generator(rng).random(self.n_units)
        return np.clip(
            self.dispersion * np.exp(self.dispersion_spread * sign * ndtri(uniform)), LEAST, MOST
        )
