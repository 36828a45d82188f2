"""The one place where Numba's options are set, and the one way to use several cores.

A kernel fills a block of rows and releases the interpreter lock; :func:`over_blocks` hands blocks
to threads. Kernels take their random numbers from :mod:`rote.activity.streams`, which are functions of
the row, so no result depends on how many threads there are or where blocks begin.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numba

kernel = numba.njit(cache=True, nogil=True, error_model="numpy")


def over_blocks(work: Callable[[int, int], object], n_rows: int, *, least: int) -> None:
    """Call ``work(start, stop)`` over all rows, on as many threads as Numba may use.

    ``least`` is the number of rows below which a thread costs more than it saves.
    """
    n_blocks = max(1, min(numba.get_num_threads(), n_rows // max(1, least)))
    if n_blocks == 1:
        work(0, n_rows)
        return
    edges = [n_rows * block // n_blocks for block in range(n_blocks + 1)]
    with ThreadPoolExecutor(n_blocks) as pool:
        list(pool.map(work, edges[:-1], edges[1:]))
