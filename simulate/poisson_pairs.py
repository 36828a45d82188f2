"""Pairs of Poisson counts of a Gaussian copula: covariance from latent correlation, and back.

A count is the Poisson quantile of a standard normal number u: y = #{k ≥ 1 : u ≥ t_k}, where Φ(-t_k) is
the tail S_k = P(y ≥ k). Each step has its series in Hermite polynomials, so two counts whose u have
correlation r have (Mehler's expansion [1]_)

    cov(r) = Σ_{n ≥ 1} rⁿ c_n c'_n,    c_n = Σ_k φ(t_k) He_{n-1}(t_k) / √n!

which is summed to rounding for |r| ≤ 0.9. Beyond, the covariance is that of r = ±1, where
P(u ≥ t_k, u' ≥ t_l) is min(S_k, S_l) or max(0, S_k + S_l - 1) (Fréchet), less the integral of its slope
along the angle θ = arcsin r [2]_,

    dcov/dθ = 1/2π Σ_k Σ_l exp[-(t_k² + t_l² - 2 t_k t_l r) / (2 (1 - r²))],

in 20-point Gauss-Legendre panels. The inverse is Newton's method on log |cov| along that angle.

.. [1] Kendall (1941), Biometrika 32, 196-198; Lancaster (1957), Biometrika 44, 289-292.
.. [2] Plackett (1954), Biometrika 41, 351-360.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..activity.arrays import Floats
from ..activity.checks import as_floats
from ..activity.kernel import kernel
from .nearest import Reach
from .quantiles import Quantiles, check_copula_rate, poisson_quantiles

_HALF_PI = math.pi / 2
_STEEP = 0.9  # latent correlation beyond which the series is long
_TERMS = 480  # 0.9⁴⁸⁰ = 1e-22
_FADED = 1e-22  # power of r that adds nothing
_PANELS = 8  # halving towards the bound
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(20)


def poisson_covariance(rate: ArrayLike, other: ArrayLike, latent_correlation: ArrayLike) -> Floats:
    """Return the covariance of pairs of Poisson counts with a Gaussian copula; arguments broadcast.

    ``rate`` and ``other`` are mean counts in [0, 10,000], ``latent_correlation`` lies in [-1, 1].
    """
    one, two = check_copula_rate("rate", rate), check_copula_rate("other", other)
    latent = as_floats("latent_correlation", latent_correlation)
    if np.any(np.abs(latent) > 1):
        worst = latent.flat[np.argmax(np.abs(latent))]
        raise ValueError(f"latent_correlation must lie in [-1, 1], got {worst}")
    one, two, latent = np.broadcast_arrays(one, two, latent)
    steps, i, j = _pairs(one, two)
    covariance = np.empty(latent.size)
    _covariances(steps, i, j, latent.ravel(), covariance)
    return covariance.reshape(latent.shape)[()]


def poisson_correlation_bounds(rate: ArrayLike, other: ArrayLike) -> tuple[Floats, Floats]:
    """Return the least and the greatest correlation of pairs of Poisson counts (Fréchet).

    Arguments broadcast; mean counts lie in [1e-9, 10,000]. The greatest is that of counts that rise
    together, the least that of counts one of which falls as the other rises.
    """
    one = check_copula_rate("rate", rate, least=1e-9)
    two = check_copula_rate("other", other, least=1e-9)
    one, two = np.broadcast_arrays(one, two)
    steps, i, j = _pairs(one, two)
    bounds = np.empty((2, one.size))
    for row, sign in enumerate((-1.0, 1.0)):
        _covariances(steps, i, j, np.full(one.size, sign), bounds[row])
    lowest, highest = bounds.reshape(2, *one.shape) / np.sqrt(one * two)
    return lowest[()], highest[()]


def poisson_latent_correlation(rate: ArrayLike, other: ArrayLike, correlation: ArrayLike) -> Floats:
    """Return the latent correlation that gives pairs of Poisson counts this Pearson correlation.

    Arguments broadcast; mean counts lie in [1e-9, 10,000]. Raises ``ValueError`` naming the means and
    the bounds for a correlation that no two Poisson counts of these means can have.
    """
    lowest, highest = poisson_correlation_bounds(rate, other)
    one, two, wanted = np.broadcast_arrays(rate, other, as_floats("correlation", correlation))
    lowest, highest = np.broadcast_to(lowest, wanted.shape), np.broadcast_to(highest, wanted.shape)
    slack = 1 + 1e-12  # a correlation at its bound may come rounded
    wrong = np.flatnonzero((wanted < lowest * slack) | (wanted > highest * slack))
    if wrong.size:
        least, most, a, b, got = (x.flat[wrong[0]] for x in (lowest, highest, one, two, wanted))
        raise ValueError(
            f"correlation must lie in [{least:.6g}, {most:.6g}] for counts of means {a:g} and {b:g}, "
            f"got {got:g}"
        )
    steps, i, j = _pairs(one, two)
    latent = np.empty(wanted.size)
    _solve_all(steps, i, j, (wanted * np.sqrt(one * two)).ravel(), latent)
    return latent.reshape(wanted.shape)[()]


def poisson_reach(rate: Floats) -> Reach:
    """Return the function that tells correlations and slopes of pairs of units of these mean counts."""
    steps, deviation = poisson_quantiles(rate, n_terms=_TERMS), np.sqrt(rate)

    def reach(one: NDArray[np.int64], other: NDArray[np.int64], latent: Floats) -> tuple[Floats, Floats]:
        covariance, slope = np.empty(latent.size), np.empty(latent.size)
        _with_slopes(steps, one, other, latent, covariance, slope)
        scale = deviation[one] * deviation[other]
        return covariance / scale, slope / (scale * np.sqrt((1 - latent) * (1 + latent)))

    return reach


def _pairs(one: Floats, two: Floats) -> tuple[Quantiles, NDArray[np.int64], NDArray[np.int64]]:
    """Return the steps of all distinct means, and which of them the pairs have."""
    means, place = np.unique(np.concatenate([one.ravel(), two.ravel()]), return_inverse=True)
    return poisson_quantiles(means, n_terms=_TERMS), place[: one.size], place[one.size :]


@kernel
def _extreme(steps: Quantiles, i: int, j: int, sign: float) -> float:
    """Return the covariance at r = ±1: Σ min(S, S') - S S', or Σ max(0, S + S' - 1) - S S'."""
    tail, total = steps.tail, 0.0
    for k in range(steps.n_steps[i]):
        for other in range(steps.n_steps[j]):
            p, q = tail[i, k], tail[j, other]
            if sign > 0.0:
                total += min(p * (1.0 - q), q * (1.0 - p))
            else:
                total -= min(p * q, (1.0 - p) * (1.0 - q))
    return total


@kernel
def _covariance(steps: Quantiles, i: int, j: int, r: float) -> tuple[float, float]:
    """Return the covariance and its slope along arcsin r."""
    if abs(r) > _STEEP:
        sign = math.copysign(1.0, r)
        return _extreme(steps, i, j, sign) - _short_of_extreme(steps, i, j, r), _slope(steps, i, j, r)
    series, covariance, slope, power, n = steps.series, 0.0, 0.0, 1.0, 0
    while abs(power) > _FADED and n < _TERMS:
        term = power * series[i, n] * series[j, n]
        slope += (n + 1) * term
        covariance += r * term
        power *= r
        n += 1
    return covariance, slope * math.sqrt(1.0 - r * r)


@kernel
def _short_of_extreme(steps: Quantiles, i: int, j: int, r: float) -> float:
    """Return the integral of the slope from arcsin r to ±π/2."""
    sign, total = math.copysign(1.0, r), 0.0
    wide = math.acos(abs(r))  # from the bound
    for panel in range(_PANELS if wide > 0.0 else 0):
        narrow = 0.5 * wide if panel < _PANELS - 1 else 0.0
        middle, half = 0.5 * (wide + narrow), 0.5 * (wide - narrow)
        for node in range(_NODES.size):
            gap = middle + half * _NODES[node]
            total += sign * half * _WEIGHTS[node] * _slope(steps, i, j, sign * math.cos(gap))
        wide = narrow
    return total


@kernel
def _slope(steps: Quantiles, i: int, j: int, r: float) -> float:
    thresholds, own = steps.threshold, max(1.0 - r * r, 1e-300)
    reach, total = 9.0 * math.sqrt(own), 0.0  # e^{-40} lies beyond
    for k in range(steps.n_steps[i]):
        t = thresholds[i, k]
        for other in range(steps.n_steps[j]):
            gap = thresholds[j, other] - r * t
            if gap > reach:
                break
            if gap > -reach:
                total += math.exp(-0.5 * (t * t + gap * gap / own))
    return total / (2.0 * math.pi)


@kernel
def _covariances(
    steps: Quantiles, i: NDArray[np.int64], j: NDArray[np.int64], r: Floats, covariance: Floats
) -> None:
    for pair in range(r.size):
        covariance[pair] = _covariance(steps, i[pair], j[pair], r[pair])[0]


@kernel
def _with_slopes(
    steps: Quantiles,
    i: NDArray[np.int64],
    j: NDArray[np.int64],
    r: Floats,
    covariance: Floats,
    slope: Floats,
) -> None:
    for pair in range(r.size):
        covariance[pair], slope[pair] = _covariance(steps, i[pair], j[pair], r[pair])


@kernel
def _solve_all(
    steps: Quantiles, i: NDArray[np.int64], j: NDArray[np.int64], wanted: Floats, latent: Floats
) -> None:
    for pair in range(wanted.size):
        latent[pair] = _solve(steps, i[pair], j[pair], wanted[pair])


@kernel
def _solve(steps: Quantiles, i: int, j: int, wanted: float) -> float:
    """Newton on log |cov| in the angle arcsin |r|, kept inside a bracket."""
    sign = 1.0 if wanted > 0.0 else -1.0
    wanted = abs(wanted)
    if wanted == 0.0:
        return 0.0
    if wanted >= abs(_extreme(steps, i, j, sign)) * (1.0 - 1e-15):
        return sign
    low, high = 0.0, _HALF_PI
    angle = math.asin(min(0.9, wanted / math.sqrt(_variance(steps, i) * _variance(steps, j))))
    for _ in range(100):
        r = sign * math.sin(angle)
        reached, slope = _covariance(steps, i, j, r)
        reached, moved = abs(reached), 0.0
        if reached < wanted:
            low = angle
        else:
            high = angle
        if reached > 0.0 and slope > 0.0:
            moved = angle - math.log(reached / wanted) * reached / slope
        if not low < moved < high:
            moved = 0.5 * (low + high)
        if abs(moved - angle) <= 4e-16 * angle or high - low <= 4e-16 * high:
            return sign * math.sin(moved)
        angle = moved
    return sign * math.sin(angle)


@kernel
def _variance(steps: Quantiles, mean: int) -> float:
    return _extreme(steps, mean, mean, 1.0)
