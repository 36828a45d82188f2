"""Independent Poisson counts: the null model of a layer's counts.

On every example unit i is counted k times with probability e^{-rate_i} rate_i^k / k!, whatever the
others do: variance and mean are equal, the Fano factor is 1, and the population count is Poisson too. It
is the limit of rare activity in windows of W examples, Binomial(W, p) with W p = rate and p small.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..activity.arrays import Counts, Floats
from ..activity.kernel import kernel
from .count_laws import compound_poisson_pmf
from .count_prediction import CountPrediction
from .counts import CountArray, CountProcess, check_rate, write_row
from .poisson_lanes import ROWS, Tables, independent_rows, new_rows, tables


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class IndependentPoisson(CountProcess):
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

    def fill(self, counts: CountArray, first: int, keys: NDArray[np.uint64], worst: Counts) -> None:
        """Draw rows of counts from example ``first`` on."""
        rows = new_rows(self.n_units, self.rate.max())
        _fill(counts, rows, tables(self.rate[None]), first, keys, worst)


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
