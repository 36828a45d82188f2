"""Turning units so that they fire together: population counts that see correlations of either sign.

In a trained layer positive and negative correlations nearly cancel, so the plain population count says
little of them. A unit is turned (read as active when it is not) if its entry in the leading eigenvector
of the covariance matrix is negative; then the pairs' covariances along that direction all add up.

Signs chosen on the examples that are counted would find some correlation even between independent
units. Hence every other example, as they stand or in a given order, chooses, and only the others are
counted.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arrays import Activity
from .checks import as_activity
from .measurement import WINDOW, measure
from .statistics import Statistics


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Alignment:
    """Which units were turned, and the other half of the examples counted either way."""

    turned: NDArray[np.bool_]  # (n_units,)
    recorded: Statistics  # units as they are
    aligned: Statistics  # turned units inverted


def align(active: Activity, *, order: ArrayLike | None = None, window: int = WINDOW) -> Alignment:
    """Align activity of shape ``(n_examples, n_units)``; ``order`` as for :func:`measure`.

    Raises ``ValueError`` for fewer than four examples.
    """
    active = as_activity("active", active)
    if len(active) < 4:
        raise ValueError(f"aligning needs four examples, got {len(active)}")
    presented = active if order is None else active[np.argsort(order)]
    _, vectors = np.linalg.eigh(measure(presented[::2]).covariance)
    leading = vectors[:, -1]
    turned = leading * np.sign(leading.sum() or 1.0) < 0
    counted = presented[1::2]
    return Alignment(
        turned=turned,
        recorded=measure(counted, window=window),
        aligned=measure(counted ^ turned, window=window),
    )
