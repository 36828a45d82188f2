"""Independent Poisson counts: the null model of a layer's counts.

On every example unit i is counted k times with probability e^{-rate_i} rate_i^k / k!, whatever the
others do: variance and mean are equal, the Fano factor is 1, and the population count is Poisson too. It
is the limit of rare activity in windows of W examples, Binomial(W, p) with W p = rate and p small.
Rare layers are drawn by their events (:mod:`rote.simulate.rare_counts`).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..activity.arrays import Counts, Floats
from ..activity.kernel import kernel
from .count_laws import compound_poisson_pmf
from .count_prediction import CountPrediction
from .counts import CountArray, check_rate, write_row
from .poisson_lanes import ROWS, Tables, independent_rows, new_rows, tables
from .rare_counts import Arrivals, Kinds, own_events


@dataclass(frozen=True, kw_only=True, eq=False)
class IndependentPoisson(Arrivals):
    """Units with mean counts of their own and no correlation."""

    rate: Floats  # (n_units,) mean count of an example, in [0, 2²⁹]

    def __post_init__(self) -> None:
        object.__setattr__(self, "rate", check_rate("rate", self.rate))

    @property
    def n_units(self) -> int:
        """Number of units."""
        return self.rate.size

    def predict(self) -> CountPrediction:
        """Return the laws of this process in closed form."""
        return CountPrediction.of_shared(
            rate=self.rate,
            fano=np.ones(self.n_units),
            shared=np.empty((self.n_units, 0)),
            population=lambda: compound_poisson_pmf([self.rate.sum()]),
        )

    def fill_cells(
        self, counts: CountArray, first: int, keys: NDArray[np.uint64], worst: Counts
    ) -> None:
        """Draw rows of counts from example ``first`` on where they are not rare."""
        rows = new_rows(self.n_units, self.rate.max())
        _fill(counts, rows, tables(self.rate[None]), first, keys, worst)

    def event_mean(self, first: int, last: int, _keys: NDArray[np.uint64]) -> Floats:
        """Return the mean number of events of examples from ``first`` to ``last``."""
        return np.full(last - first, self.rate.sum())

    def kinds(self) -> Kinds:
        """Return a kind for each unit, which reaches it alone."""
        return own_events(self.rate)


@kernel
def _fill(
    counts: CountArray,
    rows: NDArray[np.unsignedinteger],
    tables: Tables,
    first: int,
    keys: NDArray[np.uint64],
    worst: Counts,
) -> None:
    examples = np.arange(first, first + counts.shape[0]).astype(np.uint64)
    for top in range(0, examples.size, ROWS):
        some = examples[top : top + ROWS]
        independent_rows(rows, tables, 0, some, keys[0], keys[1])
        for place in range(some.size):
            write_row(rows[place], counts[top + place], worst)
