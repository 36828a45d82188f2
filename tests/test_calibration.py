"""Intervals hold what they promise: coverage over draws from the prior, dense and sparse."""

import numpy as np
import pytest
from scipy import stats

from rote.activity.measurement import measure
from rote.inference.factor import loading_likelihood
from rote.simulate.dichotomized import DichotomizedGaussian
from rote.simulate.rates import BetaRates

N_RUNS = 100
FALSE_ALARM = 1e-6


def rank_of_truth(law, n_examples, rng):
    """Draw a loading and a layer; return the share of the exact posterior below the loading."""
    loading = rng.uniform(0, 0.9)
    process = DichotomizedGaussian(rate=law.sample(rng=rng), loading=loading)
    table = loading_likelihood(measure(process.sample(n_examples, rng=rng)))
    grid = np.linspace(table.low, table.high, 4001)
    weight = np.exp(table(grid) - table(grid).max())
    return np.interp(loading, grid, np.cumsum(weight) / weight.sum())


def coverage(law, n_examples, n_runs, rng):
    ranks = np.array([rank_of_truth(law, n_examples, rng) for _ in range(n_runs)])
    return np.count_nonzero((ranks > 0.05) & (ranks < 0.95)), ranks


@pytest.mark.slow
@pytest.mark.parametrize(
    ("law", "n_examples"),
    [
        pytest.param(BetaRates(n_units=64, mean=0.3, concentration=3), 1000, id="dense"),
        pytest.param(BetaRates(n_units=128, mean=0.01, concentration=2), 1000, id="sparse"),
        pytest.param(
            BetaRates(n_units=128, mean=0.3, concentration=3, dead_fraction=0.3), 1000, id="dead"
        ),
    ],
)
def test_interval_of_the_loading_covers(law, n_examples, rng):
    covered, _ = coverage(law, n_examples, N_RUNS, rng)
    assert stats.binom.cdf(covered, N_RUNS, 0.9) > FALSE_ALARM
