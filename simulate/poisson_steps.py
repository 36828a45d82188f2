"""Counting the steps of Poisson quantiles that latent normal numbers have reached.

A unit's count is its first count and one for each threshold at or below u. A guide tells, for each of
many bins of u, how many thresholds lie below the bin; the few within it are compared one by one [1]_,
as many for every cell, since a branch that depends on a random number is slow.

.. [1] Chen and Asau (1974), AIIE Transactions 6, 163-166.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..activity.arrays import Counts, Floats
from ..activity.kernel import kernel
from .counts import CountArray, write_row
from .quantiles import Quantiles

_REACH = 8.0  # of the bins; few numbers lie beyond
_BINS = 64
_SCALE = _BINS / (2 * _REACH)


class Steps(NamedTuple):
    """Steps of the units' quantiles, and the guide to them."""

    first: NDArray[np.int64]  # (n_units,) count below the first step
    threshold: Floats  # (n_units, n_steps + 2) where u makes a step, between -inf and inf
    guide: NDArray[np.uint16]  # (n_units, _BINS) steps below a bin
    most: int  # steps in a bin


def new_steps(quantiles: Quantiles) -> Steps:
    """Return the steps of ``quantiles``, those included that are reached for certain."""
    used = quantiles.threshold[:, : quantiles.n_steps.max()]
    edges = np.arange(_BINS + 1) / _SCALE - _REACH
    edges[[0, -1]] = -np.inf, np.inf
    below = np.empty((len(used), edges.size), dtype=np.uint16)
    _count_below(below, used, edges)
    threshold = np.pad(used, ((0, 0), (1, 1)), constant_values=np.inf)
    threshold[:, 0] = -np.inf
    return Steps(quantiles.first, threshold, below[:, :-1].copy(), int(np.diff(below).max()))


def count_steps(
    counts: CountArray, latent: NDArray[np.floating], steps: Steps, margin: float, worst: Counts
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Set ``counts`` from ``latent`` and return rows and units of cells within ``margin`` of a step."""
    near = np.empty(counts.shape, dtype=np.bool_)
    _count(counts, near, latent, steps, margin, worst)
    return np.nonzero(near)


def decide(
    counts: CountArray,
    row: NDArray[np.int64],
    unit: NDArray[np.int64],
    latent: Floats,
    steps: Steps,
    worst: Counts,
) -> None:
    """Set the counts of cells from their latent numbers, ``(n_cells,)``."""
    reached = steps.first[unit] - 1 + (steps.threshold[unit] <= latent[:, None]).sum(axis=1)
    counts[row, unit] = reached
    if reached.size and reached.max() > worst[0]:
        worst[:] = reached.max(), unit[reached.argmax()]


@kernel
def _count_below(below: NDArray[np.uint16], threshold: Floats, edges: Floats) -> None:
    """Count each unit's thresholds below each edge; both ascend, so one pass over both does."""
    for unit in range(threshold.shape[0]):
        step = 0
        for place in range(edges.size):
            while step < threshold.shape[1] and threshold[unit, step] < edges[place]:
                step += 1
            below[unit, place] = step


@kernel
def _count(
    counts: CountArray,
    near: NDArray[np.bool_],
    latent: NDArray[np.floating],
    steps: Steps,
    margin: float,
    worst: Counts,
) -> None:
    first, threshold, guide, most = steps  # once, since every view of an array is counted
    row = np.empty(counts.shape[1], dtype=np.uint32)
    for example in range(counts.shape[0]):
        for unit in range(row.size):
            u = latent[example, unit]
            place = min(max(int((u + _REACH) * _SCALE), 0), _BINS - 1)
            step = np.int64(guide[unit, place])
            for _ in range(most):
                step += threshold[unit, step + 1] <= u
            row[unit] = first[unit] + step
            near[example, unit] = min(threshold[unit, step + 1] - u, u - threshold[unit, step]) <= margin
        write_row(row, counts[example], worst)
