"""Which features drive which unit: checked, and kept sparse."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

type Wiring = NDArray[np.bool_] | sparse.sparray | Sequence[Sequence[int]]
"""Which features drive which unit: ``(n_units, n_features)``, or each unit's list of features."""


def as_sparse(wiring: Wiring, n_features: int) -> sparse.csr_array:
    """Return the wiring as a read-only sparse boolean array, ``(n_units, n_features)``.

    Raises ``TypeError`` for anything but booleans and whole numbers, ``ValueError`` for another shape
    or for a feature that does not exist.
    """
    if not sparse.issparse(wiring) and not isinstance(wiring, np.ndarray):
        wiring = _from_lists(wiring, n_features)
    shape = wiring.shape
    if wiring.ndim != 2 or shape[0] == 0 or shape[1] != n_features:
        raise ValueError(
            f"wiring must have shape (n_units, {n_features}), a column for a feature, got {shape}"
        )
    if wiring.dtype != np.bool_:
        raise TypeError(
            f"wiring must be boolean or a list of features for each unit, got {wiring.dtype}"
        )
    kept = sparse.csr_array(wiring, copy=True)
    kept.sum_duplicates()
    kept.eliminate_zeros()
    for part in (kept.data, kept.indices, kept.indptr):
        part.setflags(write=False)
    return kept


def _from_lists(lists: Sequence[Sequence[int]], n_features: int) -> sparse.csr_array:
    """Return the wiring of units that list their features."""
    rows = [np.asarray(features) for features in lists]
    for unit, row in enumerate(rows):
        if row.size and (row.ndim != 1 or row.dtype.kind not in "iu"):
            raise TypeError(
                f"wiring of unit {unit} must list whole numbers, got {row.dtype} of {row.shape}"
            )
        if row.size and not (row.min() >= 0 and row.max() < n_features):
            found = f"[{row.min()}, {row.max()}]"
            raise ValueError(
                f"wiring must name features in [0, {n_features - 1}], got {found} at unit {unit}"
            )
    unit = np.repeat(np.arange(len(rows)), [row.size for row in rows])
    feature = np.concatenate([np.empty(0, dtype=np.int64), *rows]).astype(np.int64)
    return sparse.csr_array(
        (np.ones(unit.size, dtype=np.bool_), (unit, feature)), (len(rows), n_features)
    )
