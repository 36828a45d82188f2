"""Units that are all active with one probability: 64 at a time, along its binary digits.

For p = 0.d₁d₂…d_n in binary and words w_j of random bits, begin with r = 0; the steps from the last
digit to the first

    r ← w_j | r  where d_j = 1,        r ← w_j & r  where d_j = 0

leave 64 independent bits of probability p, since a step takes a probability r to (d_j + r)/2. Ten digits
are drawn so; what they leave of p is small, and drawn by events. With m = ⌊2¹⁰ p⌋ and

    c = (2¹⁰ p - m) / (2¹⁰ - m),        p = m/2¹⁰ + (1 - m/2¹⁰) c,

a unit is active where its bit is set or an event of probability c hits it. The next event is ⌊E h⌋ units
further, h = -1/log(1 - c), E standard exponential: P(⌊E h⌋ ≥ n) = (1 - c)ⁿ. A probability below 2⁻⁸ has
no digits and costs what is active; above one half, silence is drawn instead. The words and exponentials
are functions of the example and the place, so the draw depends on nothing else, whether it is wanted as
bytes, bits or events. A unit's probability is that asked for to 2⁻⁵², the step of the random numbers.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..activity.arrays import Counts, Floats, Packed
from ..activity.kernel import kernel
from ..activity.packing import WORD
from ..activity.popcount import popcount
from ..activity.streams import Key, word
from ..activity.ziggurat import exponential

DIGITS = 10
_STEPS = 2.0**DIGITS
_LEAST = 2.0 ** (DIGITS - 8)  # m of rarer units is taken for 0
_SPAN = np.uint64(1 << 32)  # words set aside for the events of one example
_VECTOR = 8  # words that a machine handles at once
_TILE = 2048  # words of some rows, that stay in the nearest cache
_6, _7, _63 = (np.uint64(number) for number in (6, 7, 63))
_EIGHT = np.uint64(0x0101010101010101)
_DIAGONAL = np.uint64(0x8040201008040201)
_CARRY = np.uint64(0x7F7F7F7F7F7F7F7F)


@dataclass(frozen=True, slots=True, eq=False)
class Digits:
    """Probabilities of examples, taken apart: arrays ``(n_examples,)``."""

    digit: NDArray[np.uint64]  # m, of the rarer of activity and silence
    reach: Floats  # h, the units from event to event; 0 where there are no events
    silence: NDArray[np.bool_]  # whether silence is the rarer

    @classmethod
    def of(cls, probability: Floats) -> "Digits":
        """Take ``probability`` ``(n_examples,)`` apart."""
        silence = probability > 0.5
        steps = _STEPS * np.where(silence, 1 - probability, probability)  # exact above one half
        digit = np.where(steps < _LEAST, 0.0, np.floor(steps))
        with np.errstate(divide="ignore", over="ignore"):
            reach = -1 / np.log1p((digit - steps) / (_STEPS - digit))
        return cls(digit.astype(np.uint64), np.where(np.isfinite(reach), reach, 0.0), silence)

    def draw_packed(self, words: Packed, n_units: int, keys: NDArray[np.uint64], first: int) -> None:
        """Fill ``words`` ``(n_examples, n_words)`` of the examples from ``first`` on; two keys."""
        _draw_packed(words, n_units, self.digit, self.reach, self.silence, keys, first)

    def draw_bytes(
        self, active: NDArray[np.uint8], n_units: int, keys: NDArray[np.uint64], first: int
    ) -> None:
        """Fill rows of zeros and ones, a multiple of eight in length, as above."""
        eights = active.reshape(-1).view(np.uint64)
        _draw_bytes(eights, n_units, self.digit, self.reach, self.silence, keys, first)

    def draw_units(
        self,
        units: NDArray[np.int32],
        per_example: Counts,
        n_units: int,
        keys: NDArray[np.uint64],
        first: int,
    ) -> int:
        """List active units and count those of each example, as above; return how many there are.

        Those for which ``units`` has no room are counted but not listed.
        """
        return _draw_units(
            units, per_example, n_units, self.digit, self.reach, self.silence, keys, first
        )


@kernel
def _combine(words: Packed, n_units: int, digit: NDArray[np.uint64], key: Key, first: int) -> None:
    """Set rows of ``words``, which may be longer than the units, to bits of probability m/2¹⁰."""
    width = np.uint64((n_units + WORD - 1) // WORD)
    for row in range(digit.size):
        if not digit[row]:
            words[row] = np.uint64(0)
            continue
        start = np.uint64(first + row) * width
        for place in range(words.shape[1]):
            counter = (start + np.uint64(place)) * np.uint64(DIGITS)
            bits = np.uint64(0)
            for number in range(DIGITS):  # either step is the majority of the word, r and the digit
                drawn = word(key, counter + np.uint64(number))
                wanted = np.uint64(0) - ((digit[row] >> np.uint64(number)) & np.uint64(1))
                bits = (drawn & bits) | (wanted & (drawn | bits))
            words[row, place] = bits


@kernel
def _add_events(words: Packed, n_units: int, reach: Floats, key: Key, first: int) -> None:
    for row in range(reach.size):
        unit, counter = 0, np.uint64(first + row) * _SPAN
        while reach[row] > 0.0:
            gap, counter = exponential(key, counter)
            gap *= reach[row]
            if gap >= n_units - unit:
                break
            hit = np.uint64(unit) + np.uint64(gap)
            words[row, hit >> _6] |= np.uint64(1) << (hit & _63)
            unit = np.int64(hit) + 1


@kernel
def _finish(words: Packed, n_units: int, silence: NDArray[np.bool_]) -> None:
    """Turn silence into activity, and clear what lies behind the last unit."""
    width = (n_units + WORD - 1) // WORD
    last, kept = np.uint64(width - 1), ~np.uint64(0) >> np.uint64(WORD * width - n_units)
    for row in range(silence.size):
        if silence[row]:
            for place in range(width):
                words[row, place] = ~words[row, place]
        words[row, last] &= kept


@kernel
def _draw_rows(
    words: Packed,
    n_units: int,
    digit: NDArray[np.uint64],
    reach: Floats,
    silence: NDArray[np.bool_],
    keys: NDArray[np.uint64],
    first: int,
) -> None:
    _combine(words, n_units, digit, keys[0], first)
    _add_events(words, n_units, reach, keys[1], first)
    _finish(words, n_units, silence)


@kernel
def _tile(n_units: int) -> Packed:
    """Return memory for the words of some rows, in whole vectors."""
    width = (n_units + WORD * _VECTOR - 1) // (WORD * _VECTOR) * _VECTOR
    return np.empty((max(1, _TILE // width), width), dtype=np.uint64)


@kernel
def _draw_packed(
    drawn: Packed,
    n_units: int,
    digit: NDArray[np.uint64],
    reach: Floats,
    silence: NDArray[np.bool_],
    keys: NDArray[np.uint64],
    first: int,
) -> None:
    words = _tile(n_units)
    for top in range(0, digit.size, words.shape[0]):
        end = min(top + words.shape[0], digit.size)
        _draw_rows(words, n_units, digit[top:end], reach[top:end], silence[top:end], keys, first + top)
        for row in range(top, end):
            for place in range(drawn.shape[1]):
                drawn[row, place] = words[row - top, place]


@kernel
def _draw_bytes(
    eights: NDArray[np.uint64],
    n_units: int,
    digit: NDArray[np.uint64],
    reach: Floats,
    silence: NDArray[np.bool_],
    keys: NDArray[np.uint64],
    first: int,
) -> None:
    """Spread eight bits over eight bytes at a time: bit i is kept of byte i, and carried to its end."""
    words = _tile(n_units)
    octets, width = words.view(np.uint8), eights.size // digit.size
    for top in range(0, digit.size, words.shape[0]):
        end = min(top + words.shape[0], digit.size)
        _draw_rows(words, n_units, digit[top:end], reach[top:end], silence[top:end], keys, first + top)
        for row in range(top, end):  # whole vectors: the next row writes over what is too much
            start, spread = np.uint64(row * width), min(octets.shape[1], eights.size - row * width)
            for eight in range(spread):
                single = (np.uint64(octets[row - top, eight]) * _EIGHT) & _DIAGONAL
                eights[start + np.uint64(eight)] = ((single + _CARRY) >> _7) & _EIGHT


@kernel
def _draw_units(
    units: NDArray[np.int32],
    per_example: Counts,
    n_units: int,
    digit: NDArray[np.uint64],
    reach: Floats,
    silence: NDArray[np.bool_],
    keys: NDArray[np.uint64],
    first: int,
) -> int:
    key, words, found = keys[1], _tile(n_units), 0
    for row in range(digit.size):
        before = found
        if digit[row] or silence[row]:
            one = slice(row, row + 1)
            _draw_rows(words, n_units, digit[one], reach[one], silence[one], keys, first + row)
            for place in range((n_units + WORD - 1) // WORD):
                bits = words[0, place]
                while bits:
                    if found < units.size:
                        lowest = bits & (np.uint64(0) - bits)
                        units[found] = WORD * place + popcount(lowest - np.uint64(1))
                    bits &= bits - np.uint64(1)
                    found += 1
        else:
            unit, counter = 0, np.uint64(first + row) * _SPAN
            while reach[row] > 0.0:
                gap, counter = exponential(key, counter)
                gap *= reach[row]
                if gap >= n_units - unit:
                    break
                unit += np.int64(gap)
                if found < units.size:
                    units[found] = unit
                unit += 1
                found += 1
        per_example[row] = found - before
    return found
