"""The reachable correlations nearest to ones that no layer of a Gaussian copula can have.

A pair's correlation c(r) rises with its latent correlation r, and the latent matrix R must be positive
semi-definite. Of all such R one is sought that leaves the least Σ_{i<j} (c_ij(R_ij) - wanted_ij)² in the
correlations asked for. R = V Vᵀ with unit rows of V is valid whatever V is [1]_, so the sum is
lowered over V, without a constraint, by the L-BFGS method with the gradient

    dF/dV = M V,    M_ij = 2 (c_ij - wanted_ij) c'_ij(R_ij),    M_ii = 0,

from the latent matrix without its negative eigenvalues. The sum is not convex in R: what is found is a
minimum among its neighbours. Where c is r itself, the sum is convex and R the nearest correlation matrix
[2]_; but c' differs between pairs and is small for rare units, whose r may be far off at little cost.

.. [1] Rebonato and Jäckel (1999), Journal of Risk 2, 17-27.
.. [2] Higham (2002), IMA Journal of Numerical Analysis 22, 329-343.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..activity.arrays import Floats
from .correlation_matrices import ROUNDING

type Reach = Callable[[NDArray[np.int64], NDArray[np.int64], Floats], tuple[Floats, Floats]]
"""Correlations of pairs (i, j) of units of latent correlations r, and their slopes in r: all flat."""

_MIXED = 0.02  # of independence into the start: without it no rank could be gained
_STEEPEST = 1 - 1e-9  # latent correlation beyond which the slope may be infinite
_STEPS = 2000


def nearest_reachable(wanted: Floats, latent: Floats, reach: Reach) -> Floats:
    """Return the latent correlation matrix whose correlations are nearest to those ``wanted``.

    ``latent`` holds the latent correlations that give the pairs one by one; it is returned as it is if
    it is valid. All are ``(n_units, n_units)``. Raises ``RuntimeError`` if two thousand steps do
    not settle it.
    """
    from scipy.optimize import minimize  # takes as long to load as all else here

    if np.linalg.eigvalsh(latent)[0] >= -ROUNDING * len(latent):
        return latent
    one, other = np.triu_indices(len(wanted), k=1)
    due, shape = wanted[one, other], wanted.shape

    def gap(rows: Floats) -> tuple[float, Floats]:
        length = np.linalg.norm(rows.reshape(shape), axis=1, keepdims=True)
        v = rows.reshape(shape) / length
        r = np.clip((v @ v.T)[one, other], -_STEEPEST, _STEEPEST)
        reached, slope = reach(one, other, r)
        pull = np.zeros(shape)
        pull[one, other] = pull[other, one] = 2 * (reached - due) * slope
        gradient = pull @ v
        gradient -= (gradient * v).sum(axis=1, keepdims=True) * v
        return float(np.square(reached - due).sum()), (gradient / length).ravel()

    found = minimize(
        gap,
        _start(latent).ravel(),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": _STEPS, "ftol": 1e-12},
    )
    if found.status == 1:
        raise RuntimeError(f"the nearest correlations did not settle within {_STEPS} steps")
    return _product(found.x.reshape(shape))


def _start(latent: Floats) -> Floats:
    """Return V of ``latent`` without its negative eigenvalues, mixed with independence."""
    value, vector = np.linalg.eigh(latent)
    valid = _product(vector * np.sqrt(np.maximum(value, 0.0)))
    return np.linalg.cholesky((1 - _MIXED) * valid + _MIXED * np.eye(len(valid)))


def _product(rows: Floats) -> Floats:
    """Return the correlation matrix V Vᵀ, with ``rows`` brought to unit length."""
    v = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    matrix = np.clip(v @ v.T, -1.0, 1.0)
    np.fill_diagonal(matrix, 1.0)
    return (matrix + matrix.T) / 2
