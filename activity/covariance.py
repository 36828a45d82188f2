"""What a covariance matrix of units says: correlations of pairs, effective number of dimensions."""

import numpy as np

from .arrays import Floats


def correlation_matrix(covariance: Floats) -> Floats:
    """Return Pearson correlations, ``(n_units, n_units)``; nan where a unit never changes."""
    deviation = np.sqrt(np.diag(covariance))
    scale = np.outer(deviation, deviation)
    return np.divide(covariance, scale, out=np.full(scale.shape, np.nan), where=scale > 0)


def distinct_pairs(matrix: Floats) -> Floats:
    """Return the finite entries above the diagonal: a flat array, one for each pair of units."""
    upper = matrix[np.triu_indices(matrix.shape[0], k=1)]
    return upper[np.isfinite(upper)]


def participation_ratio(covariance: Floats) -> float:
    """Return (tr C)² / tr C², between 1 and the number of units; nan for a layer that never changes."""
    square = np.square(covariance).sum()
    return float(np.trace(covariance) ** 2 / square) if square > 0 else float("nan")
