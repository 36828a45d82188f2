"""Counts of active examples in windows, added up 64 units at a time.

A window's counts stand in bits: digit d of 64 units' counts is one word, and an example is added to
all of them by d = 0, 1, …:  digit_d, carry = digit_d ⊕ carry, digit_d ∧ carry.  Four examples of one
window are added to the two lowest digits at once, by three adders of three bits [1]_, and what they
carry to the higher ones. A window is *open* until its last example has come; then its counts enter the
sums and the histogram, of a unit those of 64 windows at a time. All are whole numbers, so that it makes
no difference in which portions the examples come.

.. [1] Warren (2012), Hacker's Delight, second edition, section 5-1: carry-save adders.
"""

import numpy as np
from numpy.typing import NDArray

from .arrays import Counts, Packed
from .kernel import inlined_kernel, kernel, over_blocks
from .packing import WORD
from .popcount import popcount, trailing_zeros, turned
from .room import zeros

type Digits = NDArray[np.uint64]
"""Counts in bits: ``(n_windows, n_digits, n_words)``, the lowest digit first."""


class Windows:
    """Windows of ``window`` examples over bits of ``n_words`` words, in groups of their own sums."""

    def __init__(self, n_words: int, window: int, n_groups: int) -> None:
        self.window, self.n_groups = window, n_groups
        self.sums = np.zeros((n_groups, WORD * n_words), dtype=np.int64)  # over closed windows
        self.histogram = zeros(  # of their counts
            (WORD * n_words, window + 1),
            f"windows of {window:,} examples of {WORD * n_words:,} units",
            "take a smaller window",
        )
        self._seen: dict[int, int] = {}  # examples in an open window, by its number
        self._open: dict[int, NDArray[np.uint64]] = {}  # and its digits

    def add(self, words: Packed, number: Counts) -> None:
        """Add examples ``(n_examples, n_words)`` to the windows of these numbers, ``(n_examples,)``.

        A window's number modulo the number of groups is its group.
        """
        numbers, slot, came = _distinct(number)
        digits = np.zeros((numbers.size, self.window.bit_length(), words.shape[1]), dtype=np.uint64)
        seen = came.copy()
        for place, key in enumerate(numbers.tolist()):
            if key in self._open:
                digits[place] = self._open.pop(key)
                seen[place] += self._seen.pop(key)
        first = np.append(0, np.cumsum(came))
        order = _grouped(slot, first[:-1].copy())
        over_blocks(
            lambda *columns: _add(words, order, first, digits, *columns), words.shape[1], least=16
        )
        self._settle(numbers, seen, digits)

    def merge(self, other: "Windows") -> None:
        """Add what ``other`` has counted of other examples."""
        self.sums += other.sums
        self.histogram += other.histogram
        numbers = np.array(sorted(self._open.keys() | other._open.keys()), dtype=np.int64)
        none = np.zeros((self.window.bit_length(), self.sums.shape[1] // WORD), dtype=np.uint64)
        pairs = [(self._open.get(key, none), other._open.get(key, none)) for key in numbers.tolist()]
        seen = [self._seen.get(key, 0) + other._seen.get(key, 0) for key in numbers.tolist()]
        self._seen, self._open = {}, {}
        digits = np.array([_sum(*pair) for pair in pairs], dtype=np.uint64).reshape(-1, *none.shape)
        self._settle(numbers, np.array(seen, dtype=np.int64), digits)

    def totals(self) -> Counts:
        """Return the counts of each group's examples, in open windows too: ``(n_groups, n_units)``."""
        totals = self.sums.copy()
        for key, digits in self._open.items():
            for place, digit in enumerate(digits):
                bits = np.unpackbits(digit.astype("<u8").view(np.uint8), bitorder="little")
                totals[key % self.n_groups] += bits.astype(np.int64) << place
        return totals

    def _settle(self, numbers: Counts, seen: Counts, digits: Digits) -> None:
        """Take the windows that are full into the sums, and keep the others open."""
        full = seen == self.window
        group = numbers[full] % self.n_groups
        together = np.argsort(group, kind="stable")
        closed = digits.transpose(1, 0, 2).take(np.flatnonzero(full)[together], axis=1)
        by_unit = np.array([turned(plane) for plane in closed])
        groups, start = np.unique(group[together], return_index=True)
        edges = np.append(start, group.size)
        over_blocks(
            lambda *units: _fold(by_unit, groups, edges, self.sums, self.histogram, *units),
            by_unit.shape[1],
            least=256,
        )
        for place in np.flatnonzero(~full):
            key = int(numbers[place])
            self._seen[key], self._open[key] = int(seen[place]), digits[place].copy()


def _distinct(number: Counts) -> tuple[Counts, Counts, Counts]:
    """Return the distinct numbers, ascending, the place of each in them, and how often each is there.

    As :func:`numpy.unique`, but counted and not sorted where numbers lie close together.
    """
    if not number.size or np.ptp(number) > 4 * number.size:
        return np.unique(number, return_inverse=True, return_counts=True)
    least = number.min()
    seen = np.bincount(number - least)
    there = seen > 0
    place = np.cumsum(there) - 1
    return np.flatnonzero(there) + least, place[number - least], seen[there]


@kernel
def _grouped(slot: Counts, place: Counts) -> Counts:
    """Return the order that puts equal slots together, as they came; ``place`` is where each begins."""
    order = np.empty(slot.size, dtype=np.int64)
    for example in range(slot.size):
        order[place[slot[example]]] = example
        place[slot[example]] += 1
    return order


@kernel
def places(label: Counts, seen: Counts) -> Counts:
    """Return how many of its label came before each example, and count them in ``seen``."""
    place = np.empty(label.size, dtype=np.int64)
    for example in range(label.size):
        place[example] = seen[label[example]]
        seen[label[example]] += 1
    return place


def _sum(left: NDArray[np.uint64], right: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the sum of two windows' digits, ``(n_digits, n_words)``."""
    total, carry = np.empty_like(left), np.zeros_like(left[0])
    for digit, (a, b) in enumerate(zip(left, right, strict=True)):
        total[digit] = a ^ b ^ carry
        carry = (a & b) | (carry & (a ^ b))
    return total


@kernel
def _add(words: Packed, order: Counts, first: Counts, digits: Digits, start: int, stop: int) -> None:
    """Add to window w the examples ``order[first[w]:first[w + 1]]``."""
    carry = np.empty(stop - start, dtype=np.uint64)
    for window in range(digits.shape[0]):
        place, end = first[window], first[window + 1]
        ones, twos = digits[window, 0, start:stop], digits[window, 1, start:stop]
        while place + 4 <= end:
            a, b = words[order[place], start:stop], words[order[place + 1], start:stop]
            c, d = words[order[place + 2], start:stop], words[order[place + 3], start:stop]
            for word in range(carry.size):
                two = ones[word] ^ a[word]
                low = (ones[word] & a[word]) | (two & b[word])
                three = two ^ b[word]
                four = three ^ c[word]
                high = (three & c[word]) | (four & d[word])
                ones[word] = four ^ d[word]
                both = twos[word] ^ low
                carry[word] = (twos[word] & low) | (both & high)
                twos[word] = both ^ high
            _carry(carry, digits, window, 2, start)
            place += 4
        while place < end:
            carry[:] = words[order[place], start:stop]
            _carry(carry, digits, window, 0, start)
            place += 1


@inlined_kernel
def _carry(carry: NDArray[np.uint64], digits: Digits, window: int, lowest: int, start: int) -> None:
    """Add ``carry`` to a window's digits from ``lowest`` on; it is used up."""
    for digit in range(lowest, digits.shape[1]):
        mine = digits[window, digit, start : start + carry.size]
        for word in range(carry.size):
            before = mine[word]
            mine[word] = before ^ carry[word]
            carry[word] &= before


@kernel
def _fold(
    digits: Digits,
    groups: Counts,
    edges: Counts,
    sums: Counts,
    histogram: Counts,
    start: int,
    stop: int,
) -> None:
    """Add windows in bits by unit, ``(n_digits, n_units, n_words)``, to sums and histogram.

    Those of ``groups[g]`` are the windows from ``edges[g]`` on. Windows with a certain count are sought
    from their highest digit on; where there are none, all counts that begin so are passed over.
    """
    n_digits, n_words, n_windows = digits.shape[0], digits.shape[2], edges[-1]
    alike = np.empty((n_digits + 1, n_words), dtype=np.uint64)  # windows, by the digits looked at
    for unit in range(start, stop):
        for place in range(groups.size):
            _mark(alike[0], edges[place], edges[place + 1])
            total = np.int64(0)
            for digit in range(n_digits):
                for word in range(edges[place] // WORD, -(-edges[place + 1] // WORD)):
                    total += np.int64(popcount(digits[digit, unit, word] & alike[0, word])) << digit
            sums[groups[place], unit] += total
        _mark(alike[n_digits], 0, n_windows)
        count, digit = np.int64(0), n_digits
        while count < histogram.shape[1]:
            n_alike = np.uint64(1)
            while digit and n_alike:
                digit -= 1
                n_alike, other = np.uint64(0), np.uint64((count >> digit) & 1) - np.uint64(1)
                for word in range(n_words):
                    alike[digit, word] = alike[digit + 1, word] & (digits[digit, unit, word] ^ other)
                    n_alike += popcount(alike[digit, word])
            histogram[unit, count] += np.int64(n_alike)  # none, if digits are left
            count = ((count >> digit) + 1) << digit
            digit = np.int64(trailing_zeros(np.uint64(count))) + 1
            if digit > n_digits:
                break


@inlined_kernel
def _mark(windows: Packed, start: int, stop: int) -> None:
    """Set the bits of the windows from ``start`` to before ``stop``, and no others."""
    for word in range(windows.size):
        low, high = max(start - WORD * word, 0), min(stop - WORD * word, WORD)
        windows[word] = np.uint64(0)
        if low < high:
            windows[word] = (~np.uint64(0) >> np.uint64(WORD - high + low)) << np.uint64(low)
