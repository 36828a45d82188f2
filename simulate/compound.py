"""Compound Poisson counts: events that hit several units at once, synchrony of every order.

Events arrive as a Poisson number of mean ν = ``event_rate`` in an example. Each hits A distinct units,
all sets of A units alike, and adds one to their counts; A has the law ``synchrony`` on 1 … n_units [1]_.
Every count is Poisson, and r distinct units have the joint cumulant

    κ_r = ν E[A (A-1) … (A-r+1)] / (N (N-1) … (N-r+1)),

the rate for r = 1, the covariance for r = 2. Pairs are equally correlated, by
E[A(A-1)] / ((N-1) E[A]) whatever the rate; layers that agree in it differ in κ_3 and beyond. The
population count is a compound Poisson sum with steps A.

.. [1] Kuhn, Aertsen and Rotter (2003), Neural Computation 15, 67-101; Staude, Rotter and Grün (2010),
   Journal of Computational Neuroscience 29, 327-350.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..activity.arrays import Counts, Floats
from ..activity.checks import as_floats, check_count, one_number
from ..activity.kernel import kernel
from ..activity.streams import Key
from .count_laws import compound_poisson_pmf
from .count_prediction import CountPrediction
from .counts import CountArray, Rows, check_mean, write_row
from .discrete import check_distribution
from .poisson_variates import WORDS, Alias, alias_table, below, pick, poisson_variate
from .rare_counts import ROW, RareCounts, add_runs, with_room


@dataclass(frozen=True, kw_only=True, eq=False)
class CompoundPoisson(RareCounts):
    """Units that are all alike, hit together by events."""

    n_units: int
    event_rate: float  # mean number of events in an example, in [0, 2²⁹]
    synchrony: Floats  # (most,) probability that an event hits 1, 2, … units; most is at most n_units

    def __post_init__(self) -> None:
        n_units = check_count("n_units", self.n_units)
        event_rate = one_number("event_rate", check_mean("event_rate", self.event_rate, of="event"))
        synchrony = check_distribution("synchrony", self.synchrony)
        if synchrony.size > n_units:
            raise ValueError(
                f"synchrony must have shape (n,), n at most n_units = {n_units}, got {synchrony.shape}"
            )
        object.__setattr__(self, "event_rate", event_rate)
        object.__setattr__(self, "synchrony", synchrony)

    @classmethod
    def from_correlation(cls, *, n_units: int, rate: float, correlation: float, order: int) -> Self:
        """Return units of mean count ``rate`` whose events hit one unit, or ``order`` of them together.

        Raises a ``ValueError`` for a correlation outside [0, (order - 1)/(n_units - 1)], the bound that
        is reached when all events are of that order.
        """
        n_units, order = check_count("n_units", n_units, least=2), check_count("order", order, least=2)
        if order > n_units:
            raise ValueError(f"order must be at most n_units = {n_units}, got {order}")
        rate = one_number("rate", check_mean("rate", rate, of="unit"))
        wanted = one_number("correlation", as_floats("correlation", correlation))
        bound = (order - 1) / (n_units - 1)
        if not 0 <= wanted <= bound * (1 + 1e-12):
            raise ValueError(
                f"correlation must lie in [0, {bound:.6g}] for events of order {order} among {n_units} "
                f"units, got {wanted:g}"
            )
        together = min(1.0, wanted / bound)  # share of a unit's counts that come from such events
        event_rate = n_units * rate * np.array([1 - together, together / order])
        synchrony = np.zeros(order)
        synchrony[[0, -1]] = event_rate / event_rate.sum() if rate else [1.0, 0.0]
        return cls(n_units=n_units, event_rate=event_rate.sum(), synchrony=synchrony)

    @property
    def rate(self) -> Floats:
        """Mean counts, the same for all: ``(n_units,)``."""
        return np.full(self.n_units, self.joint_cumulant(1))

    def joint_cumulant(self, order: int) -> float:
        """Return the joint cumulant of the counts of ``order`` distinct units, κ above."""
        order = check_count("order", order)
        if order > self.n_units:
            raise ValueError(f"order must be at most n_units = {self.n_units}, got {order}")
        size = np.arange(1.0, self.synchrony.size + 1)
        steps = np.arange(order)[:, None]
        return float(
            self.event_rate * self.synchrony @ ((size - steps) / (self.n_units - steps)).prod(axis=0)
        )

    def predict(self) -> CountPrediction:
        """Return the laws of this process in closed form."""
        covariance = self.joint_cumulant(2) if self.n_units > 1 else 0.0
        return CountPrediction.of_shared(
            rate=self.rate,
            fano=np.ones(self.n_units),
            shared=np.full((self.n_units, 1), np.sqrt(covariance)),
            population=lambda: compound_poisson_pmf(self.event_rate * self.synchrony),
        )

    def fill(self, counts: CountArray, first: int, keys: NDArray[np.uint64], worst: Counts) -> None:
        """Draw rows of counts from example ``first`` on."""
        _fill(counts, *self._events, np.uint64(first), keys, worst)

    def hits(self, first: int, last: int, keys: NDArray[np.uint64]) -> Rows:
        """Return the counts above zero of examples from ``first`` to ``last``."""
        length = np.empty(last - first, dtype=np.int64)
        return Rows(length, *_hits(length, self.n_units, *self._events, np.uint64(first), keys))

    @cached_property
    def _events(self) -> tuple[Floats, Alias]:
        """Mean numbers of events that hit one unit and several, and the law of how many these hit."""
        alone = self.synchrony[0]
        together = np.append(0.0, self.synchrony[1:]) if alone < 1 else np.ones(1)
        return self.event_rate * np.array([alone, 1 - alone]), alias_table(together)


@kernel
def _fill(
    counts: CountArray,
    event_rate: Floats,
    synchrony: Alias,
    first: np.uint64,
    keys: NDArray[np.uint64],
    worst: Counts,
) -> None:
    """Draw the events that hit one unit, and those that hit several, of means ``event_rate``."""
    row = np.empty(counts.shape[1], dtype=np.uint32)
    hit = np.zeros(counts.shape[1], dtype=np.int64)  # the last event that hit a unit
    event = 0
    for place in range(counts.shape[0]):
        example = first + np.uint64(place)
        row[:] = np.uint32(0)
        n_events = poisson_variate(keys[0], example * WORDS, event_rate[0])
        _hit_one(row, n_events, keys[1], example * ROW)
        n_events = poisson_variate(keys[2], example * WORDS, event_rate[1])
        _hit_several(row, hit, event, n_events, synchrony, keys[3], example * ROW)
        event += n_events
        write_row(row, counts[place], worst)


@kernel
def _hit_one(row: NDArray[np.uint32], n_events: int, key: Key, counter: np.uint64) -> None:
    for _ in range(n_events):
        unit, counter = below(key, counter, row.size)
        row[unit] += np.uint32(1)


@kernel
def _hit_several(
    row: NDArray[np.uint32],
    hit: NDArray[np.int64],
    event: int,
    n_events: int,
    synchrony: Alias,
    key: Key,
    counter: np.uint64,
) -> None:
    stay, other = synchrony  # once, since every view of an array is counted
    for _ in range(n_events):
        event += 1
        column, counter = pick(key, counter, stay, other)
        counter = _hit(row, hit, event, column + 1, key, counter)


@kernel
def _hit(
    row: NDArray[np.uint32], hit: NDArray[np.int64], event: int, size: int, key: Key, counter: np.uint64
) -> np.uint64:
    """Add one to ``size`` distinct units; if most, to all, and take it back from the others."""
    one, n_units = np.uint32(1), row.size
    if 2 * size > n_units:
        for unit in range(n_units):
            row[unit] += one
        size, one = n_units - size, np.uint32(0xFFFFFFFF)  # -1 in 32 bits
    while size > 0:
        unit, counter = below(key, counter, n_units)
        if hit[unit] != event:
            hit[unit] = event
            row[unit] += one
            size -= 1
    return counter


@kernel
def _hits(
    length: Counts,
    n_units: int,
    event_rate: Floats,
    synchrony: Alias,
    first: np.uint64,
    keys: NDArray[np.uint64],
) -> tuple[NDArray[np.int32], NDArray[np.uint32]]:
    """Return the units that :func:`_fill` counts, without a look at the others, and their counts."""
    stay, other = synchrony
    hit, event = np.zeros(n_units, dtype=np.int64), 0
    hits, unit, count = (
        np.empty(64, dtype=np.int32),
        np.empty(64, dtype=np.int32),
        np.empty(64, dtype=np.uint32),
    )
    found = 0
    for place in range(length.size):
        example = first + np.uint64(place)
        n_events = poisson_variate(keys[0], example * WORDS, event_rate[0])
        hits, n_hits, counter = with_room(hits, 0, n_events), n_events, example * ROW
        for at in range(n_events):
            hits[at], counter = below(keys[1], counter, n_units)
        n_events = poisson_variate(keys[2], example * WORDS, event_rate[1])
        counter = example * ROW
        for _ in range(n_events):
            event += 1
            column, counter = pick(keys[3], counter, stay, other)
            hits = with_room(hits, n_hits, column + 1)
            counter = _list_hit(hits[n_hits : n_hits + column + 1], hit, event, keys[3], counter)
            n_hits += column + 1
        unit, count = with_room(unit, found, n_hits), with_room(count, found, n_hits)
        length[place] = add_runs(hits[:n_hits], unit[found:], count[found:])
        found += length[place]
    return unit[:found].copy(), count[:found].copy()


@kernel
def _list_hit(
    hits: NDArray[np.int32], hit: NDArray[np.int64], event: int, key: Key, counter: np.uint64
) -> np.uint64:
    """Set ``hits`` to the units of :func:`_hit`: those chosen, or if that is most, all others."""
    n_units, most = hit.size, 2 * hits.size > hit.size
    chosen, size = 0, hit.size - hits.size if most else hits.size
    while chosen < size:
        unit, counter = below(key, counter, n_units)
        if hit[unit] != event:
            hit[unit] = event
            if not most:
                hits[chosen] = unit
            chosen += 1
    if most:
        place = 0
        for unit in range(n_units):
            if hit[unit] != event:
                hits[place] = unit
                place += 1
    return counter
