"""Bins of magnitudes: NumPy's histogram between their ends, whatever comes and in whatever order."""

import numpy as np
import pytest

from rote import measure
from rote.activity.exact_sums import MagnitudeSums
from rote.activity.magnitude_bins import LEAST_OCTAVE, MOST_OCTAVE, N_BINS, magnitude_edges
from rote.activity.packing import pack


def binned(values):
    """Each column's numbers between the ends, by comparison; negative ones count in the first bin."""
    return np.array([np.histogram(np.maximum(column, 0), magnitude_edges())[0] for column in values.T])


def test_ends_are_eight_to_an_octave():
    edges = magnitude_edges()
    assert edges.size == N_BINS + 1
    assert (edges[0], edges[-1]) == (0, np.inf)
    assert edges[1] == 2.0**LEAST_OCTAVE * 1.125
    assert edges[-2] == 2.0**MOST_OCTAVE * 15 / 16
    one = np.flatnonzero(edges == 1)[0]
    np.testing.assert_array_equal(edges[one : one + 9], 1 + np.arange(9) / 8)
    np.testing.assert_array_equal(edges[9:-1], 2 * edges[1:-9])


def test_a_bin_holds_its_lower_end_and_not_its_upper_one(rng):
    info, ends = np.finfo(np.float32), magnitude_edges()[1:-1].astype(np.float32)
    special = [info.max, info.tiny, info.smallest_subnormal, -1.0, -info.max, 0.0]
    below = np.nextafter(ends, np.float32(0))
    spread = (rng.normal(size=2000) * 2.0 ** rng.integers(-40, 40, size=2000)).astype(np.float32)
    values = rng.permutation(np.concatenate([special, ends, below, spread]).astype(np.float32))[:, None]
    sums = MagnitudeSums(1)
    sums.add(pack(np.ones(values.shape, dtype=bool)), values)
    np.testing.assert_array_equal(sums.histogram, binned(values))
    with np.errstate(over="ignore"):
        moved = np.nextafter(values, np.float32(np.inf))
    assert (binned(moved) != sums.histogram).any()  # a rounding would be seen


def test_statistics_count_the_magnitudes_of_active_units(rng):
    activation = np.maximum(rng.normal(size=(300, 70)), 0).astype(np.float32)
    measured = measure(activation > 0, activation=activation)
    np.testing.assert_array_equal(
        measured.magnitude_histogram,
        binned(activation) - (activation == 0).sum(axis=0)[:, None] * (np.arange(N_BINS) == 0),
    )
    np.testing.assert_array_equal(measured.magnitude_histogram.sum(axis=1), measured.active_count)
    total = measured + measured
    np.testing.assert_array_equal(total.magnitude_histogram, 2 * measured.magnitude_histogram)


def test_without_activations_there_are_none():
    measured = measure(np.ones((4, 3), dtype=bool))
    assert measured.n_magnitudes == 0
    assert measured.magnitude_histogram.shape == (3, N_BINS)
    assert not measured.magnitude_histogram.any()


@pytest.mark.parametrize("most", [7, 1 << 29])
def test_counts_outlast_their_narrow_kind(most, monkeypatch, rng):
    monkeypatch.setattr("rote.activity.exact_sums.MOST_ADDED", most)
    values = rng.exponential(size=(100, 2)).astype(np.float32)
    words, one, other = pack(values > 0), MagnitudeSums(2), MagnitudeSums(2)
    for row in range(100):
        (one if row % 3 else other).add(words[row : row + 1], values[row : row + 1])
    one.merge(other)
    one.add(words, values)
    np.testing.assert_array_equal(one.histogram, 2 * binned(values))
    assert one.histogram.dtype == np.int64
