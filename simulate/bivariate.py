"""Pairs of thresholded normal variables: binary covariance from latent correlation, and back.

Two standard normals of correlation r cross the thresholds h and k (x > -h, y > -k) with covariance

    cov(r) = Φ₂(h, k; r) - Φ(h)Φ(k)
           = 1/2π ∫₀^{arcsin r} exp[-(h² + k² - 2hk sin θ) / (2 cos² θ)] dθ                     [1]_

The integral has no cancellation, so rare pairs keep their digits where Φ₂ - Φ·Φ has none left; nor has
its exponent, where it is written as (h - k)²/(2 cos² θ) + hk/(1 + sin θ). It is summed by 20-point
Gauss-Legendre panels that halve towards ±π/2, where the integrand may be steep. The inverse (the
tetrachoric correlation) is Newton's method on log |cov|, kept inside a bracket.

The covariance asked for is met to 1e-10 in relative terms up to 1 - 1e-5 of its Fréchet bound. Nearer, a
latent correlation cannot say more: its next neighbour, 2⁻⁵³ away, is that far in covariance as well,
2⁻⁵³/√(2 (1 - |r|)) at most, which is 3e-10 at 1 - 1e-6 of the bound and 2e-8 at the bound.

.. [1] Plackett (1954), Biometrika 41, 351-360.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from ..activity.arrays import Floats
from ..activity.checks import as_floats, check_probability
from ..activity.kernel import kernel

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(20)
_HALF_PI = np.pi / 2


def binary_covariance(rate: ArrayLike, other: ArrayLike, latent_correlation: ArrayLike) -> Floats:
    """Return the covariance of pairs of dichotomized normals; arguments broadcast.

    ``rate`` and ``other`` lie in [0, 1], ``latent_correlation`` in [-1, 1].
    """
    one = check_probability("rate", rate, closed="01")
    two = check_probability("other", other, closed="01")
    latent = as_floats("latent_correlation", latent_correlation)
    if np.any(np.abs(latent) > 1):
        worst = latent.flat[np.argmax(np.abs(latent))]
        raise ValueError(f"latent_correlation must lie in [-1, 1], got {worst}")
    h, k, r = np.broadcast_arrays(ndtri(one), ndtri(two), latent)
    return _covariances(h.flatten(), k.flatten(), r.flatten()).reshape(h.shape)[()]


def binary_slope(h: Floats, k: Floats, latent_correlation: Floats) -> Floats:
    """Return how fast the covariance rises with the latent correlation, which lies in (-1, 1).

    It is the bivariate normal density at the finite thresholds (h, k), all arrays of one shape.
    """
    own = (1 - latent_correlation) * (1 + latent_correlation)
    exponent = 0.5 * (h - k) ** 2 / own + h * k / (1 + latent_correlation)
    return np.exp(-exponent) / (2 * np.pi * np.sqrt(own))


def correlation_bounds(rate: ArrayLike, other: ArrayLike) -> tuple[Floats, Floats]:
    """Return the least and the greatest correlation that two binary units can have (Fréchet).

    Arguments broadcast; rates lie in (0, 1), a ``ValueError`` otherwise.
    """
    p, q = check_probability("rate", rate), check_probability("other", other)
    scale = np.sqrt(p * (1 - p) * q * (1 - q))
    # min(p, q) - pq and max(0, p + q - 1) - pq, written without cancellation
    highest = np.minimum(p * (1 - q), q * (1 - p)) / scale
    lowest = -np.minimum(p * q, (1 - p) * (1 - q)) / scale
    return lowest, highest


def latent_correlation(rate: ArrayLike, other: ArrayLike, correlation: ArrayLike) -> Floats:
    """Return the latent correlation that gives pairs of units this Pearson correlation.

    Arguments broadcast; rates lie in (0, 1). Raises ``ValueError`` naming the pair and the bound for
    a correlation that no two units of these rates can have.
    """
    one, two = check_probability("rate", rate), check_probability("other", other)
    wanted = as_floats("correlation", correlation)
    one, two, wanted = np.broadcast_arrays(one, two, wanted)
    lowest, highest = correlation_bounds(one, two)
    slack = 1 + 1e-12  # a correlation at its bound may come rounded
    wrong = np.flatnonzero((wanted < lowest * slack) | (wanted > highest * slack))
    if wrong.size:
        least, most, p, q, got = (a.flat[wrong[0]] for a in (lowest, highest, one, two, wanted))
        raise ValueError(
            f"correlation must lie in [{least:.6g}, {most:.6g}] for units of rates {p:g} and {q:g}, "
            f"got {got:g}"
        )
    covariance = wanted * np.sqrt(one * (1 - one) * two * (1 - two))
    h, k = ndtri(one), ndtri(two)
    return _latent(h.flatten(), k.flatten(), covariance.flatten()).reshape(h.shape)[()]


@kernel
def _integrand(h: float, k: float, theta: float) -> float:
    exponent = 0.5 * ((h - k) / np.cos(theta)) ** 2 + h * k / (1.0 + np.sin(theta))
    return np.exp(-exponent) / (2.0 * np.pi)


@kernel
def _panel(h: float, k: float, start: float, stop: float) -> float:
    middle, half, total = 0.5 * (start + stop), 0.5 * (stop - start), 0.0
    for node in range(_NODES.size):
        total += _WEIGHTS[node] * _integrand(h, k, middle + half * _NODES[node])
    return total * half


@kernel
def _covariance(h: float, k: float, r: float) -> float:
    if np.isinf(h) or np.isinf(k):
        return 0.0
    sign = 1.0 if r >= 0.0 else -1.0
    end, start, total = np.arcsin(abs(r)), 0.0, 0.0
    while start < end:
        stop = min(end, start + 0.5 * (_HALF_PI - start))
        if _HALF_PI - stop < 1e-9:  # what is left is below rounding
            stop = end
        total += _panel(h, sign * k, start, stop)
        start = stop
    return sign * total


@kernel
def _covariances(h: Floats, k: Floats, r: Floats) -> Floats:
    covariance = np.empty(h.size)
    for pair in range(h.size):
        covariance[pair] = _covariance(h[pair], k[pair], r[pair])
    return covariance


@kernel
def _latent(h: Floats, k: Floats, covariance: Floats) -> Floats:
    solved = np.empty(h.size)
    for pair in range(h.size):
        solved[pair] = _solve(h[pair], k[pair], covariance[pair])
    return solved


@kernel
def _solve(h: float, k: float, wanted: float) -> float:
    """Newton on log cov in the angle arcsin r, where d cov / d angle is the integrand itself."""
    if wanted == 0.0:
        return 0.0
    sign = 1.0 if wanted > 0.0 else -1.0
    k, wanted = sign * k, abs(wanted)  # cov(h, k; -r) = -cov(h, -k; r)
    low, high = 0.0, _HALF_PI
    angle = min(0.25 * np.pi, wanted / _integrand(h, k, 0.0))
    for _ in range(200):
        reached = _covariance(h, k, np.sin(angle))
        if reached < wanted:
            low = angle
        else:
            high = angle
        slope = _integrand(h, k, angle)
        step = 0.0
        if reached > 0.0 and slope > 0.0:
            step = -np.log(reached / wanted) * reached / slope
        moved = angle + step
        if not low < moved < high or step == 0.0:
            moved = 0.5 * (low + high)
        if abs(moved - angle) <= 4e-16 * angle or high - low <= 4e-16 * high:
            return sign * np.sin(moved)
        angle = moved
    return sign * np.sin(angle)
