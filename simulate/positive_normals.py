"""Moments of a normal variable above zero: how loud a unit is where it is active.

For u ~ N(h, 1) with m(h) = φ(h)/Φ(h), the inverse Mills ratio,

    E[u | u > 0] = h + m,    Var[u | u > 0] = 1 - h m - m².

Both are small differences of large numbers where h is far below zero. There they come from the
continued fraction of Laplace for m(h) [1]_: with t = -h and c_k = k / (t + c_{k+1}),

    h + m = c_1,    1 - h m - m² = c_1 (c_2 - c_1).

.. [1] Abramowitz and Stegun (1964), Handbook of Mathematical Functions, equation 26.2.14.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import erfcx, ndtr

from ..activity.arrays import Floats

_FAR = -3.0  # below, the continued fraction has settled after so many terms
_TERMS = 60


def inverse_mills(threshold: ArrayLike) -> Floats:
    """Return φ(h)/Φ(h) for h = ``threshold``, of any sign and size."""
    return np.sqrt(2 / np.pi) / erfcx(-np.asarray(threshold, dtype=np.float64) / np.sqrt(2))


def positive_moments(threshold: ArrayLike) -> tuple[Floats, Floats]:
    """Return mean and variance of a N(h, 1) variable above zero, both in the shape of h = ``threshold``.

    To rounding for every finite h, however rare it is to be above zero.
    """
    h = np.asarray(threshold, dtype=np.float64)
    near = np.maximum(h, _FAR)
    mills = inverse_mills(near)
    far = np.maximum(-h, -_FAR)
    second = np.zeros_like(h)
    for term in range(_TERMS, 1, -1):
        second = term / (far + second)
    first = 1 / (far + second)
    mean = np.where(h < _FAR, first, near + mills)
    variance = np.where(h < _FAR, first * (second - first), 1 - mills * (near + mills))
    return mean, variance


def rectified_moments(threshold: ArrayLike) -> tuple[Floats, Floats]:
    """Return mean and variance of max(0, u), u ~ N(h, 1), in the shape of h = ``threshold``.

    p (h + m) and p Var[u | u > 0] + p (1 - p) (h + m)², p = Φ(h): sums of positive terms.
    """
    h = np.asarray(threshold, dtype=np.float64)
    rate = ndtr(h)
    mean, variance = positive_moments(h)
    return rate * mean, rate * (variance + ndtr(-h) * np.square(mean))
