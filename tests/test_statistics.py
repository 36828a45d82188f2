"""Statistics of activity against their definitions, their sums over chunks, and what cannot be asked."""

import math
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rote import measure
from rote.activity.inputs import by_rank
from rote.activity.statistics import Statistics

SMALL = st.tuples(st.integers(1, 25), st.integers(1, 6)).flatmap(lambda shape: arrays(np.bool_, shape))


@st.composite
def recordings(draw):
    """Activity with labels, an order and a window."""
    active = draw(SMALL)
    n = len(active)
    labels = draw(arrays(np.int64, n, elements=st.integers(0, 3)))
    order = np.array(draw(st.permutations(range(n))))
    return (
        active,
        labels,
        3 * order - 7,
        draw(st.integers(2, 6)),
    )  # ranks need be neither dense nor positive


def windows(active, window):
    """Counts of a unit in each whole window, one example at a time."""
    count = [
        sum(int(s) for s in active[start : start + window]) for start in range(0, len(active), window)
    ]
    return count[: len(active) // window]


@given(recordings())
def test_every_count_is_its_definition(recording):
    active, labels, order, window = recording
    measured = measure(active, labels=labels, n_classes=4, order=order, window=window)
    presented = sorted(range(len(active)), key=lambda t: order[t])
    population = [sum(map(int, row)) for row in active]
    assert measured.n_examples == len(active)
    assert measured.n_units == active.shape[1]
    assert measured.n_classes == 4
    assert measured.population_histogram.tolist() == [
        population.count(n) for n in range(active.shape[1] + 1)
    ]
    assert measured.class_examples.tolist() == [list(labels).count(c) for c in range(4)]
    for unit, mine in enumerate(active.T):
        assert measured.active_count[unit] == sum(map(int, mine))
        assert measured.dead[unit] == (not any(mine))
        for other, theirs in enumerate(active.T):
            both = sum(bool(a and b) for a, b in zip(mine, theirs, strict=True))
            assert measured.coactive_count[unit, other] == both
        for c in range(4):
            assert measured.class_active[c, unit] == sum(map(int, mine[labels == c]))
        in_order = mine[presented]
        by_class = [in_order[labels[presented] == c] for c in range(4)]
        recorded = windows(in_order, window)
        pooled = [count for block in by_class for count in windows(block, window)]
        for which, counts in enumerate((recorded, pooled)):
            assert measured.n_windows[which] == len(counts)
            seen = [counts.count(often) for often in range(window + 1)]
            assert measured.window_histogram[which, unit].tolist() == seen
            assert measured.window_sum[which, unit] == sum(counts)
            assert measured.window_square[which, unit] == sum(count**2 for count in counts)


@given(recordings())
def test_every_ratio_is_numpys(recording):
    active, labels, order, window = recording
    measured = measure(active, labels=labels, n_classes=4, order=order, window=window)
    number = active.astype(float)
    covariance = np.cov(number, rowvar=False, bias=True).reshape(measured.n_units, -1)
    np.testing.assert_allclose(measured.rate, number.mean(axis=0), rtol=1e-15)
    np.testing.assert_allclose(measured.covariance, covariance, atol=1e-15)
    changing = active.any(axis=0) & ~active.all(axis=0)
    assert np.isnan(measured.correlation[~changing]).all()
    if changing.any():
        eigenvalues = np.linalg.eigvalsh(covariance)
        expected = eigenvalues.sum() ** 2 / (eigenvalues**2).sum()
        assert measured.participation_ratio == pytest.approx(expected)
        correlation = np.corrcoef(number[:, changing], rowvar=False).reshape(changing.sum(), -1)
        kept = measured.correlation[np.ix_(changing, changing)]
        np.testing.assert_allclose(kept, correlation, atol=1e-12)
        pairs = correlation[np.triu_indices(changing.sum(), k=1)]
        np.testing.assert_allclose(measured.pair_correlation, pairs, atol=1e-12)
    else:
        assert np.isnan(measured.participation_ratio)
    for c in range(4):
        if (labels == c).any():
            np.testing.assert_allclose(measured.class_rate[c], number[labels == c].mean(axis=0))
        else:
            assert np.isnan(measured.class_rate[c]).all()


@given(recordings())
def test_fano_factor_is_variance_over_mean(recording):
    active, labels, order, window = recording
    measured = measure(active, labels=labels, n_classes=4, order=order, window=window)
    if measured.n_windows[0] < 2:
        return
    for unit, mine in enumerate(active[np.argsort(order)].T):
        counts = windows(mine, window)
        expected = np.var(counts, ddof=1) / np.mean(counts) if any(counts) else np.nan
        fano = measured.fano_factor()[unit]
        assert fano == pytest.approx(expected, abs=1e-12, nan_ok=True)
        assert measured.excess_fano()[unit] == pytest.approx(fano - 1 + mine.mean(), nan_ok=True)


@given(recordings(), recordings())
def test_statistics_add_over_chunks(one, two):
    n_units = min(one[0].shape[1], two[0].shape[1])
    chunks = [
        measure(
            active[:, :n_units],
            labels=labels,
            n_classes=4,
            order=order,
            window=3,
            activation=active[:, :n_units] * (1.5 + labels[:, None]),
        )
        for active, labels, order, _ in (one, two)
    ]
    total = chunks[0] + chunks[1]
    whole = measure(
        np.concatenate([active[:, :n_units] for active, *_ in (one, two)]),
        labels=np.concatenate([labels for _, labels, *_ in (one, two)]),
        n_classes=4,
        window=3,
        activation=np.concatenate(
            [active[:, :n_units] * (1.5 + labels[:, None]) for active, labels, *_ in (one, two)]
        ),
    )
    assert total.window == 3
    for field in fields(Statistics):
        if "window" in field.name or "interval" in field.name:  # they do not reach over a chunk's end
            expected = getattr(chunks[0], field.name) + getattr(chunks[1], field.name)
            expected = 3 if field.name == "window" else expected
        else:
            expected = getattr(whole, field.name)
        np.testing.assert_array_equal(getattr(total, field.name), expected)


def test_chunks_of_whole_windows_are_the_whole(rng):
    active = rng.random((600, 5)) < 0.3
    whole, parts = measure(active), [measure(active[start : start + 200]) for start in (0, 200, 400)]
    total = parts[0] + parts[1] + parts[2]
    np.testing.assert_array_equal(total.fano_factor(), whole.fano_factor())


def test_magnitudes_count_where_a_unit_is_active():
    activation = np.array([[0.0, 2.0, 0.0], [-1.0, 4.0, 0.0], [3.0, 0.0, 0.0]])
    for kind in (np.float64, np.float32, np.float16):
        measured = measure(activation > 0, activation=activation.astype(kind))
        assert measured.magnitude_sum.tolist() == [3, 6, 0]
        assert measured.magnitude_square.tolist() == [9, 20, 0]
        np.testing.assert_array_equal(measured.mean_magnitude, [3, 3, np.nan])
    assert np.isnan(measure(activation > 0).mean_magnitude[:2]).all()


def test_float16_magnitudes_do_not_overflow():
    measured = measure(
        np.ones((100, 1), dtype=bool), activation=np.full((100, 1), 6e4, dtype=np.float16)
    )
    assert measured.magnitude_square[0] == pytest.approx(100 * np.float64(np.float16(6e4)) ** 2)


def test_measuring_leaves_its_arguments_alone():
    active, labels, order = np.eye(6, dtype=bool), np.arange(6) % 2, np.arange(6)[::-1].copy()
    for array in (active, labels, order):
        array.setflags(write=False)
    measured = measure(active, labels=labels, order=order, window=2)
    assert measured.active_count.tolist() == [1] * 6


@pytest.mark.parametrize("n_units", [1, 63, 64, 65])
def test_any_width(n_units, rng):
    active = rng.random((41, n_units)) < 0.4
    measured = measure(active)
    np.testing.assert_array_equal(measured.active_count, active.sum(axis=0))
    assert measured.population_histogram.shape == (n_units + 1,)
    assert measured.pair_correlation.size <= n_units * (n_units - 1) // 2


def test_one_example_of_one_unit():
    measured = measure(np.ones((1, 1), dtype=bool), labels=[0])
    assert measured.rate.tolist() == [1]
    assert measured.n_windows.tolist() == [0, 0, 0]
    assert math.isnan(measured.participation_ratio)
    assert measured.pair_correlation.size == 0


def test_a_layer_that_never_changes_has_nothing_to_share():
    for active in (np.zeros((40, 3), dtype=bool), np.ones((40, 3), dtype=bool)):
        measured = measure(active, labels=np.arange(40) % 2)
        assert math.isnan(measured.class_share)
        assert math.isnan(measured.participation_ratio)
        assert measured.pair_correlation.size == 0
    assert np.isnan(measure(np.zeros((40, 3), dtype=bool)).fano_factor()).all()
    assert measure(np.ones((40, 3), dtype=bool)).fano_factor().tolist() == [0, 0, 0]


def test_order_of_presentation_is_what_the_fano_factor_sees(rng):
    active = np.repeat(rng.random((50, 2)) < 0.5, 20, axis=0)  # windows all or nothing
    shuffled = rng.permutation(1000)
    bursts = measure(active)
    np.testing.assert_array_equal(
        measure(active[shuffled], order=shuffled).fano_factor(), bursts.fano_factor()
    )
    assert (bursts.fano_factor() > 5).all()
    assert (measure(active[shuffled]).fano_factor() < 2).all()


def test_class_share_minds_only_classes_that_are_there(rng):
    active, labels = rng.random((90, 4)) < 0.4, np.arange(90) % 3
    few = measure(active, labels=labels)
    many = measure(active, labels=5 * labels, n_classes=40)
    assert few.class_share == many.class_share


ACTIVE = np.arange(120).reshape(40, 3) % 7 < 3


@pytest.mark.parametrize(
    ("change", "error", "sentence"),
    [
        ({"active": ACTIVE.astype(int)}, TypeError, r"active must be boolean .* got dtype int64"),
        (
            {"active": ACTIVE[0]},
            ValueError,
            r"active must have shape \(n_examples, n_units\), got \(3,\)",
        ),
        ({"active": ACTIVE[:0]}, ValueError, r"active must have shape .* got \(0, 3\)"),
        ({"active": ACTIVE[:, :0]}, ValueError, r"active must have shape .* got \(40, 0\)"),
        ({"window": 1}, ValueError, "window must be at least 2, got 1"),
        ({"window": 2.0}, TypeError, r"window must be a whole number, got 2\.0"),
        ({"labels": np.zeros(40)}, TypeError, "labels must be whole numbers, got dtype float64"),
        ({"labels": np.zeros(40, bool)}, TypeError, "labels must be whole numbers, got dtype bool"),
        ({"labels": [0, 1]}, ValueError, r"labels must have shape \(40,\), got \(2,\)"),
        ({"labels": [-1] * 40}, ValueError, r"labels must lie in \[0, .*got \[-1, -1\]"),
        ({"labels": [10**9] * 40}, ValueError, "labels must number the classes from 0, got 1000000000"),
        ({"labels": [0, 3] * 20, "n_classes": 3}, ValueError, r"must lie in \[0, 2\], got \[0, 3\]"),
        ({"labels": [0] * 40, "n_classes": 0}, ValueError, "n_classes must be at least 1, got 0"),
        ({"labels": [0] * 40, "n_classes": 2.0}, TypeError, "n_classes must be a whole number"),
        ({"n_classes": 3}, ValueError, "n_classes must come with labels, got n_classes=3 alone"),
        ({"order": [0, 1]}, ValueError, r"order must hold 40 whole numbers, got int64 of shape \(2,\)"),
        ({"order": np.arange(40.0)}, ValueError, "order must hold 40 whole numbers, got float64"),
        ({"order": [0] * 40}, ValueError, "order must rank the examples, got some rank twice"),
        (
            {"activation": np.ones((40, 2))},
            ValueError,
            r"activation must have shape \(40, 3\), got \(40, 2",
        ),
        ({"activation": np.where(ACTIVE, np.nan, 0)}, ValueError, "activation must be finite"),
        ({"activation": np.where(ACTIVE, np.inf, 0)}, ValueError, "activation must be finite"),
        ({"activation": [["loud"] * 3] * 40}, TypeError, "activation must hold numbers, got dtype <U4"),
    ],
)
def test_what_cannot_be_measured_is_named(change, error, sentence):
    arguments = {"active": ACTIVE, **change}
    with pytest.raises(error, match=sentence):
        measure(arguments.pop("active"), **arguments)


@pytest.mark.parametrize(
    ("ask", "error", "sentence"),
    [
        (
            lambda s: s.fano_factor("random"),
            ValueError,
            "order must be one of recorded, class, shuffled; got 'random'",
        ),
        (
            lambda s: s.fano_factor("class"),
            ValueError,
            "Fano factor in class order needs two windows of 20 examples, got 0: .*give labels",
        ),
        (
            lambda s: measure(ACTIVE[:39]).fano_factor(),
            ValueError,
            "Fano factor in recorded order needs two windows of 20 examples, got 1: record more",
        ),
        (lambda s: s.class_share, ValueError, "the share between classes needs two classes, got 0"),
        (
            lambda s: measure(ACTIVE, labels=[1] * 40).class_share,
            ValueError,
            "the share between classes needs two classes, got 1",
        ),
        (
            lambda s: measure(ACTIVE, labels=np.arange(40)).class_share,
            ValueError,
            "the share between classes needs two examples of a class, got one of each",
        ),
        (
            lambda s: s + measure(ACTIVE, window=5),
            ValueError,
            r"equal \(window, n_units, n_classes\), got \(20, 3, 0\) and \(5, 3, 0\)",
        ),
        (lambda s: s + measure(ACTIVE[:, :2]), ValueError, r"got \(20, 3, 0\) and \(20, 2, 0\)"),
        (lambda s: s + measure(ACTIVE, labels=[1] * 40), ValueError, r"and \(20, 3, 2\)"),
        (lambda s: s + 1, TypeError, "unsupported operand"),
    ],
)
def test_what_has_not_been_measured_is_named(ask, error, sentence):
    with pytest.raises(error, match=sentence):
        ask(measure(ACTIVE))


@given(
    st.one_of(st.lists(st.integers(-5, 40), unique=True), st.lists(st.integers(0, 2**40), unique=True))
)
def test_ranks_are_sorted_whether_counted_or_not(ranks):
    ranks = np.array(ranks, dtype=np.int64)
    np.testing.assert_array_equal(by_rank(ranks), np.argsort(ranks))


def test_equal_ranks_are_missed_where_they_are_counted():
    assert by_rank(np.array([2, 0, 2, 1])).size == 3
    assert by_rank(np.array([-1, 0, -1])).size == 3
