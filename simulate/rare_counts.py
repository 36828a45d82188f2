"""Rare counts by events: for layers of which cells cost more than what is counted.

Events of several kinds arrive, those of kind k as a Poisson number of mean ν_k; each adds one to the
counts of all units that its kind reaches. By superposition they are one Poisson number of mean Σ ν_k,
and every event is of kind k with the odds ν_k, independently of the others: two words of the stream and
one place in a table for each event, however many units and kinds there are. A unit of its own is a kind
that reaches one unit, a common source one that reaches many.
"""

from abc import abstractmethod
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..activity.arrays import Counts, Floats
from ..activity.kernel import kernel, over_blocks
from ..activity.streams import Key
from .counts import CountArray, CountProcess, Rows, check_fit, write_row
from .poisson_variates import WORDS, Alias, alias_table, pick, poisson_variate

_FEW = 1 / 128  # mean count below which events are faster than cells
ROW = np.uint64(1 << 32)  # words set aside for the events of an example
_KEY = 3  # that arrivals use
_EVENTS = 1 << 14  # least for a thread
_MANY = 32  # numbers beyond which insertion is slower than other ways of sorting


class Kinds(NamedTuple):
    """Kinds of events: the odds of each, and the units that it reaches."""

    odds: Alias  # (n_kinds,)
    start: NDArray[np.int64]  # (n_kinds + 1,) where its units begin
    unit: NDArray[np.int32]  # each once in a kind


class RareCounts(CountProcess):
    """A process of counts that can be drawn by its events."""

    __slots__ = ()
    rate: Floats  # (n_units,) mean count

    @abstractmethod
    def hits(self, first: int, last: int, keys: NDArray[np.uint64]) -> Rows:
        """Return the counts above zero of examples from ``first`` to ``last``, in 32 bits."""

    @cached_property
    def is_rare(self) -> bool:
        """Whether there is no more than one count for 128 cells."""
        return bool(self.rate.mean() <= _FEW)

    @cached_property
    def work(self) -> float:
        """What drawing an example as events costs."""
        return max(1.0, self.rate.sum()) if self.is_rare else self.n_units

    def above_zero(self, first: int, last: int, keys: NDArray[np.uint64], dtype: np.dtype) -> Rows:
        """Return the counts above zero of examples from ``first`` to ``last``, as ``dtype``."""
        if not self.is_rare:
            return super().above_zero(first, last, keys, dtype)
        parts: dict[int, Rows] = {}

        def fill(start: int, stop: int) -> None:
            parts[start] = self.hits(first + start, first + stop, keys)

        over_blocks(fill, last - first, least=max(1, int(_EVENTS / self.work)))
        joined = zip(*(parts[start] for start in sorted(parts)), strict=True)
        length, unit, count = (np.concatenate(part) for part in joined)
        if count.size:
            check_fit(int(count.max()), int(unit[count.argmax()]), dtype)
        return Rows(length, unit, count.astype(dtype))


class Arrivals(RareCounts):
    """A process whose events are of kinds that reach the same units on every example."""

    __slots__ = ()

    @abstractmethod
    def kinds(self) -> Kinds:
        """Return the kinds of events."""

    @abstractmethod
    def event_mean(self, first: int, last: int, keys: NDArray[np.uint64]) -> Floats:
        """Return the mean number of events of examples from ``first`` to ``last``."""

    @abstractmethod
    def fill_cells(
        self, counts: CountArray, first: int, keys: NDArray[np.uint64], worst: Counts
    ) -> None:
        """Draw rows of counts from example ``first`` on where they are not rare."""

    @cached_property
    def _kinds(self) -> Kinds:
        return self.kinds()

    def fill(self, counts: CountArray, first: int, keys: NDArray[np.uint64], worst: Counts) -> None:
        """Draw rows of counts from example ``first`` on."""
        if not self.is_rare:
            self.fill_cells(counts, first, keys, worst)
            return
        (odds, start, unit), mean = self._kinds, self.event_mean(first, first + len(counts), keys)
        _fill(counts, mean, *odds, start, unit, first, keys[_KEY], worst)

    def hits(self, first: int, last: int, keys: NDArray[np.uint64]) -> Rows:
        """Return the counts above zero of examples from ``first`` to ``last``, in 32 bits."""
        (odds, start, unit), mean = self._kinds, self.event_mean(first, last, keys)
        length = np.empty(mean.size, dtype=np.int64)
        return Rows(length, *_arrive(mean, *odds, start, unit, first, keys[_KEY], length))


def own_events(rate: Floats) -> Kinds:
    """Return a kind for each unit, which reaches it alone."""
    odds = rate if rate.any() else np.ones(rate.size)  # of events that never come
    return Kinds(alias_table(odds), np.arange(rate.size + 1), np.arange(rate.size, dtype=np.int32))


@kernel
def _fill(
    counts: CountArray,
    mean: Floats,
    stay: Floats,
    other: Counts,
    start: NDArray[np.int64],
    reached: NDArray[np.int32],
    first: int,
    key: Key,
    worst: Counts,
) -> None:
    row = np.empty(counts.shape[1], dtype=np.uint32)
    for place in range(mean.size):
        row[:] = np.uint32(0)
        counter = np.uint64(first + place) * ROW
        n_events = poisson_variate(key, counter, mean[place])
        counter += WORDS
        for _ in range(n_events):
            kind, counter = pick(key, counter, stay, other)
            for at in range(start[kind], start[kind + 1]):
                row[reached[at]] += np.uint32(1)
        write_row(row, counts[place], worst)


@kernel
def _arrive(
    mean: Floats,
    stay: Floats,
    other: Counts,
    start: NDArray[np.int64],
    reached: NDArray[np.int32],
    first: int,
    key: Key,
    length: Counts,
) -> tuple[NDArray[np.int32], NDArray[np.uint32]]:
    hits, found = np.empty(64, dtype=np.int32), 0
    unit, count = np.empty(64, dtype=np.int32), np.empty(64, dtype=np.uint32)
    for place in range(mean.size):
        counter = np.uint64(first + place) * ROW
        n_events, n_hits = poisson_variate(key, counter, mean[place]), 0
        counter += WORDS
        for _ in range(n_events):
            kind, counter = pick(key, counter, stay, other)
            hits = with_room(hits, n_hits, start[kind + 1] - start[kind])
            for at in range(start[kind], start[kind + 1]):
                hits[n_hits] = reached[at]
                n_hits += 1
        unit, count = with_room(unit, found, n_hits), with_room(count, found, n_hits)
        length[place] = add_runs(hits[:n_hits], unit[found:], count[found:])
        found += length[place]
    return unit[:found].copy(), count[:found].copy()


@kernel
def with_room(numbers: NDArray, used: int, more: int) -> NDArray:
    """Return an array that holds the ``used`` first numbers and has room for ``more``."""
    if used + more <= numbers.size:
        return numbers
    larger = np.empty(max(2 * numbers.size, used + more), dtype=numbers.dtype)
    larger[:used] = numbers[:used]
    return larger


@kernel
def add_runs(hits: NDArray[np.int32], unit: NDArray[np.int32], count: NDArray[np.uint32]) -> int:
    """Sort the units hit; set each distinct one and how often it was hit; return how many they are."""
    sort(hits)
    found = 0
    for place in range(hits.size):
        if place > 0 and hits[place] == hits[place - 1]:
            count[found - 1] += np.uint32(1)
        else:
            unit[found], count[found] = hits[place], np.uint32(1)
            found += 1
    return found


@kernel
def sort(hits: NDArray[np.int32]) -> None:
    """Sort in place, few numbers by insertion."""
    if hits.size > _MANY:
        hits.sort()
        return
    for place in range(1, hits.size):
        hit = hits[place]
        while place > 0 and hits[place - 1] > hit:
            hits[place] = hits[place - 1]
            place -= 1
        hits[place] = hit
