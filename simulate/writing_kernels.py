"""Who is presented with what, as events, and the sums of changes that events write.

A change of unit i on example t is δ_it x_t, so weights are sums of rows of inputs over a unit's events,
and the cost is that of the events, not of all cells. Events come in blocks of examples whose inputs
stay in cache. Within a block they are put in the order of their units, four of a unit are added at a
time, and units are shared out to threads; every weight adds its terms in the order of the examples, so
neither threads nor blocks change a bit of it.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..activity.arrays import Activity, Counts, Floats
from ..activity.checks import check_count
from ..activity.events import Events
from ..activity.kernel import kernel, over_blocks
from .process import Process
from .rare import RareMixture

type Weights = NDArray[np.float32]
"""Incoming weights of a layer's units: shape ``(n_units, n_inputs)``."""

BLOCK = 512  # examples whose inputs are in cache together
_RARE = 0.02  # rate below which a process that can draws its events, and not its cells
_CELLS = 1 << 18  # weights added to, least for a thread


def presentations(process: Process, n_examples: int, *, rng: np.random.Generator) -> Iterator[Events]:
    """Yield the events of ``BLOCK`` examples at a time; takes the keys of the process from ``rng`` now.

    Rare units are drawn by events, so that the cost is theirs, and others cell by cell.
    """
    n_examples = check_count("n_examples", n_examples)
    if isinstance(process, RareMixture) and np.mean(process.rate) < _RARE:
        events = process.sample_events(n_examples, rng=rng)
        return (_part(events, first) for first in range(0, n_examples, BLOCK))
    return (_listed(active) for active in process.blocks(n_examples, rng=rng, block=BLOCK))


def _part(events: Events, first: int) -> Events:
    start = events.start[first : first + BLOCK + 1]
    unit = events.unit[start[0] : start[-1]]
    return Events(start=start - start[0], unit=unit, n_units=events.n_units)


def _listed(active: Activity) -> Events:
    start = np.zeros(len(active) + 1, dtype=np.int64)
    np.cumsum(np.count_nonzero(active, axis=1), out=start[1:])
    unit = np.empty(start[-1] + 1, dtype=np.int32)  # and one that is written to and not kept
    _list_active(unit, active.view(np.uint8))
    return Events(start=start, unit=unit[:-1], n_units=active.shape[1])


@kernel
def _list_active(unit: NDArray[np.int32], active: NDArray[np.uint8]) -> None:
    found = 0
    for example in range(active.shape[0]):
        for place in range(active.shape[1]):
            unit[found] = place
            found += active[example, place]


def normal_weights(rng: np.random.Generator, shape: tuple[int, int], sd: Floats | float) -> Weights:
    """Draw normal weights of a ``shape``; where all ``sd`` are 0, take nothing from ``rng``."""
    if not np.any(sd):
        return np.zeros(shape, dtype=np.float32)
    weights = rng.standard_normal(shape, dtype=np.float32)
    weights *= np.asarray(sd, dtype=np.float32)
    return weights


def write(
    weights: Weights, events: Events, inputs: NDArray[np.float32], errors: Floats, back: Floats
) -> None:
    """Add δ_it x_t to the weights of every unit active on an example t of a block, in place.

    ``inputs`` ``(n_examples, n_inputs)`` are the x_t; δ_it = Σ_c ``errors``_tc ``back``_ic, of shapes
    ``(n_examples, n_terms)`` and ``(n_units, n_terms)``.
    """
    start, example = _by_unit(events.start, events.unit, events.n_units)
    over_blocks(
        lambda first, last: _write(weights, first, last, start, example, inputs, errors, back),
        len(weights),
        least=max(1, _CELLS // weights.shape[1]),
    )


@kernel
def _by_unit(start: Counts, unit: NDArray[np.int32], n_units: int) -> tuple[Counts, NDArray[np.int32]]:
    """Return where each unit's events begin, and the examples of the events in the order of units."""
    first = np.zeros(n_units + 1, dtype=np.int64)
    for event in range(unit.size):
        first[unit[event] + 1] += 1
    for place in range(n_units):
        first[place + 1] += first[place]
    example = np.empty(unit.size, dtype=np.int32)
    following = first.copy()
    for row in range(start.size - 1):
        for event in range(start[row], start[row + 1]):
            example[following[unit[event]]] = row
            following[unit[event]] += 1
    return first, example


@kernel
def _write(
    weights: Weights,
    first: int,
    last: int,
    start: Counts,
    example: NDArray[np.int32],
    inputs: NDArray[np.float32],
    errors: Floats,
    back: Floats,
) -> None:
    change = np.empty(start[last] - start[first], dtype=np.float32)
    for unit in range(first, last):
        for event in range(start[unit], start[unit + 1]):
            total = 0.0
            for term in range(errors.shape[1]):
                total += errors[example[event], term] * back[unit, term]
            change[event - start[first]] = total
    for unit in range(first, last):
        events = slice(start[unit] - start[first], start[unit + 1] - start[first])
        _add(weights, unit, inputs, example[start[unit] : start[unit + 1]], change[events])


@kernel
def _add(
    weights: Weights,
    unit: int,
    inputs: NDArray[np.float32],
    example: NDArray[np.int32],
    change: NDArray[np.float32],
) -> None:
    """Add a unit's events; with unsigned places and without views of rows, which would cost as much."""
    row, n_inputs, event = np.uint64(unit), np.uint64(weights.shape[1]), 0
    while event + 4 <= example.size:
        x, y = np.uint64(example[event]), np.uint64(example[event + 1])
        z, u = np.uint64(example[event + 2]), np.uint64(example[event + 3])
        a, b, c, d = change[event], change[event + 1], change[event + 2], change[event + 3]
        for place in range(n_inputs):
            value = np.float32(weights[row, place] + np.float32(a * inputs[x, place]))
            value = np.float32(value + np.float32(b * inputs[y, place]))
            value = np.float32(value + np.float32(c * inputs[z, place]))
            weights[row, place] = np.float32(value + np.float32(d * inputs[u, place]))
        event += 4
    while event < example.size:
        x, a = np.uint64(example[event]), change[event]
        for place in range(n_inputs):
            weights[row, place] += np.float32(a * inputs[x, place])
        event += 1
