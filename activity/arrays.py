"""Names for the arrays that travel between files; axes are always examples, then units."""

import numpy as np
from numpy.typing import NDArray

type Activity = NDArray[np.bool_]
"""Which units were active on which example: shape ``(n_examples, n_units)``."""

type Packed = NDArray[np.uint64]
"""Activity as bits: ``(n_examples, ceil(n_units / 64))``; unit i is bit i % 64 of word i // 64."""

type Counts = NDArray[np.int64]
"""Whole numbers of examples, units or activations; the last axis is the unit where there is one."""

type Floats = NDArray[np.float64]
"""Real numbers: rates, probabilities, covariances, magnitudes."""
