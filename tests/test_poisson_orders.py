"""Parameters of Poisson processes: orders of synchrony, shared sources, gains, and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from rote.simulate.common_sources import CommonSources
from rote.simulate.compound import CompoundPoisson
from rote.simulate.count_laws import compound_poisson_pmf, negative_binomial_pmf
from rote.simulate.gamma_poisson import GammaPoisson
from rote.simulate.one_factor_poisson import OneFactorPoisson
from rote.simulate.poisson import IndependentPoisson

N_EXAMPLES = 40_000


def third_p(counts, rate, cumulant):
    """P-value of the mean over triples of units of products of deviations; its law is skewed, so 1.2."""
    first, second, third = ((counts - rate) ** power for power in (1, 2, 3))
    sums = first.sum(axis=1), second.sum(axis=1), third.sum(axis=1)
    triples = (sums[0] ** 3 - 3 * sums[0] * sums[1] + 2 * sums[2]) / 6
    n = counts.shape[1]
    gap = triples.mean() - cumulant * n * (n - 1) * (n - 2) / 6
    return 2 * stats.norm.sf(abs(gap) / (1.2 * triples.std() / np.sqrt(len(triples))))


def test_layers_with_the_same_pairs_differ_in_triples(rng, agrees, rejects):
    pairs, tens = (
        CompoundPoisson.from_correlation(n_units=12, rate=0.7, correlation=0.08, order=order)
        for order in (2, 10)
    )
    assert pairs.predict().covariance == pytest.approx(tens.predict().covariance)
    assert pairs.joint_cumulant(3) == 0
    for process, other in ((pairs, tens), (tens, pairs)):
        counts = process.sample(N_EXAMPLES, rng=rng).astype(np.float64)
        assert agrees(third_p(counts, 0.7, process.joint_cumulant(3)))
        assert rejects(third_p(counts, 0.7, other.joint_cumulant(3)))


def test_joint_cumulants_count_the_events_that_hit_all():
    """A joint cumulant of units hit by the same events is the rate of events that hit them all."""
    process = CompoundPoisson(n_units=5, event_rate=2.0, synchrony=[0.1, 0.2, 0.0, 0.3, 0.4])
    size = np.arange(1, 6)
    for order in range(1, 6):
        chance = stats.hypergeom.pmf(order, 5, order, size)  # that a set of A holds these units
        assert process.joint_cumulant(order) == pytest.approx(2.0 * (process.synchrony @ chance))
    assert process.joint_cumulant(5) == pytest.approx(0.8)


@given(st.integers(2, 40), st.floats(0, 20), st.floats(0, 1), st.data())
def test_compound_from_correlation_keeps_its_promise(n_units, rate, share, data):
    order = data.draw(st.integers(2, n_units))
    correlation = share * (order - 1) / (n_units - 1)
    process = CompoundPoisson.from_correlation(
        n_units=n_units, rate=rate, correlation=correlation, order=order
    )
    predicted = process.predict()
    assert predicted.rate == pytest.approx(np.full(n_units, rate))
    if rate > 1e-6:
        assert predicted.correlation[0, 1] == pytest.approx(correlation, abs=1e-12)


@given(st.lists(st.floats(0.01, 20), min_size=2, max_size=6), st.floats(0, 1))
def test_one_source_keeps_its_promise(rates, share):
    rate = np.array(rates)
    most = np.mean([min(rate) / np.sqrt(a * b) for i, a in enumerate(rate) for b in rate[:i]])
    process = CommonSources.from_correlation(rate=rate, correlation=share * most)
    predicted = process.predict()
    assert predicted.rate == pytest.approx(rate)
    assert predicted.pair_correlation.mean() == pytest.approx(share * most)


def test_panjer_equals_the_sum_over_numbers_of_events():
    event_rate = np.array([0.7, 0.0, 0.4, 0.1])
    pmf = compound_poisson_pmf(event_rate)
    law, step = np.zeros(400), np.ones(1)
    for n_events in range(60):
        law[: step.size] += stats.poisson.pmf(n_events, event_rate.sum()) * step
        step = np.convolve(step, np.concatenate([[0], event_rate / event_rate.sum()]))
    assert pmf == pytest.approx(law[: pmf.size], rel=1e-11, abs=1e-17)


@pytest.mark.parametrize("rate", [1e-9, 3.0, 744.0, 5000.0, 2e5])
def test_panjer_of_single_events_is_poisson(rate):
    pmf = compound_poisson_pmf([rate])
    expected = stats.poisson.pmf(np.arange(pmf.size), rate)
    assert pmf == pytest.approx(expected, rel=3e-9, abs=1e-16)  # SciPy's rounding, at the greatest rate
    assert pmf.sum() == pytest.approx(1, abs=1e-13)


@pytest.mark.parametrize("dispersion", [1e-3, 0.1, 1.0, 30.0])
@pytest.mark.parametrize("mean", [1e-6, 2.0, 300.0])
def test_negative_binomial_law(mean, dispersion):
    pmf = negative_binomial_pmf(mean, dispersion)
    shape = 1 / dispersion
    expected = stats.nbinom.pmf(np.arange(pmf.size), shape, shape / (shape + mean))
    assert pmf == pytest.approx(expected, rel=1e-7, abs=1e-15)
    assert pmf.sum() == pytest.approx(1, abs=1e-13)


def test_without_dispersion_the_negative_binomial_law_is_poisson():
    pmf = negative_binomial_pmf(5.0, 1e-9)
    assert pmf == pytest.approx(stats.poisson.pmf(np.arange(pmf.size), 5.0), rel=1e-6, abs=1e-16)


@pytest.mark.parametrize(("rate", "dispersion"), [(60.0, 0.2), (300.0, 0.05), (0.001, 500.0)])
def test_gains_of_every_regime_give_negative_binomial_counts(rate, dispersion, rng, agrees):
    """By table and events, cell by cell, and by events alone."""
    process = GammaPoisson(rate=[rate, rate / 3], dispersion=dispersion)
    counts = process.sample(20_000, rng=rng, dtype=np.uint16)
    shape = 1 / dispersion
    p_values = []
    for column, mean in zip(counts.T, process.rate, strict=True):
        law = stats.nbinom(shape, shape / (shape + mean))
        edges = np.unique(law.ppf(np.linspace(0, 1, 31)[1:-1]))
        due = np.diff(law.cdf(edges), prepend=0, append=1)
        seen = np.bincount(np.searchsorted(edges, column), minlength=due.size)
        p_values.append(stats.chisquare(seen, 20_000 * due).pvalue)
    assert agrees(p_values)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: IndependentPoisson(rate=[1, -0.5]),
            r"rate must lie in \[0, 2\*\*29\], got -0\.5 at unit 1",
        ),
        (lambda: IndependentPoisson(rate=[2.0**30]), r"rate must lie in \[0, 2\*\*29\], got 1073741824"),
        (lambda: IndependentPoisson(rate=[np.nan]), "rate must be finite, got nan"),
        (lambda: IndependentPoisson(rate=[]), r"rate must have shape \(n_units,\), got \(0,\)"),
        (lambda: IndependentPoisson(rate=3.0), r"rate must have shape \(n_units,\), got \(\)"),
        (
            lambda: CommonSources(own=[1, 1], wiring=[[1]], source_rate=[1]),
            r"wiring must have shape \(n_units, n_sources\) = \(2, 1\), got \(1, 1\)",
        ),
        (
            lambda: CommonSources(own=[1, 1], wiring=[[1], [2]], source_rate=[1]),
            "wiring must be 0 or 1, .* got 2 at unit 1, source 0",
        ),
        (
            lambda: CommonSources(own=[1], wiring=[[1]], source_rate=1.0),
            r"source_rate must have shape \(n_sources,\), got \(\)",
        ),
        (
            lambda: CommonSources(own=[2.0**29], wiring=[[1]], source_rate=[1]),
            r"rates must lie in \[0, 2\*\*29\], got 536870913\.0 at unit 0",
        ),
        (
            lambda: CommonSources.from_correlation(rate=[1, 4.0], correlation=0.6),
            r"in \[0, 0\.5\] .* got 0\.6: units 0 and 1, of rates 1 and 4, share at most 1, .* 0\.5",
        ),
        (
            lambda: CommonSources.from_correlation(rate=[1, 4.0], correlation=-0.1),
            r"correlation must lie in \[0, 0\.5\] with one source for all, got -0\.1",
        ),
        (
            lambda: CommonSources.from_correlation(rate=[1.0], correlation=0.1),
            "rate must hold two units or more, all above 0",
        ),
        (
            lambda: CompoundPoisson(n_units=2, event_rate=1, synchrony=[0.5, 0.2, 0.3]),
            r"synchrony must have shape \(n,\), n at most n_units = 2, got \(3,\)",
        ),
        (
            lambda: CompoundPoisson(n_units=2, event_rate=1, synchrony=[0.5, 0.2]),
            r"synchrony must sum to 1, got 0\.7",
        ),
        (
            lambda: CompoundPoisson(n_units=2, event_rate=-1.0, synchrony=[1.0]),
            r"event_rate must lie in \[0, 2\*\*29\], got -1\.0",
        ),
        (
            lambda: CompoundPoisson.from_correlation(n_units=11, rate=1, correlation=0.4, order=4),
            r"correlation must lie in \[0, 0\.3\] for events of order 4 among 11 units, got 0\.4",
        ),
        (
            lambda: CompoundPoisson.from_correlation(n_units=3, rate=1, correlation=0.4, order=4),
            "order must be at most n_units = 3, got 4",
        ),
        (
            lambda: CompoundPoisson(n_units=2, event_rate=1, synchrony=[1.0]).joint_cumulant(3),
            "order must be at most n_units = 2, got 3",
        ),
        (
            lambda: GammaPoisson(rate=[1.0], dispersion=0.0),
            r"dispersion must lie in \[1e-9, 1000\], got 0\.0",
        ),
        (lambda: OneFactorPoisson(rate=[1.0], loading=1.0), r"loading must lie in \(-1, 1\), got 1\.0"),
        (
            lambda: OneFactorPoisson(rate=[1e5], loading=0.1),
            r"rate must lie in \[0, 10000\], got 100000\.0 at unit 0",
        ),
    ],
)
def test_what_is_impossible_is_named(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_a_gain_beyond_all_counts_ends_the_draw(rng):
    with pytest.raises(OverflowError, match=r"counts above 2\*\*29 are not drawn, got a mean of"):
        GammaPoisson(rate=[2.0**29], dispersion=1.0).sample(100, rng=rng, dtype=np.uint32)


def test_a_number_where_one_is_wanted():
    with pytest.raises(TypeError, match=r"dispersion must be one number, got shape \(2,\)"):
        GammaPoisson(rate=[1.0], dispersion=[0.1, 0.2])
    with pytest.raises(TypeError, match=r"n_units must be a whole number, got 2\.5"):
        CompoundPoisson(n_units=2.5, event_rate=1, synchrony=[1.0])
