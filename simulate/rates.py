"""Rates of a layer's units: a Beta law, and units that are dead.

    rate_i = 0 with probability dead_fraction, else rate_i ~ Beta(a, b),
    a = mean·concentration,    b = (1 - mean)·concentration

The mean is that of the living units; a large concentration makes them alike.
"""

from dataclasses import dataclass

import numpy as np

from ..activity.arrays import Floats
from ..activity.checks import as_floats, check_count, check_generator, check_probability, one_number


@dataclass(frozen=True, slots=True, kw_only=True)
class BetaRates:
    """Law of the rates of ``n_units`` units."""

    n_units: int
    mean: float  # of living units, in (0, 1)
    concentration: float  # a + b of the Beta law, above 0
    dead_fraction: float = 0.0  # probability that a unit is dead, in [0, 1]

    def __post_init__(self) -> None:
        check_count("n_units", self.n_units)
        one_number("mean", check_probability("mean", self.mean))
        one_number("dead_fraction", check_probability("dead_fraction", self.dead_fraction, closed="01"))
        if one_number("concentration", as_floats("concentration", self.concentration)) <= 0:
            raise ValueError(f"concentration must be above 0, got {self.concentration}")

    @property
    def beta(self) -> tuple[float, float]:
        """Shapes (a, b) of the Beta law."""
        return self.mean * self.concentration, (1 - self.mean) * self.concentration

    def sample(self, *, rng: np.random.Generator) -> Floats:
        """Draw rates of shape ``(n_units,)``."""
        rate = check_generator(rng).beta(*self.beta, size=self.n_units)
        return np.where(rng.random(self.n_units) < self.dead_fraction, 0.0, rate)
