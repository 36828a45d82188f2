"""Independent Poisson counts in long rows, by comparing 16 random bits with a short table.

Of the 2¹⁶ values of a lane, count k owns m_k = ⌊65535 p_k⌋, or none if that is less than ``LEAST``. They
lie in the order of the counts from lane 0 on, so that

    count = first + #{j : lane ≥ edge_j}

is a few operations on 16-bit numbers for many units at once. The lanes above the last edge, a few in
65536, belong to no count: there count k has the odds 2¹⁶ p_k - m_k that are still owed to it, which are
added up until they pass a uniform number. So the law is Poisson's; the table decides the speed alone.
Units of a mean beyond ``TABLED`` own no lanes and are drawn one by one.

Randomness is a function of (example, unit): words for the lanes, ``WORDS`` more for each cell above.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..activity.arrays import Floats
from ..activity.kernel import kernel
from ..activity.streams import Key, uniform, word
from .poisson_variates import WORDS, poisson_variate

TABLED = 128.0  # means above it would need more than 90 edges
TOGETHER = 3  # edges compared before a lane is let go: its count stays in a register
CHUNK = 256  # units that share a depth: a multiple of four, the lanes of a word
ROWS = 32  # examples that are drawn together
LANES = 65536.0
LEAST = 4  # lanes of a count that owns any


class Tables(NamedTuple):
    """Edges of all units in several states, of which each example is in one."""

    rate: Floats  # (n_states, n_chunks * CHUNK), 0 behind the last unit
    first: NDArray[np.uint16]  # (n_states, n_chunks * CHUNK) the least count that owns a lane
    edge: NDArray[np.uint16]  # (n_states, n_chunks, n_edges, CHUNK) lanes of first + j and less
    depth: NDArray[np.int64]  # (n_states, n_chunks) edges in use


def tables(rate: Floats) -> Tables:
    """Return the tables of ``rate``: ``(n_states, n_units)``."""
    n_states, n_units = rate.shape
    n_chunks = -(-n_units // CHUNK)
    padded = np.zeros((n_states, n_chunks * CHUNK))
    padded[:, :n_units] = rate
    first = np.zeros(padded.shape, dtype=np.uint16)
    length = np.zeros(padded.shape, dtype=np.int64)
    _measure(padded, first, length)
    depth = length.reshape(n_states, n_chunks, CHUNK).max(axis=2)
    depth = -(-depth // TOGETHER) * TOGETHER
    edge = np.zeros((n_states, n_chunks, max(1, depth.max()), CHUNK), dtype=np.uint16)
    _mark(padded, first, length, edge)
    return Tables(padded, first, edge, depth)


def new_rows(n_units: int, greatest: float) -> NDArray[np.unsignedinteger]:
    """Return ``ROWS`` rows for units of mean counts up to ``greatest``, in whole chunks.

    They are 16 bits wide if no count can need more: one of mean 2¹² reaches 2¹⁶ with a probability
    below 1e-50000.
    """
    width = -(-n_units // CHUNK) * CHUNK
    return np.empty((ROWS, width), dtype=np.uint16 if greatest <= 1 << 12 else np.uint32)


@kernel
def independent_rows(
    rows: NDArray[np.unsignedinteger],
    tables: Tables,
    state: int,
    examples: NDArray[np.uint64],
    lane_key: Key,
    rest_key: Key,
) -> None:
    """Set the first of ``rows`` to the counts of all units on ``examples``: at most ``ROWS``, one state.

    It goes chunk by chunk, whose edges then stay in the fastest cache.
    """
    width = np.uint64(rows.shape[1])
    words = np.empty(CHUNK // 4, dtype=np.uint64)
    lanes = words.view(np.uint16)
    above = np.empty(CHUNK, dtype=np.uint16)
    for chunk in range(tables.edge.shape[1]):
        start = chunk * CHUNK
        edges, depth = tables.edge[state, chunk], tables.depth[state, chunk]
        mean, first = (
            tables.rate[state, start : start + CHUNK],
            tables.first[state, start : start + CHUNK],
        )
        for place in range(examples.size):
            cell = examples[place] * width + np.uint64(start)
            units = rows[place, start : start + CHUNK]
            _draw_words(words, lane_key, cell // np.uint64(4))
            _count_edges(above, lanes, edges, depth)
            if _add_first(units, above, first, depth):
                for unit in range(CHUNK):
                    if above[unit] == depth:
                        counter = (cell + np.uint64(unit)) * WORDS
                        units[unit] = _rest(mean[unit], int(first[unit]), edges, unit, rest_key, counter)


@kernel
def _draw_words(words: NDArray[np.uint64], key: Key, start: np.uint64) -> None:
    for place in range(words.size):
        words[place] = word(key, start + np.uint64(place))


@kernel
def _count_edges(
    above: NDArray[np.uint16], lanes: NDArray[np.uint16], edges: NDArray[np.uint16], depth: int
) -> None:
    """Count the edges at or below each lane; casts keep the loop at 16 bits."""
    above[:] = np.uint16(0)
    for edge in range(0, depth, TOGETHER):
        for place in range(CHUNK):
            lane = lanes[place]
            passed = np.uint16(above[place] + np.uint16(lane >= edges[edge, place]))
            passed = np.uint16(passed + np.uint16(lane >= edges[edge + 1, place]))
            above[place] = np.uint16(passed + np.uint16(lane >= edges[edge + 2, place]))


@kernel
def _add_first(
    units: NDArray[np.unsignedinteger], above: NDArray[np.uint16], first: NDArray[np.uint16], depth: int
) -> bool:
    """Set the counts of a chunk and return whether some lane lies above its last edge."""
    last, some = np.uint16(depth), np.uint16(0)
    for unit in range(CHUNK):
        units[unit] = np.uint16(first[unit] + above[unit])
        some = np.uint16(some | np.uint16(above[unit] == last))
    return some != 0


@kernel
def _rest(
    mean: float, first: int, edges: NDArray[np.uint16], unit: int, key: Key, counter: np.uint64
) -> int:
    """Return the count of a cell whose lane lies above the last edge."""
    if mean > TABLED:
        return poisson_variate(key, counter, mean)
    last = edges.shape[0] - 1
    left = uniform(key, counter) * (LANES - edges[last, unit])
    count, probability = 0, math.exp(-mean)
    while True:
        place = count - first
        owned = 0.0
        if 0 <= place <= last:
            owned = float(edges[place, unit]) - (float(edges[place - 1, unit]) if place else 0.0)
        left -= LANES * probability - owned
        if left < 0.0 or (probability < 1e-30 and count > mean):
            return count
        count += 1
        probability *= mean / count


@kernel
def _owned(probability: float) -> int:
    """Return how many lanes a count owns: none where an edge would cost more than it saves."""
    lanes = int((LANES - 1.0) * probability)
    return lanes if lanes >= LEAST else 0


@kernel
def _measure(rate: Floats, first: NDArray[np.uint16], length: NDArray[np.int64]) -> None:
    """Find which counts own lanes: none of a mean that is not tabled."""
    for state in range(rate.shape[0]):
        for unit in range(rate.shape[1]):
            mean = rate[state, unit]
            if mean > TABLED:
                continue
            count, probability = 0, math.exp(-mean)
            while _owned(probability) == 0:
                count += 1
                probability *= mean / count
            first[state, unit] = count
            while _owned(probability) > 0:
                count += 1
                probability *= mean / count
            length[state, unit] = count - first[state, unit]


@kernel
def _mark(
    rate: Floats, first: NDArray[np.uint16], length: NDArray[np.int64], edge: NDArray[np.uint16]
) -> None:
    """Set the edges; beyond a unit's last they repeat it, so that a lane above has passed them all."""
    for state in range(rate.shape[0]):
        for unit in range(rate.shape[1]):
            probability, total = math.exp(-rate[state, unit]), 0
            for count in range(1, first[state, unit] + 1):
                probability *= rate[state, unit] / count
            for place in range(edge.shape[2]):
                if place < length[state, unit]:
                    total += _owned(probability)
                    probability *= rate[state, unit] / (first[state, unit] + place + 1)
                edge[state, unit // CHUNK, place, unit % CHUNK] = total
