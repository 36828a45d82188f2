"""Independent Bernoulli activity: the null model of a layer.

Unit i is active on every example with probability rate_i, whatever the others do. The count in W
examples is binomial, its Fano factor 1 - rate_i; the population count is Poisson-binomial. Units
that all have one rate are drawn 64 at a time, others cell by cell or, where rare, by events.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..activity.arrays import Floats
from ..activity.checks import check_probability, unit_values
from ..activity.streams import Key
from .alike import AlikeMixture
from .drawing import Chords
from .population import poisson_binomial_pmf
from .prediction import Prediction
from .process import Draw
from .rare import BoundedMixture


@dataclass(frozen=True, kw_only=True, eq=False)
class IndependentBernoulli(BoundedMixture):
    """Units with rates of their own and no correlation."""

    rate: Floats  # (n_units,) probability that a unit is active, in [0, 1]
    tight = True

    def __post_init__(self) -> None:
        rate = unit_values("rate", check_probability("rate", self.rate, closed="01"))
        object.__setattr__(self, "rate", rate)

    @property
    def n_units(self) -> int:
        """Number of units."""
        return self.rate.size

    @property
    def rarity(self) -> float:
        """Mean rate."""
        return float(self.rate.mean())

    def draw(self, rng: np.random.Generator) -> Draw:
        """Take three keys."""
        if np.ptp(self.rate):
            return BoundedMixture.draw(self, rng)
        return _OneRate(n_units=self.n_units, rate=float(self.rate[0])).draw(rng)

    def predict(self) -> Prediction:
        """Return the laws of this process in closed form."""
        return Prediction(
            rate=self.rate,
            shared=np.empty((self.n_units, 0)),
            population=lambda: poisson_binomial_pmf(self.rate[None])[0],
        )

    def latent(self, key: Key, examples: NDArray[np.uint64]) -> NDArray:
        """Return nothing that varies: an independent layer has no latent state."""
        return np.zeros(examples.size)

    def chords(self, latent: NDArray) -> Chords:
        """Return each unit's rate, the same for all examples."""
        return Chords.exact(self.rate[None], np.zeros(latent.size, dtype=np.int64))

    def bounds(self) -> Floats:
        """Return the rates themselves."""
        return self.rate[None]

    def neighbourhood(self, latent: NDArray) -> NDArray[np.int64]:
        """Return the one row for all."""
        return np.zeros(latent.size, dtype=np.int64)

    def given(self, latent: NDArray, units: NDArray[np.int64]) -> Floats:
        """Return the rates of ``units``."""
        return self.rate[units]


@dataclass(frozen=True, slots=True, kw_only=True)
class _OneRate(AlikeMixture):
    """Units of one rate and no correlation."""

    n_units: int
    rate: float

    def predict(self) -> Prediction:
        return IndependentBernoulli(rate=np.full(self.n_units, self.rate)).predict()

    def propensity(self, _key: Key, examples: NDArray[np.uint64]) -> Floats:
        return np.full(examples.size, self.rate)
