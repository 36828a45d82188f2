"""Drawing counts: what all Poisson processes share.

Rows of counts are made wide enough and then written in the caller's unsigned type. A count that does
not fit is never wrapped: the draw ends with an ``OverflowError`` that names the greatest such count, its
unit and the type that would hold it. Keys are drawn once, and all randomness is a function of (example,
unit) or of the example, so that neither threads nor blocks nor the type change the counts.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from ..activity.arrays import Counts, Floats
from ..activity.checks import as_floats, check_count, unit_values
from ..activity.kernel import kernel, over_blocks
from ..activity.streams import draw_keys
from .poisson_variates import MOST

KEYS = 4  # that a process may use
BLOCK = 4096  # examples
CELLS = 1 << 18  # least for a thread

type CountArray = NDArray[np.unsignedinteger]
"""Counts of activations: shape ``(n_examples, n_units)``."""


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
        n_examples, block = check_count("n_examples", n_examples), check_count("block", block)
        dtype, keys = _check_dtype(dtype), draw_keys(rng, KEYS)
        starts = range(0, n_examples, block)
        return (_draw(self, start, min(start + block, n_examples), keys, dtype) for start in starts)


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
    beyond: list[tuple[int, int]] = []

    def fill(start: int, stop: int) -> None:
        worst = np.array([np.iinfo(dtype).max, 0])
        process.fill(counts[start:stop], first + start, keys, worst)
        beyond.append((int(worst[0]), -int(worst[1])))

    over_blocks(fill, last - first, least=max(1, CELLS // process.n_units))
    count, unit = max(beyond)
    if count > np.iinfo(dtype).max:
        raise OverflowError(
            f"{dtype} holds counts up to {np.iinfo(dtype).max}, got {count} at unit {-unit}: "
            f"draw with dtype=np.{np.min_scalar_type(count)}"
        )
    return counts


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
