"""Drawing only the units that are active: for layers so rare that cells cost more than activations.

A unit of probability p is active exactly if a Poisson variable of mean h = -log(1 - p) is above
zero. Lay the units of a layer along a line, unit i on a piece of length h_i; a Poisson process of
rate 1 on the line is spent as unit exponentials, and each piece that is hit is an active unit, however
often it is hit. What remains of a long piece after its first hit is skipped, so the work is about one
exponential, and one look-up [1]_, for each active unit. Where the probabilities follow a latent state,
the line is that of an upper bound of the state's neighbourhood and a hit is kept with probability
p_i(x) / bound_i, which is still exact. Places on the line are rounded to 2⁻⁵² of its length, and that is
how far a unit's probability may be off.

.. [1] The guide table of Chen and Asau (1974), AIIE Transactions 6, 163-166: where to begin the search.
"""

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..activity.arrays import Activity, Counts, Floats
from ..activity.checks import check_count
from ..activity.events import Events
from ..activity.kernel import kernel, over_blocks
from ..activity.streams import Key, draw_keys, exponential, uniform
from .drawing import Mixture
from .process import in_blocks

_RARE = 1 / 64  # mean probability below which events cost less than cells
_CERTAIN = 40.0  # length of the piece of a unit that is always active: missed once in 2e17
_SPARE = 6.0  # standard deviations of room for what is found
_SPAN = np.uint64(1 << 32)  # numbers set aside for one example


@dataclass(frozen=True, slots=True, eq=False)
class Envelope:
    """Upper bounds of the units' probabilities in the neighbourhoods of latent states."""

    bound: Floats  # (n_states, n_units)
    state: NDArray[np.int64]  # (n_examples,) the neighbourhood of each example
    tight: bool  # whether the bounds are the probabilities themselves


class RareMixture(Mixture):
    """A mixture that can be drawn by its activations."""

    __slots__ = ()

    @property
    def rarity(self) -> float | None:
        """Mean probability of a unit, where an example's envelope depends on that example alone.

        Below 1/64 all draws are by events then, above by cells: the same activity in every form. Where
        it is None, cells and events follow the same law with other random numbers.
        """
        return None

    @abstractmethod
    def envelope(self, latent: NDArray) -> Envelope:
        """Return upper bounds of the units' probabilities around each latent state."""

    def blocks(
        self, n_examples: int, *, rng: np.random.Generator, block: int = 4096
    ) -> Iterator[Activity]:
        """Yield what :meth:`sample` draws, ``block`` examples at a time; takes three keys now."""
        if not self._is_rare:
            return super().blocks(n_examples, rng=rng, block=block)
        keys = draw_keys(rng, 3)
        return in_blocks(
            lambda first, last: _draw_events(self, first, last, keys).dense(), n_examples, block
        )

    def sample(self, n_examples: int, *, rng: np.random.Generator) -> Activity:
        """Draw activity of shape ``(n_examples, n_units)``."""
        if not self._is_rare:
            return super().sample(n_examples, rng=rng)
        return self.sample_events(n_examples, rng=rng).dense()

    def sample_events(self, n_examples: int, *, rng: np.random.Generator) -> Events:
        """Draw the active units of each example; where they are rare, for the cost of the activations.

        The law is that of :meth:`sample`, and so is the activity where :attr:`rarity` is known.
        """
        if self.rarity is not None and not self._is_rare:
            return super().sample_events(n_examples, rng=rng)
        return _draw_events(self, 0, check_count("n_examples", n_examples), draw_keys(rng, 3))

    @property
    def _is_rare(self) -> bool:
        return self.rarity is not None and self.rarity < _RARE


def _draw_events(process: RareMixture, start: int, stop: int, keys: NDArray[np.uint64]) -> Events:
    latent_key, line_key, rest_key = keys
    latent = process.latent(latent_key, np.arange(start, stop, dtype=np.uint64))
    envelope = process.envelope(latent)
    with np.errstate(divide="ignore"):
        line = np.cumsum(np.minimum(-np.log1p(-envelope.bound), _CERTAIN), axis=1)
    guide = _guides(line)
    parts: dict[int, tuple[NDArray[np.int32], Counts]] = {}

    def fill(first: int, last: int) -> None:
        state, per_example = envelope.state[first:last], np.empty(last - first, dtype=np.int64)
        due = line[state, -1].sum()
        found, room = -1, int(due + _SPARE * (np.sqrt(due) + 10))
        while found < 0 or found > room:  # a second time should the room not do: hardly ever
            room = max(room, found)
            unit = np.empty(room, dtype=np.int32)
            found = _hits(unit, per_example, line, guide, state, line_key, start + first)
        unit = unit[:found]
        if not envelope.tight:
            example = np.repeat(np.arange(first, last), per_example)
            bound = envelope.bound[envelope.state[example], unit]
            chance = process.given(latent[example], unit.astype(np.int64)) / bound
            keep = _thinning(rest_key, start + example, unit) < chance
            unit, per_example = unit[keep], np.bincount(example[keep] - first, minlength=last - first)
        parts[first] = unit, per_example

    over_blocks(fill, stop - start, least=256)
    units, counts = zip(*(parts[first] for first in sorted(parts)), strict=True)
    places = np.concatenate([[0], np.cumsum(np.concatenate(counts))])
    unit = np.concatenate(units) if len(units) > 1 else units[0]
    return Events(start=places, unit=unit, n_units=process.n_units)


@kernel
def _guides(line: Floats) -> NDArray[np.int32]:
    """Cut each line into as many equal parts as units: return the unit at the beginning of each part."""
    n_states, n_units = line.shape
    guide = np.empty((n_states, n_units), dtype=np.int32)
    for state in range(n_states):
        unit, width = 0, line[state, n_units - 1] / n_units
        for part in range(n_units):
            while unit < n_units - 1 and line[state, unit] <= part * width:
                unit += 1
            guide[state, part] = unit
    return guide


@kernel
def _hits(
    units: NDArray[np.int32],
    per_example: Counts,
    line: Floats,
    guide: NDArray[np.int32],
    state: NDArray[np.int64],
    key: Key,
    first: int,
) -> int:
    """List the units hit, example after example, as far as there is room; return how many there are."""
    n_units, found = line.shape[1], 0
    for example in range(state.size):
        here, counter = state[example], np.uint64(first + example) * _SPAN
        length = line[here, n_units - 1]
        before, at, last, scale = found, 0.0, np.uint64(n_units), n_units / length
        while True:
            gap, counter = exponential(key, counter)
            at += gap
            if at >= length:
                break
            unit = np.uint64(guide[here, min(np.uint64(at * scale), np.uint64(n_units - 1))])
            while unit > 0 and line[here, unit - np.uint64(1)] > at:  # what rounding has overstepped
                unit -= np.uint64(1)
            while line[here, unit] <= at:
                unit += np.uint64(1)
            if unit == last:
                continue
            if found < units.size:
                units[found] = unit
            last = unit
            found += 1
            if line[here, unit] > at + 1.0:
                at = line[here, unit]
        per_example[example] = found - before
    return found


@kernel
def _thinning(key: Key, example: NDArray[np.int64], unit: NDArray[np.int32]) -> Floats:
    numbers = np.empty(unit.size)
    for event in range(unit.size):
        numbers[event] = uniform(key, np.uint64(example[event]) * _SPAN + np.uint64(unit[event]))
    return numbers
