"""Counting bits as bits: population counts and co-activation from packed activity.

Units i and j are active together on ``popcount(x_i & x_j)`` examples, where ``x_i`` holds unit i's
examples as bits: one AND and one population count for 64 examples, exact in integers.
"""

import numpy as np
from numba import types
from numba.extending import intrinsic

from .arrays import Activity, Counts, Packed
from .kernel import kernel, over_blocks
from .packing import WORD, n_words, pack


@intrinsic
def popcount(_context, word):  # noqa: ANN001, ANN201 - Numba types this, not Python
    """Return the number of ones in a 64-bit word (one machine instruction)."""

    def emit(_context, builder, _signature, arguments):  # noqa: ANN001, ANN202
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), emit


def coactive_count(active: Activity) -> Counts:
    """Return on how many examples each pair of units is active together: ``(n_units, n_units)``.

    The diagonal holds each unit's own active count.
    """
    n_units = active.shape[1]
    by_unit = turned(pack(active))[:n_units]
    together = np.empty((n_units, n_units), dtype=np.int64)
    # row i of the upper triangle is paired with row n - 1 - i, so that halves are equal work
    over_blocks(lambda start, stop: _coactive(by_unit, together, start, stop), -(-n_units // 2), least=8)
    return together


def turned(words: Packed) -> Packed:
    """Return bits by unit: row i holds unit i's examples, 64 a word, zeros behind the last.

    From ``(n_examples, n_words)`` to ``(64 n_words, ceil(n_examples / 64))``.
    """
    n_examples, width = words.shape
    by_unit = np.empty((WORD * width, n_words(n_examples)), dtype=np.uint64)
    over_blocks(lambda start, stop: _turn(words, by_unit, start, stop), by_unit.shape[1], least=64)
    return by_unit


@kernel
def _turn(words: Packed, by_unit: Packed, start: int, stop: int) -> None:
    """Transpose 64 x 64 bits at a time (Warren, Hacker's Delight, 2nd ed. 2012, section 7-3)."""
    n_examples, width = words.shape
    square = np.empty(WORD, dtype=np.uint64)
    for block in range(start, stop):
        for column in range(width):
            for row in range(WORD):
                example = WORD * block + row
                square[row] = words[example, column] if example < n_examples else np.uint64(0)
            size, mask = WORD // 2, np.uint64(0x00000000FFFFFFFF)
            while size:
                shift = np.uint64(size)
                for first in range(0, WORD, 2 * size):
                    for row in range(first, first + size):
                        swap = ((square[row] >> shift) ^ square[row + size]) & mask
                        square[row] ^= swap << shift
                        square[row + size] ^= swap
                size //= 2
                mask ^= mask << np.uint64(size)
            for row in range(WORD):
                by_unit[WORD * column + row, block] = square[row]


@kernel
def _coactive(by_unit: Packed, together: Counts, start: int, stop: int) -> None:
    n_units = by_unit.shape[0]
    for half in range(start, stop):
        _coactive_row(by_unit, together, half)
        if n_units - 1 - half != half:
            _coactive_row(by_unit, together, n_units - 1 - half)


@kernel
def _coactive_row(by_unit: Packed, together: Counts, unit: int) -> None:
    n_units, width = by_unit.shape
    mine = by_unit[unit]
    for other in range(unit, n_units):
        theirs = by_unit[other]
        total = np.uint64(0)
        for word in range(width):
            total += popcount(mine[word] & theirs[word])
        together[unit, other] = total
        together[other, unit] = total
