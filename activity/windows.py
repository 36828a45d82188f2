"""Counts of active examples in windows, added up 64 units at a time.

A window's counts stand in bits: digit d of 64 units' counts is one word, and an example is added to
all of them by d = 0, 1, …:  digit_d, carry = digit_d ⊕ carry, digit_d ∧ carry.  A window is *open*
until its last example has come; then its counts and their squares enter the sums. All are whole
numbers, so that it makes no difference in which portions the examples come.
"""

import numpy as np
from numpy.typing import NDArray

from .arrays import Counts, Packed
from .kernel import kernel, over_blocks
from .packing import WORD

type Digits = NDArray[np.uint64]
"""Counts in bits: ``(n_windows, n_digits, n_words)``, the lowest digit first."""


class Windows:
    """Windows of ``window`` examples over bits of ``n_words`` words, in groups of their own sums."""

    def __init__(self, n_words: int, window: int, n_groups: int) -> None:
        self.window, self.n_groups = window, n_groups
        self.n_closed = 0
        self.sums = np.zeros((n_groups, WORD * n_words), dtype=np.int64)  # over closed windows
        self.squares = np.zeros(WORD * n_words, dtype=np.int64)
        self._seen: dict[int, int] = {}  # examples in an open window, by its number
        self._open: dict[int, NDArray[np.uint64]] = {}  # and its digits

    def add(self, words: Packed, number: Counts) -> None:
        """Add examples ``(n_examples, n_words)`` to the windows of these numbers, ``(n_examples,)``.

        A window's number modulo the number of groups is its group.
        """
        numbers, slot, seen = np.unique(number, return_inverse=True, return_counts=True)
        digits = np.zeros((numbers.size, self.window.bit_length(), words.shape[1]), dtype=np.uint64)
        for place, key in enumerate(numbers.tolist()):
            if key in self._open:
                digits[place] = self._open.pop(key)
                seen[place] += self._seen.pop(key)
        over_blocks(lambda *columns: _add(words, slot, digits, *columns), words.shape[1], least=16)
        self._settle(numbers, seen, digits)

    def merge(self, other: "Windows") -> None:
        """Add what ``other`` has counted of other examples."""
        self.n_closed += other.n_closed
        self.sums += other.sums
        self.squares += other.squares
        numbers = np.array(sorted(self._open.keys() | other._open.keys()), dtype=np.int64)
        none = np.zeros((self.window.bit_length(), self.squares.size // WORD), dtype=np.uint64)
        pairs = [(self._open.get(key, none), other._open.get(key, none)) for key in numbers.tolist()]
        seen = [self._seen.get(key, 0) + other._seen.get(key, 0) for key in numbers.tolist()]
        self._seen, self._open = {}, {}
        digits = np.array([_sum(*pair) for pair in pairs], dtype=np.uint64).reshape(-1, *none.shape)
        self._settle(numbers, np.array(seen, dtype=np.int64), digits)

    def totals(self) -> Counts:
        """Return the counts of each group's examples, in open windows too: ``(n_groups, n_units)``."""
        totals = self.sums.copy()
        for key, digits in self._open.items():
            _fold(
                digits[None],
                np.array([key % self.n_groups]),
                totals,
                np.zeros_like(self.squares),
                0,
                digits.shape[1],
            )
        return totals

    def _settle(self, numbers: Counts, seen: Counts, digits: Digits) -> None:
        """Take the windows that are full into the sums, and keep the others open."""
        full = seen == self.window
        group, closed = numbers[full] % self.n_groups, digits[full]
        over_blocks(
            lambda *columns: _fold(closed, group, self.sums, self.squares, *columns),
            digits.shape[2],
            least=16,
        )
        self.n_closed += int(full.sum())
        for place in np.flatnonzero(~full):
            key = int(numbers[place])
            self._seen[key], self._open[key] = int(seen[place]), digits[place].copy()


def _sum(left: NDArray[np.uint64], right: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the sum of two windows' digits, ``(n_digits, n_words)``."""
    total, carry = np.empty_like(left), np.zeros_like(left[0])
    for digit, (a, b) in enumerate(zip(left, right, strict=True)):
        total[digit] = a ^ b ^ carry
        carry = (a & b) | (carry & (a ^ b))
    return total


@kernel
def _add(words: Packed, slot: Counts, digits: Digits, start: int, stop: int) -> None:
    carry = np.empty(stop - start, dtype=np.uint64)
    for example in range(words.shape[0]):
        carry[:] = words[example, start:stop]
        for digit in range(digits.shape[1]):
            mine = digits[slot[example], digit, start:stop]
            for word in range(carry.size):
                before = mine[word]
                mine[word] = before ^ carry[word]
                carry[word] &= before


@kernel
def _fold(digits: Digits, group: Counts, sums: Counts, squares: Counts, start: int, stop: int) -> None:
    counts = np.empty(WORD, dtype=np.int64)
    for word in range(start, stop):
        for window in range(digits.shape[0]):
            counts[:] = 0
            for digit in range(digits.shape[1]):
                bits = digits[window, digit, word]
                for bit in range(WORD):
                    counts[bit] |= np.int64((bits >> np.uint64(bit)) & np.uint64(1)) << digit
            total = sums[group[window], WORD * word : WORD * (word + 1)]
            square = squares[WORD * word : WORD * (word + 1)]
            for bit in range(WORD):
                total[bit] += counts[bit]
                square[bit] += counts[bit] * counts[bit]
