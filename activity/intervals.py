"""Intervals between a unit's successive activations, in examples of the order of presentation.

A unit that is active on examples s and t > s and on none between them has an interval of t - s. Bin b
of a unit's histogram counts intervals of 2^b to 2^(b+1) - 1 examples. In a random order an interval is
geometric with q = 1 - p:  P(interval = k) = p q^(k-1),  P(bin b) = q^(2^b - 1) - q^(2^(b+1) - 1),  mean
1/p and variance q/p².
"""

import numpy as np

from .arrays import Counts, Packed
from .kernel import kernel, over_blocks
from .packing import WORD
from .popcount import leading_zeros, trailing_zeros

BINS = 40  # intervals of up to a million million examples


class Intervals:
    """Intervals of ``n_units`` units; the last activation so far waits for the next one."""

    def __init__(self, n_units: int) -> None:
        self.histogram = np.zeros((n_units, BINS), dtype=np.int64)
        self.sums = np.zeros(n_units, dtype=np.int64)
        self.squares = np.zeros(n_units, dtype=np.int64)
        self._first = np.full(n_units, -1, dtype=np.int64)  # example of the first activation, if any
        self._last = np.full(n_units, -1, dtype=np.int64)

    def add(self, by_unit: Packed, start: int) -> None:
        """Add the examples from number ``start`` on, as bits by unit (:func:`turned`)."""
        state = self._first, self._last, self.histogram, self.sums, self.squares
        over_blocks(lambda *units: _add(by_unit, start, *state, *units), self.sums.size, least=16)

    def merge(self, other: "Intervals") -> None:
        """Add what ``other`` has counted of the examples that follow."""
        self.histogram += other.histogram
        self.sums += other.sums
        self.squares += other.squares
        between = np.flatnonzero((self._last >= 0) & (other._first >= 0))
        gap = other._first[between] - self._last[between]
        self.histogram[between, np.frexp(gap)[1] - 1] += 1
        self.sums[between] += gap
        self.squares[between] += gap**2
        self._first = np.where(self._first < 0, other._first, self._first)
        self._last = np.where(other._last < 0, self._last, other._last)


@kernel
def _add(
    by_unit: Packed,
    start: int,
    first: Counts,
    last: Counts,
    histogram: Counts,
    sums: Counts,
    squares: Counts,
    unit_start: int,
    unit_stop: int,
) -> None:
    for unit in range(unit_start, unit_stop):
        bins = histogram[unit]
        before, total, square = last[unit], np.int64(0), np.int64(0)
        for word in range(by_unit.shape[1]):
            bits, base = by_unit[unit, word], start + WORD * word
            while bits:
                example = base + np.int64(trailing_zeros(bits))
                bits &= bits - np.uint64(1)
                if before < 0:
                    first[unit] = example
                else:
                    gap = example - before
                    bins[np.uint64(63) - leading_zeros(np.uint64(gap))] += 1
                    total += gap
                    square += gap * gap
                before = example
        last[unit] = before
        sums[unit] += total
        squares[unit] += square
