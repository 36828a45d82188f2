"""Which units are active, listed from bits: a word of 64 silent units is passed over at once."""

import numpy as np
from numpy.typing import NDArray

from ..activity.arrays import Counts, Packed
from ..activity.kernel import kernel
from ..activity.packing import WORD
from ..activity.popcount import popcount


def list_active(words: Packed) -> tuple[NDArray[np.int32], Counts]:
    """Return the active units of each example, one after the other, and how many each has."""
    per_example = np.empty(len(words), dtype=np.int64)
    _count(per_example, words)
    units = np.empty(per_example.sum(), dtype=np.int32)
    _list(units, words)
    return units, per_example


@kernel
def _count(per_example: Counts, words: Packed) -> None:
    for example in range(words.shape[0]):
        total = 0
        for place in range(words.shape[1]):
            total += np.int64(popcount(words[example, place]))
        per_example[example] = total


@kernel
def _list(units: NDArray[np.int32], words: Packed) -> None:
    found = np.uint64(0)
    for example in range(words.shape[0]):
        for place in range(words.shape[1]):
            bits = words[example, place]
            while bits:
                below = (bits - np.uint64(1)) & ~bits  # ones in place of the zeros under the lowest one
                units[found] = WORD * place + np.int64(popcount(below))
                bits &= bits - np.uint64(1)
                found += np.uint64(1)
