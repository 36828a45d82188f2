"""Drawing counts: what all Poisson processes share.

Rows of counts are made wide enough and then written in the caller's unsigned type. A count that does
not fit is never wrapped: the draw ends with an ``OverflowError`` that names the greatest such count, its
unit and the type that would hold it. Keys are drawn once, and all randomness is a function of (example,
unit) or of the example, so that neither threads nor blocks nor the type change the counts, nor whether
they are drawn dense, as events (the counts above zero) or as bits (the units counted at all).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from ..activity.arrays import Counts, Floats, Packed
from ..activity.checks import as_floats, check_count, unit_values
from ..activity.events import CountEvents, Events
from ..activity.kernel import kernel, over_blocks
from ..activity.packing import n_words, pack
from ..activity.streams import draw_keys
from .poisson_variates import MOST
from .process import in_blocks

KEYS = 4  # that a process may use
BLOCK = 4096  # examples
_WIDE = np.dtype(np.uint32)  # holds all counts that are drawn
CELLS = 1 << 18  # least for a thread, and of a block that stays in cache

type CountArray = NDArray[np.unsignedinteger]
"""Counts of activations: shape ``(n_examples, n_units)``."""


class Rows(NamedTuple):
    """Counts above zero of some examples."""

    length: Counts  # (n_examples,) how many an example has
    unit: NDArray[np.int32]  # (n_events,) ascending in each example
    count: NDArray[np.unsignedinteger]  # (n_events,)


class CountProcess(ABC):
    """A layer of ``n_units`` whose activations are counted."""

    __slots__ = ()
    n_units: int

    @abstractmethod
    def fill(self, counts: CountArray, first: int, keys: NDArray[np.uint64], worst: Counts) -> None:
        """Draw rows of counts from example ``first`` on; ``worst`` goes to :func:`write_row`."""

    def sample(
        self, n_examples: int, *, rng: np.random.Generator, dtype: DTypeLike = np.uint8
    ) -> CountArray:
        """Draw counts, ``(n_examples, n_units)``; an ``OverflowError`` if ``dtype`` is too small."""
        n_examples, dtype = check_count("n_examples", n_examples), _check_dtype(dtype)
        return _draw(self, 0, n_examples, draw_keys(rng, KEYS), dtype)

    def blocks(
        self,
        n_examples: int,
        *,
        rng: np.random.Generator,
        block: int = BLOCK,
        dtype: DTypeLike = np.uint8,
    ) -> Iterator[CountArray]:
        """Yield what :meth:`sample` draws, ``block`` examples at a time; takes its keys now."""
        return self._stream(_draw, n_examples, rng, block, _check_dtype(dtype))

    def sample_events(
        self, n_examples: int, *, rng: np.random.Generator, dtype: DTypeLike = np.uint8
    ) -> CountEvents:
        """Draw the counts above zero that :meth:`sample` draws, in their memory and that of a block."""
        n_examples, dtype = check_count("n_examples", n_examples), _check_dtype(dtype)
        return _list_events(self, 0, n_examples, draw_keys(rng, KEYS), dtype)

    def event_blocks(
        self,
        n_examples: int,
        *,
        rng: np.random.Generator,
        block: int = BLOCK,
        dtype: DTypeLike = np.uint8,
    ) -> Iterator[CountEvents]:
        """Yield what :meth:`sample_events` draws, ``block`` examples at a time; takes its keys now."""
        return self._stream(_list_events, n_examples, rng, block, _check_dtype(dtype))

    def sample_packed(self, n_examples: int, *, rng: np.random.Generator) -> Packed:
        """Draw which units :meth:`sample` counts at all, as bits: ``(n_examples, ceil(n_units / 64))``.

        It is the layer seen through a threshold, active where the count is above zero; the counts
        themselves are not kept, so none can be too large. :func:`rote.activity.unpack` turns it back.
        """
        return _pack(self, 0, check_count("n_examples", n_examples), draw_keys(rng, KEYS), _WIDE)

    def packed_blocks(
        self, n_examples: int, *, rng: np.random.Generator, block: int = BLOCK
    ) -> Iterator[Packed]:
        """Yield what :meth:`sample_packed` draws, ``block`` examples at a time; takes its keys now."""
        return self._stream(_pack, n_examples, rng, block, _WIDE)

    def _stream[Part](
        self,
        draw: Callable[..., Part],
        n_examples: int,
        rng: np.random.Generator,
        block: int,
        dtype: np.dtype,
    ) -> Iterator[Part]:
        """Take keys and yield ``draw`` of successive blocks of examples."""

        def begin() -> Callable[[int, int], Part]:
            keys = draw_keys(rng, KEYS)
            return lambda first, last: draw(self, first, last, keys, dtype)

        return in_blocks(begin, n_examples, block)

    @property
    def work(self) -> float:
        """What drawing an example as events costs: its cells, unless less is looked at."""
        return self.n_units

    def above_zero(self, first: int, last: int, keys: NDArray[np.uint64], dtype: np.dtype) -> Rows:
        """Return the counts above zero of examples from ``first`` to ``last``, as ``dtype``."""
        counts = _draw(self, first, last, keys, dtype)
        length = np.count_nonzero(counts, axis=1)
        return Rows(length, *_above_zero(counts, length.sum()))


def check_rate(name: str, value: ArrayLike) -> Floats:
    """Return each unit's mean count, read-only; raise unless all lie in [0, 2²⁹]."""
    return unit_values(name, check_mean(name, value, of="unit"))


def check_mean(name: str, value: ArrayLike, *, of: str) -> Floats:
    """Return means of the counts ``of`` something; raise unless all lie in [0, 2²⁹]."""
    numbers = as_floats(name, value)
    wrong = np.flatnonzero(~((numbers >= 0) & (numbers <= MOST)))
    if wrong.size:
        where = f" at {of} {wrong[0]}" if numbers.ndim else ""
        raise ValueError(f"{name} must lie in [0, 2**29], got {numbers.flat[wrong[0]]}{where}")
    return numbers


def _check_dtype(dtype: DTypeLike) -> np.dtype:
    checked = np.dtype(dtype)
    if checked.kind != "u":
        raise TypeError(f"dtype must be an unsigned integer such as np.uint8, got {checked}")
    return checked


def _draw(
    process: CountProcess, first: int, last: int, keys: NDArray[np.uint64], dtype: np.dtype
) -> CountArray:
    counts = np.empty((last - first, process.n_units), dtype=dtype)
    most = min(np.iinfo(dtype).max, np.iinfo(np.int64).max)  # 2⁶⁴ - 1 is no signed number
    beyond: list[tuple[int, int]] = []

    def fill(start: int, stop: int) -> None:
        worst = np.array([most, 0])
        process.fill(counts[start:stop], first + start, keys, worst)
        beyond.append((int(worst[0]), -int(worst[1])))

    over_blocks(fill, last - first, least=max(1, CELLS // process.n_units))
    count, unit = max(beyond)
    check_fit(count, -unit, dtype)
    return counts


def _list_events(
    process: CountProcess, first: int, last: int, keys: NDArray[np.uint64], dtype: np.dtype
) -> CountEvents:
    step = max(1, int(4 * CELLS / process.work))
    parts = [
        process.above_zero(start, min(start + step, last), keys, dtype)
        for start in range(first, last, step)
    ]
    length, unit, count = (np.concatenate(part) for part in zip(*parts, strict=True))
    start = np.concatenate([[0], np.cumsum(length)])
    return CountEvents(active=Events(start=start, unit=unit, n_units=process.n_units), count=count)


def _pack(
    process: CountProcess, first: int, last: int, keys: NDArray[np.uint64], dtype: np.dtype
) -> Packed:
    words = np.empty((last - first, n_words(process.n_units)), dtype=np.uint64)
    step = max(1, CELLS // process.n_units)
    for start in range(first, last, step):
        stop = min(start + step, last)
        words[start - first : stop - first] = pack(_draw(process, start, stop, keys, dtype) > 0)
    return words


def check_fit(count: int, unit: int, dtype: np.dtype) -> None:
    """Raise an ``OverflowError`` unless ``dtype`` holds the greatest count, that of ``unit``."""
    if count > np.iinfo(dtype).max:
        raise OverflowError(
            f"{dtype} holds counts up to {np.iinfo(dtype).max}, got {count} at unit {unit}: "
            f"draw with dtype=np.{np.min_scalar_type(count)}"
        )


@kernel
def write_row(row: NDArray[np.unsignedinteger], counts: CountArray, worst: Counts) -> None:
    """Write a row in the caller's type; keep in ``worst`` the greatest count beyond it, and its unit."""
    cast = row.dtype.type
    bits = cast(0)
    for unit in range(counts.size):
        counts[unit] = row[unit]
        bits = cast(bits | row[unit])
    if bits > worst[0]:  # as the greatest count is, since no bit is missing in the limits of a type
        for unit in range(counts.size):
            if row[unit] > worst[0]:
                worst[0], worst[1] = row[unit], unit


@kernel
def _above_zero(counts: CountArray, n_events: int) -> tuple[NDArray[np.int32], CountArray]:
    """Return units and counts of the cells above zero; each cell is written, and kept if it is one."""
    unit, count = np.empty(n_events + 1, dtype=np.int32), np.empty(n_events + 1, dtype=counts.dtype)
    found = 0
    for row in range(counts.shape[0]):
        for place in range(counts.shape[1]):
            unit[found], count[found] = place, counts[row, place]
            found += counts[row, place] > 0
    return unit[:n_events], count[:n_events]
