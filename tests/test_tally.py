"""Tallies: the same for any portions and for stretches counted apart, and equal to slow twins."""

from dataclasses import fields, replace
from fractions import Fraction
from functools import reduce
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from rote import measure
from rote.activity import tally as module
from rote.activity.exact_sums import SQUARE_UNIT, SUM_UNIT, MagnitudeSums, carried, rounded
from rote.activity.intervals import Intervals
from rote.activity.packing import pack
from rote.activity.popcount import population_count, turned
from rote.activity.statistics import Statistics
from rote.activity.tally import Tally


def drawn(n_examples, n_units, seed, n_classes=3):
    """Return activity, labels and activations of very different sizes."""
    rng = np.random.default_rng(seed)
    activation = rng.normal(size=(n_examples, n_units)) * 2.0 ** rng.integers(-30, 30, size=n_units)
    return activation > 0.3, rng.integers(n_classes, size=n_examples), activation.astype(np.float32)


def assert_same(left, right):
    for field in fields(Statistics):
        np.testing.assert_array_equal(
            getattr(left, field.name), getattr(right, field.name), err_msg=field.name
        )


@given(
    n_units=st.sampled_from([1, 5, 64, 70]),
    cuts=st.lists(st.integers(0, 90), max_size=6),
    window=st.integers(2, 9),
    portion=st.integers(1, 40),
    seed=st.integers(0, 99),
)
def test_any_portions_and_any_stretches_give_the_same(n_units, cuts, window, portion, seed):
    active, labels, activation = drawn(90, n_units, seed)
    whole = measure(active, labels=labels, n_classes=3, window=window, activation=activation)
    edges = sorted({0, 90, *cuts})
    stretches = [slice(*pair) for pair in pairwise(edges)]
    apart = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "PORTION", portion)
        in_portions = Tally(n_units, n_classes=3, window=window)
        for place, rows in enumerate(stretches):
            bits = pack(active[rows]) if place % 2 else active[rows]
            in_portions.add(bits, labels=labels[rows], activation=activation[rows])
            in_portions.statistics()  # looking does not change it
            seen = np.bincount(labels[: rows.start], minlength=3)
            apart.append(Tally(n_units, n_classes=3, window=window, start=rows.start, class_start=seen))
            apart[-1].add(active[rows], labels=labels[rows], activation=activation[rows])
        assert_same(in_portions.statistics(), whole)
        assert_same(reduce(lambda left, right: left + right, apart).statistics(), whole)
        assert_same(reduce(lambda right, left: left + right, apart[::-1]).statistics(), whole)


def test_a_random_order_holds_all_examples_or_none():
    active, _, _ = drawn(50, 6, seed=1)
    tally = Tally(6)
    tally.add(active)
    tally.add_shuffled(active[:20])
    with pytest.raises(ValueError, match="a random order must hold all examples, got 20 of 50"):
        tally.statistics()
    other = Tally(6, start=50)
    other.add(active)
    with pytest.raises(ValueError, match="a random order must hold all examples, got 20 of 100"):
        (tally + other).statistics()
    tally.add_shuffled(active[20:])
    recorded, _, shuffled = tally.statistics().window_histogram
    np.testing.assert_array_equal(shuffled, recorded)


def test_activations_may_come_apart_from_their_examples_and_in_any_order():
    active, labels, activation = drawn(50, 6, seed=1)
    tally, shuffled = Tally(6, n_classes=3), np.random.default_rng(2).permutation(50)
    tally.add(active, labels=labels)
    assert np.isnan(tally.statistics().magnitude_sum).all()
    tally.add_activation(active[shuffled], activation[shuffled])
    assert_same(tally.statistics(), measure(active, labels=labels, activation=activation))


@given(st.integers(1, 3000), st.sampled_from([0.002, 0.02, 0.3, 0.9]), st.booleans(), st.integers(0, 99))
def test_intervals_are_what_lies_between_activations(n_examples, rate, pauses, seed):
    rng = np.random.default_rng(seed)
    active = rng.random((n_examples, 3)) < rate
    if pauses:  # many short intervals, and some that are long
        active &= np.repeat(rng.random((-(-n_examples // 150), 3)) < 0.5, 150, axis=0)[:n_examples]
    measured = measure(active)
    for unit, mine in enumerate(active.T):
        gaps = np.diff(np.flatnonzero(mine))
        bins = [int(gap).bit_length() - 1 for gap in gaps]
        n_bins = measured.interval_histogram.shape[1]
        assert measured.interval_histogram[unit].tolist() == [bins.count(b) for b in range(n_bins)]
        assert measured.interval_sum[unit] == gaps.sum()
        assert measured.interval_square[unit] == (gaps**2).sum()
        if gaps.size:
            assert measured.mean_interval[unit] == pytest.approx(gaps.mean())
            variation = gaps.std() / gaps.mean()
            assert measured.interval_variation[unit] == pytest.approx(variation, abs=1e-7)
        else:
            assert np.isnan(measured.mean_interval[unit])


@pytest.mark.parametrize("window", [2, 20, 64, 300, 4000])
@pytest.mark.parametrize("n_classes", [1, 7])
def test_windows_of_many_examples_by_class(window, n_classes, rng):
    active = rng.random((9000, 70)) < np.r_[0.0, 1.0, rng.beta(0.5, 2, 68)]
    labels = rng.integers(n_classes, size=9000)
    measured = measure(active, labels=labels, window=window)
    counts = np.concatenate(
        [
            mine[: len(mine) // window * window].reshape(-1, window, 70).sum(axis=1)
            for mine in (active[labels == label] for label in range(n_classes))
        ]
    )
    seen = [np.bincount(unit, minlength=window + 1) for unit in counts.T]
    np.testing.assert_array_equal(measured.window_histogram[1], seen)
    in_class = [active[labels == label].sum(axis=0) for label in range(n_classes)]
    np.testing.assert_array_equal(measured.class_active, in_class)


def test_many_intervals_of_every_length(rng):
    gaps = rng.permutation(np.repeat(np.arange(1, 90), 30))
    active = np.zeros((gaps.sum() + 1, 1), dtype=bool)
    active[np.append(0, np.cumsum(gaps))] = True
    counted = Intervals(1)
    counted.add(turned(pack(active)), 0)
    assert counted.histogram[0, :7].tolist() == [30, 60, 120, 240, 480, 960, 780]
    assert counted.sums[0] == gaps.sum()
    assert counted.squares[0] == (gaps**2).sum()


def interval_p(measured, rate):
    """Chi-square p-value of pooled intervals against a geometric law of that rate."""
    seen = measured.interval_histogram.sum(axis=0)
    silent = 1 - rate
    power = 2.0 ** np.arange(seen.size + 1)
    due = -np.diff(silent ** (power - 1)) * seen.sum()
    last = np.flatnonzero(due > 20)[-1]
    seen, due = np.append(seen[:last], seen[last:].sum()), np.append(due[:last], due[last:].sum())
    return stats.chisquare(seen, due * seen.sum() / due.sum()).pvalue


def test_intervals_in_random_order_are_geometric(agrees, rejects, rng):
    measured = measure(rng.random((40_000, 20)) < 0.05)
    assert agrees(interval_p(measured, 0.05))
    assert rejects(interval_p(measured, 0.055))


def test_shuffled_windows_are_those_of_the_permutation(rng):
    active = np.repeat(rng.random((50, 70)) < 0.5, 20, axis=0)
    measured = measure(active, rng=np.random.default_rng(5))
    shuffled = active[np.random.default_rng(5).permutation(1000)]
    np.testing.assert_array_equal(measured.fano_factor("shuffled"), measure(shuffled).fano_factor())
    assert (measured.fano_factor() > 5).all()
    assert (measured.fano_factor("shuffled") < 2).all()
    assert measured.n_windows.tolist() == [50, 0, 50]
    total = measured + measured
    np.testing.assert_array_equal(total.window_histogram[2], 2 * measured.window_histogram[2])
    with pytest.raises(ValueError, match=r"in shuffled order needs two windows .* got 0: .*give rng"):
        measure(active).fano_factor("shuffled")
    with pytest.raises(TypeError, match=r"rng must be a numpy\.random.Generator, got int"):
        measure(active, rng=3)


def test_sums_of_magnitudes_are_exact():
    """Against fractions, with subnormal, huge and negative numbers, however they are ordered."""
    info = np.finfo(np.float32)
    edges = [info.max, -info.max, info.smallest_subnormal, info.tiny, 1.0, -1.0, 2**-24, 1 + 2**-23]
    values = np.resize(np.array(edges, dtype=np.float32), (61, 3))
    values *= np.random.default_rng(0).choice([1, 0.5, 0.25], size=values.shape).astype(np.float32)
    words = pack(np.ones(values.shape, dtype=bool))
    found = []
    for rows in (slice(None), slice(None, None, -1)):
        sums = MagnitudeSums(3)
        sums.add(words, values[rows])
        found.append(
            (rounded(carried(sums.sums), SUM_UNIT), rounded(carried(sums.squares), SQUARE_UNIT))
        )
    np.testing.assert_array_equal(found[0], found[1])
    for unit in range(3):
        exact = [Fraction(float(value)) for value in values[:, unit]]
        assert found[0][0][unit] == float(sum(exact))
        assert found[0][1][unit] == float(sum(value**2 for value in exact))
    naive = np.square(np.random.default_rng(0).normal(size=(999, 9)))
    assert (naive.sum(axis=0) != naive[::-1].sum(axis=0)).any()  # sums of floats do depend on the order


def test_carries_move_on_before_a_digit_is_full(monkeypatch):
    values = np.full((100, 2), np.float32(1.9999999))
    words, plain, early = pack(values > 0), MagnitudeSums(2), MagnitudeSums(2)
    plain.add(words, values)
    monkeypatch.setattr("rote.activity.exact_sums.MOST_ADDED", 7)
    for row in range(100):
        early.add(words[row : row + 1], values[row : row + 1])
    np.testing.assert_array_equal(carried(early.squares), carried(plain.squares))
    assert not np.array_equal(early.squares, plain.squares)


def test_counts_do_not_depend_on_threads(monkeypatch):
    active, labels, activation = drawn(70, 3100, seed=4)
    options = {"labels": labels, "activation": activation, "pairs": False, "window": 3}
    due = measure(active, **options)
    for n_threads in (1, 2, 3):
        monkeypatch.setattr("numba.get_num_threads", lambda n=n_threads: n)
        assert_same(measure(active, **options), due)


def test_population_counts_are_rows_of_ones(rng):
    active = rng.random((33, 130)) < 0.4
    assert population_count(pack(active)).tolist() == active.sum(axis=1).tolist()


def test_without_pairs_all_but_pairs_is_the_same():
    active, labels, activation = drawn(60, 70, seed=3)
    options = {"labels": labels, "activation": activation}
    with_pairs, without = measure(active, **options), measure(active, pairs=False, **options)
    assert without.coactive_count.size == 0
    assert_same(replace(without, coactive_count=with_pairs.coactive_count), with_pairs)
    assert_same(without + without, replace(with_pairs + with_pairs, coactive_count=np.zeros((0, 0))))
    for ask in ("covariance", "correlation", "pair_correlation", "participation_ratio"):
        with pytest.raises(ValueError, match="needs pairs of units counted: measure with pairs=True"):
            getattr(without, ask)
    with pytest.raises(ValueError, match="only with pairs of units counted in both, or in neither"):
        without + with_pairs


ACTIVE = np.arange(120).reshape(40, 3) % 7 < 3


def tallied(**options):
    tally = Tally(3, **options)
    tally.add(ACTIVE, labels=np.arange(40) % 2 if options.get("n_classes") else None)
    return tally


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda: Tally(0), ValueError, "n_units must be at least 1, got 0"),
        (lambda: Tally(3, n_classes=-1), ValueError, "n_classes must be at least 0, got -1"),
        (lambda: Tally(3, start=-1), ValueError, "start must be at least 0, got -1"),
        (lambda: Tally(3, n_classes=2, class_start=[1]), ValueError, "class_start must hold 2 whole"),
        (
            lambda: Tally(65_536_000),
            ValueError,
            "pairs of 65,536,000 units take 34,359,738,368,000,000 bytes, more memory .*: leave pairs",
        ),
        (
            lambda: Tally(4096, window=10**9),
            ValueError,
            "windows of 1,000,000,000 examples of 4,096 units take 32,768,000,032,768 bytes, .*: take a",
        ),
        (lambda: Tally(3).statistics(), ValueError, "at least one example, got a tally of none"),
        (
            lambda: Tally(3).add(ACTIVE[:, :2]),
            ValueError,
            r"active must have 3 units, got shape \(40, 2",
        ),
        (lambda: Tally(3).add(ACTIVE * 1.0), TypeError, "active must be boolean"),
        (lambda: Tally(3).add(np.full((2, 1), 8, np.uint64)), ValueError, "no bits behind its 3 units"),
        (
            lambda: Tally(3).add(np.ones((2, 2), np.uint64)),
            ValueError,
            r"shape \(n_examples, 1\) for n_",
        ),
        (
            lambda: Tally(3).add(ACTIVE, labels=[0] * 40),
            ValueError,
            "labels must come with their number",
        ),
        (lambda: Tally(3, n_classes=2).add(ACTIVE), ValueError, "labels must be given for each of n_cl"),
        (
            lambda: Tally(3).add(ACTIVE, activation=ACTIVE * 1e39),
            ValueError,
            "within 3.40282e.38 of zero",
        ),
        (lambda: tallied() + tallied(), ValueError, "the second follows on the first, got 40 examples"),
        (lambda: tallied() + tallied(window=3, start=40), ValueError, "only with equal .*, 20.* 3"),
        (lambda: tallied() + tallied(pairs=False, start=40), ValueError, "20, True.* and .*20, False"),
        (lambda: tallied() + 1, TypeError, "unsupported operand"),
        (
            lambda: tallied(n_classes=2) + tallied(n_classes=2, start=40),
            ValueError,
            r"got 40 examples \[20, 20\] by class, and a second behind 40 examples \[0, 0\]",
        ),
    ],
)
def test_what_cannot_be_tallied_is_named(call, error, sentence):
    with pytest.raises(error, match=sentence):
        call()


@pytest.mark.parametrize("form", [lambda active: active, pack])
def test_a_portion_of_none_adds_nothing(form):
    tally, none = tallied(n_classes=2), form(ACTIVE[:0])
    tally.add(none, labels=np.zeros(0, int))
    tally.add(none, labels=np.zeros(0, int), activation=np.zeros((0, 3)))
    assert_same(tally.statistics(), tallied(n_classes=2).statistics())
    with pytest.raises(ValueError, match=r"active must have 3 units, got shape \(0, 2\)"):
        tally.add(ACTIVE[:0, :2], labels=np.zeros(0, int))


def test_what_the_machine_would_hand_out_but_does_not_have_is_refused(monkeypatch):
    """Memory is promised before it is there; who then writes to it is killed."""
    monkeypatch.setattr("rote.activity.room._memory", lambda: 8 * 100**2)
    assert Tally(100, window=3).statistics
    with pytest.raises(ValueError, match="all pairs of 101 units take 81,608 bytes"):
        Tally(101)


def test_a_refused_portion_leaves_the_tally_as_it_was():
    tally = tallied()
    for wrong in ({"activation": np.full((40, 3), np.nan)}, {"labels": [0] * 40}):
        with pytest.raises(ValueError, match=r"activation must be finite|labels must come"):
            tally.add(ACTIVE, **wrong)
    assert_same(tally.statistics(), measure(ACTIVE))
