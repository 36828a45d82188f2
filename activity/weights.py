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
    """What is said of a weight matrix; ratio and kurtosis pool all its entries."""

    norm_l1: Floats  # (n_units,) sum of absolute weights into a unit
    norm_l2: Floats  # (n_units,) Euclidean norm of the weights into a unit
    l1_l2_ratio: float  # nan for a matrix of zeros
    excess_kurtosis: float  # nan for a constant matrix


def weight_statistics(weight: ArrayLike) -> WeightStatistics:
    """Measure a matrix of shape ``(n_units, n_inputs)``; a ``ValueError`` for another shape."""
    matrix = as_floats("weight", weight)
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise ValueError(f"weight must have shape (n_units, n_inputs), got {matrix.shape}")
    root_mean_square = np.sqrt(np.square(matrix).mean())
    constant = matrix.min() == matrix.max()
    return WeightStatistics(
        norm_l1=np.abs(matrix).sum(axis=1),
        norm_l2=np.linalg.norm(matrix, axis=1),
        l1_l2_ratio=float(np.abs(matrix).mean() / root_mean_square) if root_mean_square else np.nan,
        excess_kurtosis=np.nan if constant else float(kurtosis(matrix, axis=None)),
    )
