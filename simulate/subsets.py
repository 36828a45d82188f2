"""Uniform subsets of the units of a layer, n of N, listed in order for the cost of n.

Units drawn one by one, each of N alike, until n distinct ones are there, form a uniform subset: no unit
is preferred. The first n draws come in order, as uniform numbers do that are the partial sums of n + 1
exponentials over their total [1]_; draws that are missing because some fell on one unit are added and
put in their place. Where n is more than N/32, so that many would be missing, the subset is Floyd's [2]_:
for j from N - n to N - 1 a number t of 0 … j is drawn, and t joins, or j if t is in already; it is
marked as bits, and read off them. Of more than half of the units those left out are drawn.

.. [1] Devroye (1986), Non-Uniform Random Variate Generation, Springer, section V.3.1.
.. [2] Bentley and Floyd (1987), Communications of the ACM 30, 754-757.
"""

import numpy as np
from numpy.typing import NDArray

from ..activity.arrays import Counts, Floats, Packed
from ..activity.kernel import kernel
from ..activity.packing import WORD
from ..activity.popcount import popcount
from ..activity.streams import Key
from ..activity.ziggurat import exponential
from .poisson_variates import below

SPAN = np.uint64(1 << 32)  # words set aside for one example
FEW = 32  # of so many units one is drawn in order
_ONE, _6, _63 = np.uint64(1), np.uint64(6), np.uint64(63)


@kernel
def choose_units(
    units: NDArray[np.int32], n_units: int, examples: Counts, counts: Counts, key: Key
) -> None:
    """List ``counts`` units of each of ``examples``, one example after the other."""
    row = np.zeros((n_units + WORD - 1) // WORD, dtype=np.uint64)
    gaps, found = np.empty(n_units // FEW + 1), 0
    for place in range(examples.size):
        count, counter = counts[place], np.uint64(examples[place]) * SPAN
        if count * FEW <= n_units:
            _choose_in_order(units, found, count, n_units, gaps, key, counter)
        else:
            _choose_floyd(row, count, n_units, key, counter)
            read_off(units, found, row)
        found += count


@kernel
def _choose_in_order(
    units: NDArray[np.int32],
    start: int,
    count: int,
    n_units: int,
    gaps: Floats,
    key: Key,
    counter: np.uint64,
) -> None:
    total = 0.0
    for place in range(count):
        gap, counter = exponential(key, counter)
        total += gap
        gaps[place] = total
    gap, counter = exponential(key, counter)
    scale, stop, before = n_units / (total + gap), start, -1
    for place in range(count):
        unit = np.int64(gaps[place] * scale)
        units[stop] = unit
        stop += unit != before
        before = unit
    while stop < start + count:
        unit, counter = below(key, counter, n_units)
        at = start + np.searchsorted(units[start:stop], unit)
        if at < stop and units[at] == unit:
            continue
        for place in range(stop, at, -1):
            units[place] = units[place - 1]
        units[at] = unit
        stop += 1


@kernel
def _choose_floyd(words: Packed, count: int, n_units: int, key: Key, counter: np.uint64) -> None:
    """Set the bits of ``count`` units; all are zero before."""
    most = 2 * count > n_units
    for last in range(count if most else n_units - count, n_units):
        unit, counter = below(key, counter, last + 1)
        if words[np.uint64(unit) >> _6] >> (np.uint64(unit) & _63) & _ONE:
            unit = last
        words[np.uint64(unit) >> _6] |= _ONE << (np.uint64(unit) & _63)
    if most:
        for place in range(words.size):
            words[place] = ~words[place]
        words[words.size - 1] &= ~np.uint64(0) >> np.uint64(WORD * words.size - n_units)


@kernel
def read_off(units: NDArray[np.int32], place: int, words: Packed) -> None:
    """List the units whose bits are set from ``place`` on, and clear the bits."""
    for number in range(words.size):
        bits = words[number]
        words[number] = np.uint64(0)
        while bits:
            lowest = bits & (np.uint64(0) - bits)
            units[place] = WORD * number + np.int64(popcount(lowest - _ONE))
            bits ^= lowest
            place += 1
