"""Probabilities of bins of magnitudes, under the rectified Gaussian and its rivals.

The laws are those of :mod:`rote.simulate.magnitudes` and :mod:`rote.simulate.magnitude_families`, each
told by the logarithms of F and S = 1 - F at a value over the law's scale: σ of the rectified Gaussian,
the mean of all others. A bin's probability comes from the smaller of the two tails,

    log P(a, b) = log F(b) + log(1 - F(a)/F(b))    or    log S(a) + log(1 - S(b)/S(a)),

so that bins far out on either side keep their digits; what underflows is set to ``LEAST``.
"""

from collections.abc import Callable

import numpy as np
from scipy.special import gamma, gammainc, gammaincc, log_ndtr

from ..activity.arrays import Floats
from ..simulate.magnitude_families import FAMILIES, FIXED, ScaledMagnitude

NULL = "rectified Gaussian"
LAWS = (NULL, *FAMILIES)
FREE = tuple(family for family in FAMILIES if family not in FIXED)  # whose variation is a choice
LEAST = -690.0  # log of the least probability of a bin

type Tails = Callable[[Floats], tuple[Floats, Floats]]
"""log F and log S of values over the scale, in the shape of the values."""


def log_bin_probability(edge: Floats, scale: Floats, tails: Tails) -> Floats:
    """Return log P of bins, ``(..., n_bins)``, at ``edge`` ``(n_bins + 1,)`` and ``scale`` ``(...)``."""
    with np.errstate(divide="ignore", invalid="ignore"):
        below, above = tails(edge / scale[..., None])
        from_below = below[..., 1:] + _log_rest(below[..., :-1] - below[..., 1:])
        from_above = above[..., :-1] + _log_rest(above[..., 1:] - above[..., :-1])
    return np.fmax(np.where(below[..., :-1] < -np.log(2), from_below, from_above), LEAST)


def null_tails(threshold: Floats) -> Tails:
    """Return the tails of N(h, 1) above zero; h = ``threshold`` must broadcast with the values."""

    def tails(value: Floats) -> tuple[Floats, Floats]:
        above = log_ndtr(threshold - value) - log_ndtr(threshold)
        return _log_rest(above), above

    return tails


def family_tails(family: str, variation: float) -> Tails:
    """Return the tails of a family of mean 1, of ``variation`` where that is a choice."""
    if family == "half-normal":
        return lambda value: null_tails(np.float64(0))(value * np.sqrt(2 / np.pi))
    free = family in FREE
    shape = float(
        ScaledMagnitude(family=family, mean=[1.0], variation=variation if free else None).shape[0]
    )

    def gamma_tails(value: Floats) -> tuple[Floats, Floats]:
        return np.log(gammainc(shape, shape * value)), np.log(gammaincc(shape, shape * value))

    def log_normal_tails(value: Floats) -> tuple[Floats, Floats]:
        standing = np.log(value) / shape + shape / 2
        return log_ndtr(standing), log_ndtr(-standing)

    def weibull_tails(value: Floats) -> tuple[Floats, Floats]:
        power = (value * gamma(1 + 1 / shape)) ** shape
        return _log_rest(-power), -power

    return {"gamma": gamma_tails, "log-normal": log_normal_tails}.get(family, weibull_tails)


def _log_rest(logarithm: Floats) -> Floats:
    """Return log(1 - exp(x)), x = ``logarithm`` up to 0."""
    near = logarithm > -np.log(2)
    return np.where(near, np.log(-np.expm1(logarithm)), np.log1p(-np.exp(logarithm)))
