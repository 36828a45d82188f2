"""Drawing only the units that are active: for layers so rare that cells cost more than activations.

A unit of probability p is active exactly if a Poisson variable of mean h = -log(1 - p) is above
zero. Lay the units of a layer along a line, unit i on a piece of length h_i; a Poisson process of
rate 1 on the line is spent as unit exponentials, and each piece that is hit is an active unit. What
remains of a piece after its first hit is skipped, so the work is one exponential, and one search,
for each active unit. Where the probabilities follow a latent state, the line is that of an upper
bound of the state's neighbourhood and a hit is kept with probability p_i(x) / bound_i, which is
still exact.
"""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..activity.arrays import Counts, Floats
from ..activity.checks import check_count
from ..activity.events import Events
from ..activity.kernel import kernel, over_blocks
from ..activity.streams import Key, draw_keys, exponential, uniform
from .drawing import Mixture

_CERTAIN = 40.0  # length of the piece of a unit that is always active: missed once in 2e17
_SPAN = np.uint64(1 << 32)  # numbers set aside for one example


@dataclass(frozen=True, slots=True, eq=False)
class Envelope:
    """Upper bounds of the units' probabilities in the neighbourhoods of latent states."""

    bound: Floats  # (n_states, n_units), or (n_states, 1) where units are alike and bounds tight
    state: NDArray[np.int64]  # (n_examples,) the neighbourhood of each example
    tight: bool  # whether the bounds are the probabilities themselves


class RareMixture(Mixture):
    """A mixture that can be drawn by its activations."""

    __slots__ = ()

    @abstractmethod
    def envelope(self, latent: NDArray) -> Envelope:
        """Return upper bounds of the units' probabilities around each latent state."""

    def sample_events(self, n_examples: int, *, rng: np.random.Generator) -> Events:
        """Draw the active units of each example; the cost is that of the activations, not of cells.

        The law is that of :meth:`sample`, the random numbers are others.
        """
        n_examples, keys = check_count("n_examples", n_examples), draw_keys(rng, 3)
        latent = self.latent(keys[0], np.arange(n_examples, dtype=np.uint64))

        def given(example: Counts, units: Counts) -> Floats:
            return self.given(latent[example], units)

        return _draw_events(self.n_units, self.envelope(latent), given, keys[1:])


def _draw_events(
    n_units: int,
    envelope: Envelope,
    given: Callable[[Counts, Counts], Floats],
    keys: NDArray[np.uint64],
) -> Events:
    """Draw the active units of as many examples as the envelope has states.

    ``given`` returns the exact probability of units on examples, both ``(n,)``; it is asked only where
    the bounds are not tight. ``keys`` holds two keys.
    """
    line_key, rest_key = keys
    with np.errstate(divide="ignore"):
        line = np.cumsum(np.minimum(-np.log1p(-envelope.bound), _CERTAIN), axis=1)
    parts: dict[int, tuple[NDArray[np.int32], Counts]] = {}

    def fill(first: int, last: int) -> None:
        per_example = np.empty(last - first, dtype=np.int64)
        unit = _hits(line, n_units, envelope.state[first:last], per_example, line_key, first)
        if not envelope.tight:
            example = np.repeat(np.arange(first, last), per_example)
            chance = (
                given(example, unit.astype(np.int64)) / envelope.bound[envelope.state[example], unit]
            )
            keep = _thinning(rest_key, example, unit) < chance
            unit, per_example = unit[keep], np.bincount(example[keep] - first, minlength=last - first)
        parts[first] = unit, per_example

    over_blocks(fill, envelope.state.size, least=256)
    units, counts = zip(*(parts[first] for first in sorted(parts)), strict=True)
    start = np.concatenate([[0], np.cumsum(np.concatenate(counts))])
    return Events(start=start, unit=np.concatenate(units), n_units=n_units)


@kernel
def _hits(
    line: Floats,
    n_units: int,
    state: NDArray[np.int64],
    per_example: Counts,
    key: Key,
    first: int,
) -> NDArray[np.int32]:
    """Return the units hit on each example, one example after the other."""
    due = 0.0
    for example in range(state.size):
        row = line[state[example]]
        due += row[-1] if row.size == n_units else row[0] * n_units
    units = np.empty(int(due + 6.0 * np.sqrt(due)) + 64, dtype=np.int32)
    found = 0
    for example in range(state.size):
        row, counter = line[state[example]], np.uint64(first + example) * _SPAN
        alike = row.size < n_units
        before, at, unit = found, 0.0, 0
        while unit < n_units:
            gap, counter = exponential(key, counter)
            if alike:
                pieces = gap / row[0]
                unit = n_units if pieces >= n_units - unit else unit + int(pieces)
            else:
                unit = _search(row, unit, at + gap)
            if unit >= n_units:
                break
            if found == units.size:
                units = np.concatenate((units, np.empty(units.size, dtype=np.int32)))
            units[found] = unit
            found += 1
            at = row[unit] if not alike else 0.0
            unit += 1
        per_example[example] = found - before
    return units[:found].copy()


@kernel
def _search(row: Floats, unit: int, goal: float) -> int:
    """Return the first unit from ``unit`` on whose piece ends beyond ``goal``: gallop, then halve."""
    step, high = 1, unit
    while high < row.size and row[high] <= goal:
        unit = high + 1
        high += step
        step *= 2
    high = min(high, row.size)
    while unit < high:
        middle = (unit + high) // 2
        if row[middle] <= goal:
            unit = middle + 1
        else:
            high = middle
    return unit


@kernel
def _thinning(key: Key, example: NDArray[np.int64], unit: NDArray[np.int32]) -> Floats:
    numbers = np.empty(unit.size)
    for event in range(unit.size):
        numbers[event] = uniform(key, np.uint64(example[event]) * _SPAN + np.uint64(unit[event]))
    return numbers
