"""Activity as bits: where each unit's bit lies, and that counting bits counts examples."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rote.activity.packing import n_words, pack, unpack
from rote.activity.popcount import coactive_count, turned
from rote.activity.windows import Windows

activities = st.tuples(st.integers(1, 9), st.integers(1, 130)).flatmap(lambda n: arrays(np.bool_, n))


@given(activities)
def test_unpack_undoes_pack(active):
    words = pack(active)
    assert words.dtype == np.uint64
    assert words.shape == (active.shape[0], n_words(active.shape[1]))
    np.testing.assert_array_equal(unpack(words, active.shape[1]), active)


@pytest.mark.parametrize("n_units", [1, 63, 64, 65, 128, 129])
def test_unit_is_one_bit_of_one_word_and_the_rest_are_zero(n_units):
    for unit in range(n_units):
        active = np.zeros((2, n_units), dtype=bool)
        active[1, unit] = True
        words = [[0] * n_words(n_units) for _ in range(2)]
        words[1][unit // 64] = 1 << unit % 64
        assert pack(active).tolist() == words


def test_layout_of_memory_does_not_matter():
    active = np.arange(70 * 3).reshape(70, 3) % 7 == 0
    assert pack(active.T).tolist() == pack(np.ascontiguousarray(active.T)).tolist()
    words = pack(active.T)
    np.testing.assert_array_equal(unpack(np.asfortranarray(words), 70), active.T)
    np.testing.assert_array_equal(unpack(words.astype(">u8"), 70), active.T)


def test_no_examples_are_no_words():
    assert pack(np.zeros((0, 65), dtype=bool)).shape == (0, 2)
    assert unpack(np.zeros((0, 2), dtype=np.uint64), 65).shape == (0, 65)


@given(activities)
def test_coactive_count_is_the_product_of_integers(active):
    whole = active.astype(np.int64)
    np.testing.assert_array_equal(coactive_count(active), whole.T @ whole)


@pytest.mark.parametrize(("n_examples", "n_units"), [(1, 1), (64, 64), (511, 65), (513, 70), (1100, 3)])
def test_turned_bits_are_the_transpose(n_examples, n_units, rng):
    active = rng.random((n_examples, n_units)) < 0.4
    by_unit = turned(pack(active))
    assert by_unit.shape == (64 * n_words(n_units), n_words(n_examples))
    np.testing.assert_array_equal(by_unit[:n_units], pack(np.ascontiguousarray(active.T)))
    assert not by_unit[n_units:].any()


@given(activities, st.integers(2, 5), st.integers(1, 3), st.integers(0, 99))
def test_windows_count_what_falls_into_them(active, window, n_groups, seed):
    """Against sums over booleans, for windows that fill in any order, in two portions, and merged."""
    n_examples, n_units = active.shape
    number = np.random.default_rng(seed).permutation(np.arange(n_examples) // window)
    middle = n_examples // 2
    whole, left, right = (Windows(n_words(n_units), window, n_groups) for _ in range(3))
    for rows, part in ((slice(middle), left), (slice(middle, None), right)):
        whole.add(pack(active[rows]), number[rows])
        part.add(pack(active[rows]), number[rows])
    left.merge(right)
    counts = np.array([active[number == each].sum(axis=0) for each in range(number.max() + 1)])
    full = np.bincount(number) == window
    groups = np.arange(len(counts)) % n_groups
    for windows in (whole, left):
        for unit in range(n_units):
            seen = np.bincount(counts[full, unit], minlength=window + 1)
            assert windows.histogram[unit].tolist() == seen.tolist()
        for group in range(n_groups):
            mine = groups == group
            assert (windows.sums[group, :n_units] == counts[full & mine].sum(axis=0)).all()
            assert (windows.totals()[group, :n_units] == counts[mine].sum(axis=0)).all()


def test_coactive_count_does_not_depend_on_threads(monkeypatch, rng):
    active = rng.random((300, 330)) < 0.3
    whole = active.astype(np.int64)
    for n_threads in (1, 2, 3):
        monkeypatch.setattr("numba.get_num_threads", lambda n=n_threads: n)
        np.testing.assert_array_equal(coactive_count(active), whole.T @ whole)


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda: pack(np.array([[2, 0]])), TypeError, r"active must be boolean .*, got dtype int64"),
        (lambda: pack(np.ones(3, dtype=bool)), ValueError, r"\(n_examples, n_units\), got \(3,\)"),
        (
            lambda: unpack(np.ones((2, 1), dtype=np.uint64), 65),
            ValueError,
            r"words must have shape \(n_examples, 2\) for n_units=65, got \(2, 1\)",
        ),
        (lambda: unpack(np.ones(2, dtype=np.uint64), 65), ValueError, r"n_units=65, got \(2,\)"),
        (lambda: unpack(np.ones((1, 1)), 3), TypeError, "unsigned 64-bit integers, got dtype float64"),
        (
            lambda: unpack(np.ones((1, 8), dtype=np.uint8), 64),
            TypeError,
            "64-bit integers, got dtype uint8",
        ),
    ],
)
def test_what_is_not_activity_is_named(call, error, sentence):
    with pytest.raises(error, match=sentence):
        call()
