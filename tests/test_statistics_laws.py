"""Laws that measured statistics follow: the Fano factor in either order, the share between classes."""

import numpy as np
import pytest
from scipy import stats

from rote import measure

PROFILES = np.array([[0.05, 0.1, 0.6, 0.05], [0.2, 0.9, 0.2, 0.4], [0.3, 0.3, 0.35, 0.35]])
PROFILE = pytest.mark.parametrize("class_rate", PROFILES, ids=["one class", "mixed", "nearly flat"])
WINDOW, N_WINDOWS, N_ALIKE = 20, 2000, 100


def fano_p(fano, law, measured, order):
    """p-value of a Fano factor over like units: mean · (F - law) is zero on average, exactly."""
    mean = measured.window_sum[order] / measured.n_windows[order]
    return stats.ttest_1samp(mean * (fano - law), 0).pvalue


@PROFILE
def test_fano_factor_in_random_order_repeats_the_rate(class_rate, agrees, rejects, rng):
    classes = rng.integers(4, size=(WINDOW * N_WINDOWS, N_ALIKE))
    measured = measure(rng.random(classes.shape) < class_rate[classes], window=WINDOW)
    fano, rate = measured.fano_factor(), class_rate.mean()
    assert agrees(fano_p(fano, 1 - rate, measured, 0))
    assert rejects(fano_p(fano, 1 - 1.15 * rate, measured, 0))
    np.testing.assert_allclose(measured.excess_fano(), fano - 1 + measured.rate)


@PROFILE
def test_fano_factor_in_class_order_measures_selectivity(class_rate, agrees, rejects, rng):
    """F = 1 - p + (W - 1) V/p, V = Var_c(p_c).

    Each class has its share of the windows to the last, so their means vary by n/(n - 1) V of n windows.
    """
    labels = rng.permutation(np.arange(WINDOW * N_WINDOWS) % 4)
    active = rng.random((labels.size, N_ALIKE)) < class_rate[labels][:, None]
    measured = measure(active, labels=labels, window=WINDOW)
    fano, rate, between = measured.fano_factor("class"), class_rate.mean(), class_rate.var()
    law = 1 - rate + (WINDOW - 1) * between / rate + WINDOW * between / rate / (N_WINDOWS - 1)
    assert agrees(fano_p(fano, law, measured, 1))
    assert rejects(fano_p(fano, law - 0.5 * (WINDOW - 1) * between / rate, measured, 1))
    np.testing.assert_allclose(measured.excess_fano("class"), fano - 1 + measured.rate)


def test_fano_factor_in_shuffled_order_is_that_of_a_draw_without_replacement(agrees, rejects, rng):
    """F = (1 - k/T) T/(T - 1) for k of T active, in whatever bursts they came."""
    excess, bursts = [], []
    for _ in range(300):
        measured = measure(np.repeat(rng.random((60, 1)) < 0.3, WINDOW, axis=0), window=WINDOW, rng=rng)
        n_examples = measured.n_examples
        law = (1 - measured.rate) * n_examples / (n_examples - 1)
        excess.append(measured.fano_factor("shuffled") - law)
        bursts.append(measured.fano_factor() - law)
    assert agrees(stats.ttest_1samp(np.concatenate(excess), 0).pvalue)
    assert rejects(stats.ttest_1samp(np.concatenate(excess), -0.07).pvalue)
    assert rejects(stats.ttest_1samp(np.concatenate(bursts), 0).pvalue)


def share_p(share, n_examples, n_classes, n_units):
    """Normal p-value of a class share with no class behind it, of alike and independent units."""
    freedom = n_classes - 1, n_examples - n_classes
    deviation = np.sqrt(2 * freedom[0] * (1 + freedom[0] / freedom[1]) / n_units) / n_examples
    return 2 * stats.norm.sf(np.abs(share) / deviation)


def test_class_share_of_random_labels_is_none(agrees, rejects, rng):
    """With few examples of many classes, where the naive share would be n_classes / n_examples."""
    n_examples, n_classes, n_units = 500, 50, 400
    active = rng.random((n_examples, n_units)) < 0.3
    labels = rng.integers(n_classes, size=n_examples)
    measured = measure(active, labels=labels, n_classes=n_classes)
    assert agrees(share_p(measured.class_share, n_examples, n_classes, n_units))
    between = measured.class_examples[:, None] * (measured.class_rate - measured.rate) ** 2
    naive = between.sum() / (n_examples * (measured.rate * (1 - measured.rate)).sum())
    assert rejects(share_p(naive, n_examples, n_classes, n_units))


def test_class_share_is_the_share_of_variance_between_classes(agrees, rejects, rng):
    labels = np.arange(4000) % 4
    law = PROFILES.var(axis=1).sum() / (PROFILES.mean(axis=1) * (1 - PROFILES.mean(axis=1))).sum()
    shares = [
        measure(rng.random((4000, 3)) < PROFILES.T[labels], labels=labels).class_share
        for _ in range(100)
    ]
    assert agrees(stats.ttest_1samp(shares, law).pvalue)
    assert rejects(stats.ttest_1samp(shares, 0.97 * law).pvalue)
    assert measure(np.eye(4, dtype=bool)[labels], labels=labels).class_share == pytest.approx(1)
