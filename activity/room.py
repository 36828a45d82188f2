"""Room for counts: what no memory holds is refused in words before the work begins."""

import math
import os
import sys

import numpy as np

from .arrays import Counts


def zeros(shape: tuple[int, ...], what: str, instead: str) -> Counts:
    """Return zeros of ``shape`` to count ``what`` with.

    Raises a ``ValueError`` that says ``instead`` what to do if they take more than the machine's memory.
    """
    needed = np.dtype(np.int64).itemsize * math.prod(shape)
    try:
        if needed > _memory():
            raise MemoryError
        return np.zeros(shape, dtype=np.int64)
    except (MemoryError, ValueError) as error:
        raise ValueError(
            f"{what} take {needed:,} bytes, more memory than there is: {instead}"
        ) from error


def _memory() -> int:
    """Return the bytes of the machine's memory, or the largest number where nobody knows."""
    if "SC_PHYS_PAGES" not in getattr(os, "sysconf_names", ()):
        return sys.maxsize
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
