"""Single Poisson numbers and single choices, as functions of where they are used.

A Poisson number of small mean is found by adding up probabilities until they pass a uniform number;
one of mean 10 or more by transformed rejection (PTRS [1]_), whose cost does not grow with the mean. A
choice among weighted things reads one column of an alias table [2]_. All are exact up to the 52 bits of
a uniform number, and each takes the words of its key from ``counter`` on, fewer than ``WORDS``.

.. [1] Hörmann (1993), Insurance: Mathematics and Economics 12, 39-45.
.. [2] Walker (1977), ACM Transactions on Mathematical Software 3, 253-256; the table after Vose (1991),
   IEEE Transactions on Software Engineering 17, 972-975.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..activity.arrays import Counts, Floats
from ..activity.kernel import kernel
from ..activity.streams import Key, uniform, word

WORDS = np.uint64(64)  # set aside for one number: PTRS takes two at a time and is refused 1 time in 9
MOST = 2**29  # greatest mean: its counts stay below 2³⁰
_ONE = np.uint64(1)
_HALF, _LOW = np.uint64(32), np.uint64(0xFFFFFFFF)


class Alias(NamedTuple):
    """Weighted choice in constant time: column c stays c with probability ``stay[c]``."""

    stay: Floats  # (n,)
    other: Counts  # (n,) what column c becomes otherwise


def alias_table(weight: Floats) -> Alias:
    """Return the table that chooses among ``weight.size`` things with odds ``weight``, not all 0."""
    stay = np.array(weight, dtype=np.float64) * (weight.size / weight.sum())
    other = np.arange(weight.size)
    poor = list(np.flatnonzero(stay < 1))
    rich = list(np.flatnonzero(stay >= 1))
    while poor and rich:
        column, giver = poor.pop(), rich[-1]
        other[column] = giver
        stay[giver] -= 1 - stay[column]
        if stay[giver] < 1:
            poor.append(rich.pop())
    stay[rich] = 1.0
    stay[[column for column in poor if other[column] == column]] = 1.0  # short of 1 by rounding only
    return Alias(stay, other)


@kernel
def below(key: Key, counter: np.uint64, n: int) -> tuple[int, np.uint64]:
    """Return a whole number of 0 … n - 1, n below 2³², and the next unused counter [Lemire 2019]."""
    size = np.uint64(n)
    while True:
        product = (word(key, counter) >> _HALF) * size
        counter += _ONE
        low = product & _LOW
        # of 2³² numbers the last 2³² mod n would favour some; the division is put off to rare cases
        if low >= size or low >= (np.uint64(1 << 32) - size) % size:
            return np.int64(product >> _HALF), counter


@kernel
def pick(key: Key, counter: np.uint64, stay: Floats, other: Counts) -> tuple[int, np.uint64]:
    """Return the choice of an alias table, and the next unused counter."""
    column, counter = below(key, counter, stay.size)
    if uniform(key, counter) >= stay[column]:
        column = other[column]
    return column, counter + _ONE


@kernel
def poisson_variate(key: Key, counter: np.uint64, mean: float) -> int:
    """Return a Poisson number."""
    if mean >= 10.0:
        return _rejection(key, counter, mean)
    left, count, probability = uniform(key, counter), 0, np.exp(-mean)
    while left > probability and probability > 1e-30:
        left -= probability
        count += 1
        probability *= mean / count
    return count


@kernel
def poisson_variates(key: Key, rows: NDArray[np.uint64], mean: Floats) -> Counts:
    """Return one Poisson number for each of ``rows``, of means ``(n_rows,)``."""
    counts = np.empty(rows.size, dtype=np.int64)
    for place in range(rows.size):
        counts[place] = poisson_variate(key, rows[place] * WORDS, mean[place])
    return counts


@kernel
def _rejection(key: Key, counter: np.uint64, mean: float) -> int:
    b = 0.931 + 2.53 * math.sqrt(mean)
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    accepted = 0.9277 - 3.6224 / (b - 2.0)
    while True:
        u = uniform(key, counter) - 0.5
        v = uniform(key, counter + _ONE)
        counter += _ONE + _ONE
        us = 0.5 - abs(u)
        count = math.floor((2.0 * a / us + b) * u + mean + 0.43)
        if us >= 0.07 and v <= accepted:
            return count
        if count < 0 or (us < 0.013 and v > us):
            continue
        height = math.log(v * inverse_alpha / (a / (us * us) + b))
        if height <= count * math.log(mean) - mean - math.lgamma(count + 1.0):
            return count
