"""Drawing units that are independent given the latent state of an example.

All Bernoulli processes here are such mixtures: an example draws a latent state x_t, then unit i is
active with probability p_i(x_t). A uniform number U = (lane + rest) / 2¹⁶ is compared with it, where
the lane is 16 random bits and the rest 52 more. Most cells need no rest, nor the exact p_i(x_t): with
a chord a ≈ 2¹⁶ p_i(x_t) drawn between tabulated states, and a margin m on its error,

    lane < a - m  ⇒ active,      lane > a + m  ⇒ not active,

which are operations on 16-bit numbers in long rows. The few cells in between are decided exactly, so
chord and margin change the speed and never the draw; and since lane and rest are functions of
(example, unit), neither threads nor blocks change it.
"""

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..activity.arrays import Activity, Floats
from ..activity.checks import check_count, check_generator
from ..activity.kernel import kernel, over_blocks
from ..activity.streams import Key, draw_keys, uniforms, word
from .process import Draw, Process

LANE = 65536.0
LANES = 4  # in a word
CELLS = 1 << 20  # cells compared before the undecided ones are looked for: they are still in cache


@dataclass(frozen=True, slots=True, eq=False)
class Chords:
    """Approximate probabilities: an example's lie between two rows of a table."""

    table: NDArray[np.uint16]  # (n_states, n_units), in lanes
    state: NDArray[np.int64]  # (n_examples,) the row before the example's latent state
    share: NDArray[np.uint16]  # (n_examples,) how far it lies towards the next row, in 1/65535
    margin: int  # lanes by which the chord may be off

    @classmethod
    def exact(cls, probability: Floats, state: NDArray[np.int64]) -> "Chords":
        """Build from a table of probabilities of which each example has just one row."""
        return cls(in_lanes(probability), state, np.zeros(state.size, dtype=np.uint16), 1)


def in_lanes(probability: Floats) -> NDArray[np.uint16]:
    """Return how many lanes lie wholly below each probability."""
    return np.minimum(probability * LANE, LANE - 1).astype(np.uint16)


class Mixture(Process):
    """A process whose units are independent given the latent state of an example."""

    __slots__ = ()

    @abstractmethod
    def latent(self, key: Key, examples: NDArray[np.uint64]) -> NDArray:
        """Return the latent state of ``examples``, one for each: a function of the example's number."""

    @abstractmethod
    def chords(self, latent: NDArray) -> Chords:
        """Return approximations of the units' probabilities at each latent state."""

    @abstractmethod
    def given(self, latent: NDArray, units: NDArray[np.int64]) -> Floats:
        """Return the exact probability of ``units`` at latent states: both ``(n,)``."""

    def draw(self, rng: np.random.Generator) -> Draw:
        """Take three keys."""
        keys = draw_keys(rng, 3)
        return Draw(self.n_units, lambda first, last: _draw(self, first, last, keys))

    def sample(self, n_examples: int, *, rng: np.random.Generator) -> Activity:
        """Draw activity of shape ``(n_examples, n_units)``."""
        n_examples = check_count("n_examples", n_examples)
        return self.draw(check_generator(rng)).cells(0, n_examples)


def _draw(process: Mixture, first: int, last: int, keys: NDArray[np.uint64]) -> Activity:
    latent_key, lane_key, rest_key = keys
    n_examples, n_units = last - first, process.n_units
    latent = process.latent(latent_key, np.arange(first, last, dtype=np.uint64))
    chords = process.chords(latent)
    active = np.empty((n_examples, n_units), dtype=np.uint8)
    step = max(1, CELLS // n_units)

    def fill(start: int, stop: int) -> None:
        for top in range(start, stop, step):
            rows = slice(top, min(top + step, stop))
            state, share = chords.state[rows], chords.share[rows]
            _compare(active[rows], chords.table, state, share, chords.margin, lane_key, first + top)
            decide(active[rows], top)

    def decide(block: NDArray[np.uint8], top: int) -> None:
        row, unit = np.divmod(_undecided(block.reshape(-1)), n_units)
        example = (first + top + row).astype(np.uint64)
        lane = _lanes(lane_key, example, unit, n_units)
        rest = uniforms(rest_key, example * np.uint64(n_units) + unit.astype(np.uint64))
        edge = LANE * process.given(latent[top + row], unit) - lane
        block[row, unit] = rest < edge

    over_blocks(fill, n_examples, least=max(1, CELLS // 4 // n_units))
    return active.view(np.bool_)


@kernel
def _compare(
    active: NDArray[np.uint8],
    table: NDArray[np.uint16],
    state: NDArray[np.int64],
    share: NDArray[np.uint16],
    margin: int,
    key: Key,
    first: int,
) -> None:
    """Set cells to 1 (active), 0 (not) or 2 and 3 (undecided)."""
    n_rows, n_units = active.shape
    words = np.empty((n_units + LANES - 1) // LANES, dtype=np.uint64)
    lanes = words.view(np.uint16)
    chord = np.empty(n_units, dtype=np.uint16)
    margin, top, bits = (
        np.uint16(min(margin, 65535)),
        np.uint16(65535 - min(margin, 65535)),
        np.uint32(16),
    )
    for row in range(n_rows):  # no arrays are sliced here, which would cost as much as a hundred cells
        before = np.uint64(state[row])
        after = np.uint64(min(state[row] + 1, table.shape[0] - 1))
        ahead, back = np.uint32(share[row]), np.uint32(65535 - share[row])
        if ahead == 0:
            for unit in range(n_units):
                chord[unit] = table[before, unit]
        else:
            for unit in range(n_units):
                one = np.uint16((np.uint32(table[before, unit]) * back) >> bits)
                two = np.uint16((np.uint32(table[after, unit]) * ahead) >> bits)
                chord[unit] = np.uint16(one + two)
        start = np.uint64(first + row) * np.uint64(words.size)
        for place in range(words.size):
            words[place] = word(key, start + np.uint64(place))
        for unit in range(n_units):
            low = np.uint16(max(chord[unit], margin) - margin)
            high = np.uint16(min(chord[unit], top) + margin)
            below = np.uint8(lanes[unit] < low)
            active[row, unit] = below | ((below ^ np.uint8(lanes[unit] <= high)) << np.uint8(1))


@kernel
def _undecided(cells: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the places of undecided cells, looked for eight at a time."""
    n_eights = cells.size // 8
    eights = cells[: 8 * n_eights].view(np.uint64)
    mark = np.uint64(0x0202020202020202)
    count = 0
    for eight in range(n_eights):
        count += (eights[eight] & mark) != 0
    places = np.empty(8 * (count + 1), dtype=np.int64)
    found = 0
    for eight in range(n_eights):
        if eights[eight] & mark:
            for place in range(8 * eight, 8 * eight + 8):
                places[found] = place
                found += cells[place] >> 1
    for place in range(8 * n_eights, cells.size):
        places[found] = place
        found += cells[place] >> 1
    return places[:found]


@kernel
def _lanes(
    key: Key, example: NDArray[np.uint64], unit: NDArray[np.int64], n_units: int
) -> NDArray[np.uint16]:
    """Return the lanes of cells, as the rows of :func:`_compare` held them."""
    n_words = np.uint64((n_units + LANES - 1) // LANES)
    lanes = np.empty(unit.size, dtype=np.uint16)
    for cell in range(unit.size):
        drawn = word(key, example[cell] * n_words + np.uint64(unit[cell] // LANES))
        lanes[cell] = np.uint16(drawn >> np.uint64(16 * (unit[cell] % LANES)))
    return lanes
