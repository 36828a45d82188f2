"""Alignment: finds the signs of a common factor, and no correlation where there is none."""

import numpy as np
import pytest
from scipy import stats

from rote.activity.alignment import align
from rote.simulate import DichotomizedGaussian, IndependentBernoulli

FALSE_ALARM = 1e-6
N_UNITS, N_EXAMPLES = 40, 4000


def excess_variance(statistics):
    """How many standard errors the population variance lies above that of independent units."""
    counts = np.arange(statistics.n_units + 1)
    share = statistics.population_histogram / statistics.n_examples
    variance = share @ counts**2 - (share @ counts) ** 2
    independent = (statistics.rate * (1 - statistics.rate)).sum()
    return (variance / independent - 1) / np.sqrt(2 / statistics.n_examples)


def test_signs_of_a_factor_are_found(rng):
    loading = np.where(rng.random(N_UNITS) < 0.5, -0.6, 0.6)
    process = DichotomizedGaussian(rate=np.full(N_UNITS, 0.4), loading=loading)
    layer = align(process.sample(N_EXAMPLES, rng=rng))
    agree = (layer.turned == (loading < 0)).mean()
    assert agree in (0, 1)  # which side is turned is a matter of convention
    assert excess_variance(layer.aligned) > stats.norm.isf(FALSE_ALARM)


def test_independent_units_stay_uncorrelated(rng):
    """The half that is counted did not choose the signs; counted on itself, the choice would show."""
    active = IndependentBernoulli(rate=np.full(N_UNITS, 0.4)).sample(N_EXAMPLES, rng=rng)
    layer = align(active)
    assert abs(excess_variance(layer.aligned)) < stats.norm.isf(FALSE_ALARM / 2)
    mirrored = align(np.repeat(active[::2], 2, axis=0))  # the counted half repeats the choosing one
    assert excess_variance(mirrored.aligned) > stats.norm.isf(FALSE_ALARM)


def test_turning_changes_no_squared_correlation(rng):
    active = rng.random((200, 7)) < rng.random(7)
    layer = align(active)
    assert layer.aligned.correlation**2 == pytest.approx(layer.recorded.correlation**2)
    assert layer.aligned.participation_ratio == pytest.approx(layer.recorded.participation_ratio)
    assert layer.recorded.n_examples == 100


def test_examples_are_split_by_presentation(rng):
    active = rng.random((50, 5)) < 0.5
    order = rng.permutation(50)
    direct = align(active[np.argsort(order)])
    assert (align(active, order=order).recorded.active_count == direct.recorded.active_count).all()


def test_too_few_examples_are_named(rng):
    with pytest.raises(ValueError, match="aligning needs four examples, got 3"):
        align(rng.random((3, 2)) < 0.5)
