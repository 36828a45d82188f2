"""Standard normal numbers as a function of where they are used: fast ones, and the same to all digits.

A word of a stream gives a sign (its highest bit) and a tail probability v (the other 51 of 52 bits),

    e = ±Φ⁻¹(v),    v = (bits + ½) / 2⁵²  in (0, ½).

With t = √(-2 log v), in which Φ⁻¹ is nearly linear, the fast ones are polynomials in single precision:
log v from the binary exponent of v and a polynomial of its mantissa m, and |e| / t from one of 1/t,

    log m ≈ A(2m - 3),  1 ≤ m < 2;        |e| ≈ t B(s/t - c),  √(2 log 2) < t < √(106 log 2).

They are off by less than ``ERROR``, so that what they leave undecided can be decided by the exact ones.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from ..activity.arrays import Floats
from ..activity.kernel import kernel, over_blocks
from ..activity.streams import Key, word

ERROR = 4e-6  # of a fast normal number, in the farthest tail; a third of that in the bulk
_CHUNK = 2048  # numbers whose steps are in cache together
_LEAST = 1 << 17  # numbers for a thread
_INVERSE = 1 / np.sqrt(2 * np.log(2) * np.array([53.0, 1.0]))  # range of 1/t
_SLOPE = np.float32(2 / np.ptp(_INVERSE))
_SHIFT = np.float32(-_INVERSE.sum() / np.ptp(_INVERSE))
_LOG_2 = np.float32(-2 * np.log(2))
_TWO, _THREE = np.float32(2), np.float32(3)
_MANTISSA, _EXPONENT = np.int32((1 << 23) - 1), np.int32(127 << 23)  # bits in single precision


def _fit(
    function: Callable[[Floats], Floats], low: float, high: float, degree: int
) -> NDArray[np.float32]:
    """Return a Chebyshev fit's coefficients, the highest power first, in a place of [-1, 1]."""
    place = np.cos(np.pi * (np.arange(400) + 0.5) / 400)
    chebyshev = np.polynomial.chebyshev.chebfit(
        place, function(low + (high - low) * (place + 1) / 2), degree
    )
    return np.polynomial.chebyshev.cheb2poly(chebyshev)[::-1].astype(np.float32)


_LOG = _fit(lambda m: -2 * np.log(m), 1.0, 2.0, 7)
_QUANTILE = _fit(lambda r: -ndtri(np.exp(-0.5 / r**2)) * r, *_INVERSE, 10)


def fast_normals(key: Key, first: int, last: int, n_units: int) -> NDArray[np.float32]:
    """Return the normal numbers of examples ``first`` to ``last``: ``(last - first, n_units)``."""
    normals = np.empty((last - first, n_units), dtype=np.float32)
    flat, origin = normals.reshape(-1), first * n_units
    over_blocks(
        lambda start, stop: fill_normals(flat[start:stop], key, origin + start), flat.size, least=_LEAST
    )
    return normals


def exact_normals(key: Key, first: int, last: int) -> Floats:
    """Return the normal numbers at the counters from ``first`` to ``last``, to double precision."""
    signed = _signed_words(key, first, last)
    value = ndtri(np.abs((signed >> 12) + 0.5) * 2.0**-52)
    return np.where(signed < 0, value, -value)


@kernel
def _signed_words(key: Key, first: int, last: int) -> NDArray[np.int64]:
    drawn = np.empty(last - first, dtype=np.int64)
    for place in range(drawn.size):
        drawn[place] = np.int64(word(key, np.uint64(first + place)))
    return drawn


@kernel
def fill_normals(normals: NDArray[np.float32], key: Key, first: int) -> None:
    """Fill ``normals`` ``(n,)`` with those at the counters from ``first`` on."""
    drawn = np.empty(min(_CHUNK, normals.size), dtype=np.int64)
    tail = np.empty(drawn.size, dtype=np.float32)
    mantissa = np.empty(drawn.size, dtype=np.int32)
    for start in range(0, normals.size, drawn.size):
        part = normals[start : start + drawn.size]
        counter = np.uint64(first + start)
        for place in range(part.size):
            drawn[place] = np.int64(word(key, counter + np.uint64(place)))
        _tails(tail, mantissa, drawn)
        _squares(part, tail.view(np.int32), mantissa.view(np.float32))
        _quantiles(part, drawn)


@kernel
def _tails(tail: NDArray[np.float32], mantissa: NDArray[np.int32], drawn: NDArray[np.int64]) -> None:
    """Set v and its mantissa m."""
    for place in range(tail.size):
        tail[place] = np.float32(abs(np.float64(drawn[place] >> np.int64(12)) + 0.5) * 2.0**-52)
    bits = tail.view(np.int32)
    for place in range(tail.size):
        mantissa[place] = (bits[place] & _MANTISSA) | _EXPONENT


@kernel
def _squares(
    square: NDArray[np.float32], bits: NDArray[np.int32], mantissa: NDArray[np.float32]
) -> None:
    """Set t² from the bits of v and from its mantissa m."""
    for place in range(square.size):
        m = np.float32(np.float32(_TWO * mantissa[place]) - _THREE)
        value = _LOG[0]
        for power in range(1, _LOG.size):
            value = np.float32(np.float32(value * m) + _LOG[power])
        exponent = np.float32(np.int32((bits[place] - _EXPONENT) >> np.int32(23)))
        square[place] = np.float32(value + np.float32(_LOG_2 * exponent))


@kernel
def _quantiles(normals: NDArray[np.float32], drawn: NDArray[np.int64]) -> None:
    """Set normal numbers from t², in their place."""
    for place in range(normals.size):
        t = np.float32(np.sqrt(normals[place]))
        r = np.float32(np.float32(_SLOPE / t) + _SHIFT)
        value = _QUANTILE[0]
        for power in range(1, _QUANTILE.size):
            value = np.float32(np.float32(value * r) + _QUANTILE[power])
        normals[place] = np.float32(value * t)
    for place in range(normals.size):
        normals[place] = -normals[place] if drawn[place] < 0 else normals[place]
