"""Random streams: words against Python's integers, and every use of them against its law."""

import os
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

from rote.activity.philox import philox_word
from rote.activity.streams import draw_keys, uniform, uniforms, word

MASK = 2**64 - 1

# counter, key and the first two of four words: philox4x32 of 10 rounds in kat_vectors of Random123 1.14
PHILOX = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb"),
]


def words(key, counters):
    """Many words at once, in NumPy: uint64 wraps."""
    x = key[0] + counters * np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ x >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9) ^ key[1]
    x = (x ^ x >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return x ^ x >> np.uint64(31)


def unshift(value, bits):
    """Solve value = x ^ x >> bits for x."""
    x = value
    for _ in range(64 // bits):
        x = value ^ x >> bits
    return x


def counter_of(key, value):
    """Where the stream of ``key`` holds the word ``value``: a key is a permutation of the words."""
    x = unshift(value, 31) * pow(0x94D049BB133111EB, -1, 2**64) & MASK
    x = (unshift(x, 27) ^ int(key[1])) * pow(0xBF58476D1CE4E5B9, -1, 2**64) & MASK
    x = unshift(x, 30)
    return (x - int(key[0])) * pow(0x9E3779B97F4A7C15, -1, 2**64) & MASK


@pytest.mark.parametrize("counter", [0, 1, 2, 12345, 2**63, MASK])
def test_word_equals_pythons_integers(counter, slow_word, rng):
    for key in [*draw_keys(rng, 20), np.zeros(2, np.uint64), np.full(2, MASK, np.uint64)]:
        assert int(word(key, np.uint64(counter))) == slow_word(key, counter)
        assert int(words(key, np.array([counter], np.uint64))[0]) == slow_word(key, counter)


def test_uniform_is_the_middle_of_its_step_and_never_an_end(slow_word, rng):
    (key,) = draw_keys(rng, 1)
    rare = {value: counter_of(key, value) for value in (0, 1 << 12, 1 << 63, MASK - (1 << 12), MASK)}
    assert all(slow_word(key, counter) == value for value, counter in rare.items())
    for counter in [*rare.values(), *range(100)]:
        number = uniform(key, np.uint64(counter))
        assert Fraction(number) == (slow_word(key, counter) // 2**12 + Fraction(1, 2)) / 2**52
        assert 0 < number < 1


def cells_p(values, n_cells):
    """Chi-square p-value of equally likely cells."""
    return stats.chisquare(np.bincount(values.astype(np.int64), minlength=n_cells)).pvalue


def test_every_byte_is_uniform(agrees, rejects, rng):
    (key,) = draw_keys(rng, 1)
    octets = words(key, np.arange(1 << 16, dtype=np.uint64)).view(np.uint8).reshape(-1, 8)
    assert agrees([cells_p(octets[:, place], 256) for place in range(8)])
    assert rejects(cells_p(octets[octets != 7], 256))


@pytest.mark.parametrize("bits", [0, 30, 60], ids=["low", "middle", "high"])
@pytest.mark.parametrize("step", [1, 2, 4, 1 << 16, 1 << 32])
def test_words_a_step_apart_are_independent(step, bits, agrees, rejects, rng):
    (key,) = draw_keys(rng, 1)
    counters = np.uint64(2 * step) * np.arange(1 << 15, dtype=np.uint64)
    one, two = (
        (words(key, c) >> np.uint64(bits)) & np.uint64(15)
        for c in (counters, counters + np.uint64(step))
    )
    assert agrees(cells_p(one * np.uint64(16) + two, 256))
    assert rejects(cells_p(one * np.uint64(16) + one, 256))


@pytest.mark.parametrize("bits", [0, 30, 60], ids=["low", "middle", "high"])
def test_two_keys_are_independent(bits, agrees, rng):
    counters = np.arange(1 << 15, dtype=np.uint64)
    one, two = ((words(key, counters) >> np.uint64(bits)) & np.uint64(15) for key in draw_keys(rng, 2))
    assert agrees(cells_p(one * np.uint64(16) + two, 256))


def test_uniforms_follow_their_law(agrees, rejects, rng):
    (key,) = draw_keys(rng, 1)
    numbers = uniforms(key, np.arange(50_000, dtype=np.uint64))
    assert agrees(stats.kstest(numbers, "uniform").pvalue)
    assert rejects(stats.kstest(numbers**1.06, "uniform").pvalue)


def test_keys_are_the_generators_next_words():
    keys = draw_keys(np.random.default_rng(3), 4)
    assert keys.shape == (4, 2)
    np.testing.assert_array_equal(
        keys.ravel(), np.random.default_rng(3).integers(2**64, size=8, dtype=np.uint64)
    )


@pytest.mark.parametrize("rng", [None, 3, np.random], ids=["None", "seed", "module"])
def test_keys_come_from_a_generator_only(rng):
    with pytest.raises(TypeError, match=r"rng must be a numpy\.random\.Generator, got"):
        draw_keys(rng, 1)


def pairs(words):
    """Join words of 32 bits in hexadecimal to words of 64, the low half first."""
    halves = [int(word, 16) for word in words.split()]
    return [low | high << 32 for low, high in zip(halves[::2], halves[1::2], strict=True)]


@pytest.mark.parametrize(("block", "key", "answer"), PHILOX, ids=["zeros", "ones", "pi"])
def test_philox_gives_the_published_answers(block, key, answer):
    counter, second = pairs(block)
    key = np.array([*pairs(key), second], dtype=np.uint64)
    assert int(philox_word(key, np.uint64(counter))) == pairs(answer)[0]


PROCESS = """
import sys
import numpy as np
from rote.simulate import ExchangeableBernoulli
process = ExchangeableBernoulli(n_units=40, rate=0.1, correlation=0.05, mixing="beta")
counts = process.sample(20_000, rng=np.random.default_rng(int(sys.argv[1]))).sum(axis=1)
print(*np.bincount(counts, minlength=41))
"""


def drawn_with(stream, seed):
    """Draw a process in a Python of its own, whose words are those of ``stream``."""
    return subprocess.run(
        [sys.executable, "-c", PROCESS, str(seed)],
        env=os.environ | {"ROTE_STREAM": stream},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_process_of_the_stronger_stream_follows_its_law_and_is_another_draw(agrees, rejects, rng):
    seed = int(rng.integers(2**32))
    usual, strong = (drawn_with(stream, seed) for stream in ("splitmix", "philox"))
    assert not usual.stderr + strong.stderr
    assert usual.stdout != strong.stdout

    seen = np.array(strong.stdout.split(), dtype=np.int64)
    cut = np.arange(41).clip(max=15)  # counts beyond are too few for a chi-square cell

    def law_p(correlation):
        shapes = np.array([0.1, 0.9]) * (1 / correlation - 1)
        due = np.bincount(cut, 20_000 * stats.betabinom.pmf(np.arange(41), 40, *shapes))
        return stats.chisquare(np.bincount(cut, seen), due).pvalue

    assert agrees(law_p(0.05))
    assert rejects(law_p(0.04))


def test_an_unknown_stream_is_named():
    failed = drawn_with("mersenne", 0)
    assert failed.returncode
    assert "ROTE_STREAM must be one of splitmix, philox; got 'mersenne'" in failed.stderr
