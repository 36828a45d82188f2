"""Laws of a unit's counts in windows, with the unit's own rate integrated out.

A unit of rate p is counted k times in a window of W examples, λ = W p times on average. Four laws:

    binomial         C(W, k) p^k (1 - p)^{W-k}                                              F = 1 - p
    beta-binomial    C(W, k) Π_{j<k} (p + θj) Π_{j<W-k} (1 - p + θj) / Π_{j<W} (1 + θj)     F = (1 - p) r
    Poisson          e^{-λ} λ^k / k!                                                        F = 1
    Gamma-Poisson    Π_{j<k} (1 + φj) λ^k (1 + φλ)^{-k-1/φ} / k!                            F = 1 + φλ

F the Fano factor, r = 1 + (W - 1) θ/(1 + θ); θ and φ are the unit's dispersion. Over n windows only the
numbers of windows with more than j activations, and with more than j silences, enter the products [1]_.

All four give the rate the same prior, Beta(``rate``). A unit that is never active, or always, has no
dispersion to speak of, yet all but any prior of rates would make such units speak for strong dispersion:
they are left out, and the likelihood of the others is that of their counts *given* that they change,

    L_i(x) = ∫ Π P(k) Beta(p) dp / (1 - ∫ P(0)ⁿ Beta(p) dp - ∫ P(W)ⁿ Beta(p) dp),

so that the number of dead units says nothing about the dispersion of the living.

.. [1] Prentice (1986), Journal of the American Statistical Association 81, 321-327.
"""

from collections.abc import Callable

import numpy as np
from scipy.special import gammaln

from ..activity.arrays import Floats
from .rate_integrals import Factor, RateLikelihood
from .window_counts import WindowCounts

CHUNK = 128  # units integrated at a time

type CountLaw = Callable[[WindowCounts, Floats], RateLikelihood]
"""Likelihoods of units' counts in their rates, at dispersions ``(n_points,)``."""


def beta_binomial(data: WindowCounts, dispersion: Floats) -> RateLikelihood:
    """Return the likelihoods at θ = ``dispersion``; 0 is the binomial law."""
    above, below = data.above(), data.below()
    factors = [
        *(Factor(weight=n[:, None], active=1.0, constant=dispersion * j) for j, n in _columns(above)),
        *(Factor(weight=n[:, None], silent=1.0, constant=dispersion * j) for j, n in _columns(below)),
    ]
    steps = np.log1p(dispersion * np.arange(data.window)[:, None]).sum(axis=0)
    choices = data.histogram[:, : data.window + 1] @ _log_choices(data)
    return RateLikelihood(factors=tuple(factors), free=choices[:, None] - data.n_windows * steps)


def gamma_poisson(data: WindowCounts, dispersion: Floats) -> RateLikelihood:
    """Return the likelihoods at φ = ``dispersion``, above 0."""
    total = data.total[:, None]
    factors = (
        Factor(weight=total, active=float(data.window)),
        Factor(
            weight=-(total + data.n_windows / dispersion), active=dispersion * data.window, constant=1.0
        ),
    )
    above = data.above()
    drawn = above @ np.log1p(np.arange(above.shape[1])[:, None] * dispersion)
    return RateLikelihood(factors=factors, free=drawn - _log_factorials(data))


def poisson(data: WindowCounts, dispersion: Floats) -> RateLikelihood:
    """Return the likelihoods without dispersion, for each of ``dispersion`` the same."""
    free = np.repeat(-_log_factorials(data), dispersion.size, axis=1)
    factor = Factor(weight=data.total[:, None], active=float(data.window))
    return RateLikelihood(factors=(factor,), free=free, tilt=-float(data.n_windows * data.window))


def binomial(data: WindowCounts, dispersion: Floats) -> RateLikelihood:
    """Return the likelihoods without dispersion, for each of ``dispersion`` the same."""
    return beta_binomial(data, np.zeros_like(dispersion))


def log_likelihood(
    law: CountLaw, data: WindowCounts, dispersion: Floats, rate: tuple[float, float]
) -> Floats:
    """Return log L_i of the units that change, ``(n_changing, n_points)``; ``rate`` is the Beta prior.

    Raises ``ValueError`` where no unit changes.
    """
    changing = data.histogram[data.changing]
    if not len(changing):
        raise ValueError(
            f"windowed counts must be of a unit that changes, got {len(data.histogram)} units, each "
            f"never or always active in {data.n_windows} windows"
        )
    unchanging = np.zeros((2, data.window + 1), dtype=np.int64)
    unchanging[[0, 1], [0, -1]] = data.n_windows
    left_out = _integrals(law, unchanging, data.window, dispersion, rate)
    return _integrals(law, changing, data.window, dispersion, rate) - np.log(
        -np.expm1(np.logaddexp(*left_out))
    )


def _integrals(
    law: CountLaw, histogram: np.ndarray, window: int, dispersion: Floats, rate: tuple[float, float]
) -> Floats:
    parts = [histogram[start : start + CHUNK] for start in range(0, len(histogram), CHUNK)]
    units = (WindowCounts(histogram=part, window=window) for part in parts)
    return np.concatenate([law(part, dispersion).log_integral(rate) for part in units])


def _columns(windows: np.ndarray) -> list[tuple[int, np.ndarray]]:
    """Return the columns that are not all zero, with their numbers."""
    return [(j, windows[:, j]) for j in np.flatnonzero(windows.any(axis=0))]


def _log_choices(data: WindowCounts) -> Floats:
    count = np.arange(min(data.histogram.shape[1], data.window + 1))
    return gammaln(data.window + 1) - gammaln(count + 1) - gammaln(data.window - count + 1)


def _log_factorials(data: WindowCounts) -> Floats:
    return (data.histogram @ gammaln(np.arange(data.histogram.shape[1]) + 1))[:, None]
