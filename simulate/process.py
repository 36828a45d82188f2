"""What every process of Bernoulli units can do once it can draw some of its examples.

The same generator state gives the same activity, whatever the block and the number of threads, whether
at once or in blocks, as cells, as bits or as events.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from ..activity.arrays import Activity, Packed
from ..activity.checks import check_count, check_generator
from ..activity.events import Events
from ..activity.packing import n_words, pack
from .event_rows import dense, joined, packed
from .listing import list_active

_CELLS = 1 << 20  # of a block that stays in cache


@dataclass(frozen=True, slots=True, eq=False)
class Draw:
    """One draw: its random numbers are settled, and any of its examples can be had in any form."""

    n_units: int
    cells: Callable[[int, int], Activity]  # examples from a first one to before a last one

    def words(self, first: int, last: int) -> Packed:
        """Return the bits of examples from ``first`` to before ``last``."""
        words = np.empty((last - first, n_words(self.n_units)), dtype=np.uint64)
        for start, stop in self._pieces(first, last):
            words[start - first : stop - first] = pack(self.cells(start, stop))
        return words

    def events(self, first: int, last: int) -> Events:
        """Return the events of examples from ``first`` to before ``last``."""
        return joined([self._listed(*piece) for piece in self._pieces(first, last)])

    def _listed(self, first: int, last: int) -> Events:
        unit, counts = list_active(pack(self.cells(first, last)))
        return Events(start=np.append(0, np.cumsum(counts)), unit=unit, n_units=self.n_units)

    def _pieces(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        step = max(1, _CELLS // self.n_units)
        return ((start, min(start + step, last)) for start in range(first, last, step))


@dataclass(frozen=True, slots=True, eq=False)
class EventDraw(Draw):
    """A draw of which events are the first form, and cells and bits are made from them."""

    list_events: Callable[[int, int], Events]

    @classmethod
    def of(cls, n_units: int, list_events: Callable[[int, int], Events]) -> "EventDraw":
        """Build from what lists the events of examples from a first one to before a last one."""
        return cls(n_units, lambda first, last: dense(list_events(first, last)), list_events)

    def words(self, first: int, last: int) -> Packed:
        """Return the bits of examples from ``first`` to before ``last``."""
        return packed(self.list_events(first, last))

    def events(self, first: int, last: int) -> Events:
        """Return the events of examples from ``first`` to before ``last``."""
        return self.list_events(first, last)


class Process(ABC):
    """A layer of ``n_units`` that are active or not on each example."""

    __slots__ = ()
    n_units: int

    @abstractmethod
    def draw(self, rng: np.random.Generator) -> Draw:
        """Take from ``rng`` all that a draw needs, whatever the number of its examples."""

    @abstractmethod
    def predict(self) -> object:
        """Return the laws of this process under the names of the statistics that measure them."""

    def sample(self, n_examples: int, *, rng: np.random.Generator) -> Activity:
        """Draw activity of shape ``(n_examples, n_units)``."""
        active = np.empty((check_count("n_examples", n_examples), self.n_units), dtype=np.bool_)
        block = max(1, min(len(active), _CELLS // self.n_units))
        for number, part in enumerate(self.blocks(len(active), rng=rng, block=block)):
            active[number * block : number * block + len(part)] = part
        return active

    def sample_packed(self, n_examples: int, *, rng: np.random.Generator) -> Packed:
        """Draw what :meth:`sample` does as bits, ``(n_examples, ceil(n_units / 64))``.

        Takes an eighth of the memory; :func:`rote.activity.unpack` turns it back.
        """
        n_examples = check_count("n_examples", n_examples)
        return self.draw(check_generator(rng)).words(0, n_examples)

    def sample_events(self, n_examples: int, *, rng: np.random.Generator) -> Events:
        """Draw the units that :meth:`sample` makes active, in their memory and that of one block."""
        n_examples = check_count("n_examples", n_examples)
        return self.draw(check_generator(rng)).events(0, n_examples)

    def blocks(
        self, n_examples: int, *, rng: np.random.Generator, block: int = 4096
    ) -> Iterator[Activity]:
        """Yield what :meth:`sample` draws, ``block`` examples at a time; takes from ``rng`` now."""
        return in_blocks(lambda: self.draw(check_generator(rng)).cells, n_examples, block)

    def packed_blocks(
        self, n_examples: int, *, rng: np.random.Generator, block: int = 4096
    ) -> Iterator[Packed]:
        """Yield what :meth:`sample_packed` draws, ``block`` examples at a time."""
        return in_blocks(lambda: self.draw(check_generator(rng)).words, n_examples, block)

    def event_blocks(
        self, n_examples: int, *, rng: np.random.Generator, block: int = 4096
    ) -> Iterator[Events]:
        """Yield what :meth:`sample_events` draws, ``block`` examples at a time, in the memory of one."""
        return in_blocks(lambda: self.draw(check_generator(rng)).events, n_examples, block)


def in_blocks[Part](
    begin: Callable[[], Callable[[int, int], Part]], n_examples: int, block: int
) -> Iterator[Part]:
    """Begin a draw and yield its successive blocks of examples; arguments are checked at once."""
    n_examples, block = check_count("n_examples", n_examples), check_count("block", block)
    drawn = begin()
    return (drawn(first, min(first + block, n_examples)) for first in range(0, n_examples, block))
