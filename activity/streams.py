"""Random words as a function of where they are used.

A kernel asks for word number ``counter`` of a key instead of the next word of a shared state, so a
cell's randomness depends on its place alone: any number of threads and any division into blocks give
the same activity. The function is SplitMix64 (Steele, Lea and Flood, OOPSLA 2014) with a second key
mixed in half-way, so that keys name unrelated permutations instead of shifts of one:

    x = key₀ + counter·γ;  x = (x ⊕ x>>30)·M₁ ⊕ key₁;  x = (x ⊕ x>>27)·M₂;  word = x ⊕ x>>31

Keys come from the caller's generator, two words for each purpose. A stronger function, slower, is
:mod:`rote.activity.philox`, by the environment variable ``ROTE_STREAM``; docs/streams.md holds what
batteries of tests say of both.
"""

import numpy as np
from numpy.typing import NDArray

from .arrays import Floats
from .checks import check_generator
from .kernel import STREAM, kernel
from .philox import philox_word

type Key = NDArray[np.uint64]
"""Two words that name a stream: shape ``(2,)``."""

_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_30, _27, _31, _12 = (np.uint64(bits) for bits in (30, 27, 31, 12))
_UNIT = 2.0**-52
_TAIL = 7.69711747013104972  # where the ziggurat's tail begins
_DRAWS = np.uint64(1 << 16)  # words set aside for one row of a rejection sampler


def draw_keys(rng: np.random.Generator, n_keys: int) -> NDArray[np.uint64]:
    """Take keys from ``rng``: shape ``(n_keys, 2)``; a ``TypeError`` unless it is a generator."""
    return check_generator(rng).integers(2**64, size=(n_keys, 2), dtype=np.uint64)


def _layers() -> tuple[Floats, NDArray[np.uint64], Floats]:
    """Return step, sure part and height of the ziggurat's layers, each ``(256,)``."""
    area, edge = 0.0039496598225815571993, _TAIL
    edges, sure = np.empty(256), np.empty(256)
    edges[0], edges[255] = area * np.exp(edge), edge
    sure[0], sure[1] = edge / edges[0], 0.0
    for layer in range(254, 0, -1):
        edges[layer] = -np.log(area / edges[layer + 1] + np.exp(-edges[layer + 1]))
        sure[layer + 1] = edges[layer] / edges[layer + 1]
    height = np.exp(-edges)
    height[0] = 1.0
    return edges * _UNIT, (sure / _UNIT).astype(np.uint64), height


_LAYER_STEP, _LAYER_SURE, _LAYER_HEIGHT = _layers()


@kernel
def splitmix_word(key: Key, counter: np.uint64) -> np.uint64:
    """Return 64 random bits."""
    x = key[0] + counter * _GAMMA
    x = ((x ^ (x >> _30)) * _FIRST) ^ key[1]
    x = (x ^ (x >> _27)) * _SECOND
    return x ^ (x >> _31)


word = {"splitmix": splitmix_word, "philox": philox_word}[STREAM]


@kernel
def uniform(key: Key, counter: np.uint64) -> float:
    """Return a uniform number of (0, 1), the middle of one of 2⁵² equal steps.

    Of 2⁵³ steps the middles would be rounded, and the last one to 1.
    """
    return (np.float64(word(key, counter) >> _12) + 0.5) * _UNIT


@kernel
def uniforms(key: Key, counters: NDArray[np.uint64]) -> Floats:
    """Return the uniform numbers at ``counters``, in their shape ``(n,)``."""
    numbers = np.empty(counters.size)
    for place in range(counters.size):
        numbers[place] = uniform(key, counters[place])
    return numbers


@kernel
def exponential(key: Key, counter: np.uint64) -> tuple[float, np.uint64]:
    """Return an Exponential(1) variate and the counter behind the words it took.

    The ziggurat of Marsaglia and Tsang (J. Stat. Software 5, 2000) with 256 layers and 52-bit
    numbers; 98 times in 100 it takes one word.
    """
    beyond = 0.0
    while True:
        drawn = word(key, counter)
        counter += np.uint64(1)
        layer, step = drawn & np.uint64(255), drawn >> _12
        value = np.float64(step) * _LAYER_STEP[layer]
        if step < _LAYER_SURE[layer]:
            return beyond + value, counter
        if layer == 0:  # the tail is the law itself, begun anew
            beyond += _TAIL
            continue
        height = uniform(key, counter)
        counter += np.uint64(1)
        below, above = _LAYER_HEIGHT[layer], _LAYER_HEIGHT[layer - np.uint64(1)]
        if below + height * (above - below) < np.exp(-value):
            return beyond + value, counter


@kernel
def log_gamma_variates(key: Key, shape: float, rows: NDArray[np.uint64]) -> Floats:
    """Return logarithms of Gamma(shape, 1) variates, one for each of ``rows``.

    Marsaglia and Tsang (ACM TOMS 26, 2000) at shape + 1, lowered by U^(1/shape); as logarithms, since
    small shapes underflow. Normal pairs by Marsaglia's polar method.
    """
    third = shape + 1.0 - 1.0 / 3.0
    spread = 1.0 / np.sqrt(9.0 * third)
    logs = np.empty(rows.size)
    for place in range(rows.size):
        counter = rows[place] * _DRAWS
        logs[place] = np.log(uniform(key, counter)) / shape
        while True:
            counter += np.uint64(3)
            x = 2.0 * uniform(key, counter - np.uint64(2)) - 1.0
            y = 2.0 * uniform(key, counter - np.uint64(1)) - 1.0
            square = x * x + y * y
            if square >= 1.0:
                continue
            normal = x * np.sqrt(-2.0 * np.log(square) / square)
            cube = (1.0 + spread * normal) ** 3
            if cube <= 0.0:
                continue
            accept = 0.5 * normal * normal + third * (1.0 - cube + np.log(cube))
            if np.log(uniform(key, counter)) < accept:
                logs[place] += np.log(third * cube)
                break
    return logs
