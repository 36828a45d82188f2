"""The words of a stream as bytes on standard output, for batteries that test random numbers.

    python benchmarks/words.py --stream counters | dieharder -g 200 -a

A stream is an order in which (key, counter) pairs are read; but for the last two, as processes read them
(docs/streams.md), or with keys poorer than any that a process draws:

    counters     one key, counters 0, 1, 2, …            cells of a row, and rows after one another
    rows16       counters t·2¹⁶ + 0 … 3                   a few words at the head of each example's share
    rows32       counters t·2³² + 0 … 3                   the same where shares are 2³² words
    interleaved  counters 0, 1, …, each of four keys      what one example takes from several streams
    first        keys (0, s), (1, s), …, eight words each  a key's first word merely counts up
    second       keys (s, 0), (s, 1), …, eight words each  a key's second word merely counts up
    unmixed      counters, less the second multiplication  control: one round less
    weyl         the multiples of γ                       control: no round; any battery fails it

``--view low`` takes the low 16 bits of each word, ``--view reversed`` reverses the bits of each word.
``ROTE_STREAM=philox`` gives the words of the stronger function.
"""

import argparse
import sys
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from rote.activity.kernel import kernel
from rote.activity.streams import draw_keys, word

STREAMS = ("counters", "rows16", "rows32", "interleaved", "first", "second", "unmixed", "weyl")
VIEWS = ("whole", "low", "reversed")
BLOCK = 1 << 18  # words written at a time
_GAMMA, _FIRST = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)


@kernel
def fill(words: NDArray[np.uint64], stream: int, keys: NDArray[np.uint64], first: int) -> None:
    """Write words number ``first`` and on of the stream with this place in ``STREAMS``."""
    key = keys[0].copy()
    for place in range(words.size):
        n = np.uint64(first + place)
        if stream == 0:
            words[place] = word(keys[0], n)
        elif stream == 1:
            words[place] = word(keys[0], ((n >> np.uint64(2)) << np.uint64(16)) | (n & np.uint64(3)))
        elif stream == 2:
            words[place] = word(keys[0], ((n >> np.uint64(2)) << np.uint64(32)) | (n & np.uint64(3)))
        elif stream == 3:
            words[place] = word(keys[n & np.uint64(3)], n >> np.uint64(2))
        elif stream in (4, 5):
            key[stream - 4] = n >> np.uint64(3)
            words[place] = word(key, n & np.uint64(7))
        else:
            x = keys[0, 0] + n * _GAMMA
            if stream == 6:
                x = ((x ^ (x >> np.uint64(30))) * _FIRST) ^ keys[0, 1]
                x = x ^ (x >> np.uint64(27))
                x = x ^ (x >> np.uint64(31))
            words[place] = x


@kernel
def reverse(words: NDArray[np.uint64]) -> None:
    """Reverse the bits of each word: swap neighbours, then pairs, then fours, and so on."""
    for place in range(words.size):
        x, shift, mask = words[place], np.uint64(1), np.uint64(0x5555555555555555)
        for _ in range(6):
            x = ((x >> shift) & mask) | ((x & mask) << shift)
            shift <<= np.uint64(1)
            mask = ~np.uint64(0) // ((np.uint64(1) << shift) + np.uint64(1)) if shift < 64 else mask
        words[place] = x


def blocks(stream: str, view: str, seed: int) -> Iterator[NDArray[np.unsignedinteger]]:
    """Yield the words of a stream without end, ``BLOCK`` at a time (a quarter of that if ``low``)."""
    keys = draw_keys(np.random.default_rng(seed), 4)
    words = np.empty(BLOCK, dtype=np.uint64)
    for first in range(0, 1 << 62, BLOCK):
        fill(words, STREAMS.index(stream), keys, first)
        if view == "reversed":
            reverse(words)
        yield words.view(np.uint16)[::4].copy() if view == "low" else words


def main() -> None:
    """Write until the reader has enough."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--stream", choices=STREAMS, default="counters", help="order (default: counters)"
    )
    parser.add_argument("--view", choices=VIEWS, default="whole", help="bits (default: whole words)")
    parser.add_argument("--seed", type=int, default=0, help="of the keys (default: 0)")
    options = parser.parse_args()
    try:
        for words in blocks(options.stream, options.view, options.seed):
            sys.stdout.buffer.write(words)
    except BrokenPipeError:
        sys.stderr.close()  # the reader has enough


if __name__ == "__main__":
    main()
