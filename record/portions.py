"""A layer read in portions, so that memory holds no more of it than one.

Portions come in the order of presentation. Where that is the order of the file, the file is read once,
from its beginning to its end. In another order, up to ``GATHERED`` bytes of bits are put in order in
memory. Of more, the file is read once as well: its rows go to a temporary file in which those of a
portion lie together, and from there into memory, one portion at a time. So however large a layer is, its
bits are read once and, out of order, written and read once more.
"""

import errno
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from ..activity.arrays import Counts, Packed
from ..activity.inputs import by_rank
from ..activity.packing import n_words
from .layers import RecordedLayer

READ = 1 << 24  # bytes read at a time, at most: pieces of memory as large are used again
GATHERED = 1 << 26  # bytes of bits put in order at a time, at most
MOST_ROWS = 1 << 18  # read at a time


def word_portions(layer: RecordedLayer, rows: Counts) -> Iterator[Packed]:
    """Yield the bits of the examples ``rows``, numbers in the file, in this order: ``(n, n_words)``."""
    if in_file_order(rows):
        yield from _in_order(layer, rows)
        return
    n_gathered = max(1, GATHERED // (8 * n_words(layer.n_units)))
    by_place = by_rank(rows)
    if rows.size <= n_gathered:
        gathered, done = np.empty((rows.size, n_words(layer.n_units)), dtype=np.uint64), 0
        for words in _in_order(layer, rows[by_place]):
            _items(gathered)[by_place[done : done + len(words)]] = _items(words)
            done += len(words)
        yield gathered
        return
    yield from _by_way_of_disk(_in_order(layer, rows[by_place]), by_place, n_gathered)


def in_file_order(rows: Counts) -> bool:
    """Whether the examples stand in the file in this order."""
    return bool((rows[1:] > rows[:-1]).all())


def activation_portions(layer: RecordedLayer, rows: Counts) -> Iterator[tuple[Packed, np.ndarray]]:
    """Yield bits and activations of the examples ``rows`` in the order of the file."""
    for start, stop, here in _blocks(rows[by_rank(rows)], _rows_of(4 * layer.n_units)):
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


def _in_order(layer: RecordedLayer, rows: Counts) -> Iterator[Packed]:
    for start, stop, here in _blocks(rows, _rows_of(8 * n_words(layer.n_units))):
        words = layer.words_between(start, stop)
        yield words if here.size == stop - start else words[here - start]


def _by_way_of_disk(blocks: Iterator[Packed], ranks: Counts, n_gathered: int) -> Iterator[Packed]:
    """Yield portions of ``n_gathered`` rows by rank, of ``blocks`` of rows that have these ``ranks``."""
    portion = ranks // n_gathered
    portion = portion.astype(np.min_scalar_type(portion.max()))  # of few bits: they sort far sooner
    written = ranks[np.argsort(portion, kind="stable")]  # a portion's rows keep their order in the file
    behind, done = n_gathered * np.arange(int(portion.max()) + 1), 0
    with tempfile.TemporaryFile() as file:
        for words in blocks:
            here = portion[done : done + len(words)]
            done += len(words)
            words = np.take(words, np.argsort(here, kind="stable"), axis=0)
            row_bytes, taken = words.itemsize * words.shape[1], 0
            count = np.bincount(here)
            for which in np.flatnonzero(count):
                _write(file, row_bytes * int(behind[which]), words[taken : taken + count[which]])
                behind[which] += count[which]
                taken += count[which]
        for first in range(0, ranks.size, n_gathered):
            here = written[first : first + n_gathered] - first
            gathered = np.empty((here.size, words.shape[1]), dtype=np.uint64)
            file.seek(row_bytes * first)
            for some in np.array_split(here, -(-gathered.nbytes // READ)):
                part = np.fromfile(file, np.uint64, some.size * words.shape[1])
                _items(gathered)[some] = _items(part.reshape(some.size, -1))
            yield gathered


def _items(words: Packed) -> np.ndarray:
    """Return rows as single items, which are put in order in half the time: ``(n_rows,)``."""
    return np.ascontiguousarray(words).view(np.dtype((np.void, words.itemsize * words.shape[1])))[:, 0]


def _write(file: tempfile.SpooledTemporaryFile, place: int, words: Packed) -> None:
    try:
        file.seek(place)
        file.write(words)
        file.flush()
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise OSError(
            error.errno,
            "no space for a layer's bits in another order (TMPDIR names a folder with more)",
            tempfile.gettempdir(),
        ) from error


def _rows_of(row_bytes: int) -> int:
    """Return how many rows of so many bytes are read at a time: a power of two, for whole chunks."""
    return 1 << (min(MOST_ROWS, max(64, READ // row_bytes)).bit_length() - 1)


def _blocks(rows: Counts, n_rows: int) -> Iterator[tuple[int, int, Counts]]:
    """Yield start and stop of the stretches of the file that hold ``rows``, and the rows of each."""
    first = 0
    while first < rows.size:
        edge = (int(rows[first]) // n_rows + 1) * n_rows
        behind = int(np.searchsorted(rows, edge))
        yield int(rows[first]), int(rows[behind - 1]) + 1, rows[first:behind]
        first = behind
