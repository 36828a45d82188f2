"""Shared features: closed forms against enumeration, wirings of section 2, twin, errors."""

from itertools import product

import numpy as np
import pytest
from scipy import sparse, stats

from rote.simulate.features import SharedFeatures
from rote.simulate.independent import IndependentBernoulli

WIRING = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 1], [0, 0, 0]], dtype=bool)
PROCESS = SharedFeatures(feature_probability=[0.2, 0.1, 0.5], wiring=WIRING, noise=[0.05, 0.0, 0.1, 0.3])


def enumerated(process, wiring, units):
    """P(all of ``units`` active), summed over all sets of present features."""
    total = 0.0
    for present in product([0, 1], repeat=wiring.shape[1]):
        present = np.array(present, dtype=bool)
        chance = np.where(present, process.feature_probability, 1 - process.feature_probability).prod()
        driven = (wiring & present).any(axis=1)
        total += chance * np.where(driven, 1.0, process.noise)[list(units)].prod()
    return total


def test_rates_and_pairs_keep_their_promise():
    predicted = PROCESS.predict()
    for unit in range(4):
        assert predicted.rate[unit] == pytest.approx(enumerated(PROCESS, WIRING, [unit]))
        for other in range(unit):
            due = (
                enumerated(PROCESS, WIRING, [unit, other]) - predicted.rate[unit] * predicted.rate[other]
            )
            assert predicted.covariance[unit, other] == pytest.approx(due, abs=1e-15)


def test_silence_of_all_orders_keeps_its_promise():
    """Inclusion and exclusion turns silence of subsets into joint activity."""
    for units in ([0], [0, 1], [0, 1, 2], [0, 1, 2, 3]):
        total = 0.0
        for members in product([0, 1], repeat=len(units)):
            chosen = [unit for unit, member in zip(units, members, strict=True) if member]
            total += (-1) ** len(chosen) * PROCESS.all_silent(chosen)
        assert total == pytest.approx(enumerated(PROCESS, WIRING, units))


def test_three_units_are_active_together_as_often_as_predicted(rng, agrees, rejects):
    active = PROCESS.sample(30_000, rng=rng)
    count = int(active[:, :3].all(axis=1).sum())
    assert agrees(stats.binomtest(count, 30_000, enumerated(PROCESS, WIRING, [0, 1, 2])).pvalue)
    assert rejects(stats.binomtest(count, 30_000, PROCESS.predict().rate[:3].prod()).pvalue)


def test_draws_equal_their_twin_bit_for_bit():
    rng = np.random.default_rng(4)
    present = IndependentBernoulli(rate=PROCESS.feature_probability).sample(500, rng=rng)
    noisy = IndependentBernoulli(rate=PROCESS.noise).sample(500, rng=rng)
    twin = noisy | (present @ WIRING.T)
    assert np.array_equal(PROCESS.sample(500, rng=np.random.default_rng(4)), twin)


@pytest.mark.parametrize("noise", [0.0, 0.002])
def test_rare_draws_equal_their_twin_bit_for_bit(noise, rng):
    """Drawn by events: units that several features reach, or noise as well, are listed once."""
    wiring = rng.random((150, 9)) < 0.2
    probability = np.geomspace(1e-3, 0.03, 9)
    process = SharedFeatures(feature_probability=probability, wiring=wiring, noise=noise)
    stream = np.random.default_rng(4)
    present = IndependentBernoulli(rate=probability).sample(4000, rng=stream)
    twin = present @ wiring.T
    if noise:
        twin |= IndependentBernoulli(rate=np.full(150, noise)).sample(4000, rng=stream)
    assert present.sum(axis=1).max() > 1
    assert np.array_equal(process.sample(4000, rng=np.random.default_rng(4)), twin)
    assert np.array_equal(process.sample_events(4000, rng=np.random.default_rng(4)).dense(), twin)


def test_memorizing_units_take_rare_features_in_turn():
    own = SharedFeatures.memorizing(n_units=6, n_examples=1000, feature_examples=5)
    assert own.n_features == 6
    assert own.predict().rate == pytest.approx(np.full(6, 0.005))
    assert not np.triu(own.predict().covariance, k=1).any()
    shared = SharedFeatures.memorizing(n_units=6, n_examples=1000, n_features=3).predict()
    assert shared.rate == pytest.approx(np.full(6, 0.001))
    together = np.arange(6)[:, None] % 3 == np.arange(6) % 3
    assert shared.correlation == pytest.approx(together.astype(float))


def test_generalizing_units_take_the_classes_features():
    process = SharedFeatures.generalizing(n_units=20, n_classes=10, feature_classes=2, noise=0.1)
    assert process.n_features == 10
    assert process.predict().rate == pytest.approx(np.full(20, 1 - 0.9 * 0.8))
    # both silent: one feature absent, two noises
    due = 0.9**2 * 0.8 - (0.9 * 0.8) ** 2
    assert process.predict().covariance[0, 10] == pytest.approx(due)


def test_wirings_of_all_kinds_are_the_same():
    lists = [[0], [0, 1], [1, 2, 2], []]
    for wiring in (WIRING, sparse.csr_array(WIRING), sparse.coo_array(WIRING), lists):
        process = SharedFeatures(feature_probability=[0.2, 0.1, 0.5], wiring=wiring)
        assert np.array_equal(process.wiring.toarray(), WIRING)
        assert not process.wiring.data.flags.writeable


def test_features_that_are_always_there_leave_no_covariance():
    process = SharedFeatures(feature_probability=[1.0, 0.5], wiring=[[0, 1], [0], [1]])
    predicted = process.predict()
    assert predicted.rate.tolist() == [1, 1, 0.5]
    assert not np.triu(predicted.covariance, k=1).any()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"feature_probability": [0.1, 1.5]}, ValueError, r"must lie in \[0, 1\], got 1.5 at feature 1"),
        (
            {"feature_probability": 0.1},
            ValueError,
            r"feature_probability must have shape \(n_features,\)",
        ),
        ({"wiring": [[0], [3]]}, ValueError, r"must name features in \[0, 1\], got \[3, 3\] at unit 1"),
        ({"wiring": [[0.5]]}, TypeError, "wiring of unit 0 must list whole numbers, got float64"),
        ({"wiring": []}, ValueError, r"wiring must have shape \(n_units, 2\), a column for a feature"),
        (
            {"wiring": np.ones((3, 4), dtype=bool)},
            ValueError,
            r"must have shape \(n_units, 2\).*\(3, 4\)",
        ),
        ({"wiring": np.ones((3, 2))}, TypeError, "wiring must be boolean or a list of features"),
        ({"noise": [0.1, 0.2, 0.3]}, ValueError, r"noise must be one number or one for each of 2 units"),
        ({"noise": -0.1}, ValueError, r"noise must lie in \[0, 1\], got -0.1"),
    ],
)
def test_impossible_parameters_are_named(arguments, error, message):
    valid = {"feature_probability": [0.1, 0.2], "wiring": [[0], [1]], "noise": 0.0}
    with pytest.raises(error, match=message):
        SharedFeatures(**valid | arguments)


def test_features_of_more_examples_than_there_are_do_not_exist():
    with pytest.raises(ValueError, match="feature_examples must be at most n_examples=10, got 11"):
        SharedFeatures.memorizing(n_units=2, n_examples=10, feature_examples=11)
    with pytest.raises(ValueError, match="feature_classes must be at most n_classes=3, got 4"):
        SharedFeatures.generalizing(n_units=2, n_classes=3, feature_classes=4)
