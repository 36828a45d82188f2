"""Intervals between a unit's successive activations, in examples of the order of presentation.

A unit that is active on examples s and t > s and on none between them has an interval of t - s. Bin b
of a unit's histogram counts intervals of 2^b to 2^(b+1) - 1 examples. In a random order an interval is
geometric with q = 1 - p:  P(interval = k) = p q^(k-1),  P(bin b) = q^(2^b - 1) - q^(2^(b+1) - 1),  mean
1/p and variance q/p².

With x the activations of a unit as bits and x_k = x ∧ ¬(x shifted by 1) ∧ … ∧ ¬(x shifted by k), those
that no other precedes within k examples, as many intervals are k long as x_{k-1} has bits more than x_k:
a few operations for 512 examples. So intervals are counted from the shortest on, as long as enough are
met; the activations left over are looked at one by one. All lengths of a unit add up to its last
activation less its first.
"""

import numpy as np

from .arrays import Counts, Packed
from .kernel import kernel, over_blocks
from .packing import WORD
from .popcount import leading_zeros, popcount, trailing_zeros

BINS = 40  # intervals of up to a million million examples
SHORT = WORD - 1  # longest that is counted for many activations at once: they lie in one word or two
FEW = 12  # activations that are sooner counted one by one


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
    bits = np.zeros(by_unit.shape[1] + 1, dtype=np.uint64)  # a word of silence, then those of a unit
    ends = np.empty(by_unit.shape[1], dtype=np.uint64)
    for unit in range(unit_start, unit_stop):
        row, bins, square = by_unit[unit], histogram[unit], np.int64(0)
        many = np.int64(0)
        for word in range(row.size):
            many += np.int64(popcount(row[word]))
        if many * many < FEW * WORD * row.size:  # neighbours that are both active
            waiting = row
        else:
            for word in range(row.size):
                bits[word + 1] = ends[word] = row[word]
            square += _count_short(ends, bits, bins, many)
            waiting = ends
        before, begin = last[unit], last[unit]
        for word in range(row.size):
            here, ending, base = row[word], waiting[word], start + WORD * word
            while ending:
                place = trailing_zeros(ending)
                example = base + np.int64(place)
                below = here & ((np.uint64(1) << place) - np.uint64(1))
                if below:
                    before = base + WORD - 1 - np.int64(leading_zeros(below))
                if before < 0:  # the first of all ends no interval
                    begin = first[unit] = example
                else:
                    square += _count(bins, example - before)
                ending &= ending - np.uint64(1)
            if here:
                before = base + WORD - 1 - np.int64(leading_zeros(here))
        last[unit] = before
        sums[unit] += before - begin
        squares[unit] += square


@kernel
def _count_short(ends: Packed, bits: Packed, bins: Counts, many: int) -> int:
    """Count intervals as long as they are many, and take their ends away; return the sum of squares."""
    square = np.int64(0)
    for gap in range(1, SHORT, 2):
        one, two = _keep(ends, bits, np.uint64(gap))
        square += (many - one) * _count(bins, gap, many - one)
        square += (one - two) * _count(bins, gap + 1, one - two)
        many, taken = two, many - two
        if taken < FEW:
            break
    return square


@kernel
def _keep(ends: Packed, bits: Packed, gap: np.uint64) -> tuple[int, int]:
    """Keep ends that no activation precedes by ``gap``, nor by one more; return how many each leaves."""
    n_one, n_two = np.uint64(0), np.uint64(0)
    left, right, one = gap, np.uint64(WORD) - gap, np.uint64(1)
    for word in range(ends.size):
        here, before = bits[word + 1], bits[word]
        kept = ends[word] & ~((here << left) | (before >> right))
        n_one += popcount(kept)
        kept &= ~((here << (left + one)) | (before >> (right - one)))
        n_two += popcount(kept)
        ends[word] = kept
    return np.int64(n_one), np.int64(n_two)


@kernel
def _count(bins: Counts, gap: int, n: int = 1) -> int:
    """Count ``n`` intervals of ``gap`` examples; return the square of one."""
    bins[np.uint64(63) - leading_zeros(np.uint64(gap))] += n
    return gap * gap
