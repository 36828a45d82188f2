"""A layer read in portions, so that memory holds no more of it than one.

Portions come in the order of presentation. Where that is the order of the file, each part of the file
is read once. Where it is another, a portion is gathered from all over the file, so that the file is read
once for each ``GATHERED`` bytes of the layer's bits.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from ..activity.arrays import Counts, Packed
from ..activity.packing import n_words
from .layers import RecordedLayer

ROWS = 1 << 14  # examples of bits read at a time
READ = 1 << 25  # bytes of activations read at a time, at most
GATHERED = 1 << 27  # bytes of bits gathered at a time, at most


def word_portions(layer: RecordedLayer, rows: Counts) -> Iterator[Packed]:
    """Yield the bits of the examples ``rows``, numbers in the file, in this order: ``(n, n_words)``."""
    if (np.diff(rows) > 0).all():
        for start, stop, here in _blocks(rows, ROWS):
            words = layer.words_between(start, stop)
            yield words if here.size == stop - start else words[here - start]
        return
    n_gathered = max(ROWS, GATHERED // (8 * n_words(layer.n_units)))
    for first in range(0, rows.size, n_gathered):
        wanted = rows[first : first + n_gathered]
        by_place = np.argsort(wanted)
        gathered = np.empty((wanted.size, n_words(layer.n_units)), dtype=np.uint64)
        done = 0
        for start, stop, here in _blocks(wanted[by_place], ROWS):
            gathered[by_place[done : done + here.size]] = layer.words_between(start, stop)[here - start]
            done += here.size
        yield gathered


def activation_portions(layer: RecordedLayer, rows: Counts) -> Iterator[tuple[Packed, np.ndarray]]:
    """Yield bits and activations of the examples ``rows`` in the order of the file."""
    n_rows = 1 << max(6, (READ // (4 * layer.n_units)).bit_length() - 1)
    for start, stop, here in _blocks(np.sort(rows), min(n_rows, ROWS)):
        words, activation = layer.words_between(start, stop), layer.activation_between(start, stop)
        whole = here.size == stop - start
        yield (words, activation) if whole else (words[here - start], activation[here - start])


def read_ahead[Portion](portions: Iterator[Portion]) -> Iterator[Portion]:
    """Yield what ``portions`` yields; while one is worked on, the next is read."""
    with ThreadPoolExecutor(1) as reader:
        coming = reader.submit(next, portions, None)
        while (portion := coming.result()) is not None:
            coming = reader.submit(next, portions, None)
            yield portion


def _blocks(rows: Counts, n_rows: int) -> Iterator[tuple[int, int, Counts]]:
    """Yield start and stop of the stretches of the file that hold ``rows``, and the rows of each."""
    first = 0
    while first < rows.size:
        edge = (int(rows[first]) // n_rows + 1) * n_rows
        behind = int(np.searchsorted(rows, edge))
        yield int(rows[first]), int(rows[behind - 1]) + 1, rows[first:behind]
        first = behind
