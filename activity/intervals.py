"""Intervals between a unit's successive activations, in examples of the order of presentation.

A unit that is active on examples s and t > s and on none between them has an interval of t - s. Bin b
of a unit's histogram counts intervals of 2^b to 2^(b+1) - 1 examples. In a random order an interval is
geometric with q = 1 - p:  P(interval = k) = p q^(k-1),  P(bin b) = q^(2^b - 1) - q^(2^(b+1) - 1),  mean
1/p and variance q/p².

Most intervals of a unit that is not rare are short. Those of 64 activations x are counted at once: with
x_k = x ∧ ¬(x shifted by 1) ∧ … ∧ ¬(x shifted by k), the activations that no other of the 64 precedes
within k examples, as many intervals are k long as x_{k-1} has bits more than x_k. All lengths of a unit
add up to its last activation less its first.
"""

import numpy as np

from .arrays import Counts, Packed
from .kernel import kernel, over_blocks
from .packing import WORD
from .popcount import leading_zeros, popcount, trailing_zeros

BINS = 40  # intervals of up to a million million examples
SHORT = 7  # intervals up to this are counted for 64 activations at a time
FEW = 8  # activations of 64 examples that are sooner counted one by one


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
    beyond = np.empty(SHORT + 1, dtype=np.int64)  # activations with no other within so many before
    for unit in range(unit_start, unit_stop):
        bins = histogram[unit]
        begin = before = last[unit]
        square = np.int64(0)
        beyond[:] = 0
        for word in range(by_unit.shape[1]):
            bits = by_unit[unit, word]
            base = start + WORD * word
            if before < 0 and bits:  # the first of all ends no interval
                begin = before = first[unit] = base + np.int64(trailing_zeros(bits))
                bits &= bits - np.uint64(1)
            if popcount(bits) <= FEW:
                while bits:
                    example = base + np.int64(trailing_zeros(bits))
                    square += _count(bins, example - before)
                    before = example
                    bits &= bits - np.uint64(1)
                continue
            waiting = bits
            beyond[0] += popcount(bits)
            for gap in range(1, SHORT + 1):
                waiting &= ~(bits << np.uint64(gap))
                beyond[gap] += popcount(waiting)
            while waiting:
                place = trailing_zeros(waiting)
                below = bits & ((np.uint64(1) << np.uint64(place)) - np.uint64(1))
                if below:
                    before = base + 63 - np.int64(leading_zeros(below))
                square += _count(bins, base + np.int64(place) - before)
                waiting &= waiting - np.uint64(1)
            before = base + 63 - np.int64(leading_zeros(bits))
        for gap in range(1, SHORT + 1):
            n = beyond[gap - 1] - beyond[gap]
            square += n * _count(bins, gap, n)
        last[unit] = before
        sums[unit] += before - begin
        squares[unit] += square


@kernel
def _count(bins: Counts, gap: int, n: int = 1) -> int:
    """Count ``n`` intervals of ``gap`` examples; return the square of one."""
    bins[np.uint64(63) - leading_zeros(np.uint64(gap))] += n
    return gap * gap
