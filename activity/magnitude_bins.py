"""Bins of magnitudes that no rounding can move: eight to an octave, by the bits of a 32-bit float.

The bits of a positive float x, read as a whole number, grow with x, and the top of them are its exponent
and the first three digits of its mantissa. So with e = bits >> 20,

    2^k (1 + j/8) <= x < 2^k (1 + (j + 1)/8)    where    e = 8 (k + 127) + j,    j = 0..7,

and a histogram of e is the same for any order and any division of the examples. Bins reach from
2^``LEAST_OCTAVE`` to 2^``MOST_OCTAVE``; the first takes all that is smaller too, the last all that is
larger. The log-likelihood of a law F of magnitudes is Σ_b H_b log(F(edge_b+1) - F(edge_b)).
"""

import numpy as np

from .arrays import Floats
from .kernel import inlined_kernel

LEAST_OCTAVE, MOST_OCTAVE = -20, 12  # powers of two, of the scale of activations
PER_OCTAVE = 8
N_BINS = PER_OCTAVE * (MOST_OCTAVE - LEAST_OCTAVE)
_SHIFT = 20  # bits of a mantissa that do not count
_FIRST = PER_OCTAVE * (LEAST_OCTAVE + 127)


def magnitude_edges() -> Floats:
    """Return the ends of the bins, ``(N_BINS + 1,)``, from 0 to infinity, in the unit of activations."""
    bits = (_FIRST + np.arange(N_BINS + 1, dtype=np.uint32)) << np.uint32(_SHIFT)
    edges = bits.view(np.float32).astype(np.float64)
    edges[0], edges[-1] = 0.0, np.inf
    return edges


@inlined_kernel
def magnitude_bin(bits: np.uint32) -> np.int64:
    """Return the bin of the float with these bits: of a negative one the first."""
    return min(max((np.int64(np.int32(bits)) >> _SHIFT) - _FIRST, 0), N_BINS - 1)
