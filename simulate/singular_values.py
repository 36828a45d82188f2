"""Singular values of a random matrix whose units and inputs have second moments of their own.

For W = R^½ Z C^½ + s Z', with independent standard normal Z and Z' of shape (n_units, n_inputs), and
with a_i and b_j the eigenvalues of R and C, the squared singular values x have in the limit of large
matrices the density Im Σ_i T_i(x + i0) / π, where [1]_

    T_i = -1 / (z (1 + e a_i + s² f)),      U_j = -1 / (z (1 + Σ_i a_i T_i b_j + s² Σ_i T_i)),
    e = Σ_j b_j U_j,                        f = Σ_j U_j.

Greater values are pushed up and smaller ones down from the eigenvalues of R tr C, the more the fewer
inputs there are; that is what cosines of rows alone do not tell. Solved by Newton's method for e and f,
from values of z far from the real axis, where every start leads to the solution, down to it.

.. [1] Hachem, Loubaton and Najim (2007), Ann. Appl. Probab. 17, 875-930, for s = 0.
"""

import numpy as np

from ..activity.arrays import Floats

_STEPS = 500  # places of the density, at equal steps of log x
_LOW = 1e-7  # the least of them, over the greatest
_NEAR = 1e-4  # imaginary part of z over its real part at the end, below the steps
_CELLS = 1 << 19  # places times eigenvalues held at once
_TOLERANCE = 1e-8
_ROUNDS = 50


def expected_singular_values(of_units: Floats, of_inputs: Floats, noise_sd: float = 0.0) -> Floats:
    """Return the medians of the singular values, the greatest first: ``(min(n_units, n_inputs),)``.

    ``of_units`` are the eigenvalues a_i, ``of_inputs`` the b_j, both at least 0, ``noise_sd`` is s.
    """
    a, b = np.sort(of_units), np.sort(of_inputs)
    values = np.zeros(min(a.size, b.size))
    rank = min(np.count_nonzero(a), np.count_nonzero(b)) if noise_sd == 0 else values.size
    if rank == 0:
        return values
    most = (np.sqrt(a[-1] * b.sum()) + np.sqrt(b[-1] * a.sum())) ** 2
    most += noise_sd**2 * (np.sqrt(a.size) + np.sqrt(b.size)) ** 2
    log = np.log(2 * most) + np.linspace(np.log(_LOW), 0, _STEPS)
    parts = np.array_split(np.exp(log), -(-_STEPS * (a.size + b.size) // _CELLS))
    mass = np.concatenate([_density(part, a, b, noise_sd) for part in parts]) * np.exp(log)
    above = np.append(np.cumsum(((mass[1:] + mass[:-1]) / 2 * np.diff(log))[::-1])[::-1], 0)
    values[:rank] = np.exp(np.interp(-(np.arange(rank) + 0.5), -above, log) / 2)
    return values


def _density(place: Floats, a: Floats, b: Floats, noise_sd: float) -> Floats:
    """Return the density of squared singular values at ``place`` ``(n,)``."""
    noise, solved = noise_sd**2, np.zeros((2, place.size), dtype=np.complex128)
    for away in np.geomspace(8, _NEAR, 12):
        z = place * (1 + 1j * away)
        if away == 8:
            solved[:] = -np.array([b.sum(), b.size])[:, None] / z
        for _ in range(_ROUNDS):
            found, slope, density = _mapped(z, solved, a, b, noise)
            step = _solve(np.eye(2)[..., None] - slope, found - solved)
            whole = solved + step
            # the solution has positive imaginary parts; where Newton's step leaves them the map does not
            kept = (whole.imag >= 0).all(axis=0) & np.isfinite(whole).all(axis=0)
            following = np.where(kept, whole, (solved + found) / 2)
            change = np.abs(following - solved) / np.maximum(np.abs(following), 1e-300)
            solved = following
            if change.max() < _TOLERANCE:
                break
    return density


def _mapped(
    z: np.ndarray, solved: np.ndarray, a: Floats, b: Floats, noise: float
) -> tuple[np.ndarray, np.ndarray, Floats]:
    """Return what e and f are mapped to, the slopes ``(2, 2, n)`` of the map, and the density."""
    powers_a = np.stack([a, np.ones_like(a), a**2], axis=1)
    powers_b = np.stack([b, np.ones_like(b), b**2], axis=1)
    t = -1 / (z[:, None] * (1 + solved[0, :, None] * a + noise * solved[1, :, None]))
    sum_a, sum_one, _ = (t @ powers_a).T
    a_t, one_t, aa_t = z * ((t * t) @ powers_a).T
    u = -1 / (z[:, None] * (1 + sum_a[:, None] * b + noise * sum_one[:, None]))
    found = (u @ powers_b[:, :2]).T
    b_u, one_u, bb_u = z * ((u * u) @ powers_b).T
    inner = np.array([[aa_t, noise * a_t], [a_t, noise * one_t]])
    outer = np.array([[bb_u, noise * b_u], [b_u, noise * one_u]])
    return found, np.einsum("ijn,jkn->ikn", outer, inner), sum_one.imag / np.pi


def _solve(matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the solutions of ``n`` systems of two equations: ``(2, n)``."""
    (p, q), (r, s) = matrix
    return np.stack([s * right[0] - q * right[1], p * right[1] - r * right[0]]) / (p * s - q * r)
