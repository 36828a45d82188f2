"""Independent Bernoulli activity: the null model of a layer.

Unit i is active on every example with probability rate_i, whatever the others do. The count in W
examples is binomial, its Fano factor 1 - rate_i; the population count is Poisson-binomial.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..activity.arrays import Floats
from ..activity.checks import check_probability, unit_values
from ..activity.streams import Key
from .drawing import Chords
from .population import poisson_binomial_pmf
from .prediction import Prediction
from .rare import Envelope, RareMixture


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
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
