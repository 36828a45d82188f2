"""The one place where Numba's options are set, and the one way to use several cores.

A kernel fills a block of rows and releases the interpreter lock; :func:`over_blocks` hands blocks
to threads. Kernels take their random numbers from :mod:`rote.activity.streams`, which are functions of
the row, so no result depends on how many threads there are or where blocks begin.

The environment variable ``ROTE_STREAM`` chooses the function behind these numbers, ``splitmix`` (the
default) or ``philox``, once for a process: compiled code holds it. Numba keeps compiled code on disk
without noting such a choice, so with any but the default nothing is kept: a process compiles anew.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from itertools import pairwise

import numba

from .checks import check_choice

STREAMS = ("splitmix", "philox")
STREAM = check_choice("ROTE_STREAM", os.environ.get("ROTE_STREAM", STREAMS[0]), STREAMS)

_options = {"cache": STREAMS[0] == STREAM, "nogil": True, "error_model": "numpy"}
kernel = numba.njit(**_options)
inlined_kernel = numba.njit(**_options, forceinline=True)  # else a loop that calls it is no vector loop
_threads = ThreadPoolExecutor(max(1, numba.config.NUMBA_NUM_THREADS - 1))  # they start when needed


def over_blocks(work: Callable[[int, int], object], n_rows: int, *, least: int) -> None:
    """Call ``work(start, stop)`` over all rows, on as many threads as Numba may use.

    ``least`` is the number of rows below which a thread costs more than it saves.
    """
    n_blocks = max(1, min(numba.get_num_threads(), n_rows // max(1, least)))
    edges = [n_rows * block // n_blocks for block in range(n_blocks + 1)]
    at_once(*(partial(work, *block) for block in pairwise(edges)))


def at_once(*works: Callable[[], object]) -> None:
    """Call all ``works``, on several threads if Numba may use them; behind an error none is begun."""
    if numba.get_num_threads() == 1 or len(works) == 1:
        for work in works:
            work()
        return
    first, *others = works
    handed = [(work, _threads.submit(work)) for work in others]
    try:
        first()
        for work, coming in handed:
            if coming.cancel():  # no thread was free, or all of them wait as this one does
                work()
            else:
                coming.result()
    finally:
        wait([coming for _, coming in handed if not coming.cancel()])
