"""Rates of a layer of two kinds of units, rare and common, and units that are dead.

    rate_i = 0          with probability  dead_fraction,
    rate_i ~ Beta(α, β)  with probability  (1 - dead_fraction) rare_fraction,
    rate_i ~ Beta(a, b)  otherwise,

    a = common_mean·common_concentration,    b = (1 - common_mean)·common_concentration,
    α = rare_shape,                          β = rare_shape·(1 - rare_mean)/rare_mean.

A unit that is active where one of the features it is wired to is present is rare if these belong to a
few examples, and common if a class or more shares them. The rare law is told by its first shape: near
zero its density goes as rate^(rare_shape - 1), so that a shape below 1 is a spike of units all but dead
and one above 1 is a hump, whatever the mean; rates far below 1 then vary by 1/√rare_shape of their mean.
"""

from dataclasses import dataclass

import numpy as np

from ..activity.arrays import Floats
from ..activity.checks import as_floats, check_count, check_generator, check_probability, one_number

DEAD, RARE, COMMON = 0, 1, 2  # kinds of units


@dataclass(frozen=True, slots=True, kw_only=True)
class MixedRates:
    """Law of the rates of ``n_units`` units of three kinds."""

    n_units: int
    rare_fraction: float  # of living units, in [0, 1]
    rare_mean: float  # of the rare units' rates, in (0, 1) and below common_mean
    rare_shape: float  # first shape of their Beta law, above 0
    common_mean: float  # of the other living units' rates, in (0, 1)
    common_concentration: float  # a + b of their Beta law, above 0
    dead_fraction: float = 0.0  # of all units, in [0, 1]

    def __post_init__(self) -> None:
        check_count("n_units", self.n_units)
        for name in ("rare_fraction", "dead_fraction"):
            one_number(name, check_probability(name, getattr(self, name), closed="01"))
        for name in ("rare_mean", "common_mean"):
            one_number(name, check_probability(name, getattr(self, name)))
        for name in ("rare_shape", "common_concentration"):
            if one_number(name, as_floats(name, getattr(self, name))) <= 0:
                raise ValueError(f"{name} must be above 0, got {getattr(self, name)}")
        if self.rare_mean >= self.common_mean:
            raise ValueError(
                f"rare_mean must lie below common_mean={self.common_mean}, got {self.rare_mean}"
            )

    @property
    def rare_beta(self) -> tuple[float, float]:
        """Shapes (α, β) of the rare units' Beta law."""
        return self.rare_shape, self.rare_shape * (1 - self.rare_mean) / self.rare_mean

    @property
    def common_beta(self) -> tuple[float, float]:
        """Shapes (a, b) of the common units' Beta law."""
        mean, concentration = self.common_mean, self.common_concentration
        return mean * concentration, (1 - mean) * concentration

    def sample(self, *, rng: np.random.Generator) -> Floats:
        """Draw rates of shape ``(n_units,)``."""
        return self.sample_kinds(rng=rng)[0]

    def sample_kinds(self, *, rng: np.random.Generator) -> tuple[Floats, np.ndarray]:
        """Draw the same rates, and each unit's kind: ``DEAD``, ``RARE`` or ``COMMON``."""
        rare = check_generator(rng).beta(*self.rare_beta, size=self.n_units)
        common = rng.beta(*self.common_beta, size=self.n_units)
        kind = np.where(rng.random(self.n_units) < self.rare_fraction, RARE, COMMON)
        kind[rng.random(self.n_units) < self.dead_fraction] = DEAD
        return np.choose(kind, [np.zeros(self.n_units), rare, common]), kind
