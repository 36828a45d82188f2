"""Drawing block by block: activity of any number of examples in the memory of one block."""

from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np

from ..activity.arrays import Activity
from ..activity.checks import check_count

_CELLS = 1 << 20  # of a block that stays in cache


class Streamed(Protocol):
    """What :func:`join_blocks` needs of a process."""

    @property
    def n_units(self) -> int:
        """Number of units."""

    def blocks(self, n_examples: int, *, rng: np.random.Generator, block: int) -> Iterator[Activity]:
        """Yield activity, ``block`` examples at a time."""


def in_blocks(draw: Callable[[int, int], Activity], n_examples: int, block: int) -> Iterator[Activity]:
    """Yield ``draw(first, last)`` of successive blocks of examples; arguments are checked at once."""
    n_examples, block = check_count("n_examples", n_examples), check_count("block", block)
    return (draw(first, min(first + block, n_examples)) for first in range(0, n_examples, block))


def join_blocks(process: Streamed, n_examples: int, rng: np.random.Generator) -> Activity:
    """Draw activity of shape ``(n_examples, n_units)`` with the memory of one block beside it."""
    n_examples = check_count("n_examples", n_examples)
    block = max(1, min(n_examples, _CELLS // process.n_units))
    drawn = process.blocks(n_examples, rng=rng, block=block)
    active = np.empty((n_examples, process.n_units), dtype=np.bool_)
    for first, part in zip(range(0, n_examples, block), drawn, strict=True):
        active[first : first + len(part)] = part
    return active
