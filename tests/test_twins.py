"""Twins: draws at fitted parameters have the laws that go beside them."""

import numpy as np
import pytest
from scipy import stats

from rote.activity.alignment import align
from rote.simulate import DichotomizedGaussian
from rote.validate.twins import BAND, draw_twins

FALSE_ALARM = 1e-6


@pytest.fixture
def layer(rng):
    loading = np.where(rng.random(30) < 0.4, -0.5, 0.5)
    process = DichotomizedGaussian(rate=rng.uniform(0.1, 0.9, 30), loading=loading)
    return align(process.sample(4000, rng=rng))


def test_drawn_counts_follow_the_law_beside_them(layer, rng):
    population = draw_twins(layer, np.full(100, 0.5), rng=rng, n_replicates=1).population
    for _, counts in population.groupby("counted"):
        likely = counts["predicted"] > 8
        seen = np.append(counts["drawn"][likely], counts["drawn"][~likely].sum())
        due = np.append(counts["predicted"][likely], counts["predicted"][~likely].sum())
        assert stats.chisquare(seen, due * seen.sum() / due.sum()).pvalue > FALSE_ALARM
        wrong = draw_twins(layer, np.full(100, 0.2), rng=rng, n_replicates=1).population
        wrong = wrong[wrong["counted"] == "aligned"]["drawn"].to_numpy()
        aligned = population[population["counted"] == "aligned"]["predicted"].to_numpy()
        likely = aligned > 8
        control = stats.chisquare(
            wrong[likely], aligned[likely] * wrong[likely].sum() / aligned[likely].sum()
        )
        assert control.pvalue < FALSE_ALARM


def test_the_recorded_counts_are_those_of_the_layer(layer, rng):
    twins = draw_twins(layer, np.full(10, 0.5), rng=rng, n_replicates=3)
    for counted, statistics in (("active", layer.recorded), ("aligned", layer.aligned)):
        table = twins.population[twins.population["counted"] == counted]
        assert table["recorded"].tolist() == statistics.population_histogram.tolist()
        assert (table["drawn_low"] <= table["drawn_high"]).all()
        assert table["predicted"].sum() == pytest.approx(statistics.n_examples)
    assert twins.statistics["replicate"].tolist() == [0, 1, 2]
    assert (twins.statistics["n_examples"] == layer.recorded.n_examples).all()
    assert BAND == (0.05, 0.95)  # as the captions say
