"""Exchangeable activity by the law of its population count: third order, bounds, twin, errors."""

from itertools import combinations

import numpy as np
import pytest
from scipy import optimize, stats

from rote.simulate.exchangeable import ExchangeableBernoulli
from rote.simulate.population_law import PopulationBernoulli, least_correlation

SYNCHRONY = PopulationBernoulli(population_pmf=[0.5, 0.0, 0.1, 0.2, 0.0, 0.2])  # of five units


def subset_p(active, units, chance):
    """Two-sided p-value of how many examples have all of ``units`` active."""
    count = active[:, list(units)].all(axis=1).sum()
    return stats.binomtest(int(count), len(active), chance).pvalue


def test_three_units_are_active_together_as_often_as_predicted(rng, agrees, rejects):
    active = SYNCHRONY.sample(20_000, rng=rng)
    triples = list(combinations(range(5), 3))
    p = [subset_p(active, units, SYNCHRONY.all_active(3)) for units in triples]
    independent = SYNCHRONY.all_active(1) ** 3
    assert agrees(p)
    assert rejects([subset_p(active, units, independent) for units in triples])


def test_every_subset_of_a_size_is_as_likely(rng, agrees):
    """Both ways of choosing: two of five units, and all but two of them."""
    process = PopulationBernoulli(population_pmf=[0, 0, 0.5, 0.5, 0, 0])
    active = process.sample(20_000, rng=rng)
    codes = active @ (1 << np.arange(5))
    seen = np.bincount(codes, minlength=32)
    due = np.where(np.isin(np.bitwise_count(np.arange(32)), (2, 3)), 1000.0, 0.0)
    assert seen[due == 0].sum() == 0
    assert agrees(stats.chisquare(seen[due > 0], due[due > 0]).pvalue)


def test_joint_probabilities_are_those_of_a_count_over_subsets():
    """By enumeration: of C(5, n) equally likely subsets, C(5 - m, n - m) hold m given units."""
    for order in range(1, 6):
        subsets = [set(s) for n in range(6) for s in combinations(range(5), n)]
        chance = [
            SYNCHRONY.population_pmf[len(s)] / sum(len(t) == len(s) for t in subsets) for s in subsets
        ]
        due = sum(p for s, p in zip(subsets, chance, strict=True) if set(range(order)) <= s)
        assert SYNCHRONY.all_active(order) == pytest.approx(due)


def test_a_de_finetti_law_gives_back_the_mixture():
    mixture = ExchangeableBernoulli(n_units=12, rate=0.2, correlation=0.3, mixing="beta").predict()
    again = PopulationBernoulli(population_pmf=mixture.population_pmf).predict()
    assert again.covariance == pytest.approx(mixture.covariance)


@pytest.mark.parametrize(("n_units", "rate"), [(2, 0.5), (9, 0.3), (10, 0.3), (100, 0.017), (7, 0.99)])
def test_the_least_correlation_is_reached_and_no_lower_one_exists(n_units, rate):
    least = least_correlation(n_units, rate)
    process = PopulationBernoulli.from_correlation(n_units=n_units, rate=rate, correlation=least)
    assert process.predict().correlation[0, 1] == pytest.approx(least)
    assert process.predict().rate[0] == pytest.approx(rate)
    assert np.count_nonzero(process.population_pmf > 1e-12) <= 2
    # no law of this mean has a lower variance: a linear programme over all laws agrees
    counts = np.arange(n_units + 1)
    best = optimize.linprog(
        counts**2.0, A_eq=[np.ones(n_units + 1), counts], b_eq=[1, n_units * rate], bounds=(0, 1)
    )
    variance = best.fun - (n_units * rate) ** 2
    free = n_units * rate * (1 - rate)
    assert (variance - free) / ((n_units - 1) * free) == pytest.approx(least, abs=1e-9)


def test_negative_correlations_between_are_met():
    for wanted in (0.0, -1e-6, -0.05, -0.1):
        process = PopulationBernoulli.from_correlation(n_units=8, rate=0.25, correlation=wanted)
        assert process.predict().correlation[0, 1] == pytest.approx(wanted, abs=1e-15)


@pytest.mark.parametrize(
    ("pmf", "message"),
    [
        ([1.0], r"population_pmf must hold at least 2 probabilities in a row, got shape \(1,\)"),
        ([[0.5, 0.5]], r"got shape \(1, 2\)"),
        ([0.5, 0.6], "population_pmf must sum to 1, got 1.1"),
        ([1.5, -0.5], "population_pmf must not be negative, got -0.5 at 1"),
        ([np.nan, 1.0], "population_pmf must be finite, got nan"),
    ],
)
def test_impossible_laws_are_named(pmf, message):
    with pytest.raises(ValueError, match=message):
        PopulationBernoulli(population_pmf=pmf)


def test_unreachable_correlations_name_their_bound():
    with pytest.raises(
        ValueError, match=r"must lie in \[-0.111111, 0\] for 10 units of rate 0.3, got -0.2"
    ):
        PopulationBernoulli.from_correlation(n_units=10, rate=0.3, correlation=-0.2)
    with pytest.raises(ValueError, match=r"got 0\.1; ExchangeableBernoulli draws positive ones"):
        PopulationBernoulli.from_correlation(n_units=10, rate=0.3, correlation=0.1)
    with pytest.raises(ValueError, match="n_units must be at least 2, got 1"):
        least_correlation(1, 0.3)
    with pytest.raises(ValueError, match=r"order must be at most n_units=5, got 6"):
        SYNCHRONY.all_active(6)
