"""Lists of events: one after the other, side by side, dealt by rows, or turned into cells and bits."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..activity.arrays import Activity, Counts, Packed
from ..activity.events import Events
from ..activity.kernel import kernel
from ..activity.packing import n_words

_6, _63 = np.uint64(6), np.uint64(63)


def none_active(n_examples: int, n_units: int) -> Events:
    """Return silence."""
    start, unit = np.zeros(n_examples + 1, dtype=np.int64), np.empty(0, dtype=np.int32)
    return Events(start=start, unit=unit, n_units=n_units)


def joined(parts: Sequence[Events]) -> Events:
    """Return the examples of one part after those of another."""
    if len(parts) == 1:
        return parts[0]
    counts = np.concatenate([part.population_count for part in parts])
    unit = np.concatenate([part.unit for part in parts])
    return Events(start=np.append(0, np.cumsum(counts)), unit=unit, n_units=parts[0].n_units)


def dense(events: Events) -> Activity:
    """Return the same activity as booleans: ``(n_examples, n_units)``."""
    active = np.zeros((events.n_examples, events.n_units), dtype=np.bool_)
    _mark_cells(active, events.start, events.unit)
    return active


def packed(events: Events) -> Packed:
    """Return the same activity as bits: ``(n_examples, ceil(n_units / 64))``."""
    words = np.zeros((events.n_examples, n_words(events.n_units)), dtype=np.uint64)
    _mark_bits(words, events.start, events.unit)
    return words


def beside(parts: Sequence[Events]) -> Events:
    """Return the same examples of parts of a layer, whose units follow one another."""
    if len(parts) == 1:
        return parts[0]
    start = np.sum([part.start for part in parts], axis=0)
    unit, place, before = np.empty(start[-1], dtype=np.int32), start[:-1].copy(), 0
    for part in parts:
        _place(unit, place, part.start, part.unit, before)
        before += part.n_units
    return Events(start=start, unit=unit, n_units=before)


def dealt(parts: Sequence[Events], rows: Sequence[Counts], n_examples: int) -> Events:
    """Return examples of which ``rows`` come from each of ``parts``, in their order."""
    count = np.zeros(n_examples, dtype=np.int64)
    for part, places in zip(parts, rows, strict=True):
        count[places] = part.population_count
    start = np.append(0, np.cumsum(count))
    unit = np.empty(start[-1], dtype=np.int32)
    for part, places in zip(parts, rows, strict=True):
        _place(unit, start[:-1][places], part.start, part.unit, 0)
    return Events(start=start, unit=unit, n_units=parts[0].n_units)


@kernel
def _mark_bits(words: Packed, start: Counts, unit: NDArray[np.int32]) -> None:
    for row in range(words.shape[0]):
        for event in range(start[row], start[row + 1]):
            number = np.uint64(unit[event])
            words[row, number >> _6] |= np.uint64(1) << (number & _63)


@kernel
def _mark_cells(active: Activity, start: Counts, unit: NDArray[np.int32]) -> None:
    for row in range(active.shape[0]):
        for event in range(start[row], start[row + 1]):
            active[row, unit[event]] = True


@kernel
def _place(
    units: NDArray[np.int32], place: Counts, start: Counts, unit: NDArray[np.int32], before: int
) -> None:
    """Copy each row of a part to its place, ``before`` added to its units; move the places behind it."""
    for row in range(place.size):
        at = place[row]
        for event in range(start[row], start[row + 1]):
            units[at] = unit[event] + before
            at += 1
        place[row] = at
