"""Statistics of a weight matrix whose rows are units: norms, tails, and which norm it obeys.

    L1/L2 ratio      E|w| / √E w²    Gaussian √(2/π) = .798, Laplace 1/√2 = .707
    excess kurtosis  E(w - Ew)⁴ / Var(w)² - 3    Gaussian 0, Laplace 3

Laplace weights are what an L1 penalty expects, Gaussian ones what an L2 penalty does.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import kurtosis

from .arrays import Floats
from .checks import as_floats

GAUSSIAN_RATIO = float(np.sqrt(2 / np.pi))
LAPLACE_RATIO = float(np.sqrt(0.5))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WeightStatistics:
    """What is said of a weight matrix, of all its entries pooled and of each unit's own."""

    norm_l1: Floats  # (n_units,) sum of absolute weights into a unit
    norm_l2: Floats  # (n_units,) Euclidean norm of the weights into a unit
    l1_l2_ratio: float  # nan for a matrix of zeros
    excess_kurtosis: float  # nan for a constant matrix
    unit_l1_l2_ratio: Floats  # (n_units,) nan for a unit whose weights are all zero
    unit_excess_kurtosis: Floats  # (n_units,) nan for a unit whose weights are all equal


def weight_statistics(weight: ArrayLike) -> WeightStatistics:
    """Measure a matrix of shape ``(n_units, n_inputs)``; a ``ValueError`` for another shape."""
    matrix = as_floats("weight", weight)
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise ValueError(f"weight must have shape (n_units, n_inputs), got {matrix.shape}")
    return WeightStatistics(
        norm_l1=np.abs(matrix).sum(axis=1),
        norm_l2=np.linalg.norm(matrix, axis=1),
        l1_l2_ratio=float(_ratio(matrix.reshape(1, -1))[0]),
        excess_kurtosis=float(_kurtosis(matrix.reshape(1, -1))[0]),
        unit_l1_l2_ratio=_ratio(matrix),
        unit_excess_kurtosis=_kurtosis(matrix),
    )


def _ratio(rows: Floats) -> Floats:
    """Return the L1/L2 ratio of each row; of a row of length n it lies in [1 / √n, 1]."""
    root_mean_square = np.sqrt(np.square(rows).mean(axis=1))
    empty = np.full(len(rows), np.nan)
    return np.divide(np.abs(rows).mean(axis=1), root_mean_square, out=empty, where=root_mean_square > 0)


def _kurtosis(rows: Floats) -> Floats:
    """Return the excess kurtosis of each row."""
    varied = rows.min(axis=1) < rows.max(axis=1)
    excess = np.full(len(rows), np.nan)
    excess[varied] = kurtosis(rows[varied], axis=1)
    return excess
