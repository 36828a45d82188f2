"""Counting bits as bits: population counts and co-activation from packed activity.

Units i and j are active together on ``popcount(x_i & x_j)`` examples, where ``x_i`` holds unit i's
examples as bits: one AND and one population count for 64 examples, exact in integers.
"""

import numpy as np
from numba import types
from numba.extending import intrinsic

from .arrays import Activity, Counts, Packed
from .kernel import inlined_kernel, kernel, over_blocks
from .packing import WORD, n_words, pack

LANES = 8  # words of a vector register


@intrinsic
def popcount(_context, word):  # noqa: ANN001, ANN201 - Numba types this, not Python
    """Return the number of ones in a 64-bit word (one machine instruction)."""

    def emit(_context, builder, _signature, arguments):  # noqa: ANN001, ANN202
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), emit


@intrinsic
def trailing_zeros(_context, word):  # noqa: ANN001, ANN201 - Numba types this, not Python
    """Return the number of zeros below the lowest one of a 64-bit word; 64 for zero."""

    def emit(context, builder, _signature, arguments):  # noqa: ANN001, ANN202
        return builder.cttz(arguments[0], context.get_constant(types.boolean, 0))

    return types.uint64(types.uint64), emit


@intrinsic
def leading_zeros(_context, word):  # noqa: ANN001, ANN201 - Numba types this, not Python
    """Return the number of zeros above the highest one of a 64-bit word; 64 for zero."""

    def emit(context, builder, _signature, arguments):  # noqa: ANN001, ANN202
        return builder.ctlz(arguments[0], context.get_constant(types.boolean, 0))

    return types.uint64(types.uint64), emit


@kernel
def population_count(words: Packed) -> Counts:
    """Return how many units are active in each example: ``(n_examples,)``."""
    counts = np.empty(words.shape[0], dtype=np.int64)
    for example in range(counts.size):
        counts[example] = 0
        for word in range(words.shape[1]):
            counts[example] += np.int64(popcount(words[example, word]))
    return counts


def active_count(words: Packed) -> Counts:
    """Return on how many examples each unit is active: ``(64 n_words,)``, zeros behind the last."""
    return np.bitwise_count(turned(words)).sum(axis=1, dtype=np.int64)


def coactive_count(active: Activity) -> Counts:
    """Return on how many examples each pair of units is active together: ``(n_units, n_units)``.

    The diagonal holds each unit's own active count.
    """
    together = np.zeros((active.shape[1], active.shape[1]), dtype=np.int64)
    add_coactive(turned(pack(active)), together)
    return mirrored(together)


def add_coactive(by_unit: Packed, together: Counts) -> None:
    """Add the pairs' counts in bits by unit to ``together``, on and above its diagonal alone."""
    n_squares = by_unit.shape[0] // WORD
    # row i of the upper triangle is paired with row n - 1 - i, so that halves are equal work
    over_blocks(
        lambda start, stop: _coactive(by_unit, together, start, stop), -(-n_squares // 2), least=2
    )


def mirrored(together: Counts) -> Counts:
    """Return the whole of a symmetric matrix of which all but the part below the diagonal is known."""
    whole = together.copy()
    for unit in range(len(whole)):
        whole[unit, :unit] = whole[:unit, unit]
    return whole


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
    """Transpose 64 x 64 bits (Warren, Hacker's Delight, 2nd ed. 2012, section 7-3), 8 at a time."""
    n_examples, width = words.shape
    squares = np.empty(WORD * LANES, dtype=np.uint64)
    for block in range(start, stop, LANES):
        n_lanes = min(LANES, stop - block)
        for column in range(width):
            for lane in range(n_lanes):
                example = WORD * (block + lane)
                n_rows = min(WORD, n_examples - example)
                for row in range(n_rows):
                    squares[LANES * row + lane] = words[example + row, column]
                for row in range(n_rows, WORD):
                    squares[LANES * row + lane] = np.uint64(0)
            size, mask = WORD // 2, np.uint64(0x00000000FFFFFFFF)
            while size:
                for first in range(0, WORD * LANES, 2 * size * LANES):
                    middle = first + size * LANES
                    _exchange(squares[first:middle], squares[middle : middle + size * LANES], size, mask)
                size //= 2
                mask ^= mask << np.uint64(size)
            for row in range(WORD):
                for lane in range(n_lanes):
                    by_unit[WORD * column + row, block + lane] = squares[LANES * row + lane]


@inlined_kernel
def _exchange(upper: Packed, lower: Packed, size: int, mask: np.uint64) -> None:
    shift = np.uint64(size)
    for place in range(upper.size):
        swap = ((upper[place] >> shift) ^ lower[place]) & mask
        upper[place] ^= swap << shift
        lower[place] ^= swap


@kernel
def _coactive(by_unit: Packed, together: Counts, start: int, stop: int) -> None:
    n_squares = by_unit.shape[0] // WORD
    for half in range(start, stop):
        for other in range(half, n_squares):
            _add_square(by_unit, together, half, other)
        if n_squares - 1 - half != half:
            for other in range(n_squares - 1 - half, n_squares):
                _add_square(by_unit, together, n_squares - 1 - half, other)


@kernel
def _add_square(by_unit: Packed, together: Counts, row: int, column: int) -> None:
    n_units = together.shape[0]
    square = np.empty((WORD, WORD), dtype=np.int64)
    for i in range(0, WORD, 4):
        for j in range(0, WORD, 4):
            _count_pairs(
                by_unit[WORD * row + i : WORD * row + i + 4],
                by_unit[WORD * column + j : WORD * column + j + 4],
                square[i : i + 4, j : j + 4],
            )
    for i in range(min(WORD, n_units - WORD * row)):
        first = i if row == column else 0
        for j in range(first, min(WORD, n_units - WORD * column)):
            together[WORD * row + i, WORD * column + j] += square[i, j]


@kernel
def _count_pairs(left: Packed, right: Packed, pairs: Counts) -> None:
    """Count 4 x 4 pairs in one go: each word that was read is used four times."""
    zero = np.uint64(0)
    n00 = n01 = n02 = n03 = n10 = n11 = n12 = n13 = zero
    n20 = n21 = n22 = n23 = n30 = n31 = n32 = n33 = zero
    for word in range(left.shape[1]):
        a, b, c, d = left[0, word], left[1, word], left[2, word], left[3, word]
        w, x, y, z = right[0, word], right[1, word], right[2, word], right[3, word]
        n00, n01, n02, n03 = _plus(n00, n01, n02, n03, a, w, x, y, z)
        n10, n11, n12, n13 = _plus(n10, n11, n12, n13, b, w, x, y, z)
        n20, n21, n22, n23 = _plus(n20, n21, n22, n23, c, w, x, y, z)
        n30, n31, n32, n33 = _plus(n30, n31, n32, n33, d, w, x, y, z)
    pairs[0, 0], pairs[0, 1], pairs[0, 2], pairs[0, 3] = n00, n01, n02, n03
    pairs[1, 0], pairs[1, 1], pairs[1, 2], pairs[1, 3] = n10, n11, n12, n13
    pairs[2, 0], pairs[2, 1], pairs[2, 2], pairs[2, 3] = n20, n21, n22, n23
    pairs[3, 0], pairs[3, 1], pairs[3, 2], pairs[3, 3] = n30, n31, n32, n33


@inlined_kernel
def _plus(
    n0: np.uint64,
    n1: np.uint64,
    n2: np.uint64,
    n3: np.uint64,
    mine: np.uint64,
    w: np.uint64,
    x: np.uint64,
    y: np.uint64,
    z: np.uint64,
) -> tuple[np.uint64, np.uint64, np.uint64, np.uint64]:
    return (
        n0 + popcount(mine & w),
        n1 + popcount(mine & x),
        n2 + popcount(mine & y),
        n3 + popcount(mine & z),
    )
