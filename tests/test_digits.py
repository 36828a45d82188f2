"""Digits: probabilities put together again, and what is drawn with them as bytes, bits and units."""

from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

from rote.activity import unpack
from rote.activity.packing import n_words
from rote.activity.streams import draw_keys
from rote.simulate.digits import Digits

EDGES = [0.0, 1e-300, 1e-6, 1 / 256 - 2**-60, 1 / 256, 0.5, 1 - 1 / 256, 1 - 1e-6, 1 - 2**-53, 1.0]
PROBABILITY = np.r_[EDGES, 1 - np.geomspace(1e-9, 0.5, 60), np.geomspace(1e-9, 0.9, 60)]


def packed(probability, n_units, keys, first=0):
    words = np.empty((probability.size, n_words(n_units)), dtype=np.uint64)
    Digits.of(probability).draw_packed(words, n_units, keys, first)
    return words


def drawn(probability, n_units, keys, first=0):
    return unpack(packed(probability, n_units, keys, first), n_units)


def both(one, other):
    """p-value that one and other are independent, from their fourfold table."""
    table = np.bincount((2 * one + other).ravel(), minlength=4).reshape(2, 2)
    return stats.chi2_contingency(table, correction=False).pvalue


def test_parts_make_up_the_probability():
    """p = m/2¹⁰ + (1 - m/2¹⁰)(1 - exp(-1/h)), and what silence has instead where it is rarer."""
    parts = Digits.of(PROBABILITY)
    for probability, digit, reach, silence in zip(
        PROBABILITY, parts.digit, parts.reach, parts.silence, strict=True
    ):
        rest = Fraction(-np.expm1(-1 / reach)) if reach else 0
        rarer = Fraction(int(digit), 1024) + (1 - Fraction(int(digit), 1024)) * rest
        exact = Fraction(probability)
        assert silence == (exact > Fraction(1, 2))
        assert abs(rarer - (1 - exact if silence else exact)) <= rarer * Fraction(1, 2**50)
        assert digit == 0 or digit >= 4


def test_every_probability_is_kept(agrees, rejects, rng):
    keys, n = draw_keys(rng, 2), 4000 * 640
    p, q = [], []
    for probability in [1e-5, 0.003, 1 / 256, 0.1, 0.3, 0.5, 0.77, 0.999, 1 - 1e-5]:
        rarer = min(probability, 1 - probability)
        count = int(drawn(np.full(4000, probability), 640, keys).sum())
        rare_count = count if rarer == probability else n - count
        p.append(stats.binomtest(rare_count, n, rarer).pvalue)
        q.append(stats.binomtest(rare_count, n, rarer * (1 + 12 / np.sqrt(n * rarer))).pvalue)
    assert agrees(p)
    assert all(rejects(near_miss) for near_miss in q)


@pytest.mark.parametrize("probability", [0.0, 1.0])
@pytest.mark.parametrize("n_units", [1, 64, 1000])
def test_certain_units_never_err(probability, n_units, rng):
    assert (drawn(np.full(20_000, probability), n_units, draw_keys(rng, 2)) == probability).all()


@pytest.mark.parametrize("probability", [0.005, 0.3, 1 / 256 + 2**-11, 0.98])
@pytest.mark.parametrize(("unit", "example"), [(1, 0), (2, 0), (64, 0), (0, 1), (0, 2)])
def test_cells_are_independent(probability, unit, example, agrees, rejects, rng):
    active = drawn(np.full(20_000, probability), 128, draw_keys(rng, 2))
    one, other = active[: len(active) - example, : 128 - unit], active[example:, unit:]
    assert agrees(both(one, other))
    echo = np.where(rng.random(one.shape) < 0.05, one, other)
    assert rejects(both(one, echo))


@pytest.mark.parametrize("n_units", [1, 7, 8, 63, 64, 65, 200, 513, 5000])
def test_bytes_bits_and_units_are_one_draw(n_units, rng):
    keys, n_examples = draw_keys(rng, 2), PROBABILITY.size
    dense = drawn(PROBABILITY, n_units, keys)
    cells = np.empty((n_examples, -(-n_units // 8) * 8), dtype=np.uint8)
    Digits.of(PROBABILITY).draw_bytes(cells, n_units, keys, 0)
    np.testing.assert_array_equal(cells[:, :n_units], dense)
    units, per_example = np.full(dense.size, -1, dtype=np.int32), np.empty(n_examples, dtype=np.int64)
    found = Digits.of(PROBABILITY).draw_units(units, per_example, n_units, keys, 0)
    example, unit = np.nonzero(dense)
    np.testing.assert_array_equal(units[:found], unit)
    np.testing.assert_array_equal(per_example, np.bincount(example, minlength=n_examples))
    assert (units[found:] == -1).all()
    few = np.empty(found // 2, dtype=np.int32)
    assert Digits.of(PROBABILITY).draw_units(few, per_example, n_units, keys, 0) == found
    np.testing.assert_array_equal(few, unit[: few.size])


@pytest.mark.parametrize("n_units", [40, 700])
def test_bits_behind_the_last_unit_are_zero(n_units, rng):
    words = packed(np.linspace(0, 1, 300), n_units, draw_keys(rng, 2))
    assert not (words[:, -1] >> np.uint64(n_units % 64)).any()


def test_rows_depend_on_their_place_alone(rng):
    keys = draw_keys(rng, 2)
    whole = drawn(PROBABILITY, 300, keys)
    for first, last in [(0, 1), (3, 60), (77, PROBABILITY.size)]:
        part = drawn(PROBABILITY[first:last], 300, keys, first)
        np.testing.assert_array_equal(part, whole[first:last])
