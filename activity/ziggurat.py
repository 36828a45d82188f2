"""Exponential and normal variates as functions of where they are used.

The ziggurat of Marsaglia and Tsang (J. Stat. Software 5, 2000): the area below a falling density f is
cut into 256 layers of equal area, the outermost with the tail. A word chooses a layer and a place in
it, 52 bits; in 98 or 99 of 100 the place lies below f for certain, and one word does. Else a second
number decides, and the tail has a law of its own.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfc

from .arrays import Floats
from .kernel import inlined_kernel, kernel
from .streams import Key, uniform, word

_UNIT = 2.0**-52
_DRAWS = np.uint64(1 << 16)  # words set aside for one of many numbers
_TAIL, _NORMAL_TAIL = 7.69711747013104972, 3.6541528853610088  # where the tails begin
_LAYER, _TWO, _7, _12 = (np.uint64(number) for number in (255, 2, 7, 12))


def _layers(
    density: Callable[[float], float], inverse: Callable[[float], float], tail: float, area: float
) -> tuple[Floats, NDArray[np.uint64], Floats]:
    """Return step, sure part and height, ``(256,)``, of the layers of a density that falls from 1."""
    edges, sure = np.empty(256), np.empty(256)
    edges[0], edges[255] = area / density(tail), tail
    sure[0], sure[1] = tail / edges[0], 0.0
    for layer in range(254, 0, -1):
        edges[layer] = inverse(area / edges[layer + 1] + density(edges[layer + 1]))
        sure[layer + 1] = edges[layer] / edges[layer + 1]
    height = np.array([1.0, *map(density, edges[1:])])
    return edges * _UNIT, (sure / _UNIT).astype(np.uint64), height


def _bell(x: float) -> float:
    return np.exp(-0.5 * x * x)


_STEP, _SURE, _HEIGHT = _layers(
    lambda x: np.exp(-x), lambda y: -np.log(y), _TAIL, (_TAIL + 1) * np.exp(-_TAIL)
)
_NORMAL_STEP, _NORMAL_SURE, _NORMAL_HEIGHT = _layers(
    _bell,
    lambda y: np.sqrt(-2 * np.log(y)),
    _NORMAL_TAIL,
    _NORMAL_TAIL * _bell(_NORMAL_TAIL) + np.sqrt(np.pi / 2) * erfc(_NORMAL_TAIL / np.sqrt(2)),
)


@inlined_kernel
def exponential(key: Key, counter: np.uint64) -> tuple[float, np.uint64]:
    """Return an Exponential(1) variate and the counter behind the words it took."""
    beyond = 0.0
    while True:
        drawn = word(key, counter)
        counter += np.uint64(1)
        layer, step = drawn & _LAYER, drawn >> _12
        value = np.float64(step) * _STEP[layer]
        if step < _SURE[layer]:
            return beyond + value, counter
        if layer == 0:  # the tail is the law itself, begun anew
            beyond += _TAIL
            continue
        below, above = _HEIGHT[layer], _HEIGHT[layer - np.uint64(1)]
        height = below + uniform(key, counter) * (above - below)
        counter += np.uint64(1)
        if height < np.exp(-value):
            return beyond + value, counter


@inlined_kernel
def normal(key: Key, counter: np.uint64) -> tuple[float, np.uint64]:
    """Return a standard normal variate and the counter behind the words it took."""
    while True:
        drawn = word(key, counter)
        counter += np.uint64(1)
        layer, step = drawn & _LAYER, drawn >> _12
        value = np.float64(step) * _NORMAL_STEP[layer]
        sign = np.float64(np.int64((drawn >> _7) & _TWO) - 1)  # a branch would be wrong half the time
        if step < _NORMAL_SURE[layer]:
            return sign * value, counter
        if layer == 0:  # the tail, between exponentials (Marsaglia, Technometrics 6, 1964)
            while True:
                beyond, counter = exponential(key, counter)
                room, counter = exponential(key, counter)
                beyond /= _NORMAL_TAIL
                if 2.0 * room > beyond * beyond:
                    return sign * (_NORMAL_TAIL + beyond), counter
        below, above = _NORMAL_HEIGHT[layer], _NORMAL_HEIGHT[layer - np.uint64(1)]
        height = below + uniform(key, counter) * (above - below)
        counter += np.uint64(1)
        if height < np.exp(-0.5 * value * value):
            return sign * value, counter


@kernel
def normals(key: Key, rows: NDArray[np.uint64]) -> Floats:
    """Return standard normal variates, one for each of ``rows``: functions of the row."""
    variates = np.empty(rows.size)
    for place in range(rows.size):
        variates[place], _ = normal(key, rows[place] * _DRAWS)
    return variates
