"""Covariance of two rectified normal variables.

By Price's theorem [1]_ the covariance of a = max(0, x) and b = max(0, y), x ~ N(h, 1) and y ~ N(k, 1) of
correlation r, grows with r at the rate Φ₂(h, k; r). With Plackett's integral for Φ₂, summed by parts,

    cov(a, b) = ∫₀^r Φ₂(h, k; ρ) dρ
              = r Φ(h) Φ(k) + 1/2π ∫₀^{arcsin r} (r - sin θ) exp[-(h² + k² - 2hk sin θ)/(2cos² θ)] dθ,

the integral of :mod:`rote.simulate.bivariate` with one more factor. For r > 0 nothing cancels; for r < 0
log₁₀(1 + |hk|) digits are lost at most. The moment E[ab] in terms of Φ₂ and φ is Rosenbaum's [2]_, which
agrees, and has no digits left for rare pairs.

.. [1] Price (1958), IRE Transactions on Information Theory 4, 69-72.
.. [2] Rosenbaum (1961), J. R. Stat. Soc. B 23, 405-408.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from ..activity.arrays import Floats
from ..activity.checks import as_floats
from ..activity.kernel import kernel, over_blocks
from .positive_normals import rectified_moments

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(20)
_HALF_PI = np.pi / 2
_ROWS = 16  # of a matrix, for a thread


def rectified_covariance(threshold: ArrayLike, correlation: ArrayLike) -> Floats:
    """Return the covariances of max(0, u_i), u ~ N(h, R): ``(n_units, n_units)``.

    ``threshold`` is h, ``(n_units,)``; ``correlation`` is R, in [-1, 1] with ones on its diagonal.
    """
    h, latent = as_floats("threshold", threshold), as_floats("correlation", correlation)
    if latent.shape != (h.size, h.size):
        raise ValueError(f"correlation must have shape ({h.size}, {h.size}), got {latent.shape}")
    if np.any(np.abs(latent) > 1):
        raise ValueError(
            f"correlation must lie in [-1, 1], got {latent.flat[np.argmax(np.abs(latent))]}"
        )
    covariance = np.empty_like(latent)
    rate = ndtr(h)
    over_blocks(lambda start, stop: _fill(covariance, h, rate, latent, start, stop), h.size, least=_ROWS)
    lower = np.tril_indices(h.size, -1)
    covariance[lower] = covariance.T[lower]
    np.fill_diagonal(covariance, rectified_moments(h)[1])
    return covariance


@kernel
def _fill(covariance: Floats, h: Floats, rate: Floats, latent: Floats, start: int, stop: int) -> None:
    """Set what lies right of the diagonal in the rows that fall to one of several threads.

    Row i and row n - 1 - i have n - 1 entries together, so threads that take them in pairs have as much
    to do.
    """
    n_units = h.size
    for place in range(start, stop):
        one = place // 2 if place % 2 == 0 else n_units - 1 - place // 2
        for other in range(one + 1, n_units):
            r = latent[one, other]
            covariance[one, other] = r * rate[one] * rate[other] + _excess(h[one], h[other], r)


@kernel
def _excess(h: float, k: float, r: float) -> float:
    """Return the integral, in panels that halve towards π/2, where its exponent may be steep."""
    sign = 1.0 if r >= 0.0 else -1.0
    size, k = abs(r), sign * k
    end, start, total = np.arcsin(size), 0.0, 0.0
    while start < end:
        stop = min(end, start + 0.5 * (_HALF_PI - start))
        if _HALF_PI - stop < 1e-9:  # what is left is below rounding
            stop = end
        middle, half, panel = 0.5 * (start + stop), 0.5 * (stop - start), 0.0
        for node in range(_NODES.size):
            theta = middle + half * _NODES[node]
            sine, cosine = np.sin(theta), np.cos(theta)
            exponent = 0.5 * ((h - k) / cosine) ** 2 + h * k / (1.0 + sine)
            panel += _WEIGHTS[node] * (size - sine) * np.exp(-exponent)
        total += panel * half
        start = stop
    return total / (2.0 * np.pi)
