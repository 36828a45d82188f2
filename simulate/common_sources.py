"""Poisson counts with common sources: units are counted together where they are wired to one source.

    y_i = x_i + Σ_f wiring_if z_f,    x_i ~ Poisson(own_i),    z_f ~ Poisson(source_rate_f)

all independent, wiring 0 or 1. Every count is Poisson (Fano factor 1) with mean

    rate_i = own_i + Σ_f wiring_if source_rate_f,    cov_ij = Σ_f wiring_if wiring_jf source_rate_f

(Holgate, Biometrika 51, 1964). What two units share is at most the mean of the rarer, so correlations
lie between 0 and √(rate_i/rate_j), rate_i ≤ rate_j. The population count is a compound Poisson sum, in
which an event of source f counts for all its units. Rare layers are drawn by their events
(:mod:`rote.simulate.rare_counts`): a source is a kind of event beside each unit's own.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..activity.arrays import Counts, Floats
from ..activity.checks import as_floats, one_number
from ..activity.kernel import kernel
from ..activity.streams import Key
from .count_laws import compound_poisson_pmf
from .count_prediction import CountPrediction
from .counts import CountArray, check_mean, check_rate, write_row
from .poisson_lanes import ROWS, Tables, independent_rows, new_rows, tables
from .poisson_variates import MOST, WORDS, alias_table, poisson_variate
from .rare_counts import Arrivals, Kinds


@dataclass(frozen=True, kw_only=True, eq=False)
class CommonSources(Arrivals):
    """Units that count their own events and those of the sources they are wired to."""

    own: Floats  # (n_units,) mean count of a unit's own events
    wiring: NDArray[np.bool_]  # (n_units, n_sources) which units a source reaches
    source_rate: Floats  # (n_sources,) mean count of a source

    def __post_init__(self) -> None:
        own = check_rate("own", self.own)
        source_rate = np.array(check_mean("source_rate", self.source_rate, of="source"))
        if source_rate.ndim != 1:
            raise ValueError(f"source_rate must have shape (n_sources,), got {source_rate.shape}")
        source_rate.setflags(write=False)
        object.__setattr__(self, "own", own)
        object.__setattr__(self, "source_rate", source_rate)
        object.__setattr__(self, "wiring", _check_wiring(self.wiring, own.size, source_rate.size))
        if self.rate.max() > MOST:
            unit = int(np.argmax(self.rate))
            raise ValueError(f"rates must lie in [0, 2**29], got {self.rate[unit]} at unit {unit}")

    @classmethod
    def from_correlation(cls, *, rate: ArrayLike, correlation: float) -> Self:
        """Return units of given mean counts, ``(n_units,)``, that share one source.

        A source of mean μ gives units i and j the correlation μ/√(rate_i rate_j): ``correlation`` for
        all pairs if the rates are equal, else on average over pairs. Raises a ``ValueError`` that names
        the bound: μ cannot exceed the least rate, nor a pair's correlation √(rate_i/rate_j).
        """
        rate = check_rate("rate", rate)
        wanted = one_number("correlation", as_floats("correlation", correlation))
        if rate.size < 2 or rate.min() == 0:
            raise ValueError(
                "rate must hold two units or more, all above 0, to give pairs a correlation"
            )
        inverse = 1 / np.sqrt(rate)
        average = (inverse.sum() ** 2 - (inverse**2).sum()) / (rate.size * (rate.size - 1))
        shared, bound = wanted / average, rate.min() * average
        if not 0 <= shared <= rate.min() * (1 + 1e-12):
            low, high = int(np.argmin(rate)), int(np.argmax(rate))
            raise ValueError(
                f"correlation must lie in [0, {bound:.6g}] with one source for all, got {wanted:g}: "
                f"units {low} and {high}, of rates {rate[low]:g} and {rate[high]:g}, share at most "
                f"{rate[low]:g}, a correlation of {np.sqrt(rate[low] / rate[high]):.6g}"
            )
        own = np.maximum(rate - shared, 0.0)
        return cls(own=own, wiring=np.ones((rate.size, 1), dtype=bool), source_rate=[shared])

    @property
    def n_units(self) -> int:
        """Number of units."""
        return self.own.size

    @property
    def rate(self) -> Floats:
        """Mean counts: ``(n_units,)``."""
        return self.own + self.wiring @ self.source_rate

    def predict(self) -> CountPrediction:
        """Return the laws of this process in closed form."""
        size = np.concatenate([[1], self.wiring.sum(axis=0)])  # units that an event reaches
        event_rate = np.concatenate([[self.own.sum()], self.source_rate])
        return CountPrediction.of_shared(
            rate=self.rate,
            fano=np.ones(self.n_units),
            shared=self.wiring * np.sqrt(self.source_rate),
            population=lambda: compound_poisson_pmf(np.bincount(size, weights=event_rate)[1:]),
        )

    def fill_cells(
        self, counts: CountArray, first: int, keys: NDArray[np.uint64], worst: Counts
    ) -> None:
        """Draw rows of counts from example ``first`` on where they are not rare."""
        rows = new_rows(self.n_units, self.rate.max())
        mask = np.zeros((self.source_rate.size, rows.shape[1]), dtype=rows.dtype)
        mask[:, : self.n_units][self.wiring.T] = np.iinfo(mask.dtype).max  # all bits
        _fill(counts, rows, tables(self.own[None]), mask, self.source_rate, first, keys, worst)

    def event_mean(self, first: int, last: int, _keys: NDArray[np.uint64]) -> Floats:
        """Return the mean number of events of examples from ``first`` to ``last``."""
        return np.full(last - first, self._odds.sum())

    def kinds(self) -> Kinds:
        """Return the own events of each unit, then those of each source."""
        source, reached = np.nonzero(self.wiring.T)
        size = np.bincount(source, minlength=self.source_rate.size)
        return Kinds(
            alias_table(self._odds if self._odds.any() else np.ones(self._odds.size)),
            np.cumsum(np.concatenate([[0], np.ones(self.n_units, dtype=np.int64), size])),
            np.concatenate([np.arange(self.n_units), reached]).astype(np.int32),
        )

    @cached_property
    def _odds(self) -> Floats:
        """Mean numbers of own events and of those of the sources, if these reach any unit."""
        return np.concatenate([self.own, np.where(self.wiring.any(axis=0), self.source_rate, 0.0)])


def _check_wiring(wiring: ArrayLike, n_units: int, n_sources: int) -> NDArray[np.bool_]:
    given = np.array(wiring)
    if given.shape != (n_units, n_sources):
        raise ValueError(
            f"wiring must have shape (n_units, n_sources) = {(n_units, n_sources)}, got {given.shape}"
        )
    wired = given.astype(np.bool_)
    wrong = np.argwhere(wired != given)
    if wrong.size:
        unit, source = wrong[0]
        raise ValueError(
            f"wiring must be 0 or 1, since other multiples of a Poisson count are none, "
            f"got {given[unit, source]} at unit {unit}, source {source}"
        )
    wired.setflags(write=False)
    return wired


@kernel
def _fill(
    counts: CountArray,
    rows: NDArray[np.unsignedinteger],
    tables: Tables,
    mask: NDArray[np.unsignedinteger],
    source_rate: Floats,
    first: int,
    keys: NDArray[np.uint64],
    worst: Counts,
) -> None:
    examples = np.arange(first, first + counts.shape[0]).astype(np.uint64)
    for top in range(0, examples.size, ROWS):
        some = examples[top : top + ROWS]
        independent_rows(rows, tables, 0, some, keys[0], keys[1])
        for place in range(some.size):
            _add_sources(rows[place], mask, source_rate, some[place], keys[2])
            write_row(rows[place], counts[top + place], worst)


@kernel
def _add_sources(
    row: NDArray[np.unsignedinteger],
    mask: NDArray[np.unsignedinteger],
    source_rate: Floats,
    example: np.uint64,
    key: Key,
) -> None:
    cast = row.dtype.type  # the loop over units stays as narrow as its row
    cell = example * np.uint64(source_rate.size)
    for source in range(source_rate.size):
        events = cast(poisson_variate(key, (cell + np.uint64(source)) * WORDS, source_rate[source]))
        if events:
            for unit in range(row.size):
                row[unit] = cast(row[unit] + cast(events & mask[source, unit]))
