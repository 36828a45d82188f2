"""Weights of units that each obey a norm of their own: generalized normal rows, exponents around one.

    ln q_i ~ N(ln exponent, exponent_spread²),    ln sd_i ~ N(ln sd, sd_spread²),
    w_ij = 0 with probability zero_fraction, else w_ij ~ generalized normal of exponent q_i and sd_i

(:class:`rote.simulate.GeneralizedNormal`), the weights of a unit independent given its law. A pool of
such weights has heavier tails than its units have, since their scales differ.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln

from ..activity.arrays import Floats
from ..activity.checks import as_floats, check_count, check_generator, check_probability, one_number


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitExponents:
    """Law of the weights into ``n_units`` units with ``n_inputs`` inputs each."""

    n_units: int
    n_inputs: int
    exponent: float  # median over units, above 0
    exponent_spread: float = 0.0  # standard deviation of its logarithm over units, at least 0
    zero_fraction: float = 0.0  # probability that a weight is exactly 0, in [0, 1)
    sd: float = 1.0  # median over units, above 0
    sd_spread: float = 0.0  # standard deviation of its logarithm over units, at least 0

    def __post_init__(self) -> None:
        check_count("n_units", self.n_units)
        check_count("n_inputs", self.n_inputs)
        for name in ("exponent", "sd"):
            if one_number(name, as_floats(name, getattr(self, name))) <= 0:
                raise ValueError(f"{name} must be above 0, got {getattr(self, name)}")
        for name in ("exponent_spread", "sd_spread"):
            if one_number(name, as_floats(name, getattr(self, name))) < 0:
                raise ValueError(f"{name} must be at least 0, got {getattr(self, name)}")
        one_number("zero_fraction", check_probability("zero_fraction", self.zero_fraction, closed="0"))

    def sample(self, *, rng: np.random.Generator) -> Floats:
        """Draw weights of shape ``(n_units, n_inputs)``."""
        column = self.n_units, 1
        exponent = self.exponent * np.exp(
            self.exponent_spread * check_generator(rng).standard_normal(column)
        )
        sd = self.sd * np.exp(self.sd_spread * rng.standard_normal(column))
        scale = sd * np.exp((gammaln(1 / exponent) - gammaln(3 / exponent)) / 2)
        shape = self.n_units, self.n_inputs
        weight = scale * rng.standard_gamma(1 / exponent, shape) ** (1 / exponent)
        weight *= rng.choice([-1.0, 1.0], shape)
        return np.where(rng.random(shape) < self.zero_fraction, 0.0, weight)
