"""Correlation matrices of a layer: checked, factored, and taken to latent ones.

Every pair of a wanted binary correlation matrix may be reachable and the whole still not: the latent
correlations that give the pairs must form a positive semi-definite matrix. What comes nearest then is
found in :mod:`rote.simulate.nearest`.
"""

import numpy as np
from numpy.typing import ArrayLike

from ..activity.arrays import Floats
from ..activity.checks import as_floats
from .bivariate import correlation_bounds, latent_correlation

ROUNDING = 1e-10  # by which a matrix may miss symmetry, its diagonal, and non-negative eigenvalues
_SINGULAR = 1e-14  # by which the product of the factors of a singular matrix may miss it, for each unit


def check_symmetric(name: str, matrix: ArrayLike, n_rows: int) -> Floats:
    """Return ``matrix`` made exactly symmetric; raise unless ``(n_rows, n_rows)`` and symmetric."""
    numbers = as_floats(name, matrix)
    if numbers.shape != (n_rows, n_rows):
        raise ValueError(f"{name} must have shape ({n_rows}, {n_rows}), got {numbers.shape}")
    lower, upper = np.unravel_index(np.argmax(np.abs(numbers - numbers.T)), numbers.shape)
    one, other = numbers[lower, upper], numbers[upper, lower]
    if abs(one - other) > ROUNDING:
        raise ValueError(f"{name} must be symmetric, got {one} and {other} for {lower} and {upper}")
    return (numbers + numbers.T) / 2


def check_correlation_matrix(name: str, matrix: ArrayLike, n_units: int) -> Floats:
    """Return a correlation matrix ``(n_units, n_units)``; raise unless symmetric with a diagonal of 1.

    Numbers outside [-1, 1] raise too; whether it is positive semi-definite is not looked at.
    """
    numbers = check_symmetric(name, matrix, n_units)
    unit = np.argmax(np.abs(np.diag(numbers) - 1))
    if abs(numbers[unit, unit] - 1) > ROUNDING:
        raise ValueError(f"{name} must be 1 on its diagonal, got {numbers[unit, unit]} for unit {unit}")
    np.fill_diagonal(numbers, 1.0)
    one, other = np.unravel_index(np.argmax(np.abs(numbers)), numbers.shape)
    if abs(numbers[one, other]) > 1:
        found = f"{numbers[one, other]} for units {one} and {other}"
        raise ValueError(f"{name} must lie in [-1, 1], got {found}")
    return numbers


def triangular_factor(name: str, matrix: Floats, *, remedy: str) -> Floats:
    """Return lower-triangular L with L Lᵀ = ``matrix``, singular ones included.

    Raises ``ValueError`` with the smallest eigenvalue, and the ``remedy``, for a matrix that is not
    positive semi-definite.
    """
    try:
        return np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        value, vector = np.linalg.eigh(matrix)
    if value[0] < -ROUNDING * len(matrix):
        raise ValueError(
            f"{name} must be positive semi-definite, got smallest eigenvalue {value[0]:.6g}; {remedy}"
        )
    root = vector * np.sqrt(np.maximum(value, 0.0))
    factor = np.linalg.qr(root.T).R.T
    reached, due = np.square(factor).sum(axis=1), np.diag(matrix)
    scale = np.sqrt(np.divide(due, reached, out=np.zeros_like(due), where=(reached > 0) & (due > 0)))
    return factor * scale[:, None]  # the diagonal is exact, whatever was rounded


def factored(name: str, matrix: Floats, *, remedy: str) -> tuple[Floats, Floats]:
    """Return the correlation matrix that is drawn, and its factor: what is predicted is what is drawn.

    It is ``matrix``, or where that has eigenvalues below zero, as far as :func:`triangular_factor` lets
    them pass for rounding, the matrix without them.
    """
    factor = triangular_factor(name, matrix, remedy=remedy)
    reached = np.clip(factor @ factor.T, -1.0, 1.0)
    np.fill_diagonal(reached, 1.0)
    same = np.abs(reached - matrix).max() <= _SINGULAR * len(matrix)
    return (matrix if same else reached), factor


def latent_matrix(rate: Floats, correlation: ArrayLike, *, cut: bool = False) -> Floats:
    """Return the latent correlations ``(n_units, n_units)`` that give units these binary ones.

    ``rate`` lies in (0, 1). A pair's correlation beyond its bounds is cut to them if ``cut``, and else a
    ``ValueError`` that names the pair and the bounds. Solved once for every distinct pair.
    """
    wanted = check_correlation_matrix("correlation", correlation, rate.size)
    one, other = np.triu_indices(rate.size, k=1)
    pair = wanted[one, other]
    least, most = correlation_bounds(rate[one], rate[other])
    beyond = np.flatnonzero((pair < least * (1 + 1e-12)) | (pair > most * (1 + 1e-12)))
    if beyond.size and not cut:
        first = beyond[0]
        i, j = one[first], other[first]
        raise ValueError(
            f"correlation must lie in [{least[first]:.6g}, {most[first]:.6g}] for units {i} and {j} "
            f"of rates {rate[i]:g} and {rate[j]:g}, got {pair[first]:g}"
        )
    alike = np.stack(
        [
            np.minimum(rate[one], rate[other]),
            np.maximum(rate[one], rate[other]),
            np.clip(pair, least, most),
        ]
    )
    distinct, place = np.unique(alike, axis=1, return_inverse=True)
    latent = np.eye(rate.size)
    latent[one, other] = latent[other, one] = latent_correlation(*distinct)[place]
    return latent
