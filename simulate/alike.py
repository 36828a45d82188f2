"""Drawing units that are alike: independent given one propensity for all of them.

An example's propensity P_t is a function of its number, and what its units draw a function of P_t and
that number (:mod:`rote.simulate.digits`). So the same activity is had as bytes, as bits, which take an
eighth of the memory, or as events, which cost what is active where P_t is small.
"""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..activity.arrays import Activity, Floats, Packed
from ..activity.checks import check_count, check_generator
from ..activity.events import Events
from ..activity.kernel import over_blocks
from ..activity.packing import n_words
from ..activity.streams import Key, draw_keys
from .digits import Digits
from .process import Draw, Process

_ROWS = 4096  # propensities taken apart at once
_LEAST = 1024  # rows for a thread
_SPARE = 6.0  # standard deviations of room for what is found


class AlikeMixture(Process):
    """A process whose units are independent and equally probable given the example."""

    __slots__ = ()

    @abstractmethod
    def propensity(self, key: Key, examples: NDArray[np.uint64]) -> Floats:
        """Return the probability that a unit is active on each of ``examples``: ``(n_examples,)``."""

    def draw(self, rng: np.random.Generator) -> Draw:
        """Take three keys."""
        return _AlikeDraw.of(self, draw_keys(rng, 3))

    def sample(self, n_examples: int, *, rng: np.random.Generator) -> Activity:
        """Draw activity of shape ``(n_examples, n_units)``."""
        n_examples = check_count("n_examples", n_examples)
        return self.draw(check_generator(rng)).cells(0, n_examples)


@dataclass(frozen=True, slots=True, eq=False)
class _AlikeDraw(Draw):
    """A draw of a process by three keys."""

    process: AlikeMixture
    keys: NDArray[np.uint64]

    @classmethod
    def of(cls, process: AlikeMixture, keys: NDArray[np.uint64]) -> "_AlikeDraw":
        return cls(process.n_units, lambda *rows: _cells(process, keys, *rows), process, keys)

    def words(self, first: int, last: int) -> Packed:
        words = np.empty((last - first, n_words(self.n_units)), dtype=np.uint64)

        def fill(start: int, stop: int) -> None:
            digits = Digits.of(_propensity(self.process, self.keys, first + start, first + stop))
            digits.draw_packed(words[start:stop], self.n_units, self.keys[1:], first + start)

        _over_rows(fill, len(words))
        return words

    def events(self, first: int, last: int) -> Events:
        n_examples = last - first
        propensity, start = np.empty(n_examples), np.zeros(n_examples + 1, dtype=np.int64)
        edges = np.append(np.arange(0, n_examples, _ROWS), n_examples)
        found = np.empty(edges.size - 1, dtype=np.int64)

        def prepare(begin: int, end: int) -> None:
            propensity[begin:end] = _propensity(self.process, self.keys, first + begin, first + end)

        def fill(part: int) -> None:
            rows, room = slice(*edges[part : part + 2]), slice(*places[part : part + 2])
            found[part] = Digits.of(propensity[rows]).draw_units(
                unit[room], start[1:][rows], self.n_units, self.keys[1:], first + rows.start
            )

        _over_rows(prepare, n_examples)
        due = self.n_units * np.add.reduceat(propensity, edges[:-1])
        room = (due + _SPARE * (np.sqrt(due) + 10)).astype(np.int64)
        while True:  # a second time, for what was found, should the room not do: hardly ever
            places = np.append(0, np.cumsum(room))
            unit = np.empty(places[-1], dtype=np.int32)
            over_blocks(lambda begin, end: [fill(p) for p in range(begin, end)], found.size, least=1)
            if (found <= room).all():
                break
            room = found.copy()
        end = 0
        for place, count in zip(places, found, strict=False):
            unit[end : end + count] = unit[place : place + count]
            end += count
        np.cumsum(start, out=start)
        return Events(start=start, unit=unit[:end], n_units=self.n_units)


def _propensity(process: AlikeMixture, keys: NDArray[np.uint64], first: int, last: int) -> Floats:
    return process.propensity(keys[0], np.arange(first, last, dtype=np.uint64))


def _cells(process: AlikeMixture, keys: NDArray[np.uint64], start: int, stop: int) -> Activity:
    padded = 8 * -(-process.n_units // 8)  # bytes come in eights
    active = np.empty((stop - start, process.n_units), dtype=np.uint8)

    def fill(first: int, last: int) -> None:
        whole = active[first:last]
        part = whole if padded == process.n_units else np.empty((last - first, padded), dtype=np.uint8)
        digits = Digits.of(_propensity(process, keys, start + first, start + last))
        digits.draw_bytes(part, process.n_units, keys[1:], start + first)
        if part is not whole:
            whole[:] = part[:, : process.n_units]

    _over_rows(fill, len(active))
    return active.view(np.bool_)


def _over_rows(work: Callable[[int, int], None], n_rows: int) -> None:
    """Call ``work(first, last)`` over all rows, on several threads, some rows at a time."""

    def some(start: int, stop: int) -> None:
        for first in range(start, stop, _ROWS):
            work(first, min(first + _ROWS, stop))

    over_blocks(some, n_rows, least=_LEAST)
