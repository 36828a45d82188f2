"""Counting bits as bits: population counts and co-activation from packed activity.

Units i and j are active together on ``popcount(x_i & x_j)`` examples, where ``x_i`` holds unit i's
examples as bits: one AND and one population count for 64 examples, exact in integers.
"""

import numpy as np
from numba import types
from numba.extending import intrinsic

from .arrays import Activity, Counts, Packed
from .kernel import kernel, over_blocks
from .packing import pack


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
    by_unit = pack(np.ascontiguousarray(active.T))
    together = np.empty((n_units, n_units), dtype=np.int64)
    # row i of the upper triangle is paired with row n - 1 - i, so that halves are equal work
    over_blocks(lambda start, stop: _coactive(by_unit, together, start, stop), -(-n_units // 2), least=8)
    return together


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
