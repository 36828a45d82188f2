"""Independent Bernoulli activity: the null model of a layer.

Unit i is active on every example with probability rate_i, whatever the others do. The count in W
examples is binomial, its Fano factor 1 - rate_i; the population count is Poisson-binomial. Units
that all have one rate are drawn 64 at a time, others cell by cell or, where rare, by events.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..activity.arrays import Activity, Floats, Packed
from ..activity.checks import check_probability, unit_values
from ..activity.events import Events
from ..activity.streams import Key
from .alike import AlikeMixture
from .drawing import Chords
from .population import poisson_binomial_pmf
from .prediction import Prediction
from .rare import Envelope, RareMixture


@dataclass(frozen=True, kw_only=True, eq=False)
class IndependentBernoulli(RareMixture):
    """Units with rates of their own and no correlation."""

    rate: Floats  # (n_units,) probability that a unit is active, in [0, 1]

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

    def blocks(
        self, n_examples: int, *, rng: np.random.Generator, block: int = 4096
    ) -> Iterator[Activity]:
        """Yield what :meth:`sample` draws, ``block`` examples at a time; takes three keys now."""
        return (self._alike or super()).blocks(n_examples, rng=rng, block=block)

    def sample(self, n_examples: int, *, rng: np.random.Generator) -> Activity:
        """Draw activity of shape ``(n_examples, n_units)``."""
        return (self._alike or super()).sample(n_examples, rng=rng)

    def sample_packed(self, n_examples: int, *, rng: np.random.Generator) -> Packed:
        """Draw what :meth:`sample` does as bits, ``(n_examples, ceil(n_units / 64))``."""
        return (self._alike or super()).sample_packed(n_examples, rng=rng)

    def sample_events(self, n_examples: int, *, rng: np.random.Generator) -> Events:
        """Draw the active units of each example of what :meth:`sample` draws."""
        return (self._alike or super()).sample_events(n_examples, rng=rng)

    @property
    def _alike(self) -> "_OneRate | None":
        if np.ptp(self.rate):
            return None
        return _OneRate(n_units=self.n_units, rate=float(self.rate[0]))

    def predict(self) -> Prediction:
        """Return the laws of this process in closed form."""
        return Prediction(
            rate=self.rate,
            shared=np.empty((self.n_units, 0)),
            population_pmf=poisson_binomial_pmf(self.rate[None])[0],
        )

    def latent(self, key: Key, examples: NDArray[np.uint64]) -> NDArray:
        """Return nothing that varies: an independent layer has no latent state."""
        return np.zeros(examples.size)

    def chords(self, latent: NDArray) -> Chords:
        """Return each unit's rate, the same for all examples."""
        return Chords.exact(self.rate[None], np.zeros(latent.size, dtype=np.int64))

    def envelope(self, latent: NDArray) -> Envelope:
        """Return the rates themselves."""
        return Envelope(self.rate[None], np.zeros(latent.size, dtype=np.int64), True)

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
