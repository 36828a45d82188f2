"""Discrete laws: checked, and drawn by inversion."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..activity.arrays import Floats
from ..activity.checks import as_floats

_ROUNDING = 1e-9  # by which probabilities may miss the sum of 1; they are divided by their sum


def check_distribution(name: str, values: ArrayLike, *, least: int = 1) -> Floats:
    """Return ``values`` ``(n,)`` read-only; raise unless ``least`` or more, none negative, of sum 1."""
    numbers = np.array(as_floats(name, values))
    if numbers.ndim != 1 or numbers.size < least:
        raise ValueError(
            f"{name} must hold at least {least} probabilities in a row, got shape {numbers.shape}"
        )
    if numbers.min() < 0:
        raise ValueError(f"{name} must not be negative, got {numbers.min()} at {numbers.argmin()}")
    total = numbers.sum()
    if abs(total - 1) > _ROUNDING:
        raise ValueError(f"{name} must sum to 1, got {total:.12g}")
    numbers /= total
    numbers.setflags(write=False)
    return numbers


def invert(distribution: Floats, uniform: Floats) -> NDArray[np.int64]:
    """Return the outcomes at uniform numbers of (0, 1), in their shape."""
    edges = np.cumsum(distribution)
    last = np.flatnonzero(distribution)[-1]  # the sum may fall short of 1 by rounding
    return np.minimum(np.searchsorted(edges, uniform, side="right"), last)
