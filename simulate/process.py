"""What every process of Bernoulli units can do once it can draw blocks of examples.

The same generator state gives the same activity, whatever the block and the number of threads, whether
at once, in blocks, as bits or as events (but for events with an envelope that follows the other examples
drawn: :mod:`rote.simulate.rare`).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator

import numpy as np

from ..activity.arrays import Activity, Packed
from ..activity.checks import check_count
from ..activity.events import Events
from ..activity.packing import n_words, pack
from .listing import list_active

_CELLS = 1 << 20  # of a block that stays in cache


class Process(ABC):
    """A layer of ``n_units`` that are active or not on each example."""

    __slots__ = ()
    n_units: int

    @abstractmethod
    def blocks(
        self, n_examples: int, *, rng: np.random.Generator, block: int = 4096
    ) -> Iterator[Activity]:
        """Yield what :meth:`sample` draws, ``block`` examples at a time."""

    @abstractmethod
    def predict(self) -> object:
        """Return the laws of this process under the names of the statistics that measure them."""

    def sample(self, n_examples: int, *, rng: np.random.Generator) -> Activity:
        """Draw activity of shape ``(n_examples, n_units)``."""
        active = np.empty((check_count("n_examples", n_examples), self.n_units), dtype=np.bool_)
        self._fill(active, rng, lambda part: part)
        return active

    def sample_packed(self, n_examples: int, *, rng: np.random.Generator) -> Packed:
        """Draw what :meth:`sample` does as bits, ``(n_examples, ceil(n_units / 64))``.

        Takes an eighth of the memory; :func:`rote.activity.unpack` turns it back.
        """
        shape = check_count("n_examples", n_examples), n_words(self.n_units)
        words = np.empty(shape, dtype=np.uint64)
        self._fill(words, rng, pack)
        return words

    def sample_events(self, n_examples: int, *, rng: np.random.Generator) -> Events:
        """Draw the active units of each example, in the memory of the activations and one block."""
        block = max(1, _CELLS // self.n_units)
        parts = [list_active(pack(part)) for part in self.blocks(n_examples, rng=rng, block=block)]
        units, counts = (np.concatenate(lists) for lists in zip(*parts, strict=True))
        start = np.concatenate([[0], np.cumsum(counts)])
        return Events(start=start, unit=units, n_units=self.n_units)

    def _fill(
        self, drawn: np.ndarray, rng: np.random.Generator, change: Callable[[Activity], np.ndarray]
    ) -> None:
        """Draw block by block, with the memory of one block besides ``drawn``."""
        block = max(1, min(len(drawn), _CELLS // self.n_units))
        for number, part in enumerate(self.blocks(len(drawn), rng=rng, block=block)):
            first = number * block
            drawn[first : first + len(part)] = change(part)


def in_blocks(draw: Callable[[int, int], Activity], n_examples: int, block: int) -> Iterator[Activity]:
    """Yield ``draw(first, last)`` of successive blocks of examples; arguments are checked at once."""
    n_examples, block = check_count("n_examples", n_examples), check_count("block", block)
    return (draw(first, min(first + block, n_examples)) for first in range(0, n_examples, block))
