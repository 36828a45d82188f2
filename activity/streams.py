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


def draw_keys(rng: np.random.Generator, n_keys: int) -> NDArray[np.uint64]:
    """Take keys from ``rng``: shape ``(n_keys, 2)``; a ``TypeError`` unless it is a generator."""
    return check_generator(rng).integers(2**64, size=(n_keys, 2), dtype=np.uint64)


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
