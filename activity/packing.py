"""Activity as bits: 64 units a word, an eighth of the memory of booleans.

Unit i is bit ``i % 64`` of word ``i // 64``; bits behind the last unit are zero. The order is the
one of ``numpy.packbits(bitorder="little")`` on a little-endian machine, spelled out so that a file
means the same everywhere.
"""

import numpy as np

from .arrays import Activity, Packed

WORD = 64


def n_words(n_units: int) -> int:
    """Return how many words hold ``n_units`` bits."""
    return -(-n_units // WORD)


def pack(active: Activity) -> Packed:
    """Pack activity of shape ``(n_examples, n_units)`` into words.

    Raises ``TypeError`` for anything but booleans and ``ValueError`` for another number of axes.
    """
    active = np.asarray(active)
    if active.dtype != np.bool_:
        raise TypeError(f"active must be boolean (activation > 0), got dtype {active.dtype}")
    if active.ndim != 2:
        raise ValueError(f"active must have shape (n_examples, n_units), got {active.shape}")
    n_examples, n_units = active.shape
    octets = np.zeros((n_examples, 8 * n_words(n_units)), dtype=np.uint8)
    octets[:, : -(-n_units // 8)] = np.packbits(active, axis=1, bitorder="little")
    return octets.view("<u8").astype(np.uint64, copy=False)


def unpack(words: Packed, n_units: int) -> Activity:
    """Return the activity of shape ``(n_examples, n_units)`` that ``words`` hold.

    Raises ``TypeError`` unless words are unsigned and 64 bits long, ``ValueError`` unless they fit
    ``n_units``.
    """
    words = _as_words("words", words, n_units)
    octets = np.ascontiguousarray(words, dtype="<u8").view(np.uint8)
    bits = np.unpackbits(octets, axis=1, count=n_units, bitorder="little")
    return bits.view(np.bool_)


def check_words(name: str, words: Packed, n_units: int) -> Packed:
    """Return ``words`` as bits of ``n_units`` units; raise as :func:`unpack`, or for further bits."""
    words = np.ascontiguousarray(_as_words(name, words, n_units), dtype=np.uint64)
    if n_units % WORD and (stray := np.flatnonzero(words[:, -1] >> np.uint64(n_units % WORD))).size:
        raise ValueError(
            f"{name} must hold no bits behind its {n_units} units, got some at example {stray[0]}"
        )
    return words


def _as_words(name: str, words: Packed, n_units: int) -> Packed:
    words = np.asarray(words)
    if words.dtype.kind != "u" or words.dtype.itemsize != WORD // 8:
        raise TypeError(f"{name} must be unsigned 64-bit integers, got dtype {words.dtype}")
    if words.ndim != 2 or words.shape[1] != n_words(n_units):
        raise ValueError(
            f"{name} must have shape (n_examples, {n_words(n_units)}) for n_units={n_units}, "
            f"got {words.shape}"
        )
    return words
