"""Class-conditional activity: laws in class order, labels, and errors."""

import numpy as np
import pytest
from scipy import stats

from rote.activity.measurement import measure
from rote.simulate.class_conditional import ClassConditional

PROCESS = ClassConditional(
    class_probability=[0.5, 0.3, 0.2],
    class_rate=[[0.1, 0.5, 0.0, 0.3, 0.0], [0.2, 0.1, 0.0, 0.3, 0.0], [0.6, 0.9, 0.4, 0.3, 0.0]],
)
WINDOW = 20


def windowed_fano(rng, n_windows):
    """Fano factors of the living units in windows of one class each, drawn with its probability."""
    labels = np.repeat(PROCESS.sample_labels(n_windows, rng=rng), WINDOW)
    counts = PROCESS.sample_given(labels, rng=rng).reshape(n_windows, WINDOW, -1).sum(axis=1)[:, :4]
    return counts.var(axis=0, ddof=1) / counts.mean(axis=0)


def test_fano_factors_in_class_order_follow_their_law_and_no_other(rng, agrees, rejects):
    """Spread over 100 groups of windows tells the error of the mean: a t-test with 99 degrees."""
    predicted = PROCESS.predict(window=WINDOW)
    groups = np.array([windowed_fano(rng, 400) for _ in range(100)])
    # the ratio of a variance and a mean of 400 windows is biased by less than 1/400 of itself
    due = predicted.fano_factor("class")[:4]
    assert agrees(stats.ttest_1samp(groups, due).pvalue)
    assert rejects(stats.ttest_1samp(groups, due * 1.1).pvalue)
    assert rejects(stats.ttest_1samp(groups, predicted.fano_factor("recorded")[:4]).pvalue[:3])


def test_fano_factors_keep_their_promise():
    """Moments of a window's count by enumeration of its mixture of binomials."""
    predicted = PROCESS.predict(window=WINDOW)
    k = np.arange(WINDOW + 1)
    for unit in range(4):
        pmf = PROCESS.class_probability @ stats.binom.pmf(k, WINDOW, PROCESS.class_rate[:, [unit]])
        mean = pmf @ k
        assert predicted.fano_factor("class")[unit] == pytest.approx((pmf @ k**2 - mean**2) / mean)
    assert np.isnan(predicted.fano_factor("class")[4])  # dead
    assert predicted.excess_fano("class")[3] == pytest.approx(0)  # not selective
    assert predicted.excess_fano("recorded").tolist() == [0] * 5
    assert predicted.fano_factor() == pytest.approx(1 - predicted.rate)


def test_class_share_is_the_one_that_is_measured(rng, agrees):
    predicted = PROCESS.predict()
    shares = []
    for _ in range(50):
        active, labels = PROCESS.sample_with_labels(2_000, rng=rng)
        shares.append(measure(active, labels=labels, n_classes=3).class_share)
    assert agrees(stats.ttest_1samp(shares, predicted.class_share).pvalue)
    assert np.isnan(ClassConditional(class_probability=[1.0], class_rate=[[0.0]]).predict().class_share)


def test_labels_are_those_behind_the_activity(rng, agrees, rejects):
    active, labels = PROCESS.sample_with_labels(30_000, rng=rng)
    sizes = np.bincount(labels, minlength=3)
    assert agrees(stats.chisquare(sizes, 30_000 * PROCESS.class_probability).pvalue)
    own, shifted = [], []
    for label in range(3):
        for unit in range(2):
            count = int(active[labels == label, unit].sum())
            own.append(stats.binomtest(count, sizes[label], PROCESS.class_rate[label, unit]).pvalue)
            other = PROCESS.class_rate[label - 1, unit]
            shifted.append(stats.binomtest(count, sizes[label], other).pvalue)
    assert agrees(own)
    assert rejects(shifted)


def test_within_a_class_units_are_independent(rng, agrees):
    active = PROCESS.sample_given(np.full(20_000, 2), rng=rng)
    both = int((active[:, 0] & active[:, 1]).sum())
    assert agrees(stats.binomtest(both, 20_000, 0.6 * 0.9).pvalue)


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        ([0.0, 1.0], TypeError, "labels must be whole numbers, got dtype float64"),
        ([0, 3], ValueError, r"labels must lie in \[0, 2\], got \[0, 3\]"),
        ([[0, 1]], ValueError, r"labels must have shape \(n_examples,\), got \(1, 2\)"),
    ],
)
def test_impossible_labels_are_named(labels, error, message):
    with pytest.raises(error, match=message):
        PROCESS.sample_given(labels, rng=np.random.default_rng(1))


@pytest.mark.parametrize(
    ("probability", "rate", "message"),
    [
        ([0.5, 0.4], [[0.1], [0.2]], "class_probability must sum to 1, got 0.9"),
        (
            [0.5, 0.5],
            [0.1, 0.2],
            r"class_rate must have shape \(2, n_units\), a row for each class, got",
        ),
        ([1.0], [[]], r"class_rate must have shape \(1, n_units\)"),
        (
            [0.5, 0.5],
            [[0.1, 0.2], [0.3, 1.2]],
            r"class_rate\[1\] must lie in \[0, 1\], got 1.2 at unit 1",
        ),
    ],
)
def test_impossible_parameters_are_named(probability, rate, message):
    with pytest.raises(ValueError, match=message):
        ClassConditional(class_probability=probability, class_rate=rate)


def test_a_window_of_one_example_is_no_window():
    with pytest.raises(ValueError, match="window must be at least 2, got 1"):
        PROCESS.predict(window=1)
