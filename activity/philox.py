"""Philox4x32-10, the stronger choice of a random word (Salmon, Moraes, Dror and Shaw, SC 2011).

Ten rounds turn four words of 32 bits, the number of a block, into four random ones,

    (x₀, x₁, x₂, x₃) ← (high(M₁x₂) ⊕ x₁ ⊕ k₀, low(M₁x₂), high(M₀x₀) ⊕ x₃ ⊕ k₁, low(M₀x₀)),

where high and low are the halves of a product, and k ← k + W from round to round. Here the block's
number is (counter, key₁), its key is key₀, and its first two words are the random word. Numbers of 32
bits are kept in 64, whose products are whole.
"""

import numpy as np
from numpy.typing import NDArray

from .kernel import inlined_kernel

_FIRST, _SECOND = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_FIRST_STEP, _SECOND_STEP = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_LOW, _32 = np.uint64(0xFFFFFFFF), np.uint64(32)
_ROUNDS = 10


@inlined_kernel
def philox_word(key: NDArray[np.uint64], counter: np.uint64) -> np.uint64:
    """Return 64 random bits."""
    counter = np.uint64(counter)
    a, b, c, d = counter & _LOW, counter >> _32, key[1] & _LOW, key[1] >> _32
    first, second = key[0] & _LOW, key[0] >> _32
    for _ in range(_ROUNDS):
        one, two = _FIRST * a, _SECOND * c
        a, b, c, d = (two >> _32) ^ b ^ first, two & _LOW, (one >> _32) ^ d ^ second, one & _LOW
        first = (first + _FIRST_STEP) & _LOW
        second = (second + _SECOND_STEP) & _LOW
    return a | (b << _32)
