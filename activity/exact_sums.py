"""Sums of 32-bit floats without any rounding, so that no order and no division of them matters.

A float is a whole number m below 2²⁴ times 2^(e - 149), 0 <= e < 254. A sum is kept as one large whole
number in units of 2^-149 (a sum of squares in units of 2^-298), in digits of 32 bits with room for
carries above each, and is rounded once, when it is read: a superaccumulator (Kulisch, Computer
Arithmetic and Validity, 2nd ed. 2013, chapter 8).
"""

import math

import numpy as np
from numpy.typing import NDArray

from .arrays import Counts, Floats, Packed
from .kernel import kernel, over_blocks
from .magnitude_bins import N_BINS, magnitude_bin
from .packing import WORD
from .popcount import trailing_zeros

DIGIT = 32  # bits
SUM_DIGITS, SQUARE_DIGITS = 10, 19
SUM_UNIT, SQUARE_UNIT = -149, -298  # powers of two
MOST_ADDED = 1 << 29  # terms of a digit before its carries must be moved on


class MagnitudeSums:
    """Exact sums of the activations of active units, of their squares, and how many are in each bin."""

    def __init__(self, n_units: int) -> None:
        self.sums = np.zeros((n_units, SUM_DIGITS), dtype=np.int64)
        self.squares = np.zeros((n_units, SQUARE_DIGITS), dtype=np.int64)
        self._earlier = np.zeros((n_units, N_BINS), dtype=np.int64)
        self._recent = np.zeros((n_units, N_BINS), dtype=np.int32)  # half as wide, twice as many at hand
        self._added = 0

    @property
    def histogram(self) -> Counts:
        """How many activations lie in each bin of :mod:`~rote.activity.magnitude_bins`."""
        return self._earlier + self._recent

    def add(self, words: Packed, activation: NDArray[np.float32]) -> None:
        """Add activations ``(n_examples, n_units)`` of the cells that ``words`` say are active."""
        self._added += len(words)
        if self._added > MOST_ADDED:
            self._carry()
            self._added = len(words)
        values = np.ascontiguousarray(activation, dtype=np.float32).view(np.uint32)
        over_blocks(
            lambda *columns: _add(words, values, self.sums, self.squares, self._recent, *columns),
            words.shape[1],
            least=2,
        )

    def merge(self, other: "MagnitudeSums") -> None:
        """Add the sums of ``other``."""
        self._carry()
        self.sums += carried(other.sums)
        self.squares += carried(other.squares)
        self._earlier += other.histogram
        self._added = 2

    def _carry(self) -> None:
        self.sums, self.squares = carried(self.sums), carried(self.squares)
        self._earlier += self._recent
        self._recent[:] = 0


def carried(digits: Counts) -> Counts:
    """Return the same numbers, ``(n_units, n_digits)``, with all digits but the highest in [0, 2³²)."""
    digits = digits.copy()
    for digit in range(digits.shape[1] - 1):
        digits[:, digit + 1] += digits[:, digit] >> DIGIT
        digits[:, digit] &= (1 << DIGIT) - 1
    return digits


def rounded(digits: Counts, unit: int) -> Floats:
    """Return the floats next to the numbers of ``digits`` in units of ``2^unit``: ``(n_units,)``."""
    return np.array(
        [
            math.ldexp(float(sum(digit << DIGIT * place for place, digit in enumerate(row))), unit)
            for row in digits.tolist()
        ]
    )


@kernel
def _add(
    words: Packed,
    values: NDArray[np.uint32],
    sums: Counts,
    squares: Counts,
    histogram: NDArray[np.int32],
    start: int,
    stop: int,
) -> None:
    low, width = np.uint64((1 << DIGIT) - 1), np.uint64(DIGIT)
    for example in range(words.shape[0]):
        for word in range(start, stop):
            active = words[example, word]
            while active:
                unit = WORD * word + np.int64(trailing_zeros(active))
                active &= active - np.uint64(1)
                histogram[unit, magnitude_bin(values[example, unit])] += 1
                value = np.uint64(values[example, unit])
                whole, power = value & np.uint64(0x7FFFFF), (value >> np.uint64(23)) & np.uint64(255)
                if power:
                    whole |= np.uint64(1 << 23)
                    power -= np.uint64(1)
                sign = np.int64(1) - np.int64(2) * np.int64(value >> np.uint64(31))
                place, shifted = power >> np.uint64(5), whole << (power & np.uint64(31))
                sums[unit, place] += sign * np.int64(shifted & low)
                sums[unit, place + np.uint64(1)] += sign * np.int64(shifted >> width)
                whole *= whole
                power *= np.uint64(2)
                place, shift = power >> np.uint64(5), power & np.uint64(31)
                below, above = (whole & low) << shift, (whole >> width) << shift
                squares[unit, place] += np.int64(below & low)
                squares[unit, place + np.uint64(1)] += np.int64(below >> width) + np.int64(above & low)
                squares[unit, place + np.uint64(2)] += np.int64(above >> width)
