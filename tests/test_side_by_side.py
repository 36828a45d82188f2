"""A layer of several processes: its laws from those of its parts, and errors."""

import numpy as np
import pytest

from rote.simulate.dichotomized import DichotomizedGaussian
from rote.simulate.features import SharedFeatures
from rote.simulate.independent import IndependentBernoulli
from rote.simulate.layers import Layer
from rote.simulate.population import poisson_binomial_pmf

MEMORIZING = SharedFeatures.memorizing(n_units=6, n_examples=100, feature_examples=4, n_features=2)
GENERALIZING = DichotomizedGaussian(rate=[0.3, 0.4, 0.2], loading=0.6)
LAYER = Layer(parts=[MEMORIZING, GENERALIZING])


def test_covariances_are_those_of_the_parts_and_zero_between():
    covariance = LAYER.predict().covariance
    assert covariance[:6, :6] == pytest.approx(MEMORIZING.predict().covariance)
    assert covariance[6:, 6:] == pytest.approx(GENERALIZING.predict().covariance)
    assert not covariance[:6, 6:].any()
    assert LAYER.part_of_unit.tolist() == [0] * 6 + [1] * 3


@pytest.mark.parametrize(("start", "stop"), [(0, 2), (4, 7), (7, 9), (0, 9), (5, 6)])
def test_rows_of_pairs_may_lie_across_parts(start, stop):
    predicted = LAYER.predict()
    rows = predicted.pairs(slice(start, stop))
    rows[np.arange(stop - start), np.arange(start, stop)] = predicted.variance[start:stop]
    assert rows == pytest.approx(predicted.covariance[start:stop])


def test_independent_parts_are_one_independent_layer():
    rate = np.linspace(0.05, 0.9, 8)
    parts = [IndependentBernoulli(rate=rate[:3]), IndependentBernoulli(rate=rate[3:])]
    predicted = Layer(parts=parts).predict()
    assert predicted.population_pmf == pytest.approx(poisson_binomial_pmf(rate[None])[0])
    assert predicted.participation_ratio == pytest.approx(
        (rate * (1 - rate)).sum() ** 2 / np.square(rate * (1 - rate)).sum()
    )


def test_a_layer_may_hold_a_layer():
    nested = Layer(parts=[Layer(parts=[GENERALIZING]), GENERALIZING])
    flat = Layer(parts=[GENERALIZING, GENERALIZING])
    assert nested.predict().population_pmf == pytest.approx(flat.predict().population_pmf)
    same = (process.sample(100, rng=np.random.default_rng(2)) for process in (nested, flat))
    assert np.array_equal(*same)


def test_each_part_draws_what_it_would_draw_alone():
    rng = np.random.default_rng(8)
    apart = [part.sample(300, rng=rng) for part in LAYER.parts]
    together = LAYER.sample(300, rng=np.random.default_rng(8))
    assert np.array_equal(together, np.concatenate(apart, axis=1))


def test_parts_that_are_none_are_named():
    with pytest.raises(ValueError, match="parts must hold at least one process, got none"):
        Layer(parts=[])
    with pytest.raises(TypeError, match="parts must hold processes of Bernoulli units, got ndarray"):
        Layer(parts=[np.ones(3)])
