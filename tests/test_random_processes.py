"""Processes of random parameters: units are as active, and counted as often, as predicted.

A unit's sum over independent examples is binomial, Poisson or negative binomial, so p-values are exact;
the smallest of a kind of process, times their number, raises an alarm below 1e-6. Parameters are drawn
from a seed that hypothesis chooses, the same on every machine.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from rote import simulate
from rote.simulate.counts import CountProcess
from rote.simulate.process import Process

FALSE_ALARM = 1e-6  # chance that correct code fails one test
N_PROCESSES = 20  # of a kind
N_EXAMPLES = 1000


def spread(rng, n_units, most=1.0):
    """Rates from 1e-5 to ``most``, the ends of [0, 1] among them where 1 is allowed."""
    rate = most * 10 ** rng.uniform(-5, 0, n_units)
    certain = np.array([0.0, min(1.0, most)])[rng.integers(2, size=n_units)]
    return np.where(rng.random(n_units) < 0.2, certain, rate)


def vectors(rng, n_units, n_factors, longest):
    rows = rng.normal(size=(n_units, n_factors))
    length = rng.uniform(0, longest, n_units) if longest < 1 else np.ones(n_units)
    return rows * (length / np.linalg.norm(rows, axis=1))[:, None]


def latent(rng, n_units):
    rows = vectors(rng, n_units, n_units + 2, 1)
    return np.clip(rows @ rows.T, -1, 1) * (1 - np.eye(n_units)) + np.eye(n_units)


def wiring(rng, n_units):
    return rng.random((n_units, 3)) < 0.4


def independent(rng, n):
    return simulate.IndependentBernoulli(rate=spread(rng, n))


BUILD = {
    "independent": independent,
    "exchangeable": lambda rng, n: simulate.ExchangeableBernoulli(
        n_units=n,
        rate=rng.uniform(0.001, 0.999),
        correlation=rng.uniform(0.001, 0.99),
        mixing=rng.choice(["beta", "probit", "two-point"]),
    ),
    "dichotomized": lambda rng, n: simulate.DichotomizedGaussian(
        rate=spread(rng, n), loading=rng.uniform(-0.999, 0.999, n)
    ),
    "factors": lambda rng, n: simulate.FactorGaussian(
        rate=spread(rng, n), loading=vectors(rng, n, 3, 0.99)
    ),
    "latent": lambda rng, n: simulate.LatentGaussian(
        rate=spread(rng, n), latent_correlation=latent(rng, n)
    ),
    "classes": lambda rng, n: simulate.ClassConditional(
        class_probability=rng.dirichlet(np.ones(3)), class_rate=[spread(rng, n) for _ in range(3)]
    ),
    "features": lambda rng, n: simulate.SharedFeatures(
        feature_probability=spread(rng, 3), wiring=wiring(rng, n), noise=spread(rng, n)
    ),
    "frailty": lambda rng, n: simulate.GammaFrailty(
        rate=spread(rng, n, 0.99), shape=10 ** rng.uniform(-2, 3)
    ),
    "population": lambda rng, n: simulate.PopulationBernoulli(
        population_pmf=rng.dirichlet(np.full(n + 1, 0.3))
    ),
    "layer": lambda rng, n: simulate.Layer(parts=[independent(rng, n), independent(rng, 2)]),
    "mixed": lambda rng, n: simulate.MixedProcess(
        share=rng.dirichlet(np.ones(2)), parts=[independent(rng, n), independent(rng, n)]
    ),
    "poisson": lambda rng, n: simulate.IndependentPoisson(
        rate=spread(rng, n, 10 ** rng.uniform(-3, 2.5))
    ),
    "sources": lambda rng, n: simulate.CommonSources(
        own=spread(rng, n, most := 10 ** rng.uniform(-3, 2.5)),
        wiring=wiring(rng, n),
        source_rate=spread(rng, 3, most),
    ),
    "compound": lambda rng, n: simulate.CompoundPoisson(
        n_units=n, event_rate=10 ** rng.uniform(-3, 2), synchrony=rng.dirichlet(np.ones(n))
    ),
    "gamma": lambda rng, n: simulate.GammaPoisson(
        rate=spread(rng, n, 10 ** rng.uniform(-3, 2.5)), dispersion=10 ** rng.uniform(-3, 1)
    ),
    "factor": lambda rng, n: simulate.OneFactorPoisson(
        rate=spread(rng, n, 10 ** rng.uniform(-3, 2.5)), loading=rng.uniform(-0.99, 0.99, n)
    ),
    "copula": lambda rng, n: simulate.PoissonCopula(
        rate=spread(rng, n, 10 ** rng.uniform(-3, 2.5)), latent_correlation=latent(rng, n)
    ),
}


def total_law(process):
    """Law of each unit's sum over ``N_EXAMPLES`` independent examples."""
    rate = process.predict().rate
    if isinstance(process, Process):
        return stats.binom(N_EXAMPLES, np.clip(rate, 0, 1))
    if isinstance(process, simulate.GammaPoisson):  # sums of negative binomial counts are such again
        shape = 1 / process.dispersion
        return stats.nbinom(N_EXAMPLES * shape, shape / (shape + rate))
    return stats.poisson(N_EXAMPLES * rate)


def total_p(total, process):
    """Two-sided exact p-values of the units' sums."""
    law = total_law(process)
    return np.minimum(1, 2 * np.minimum(law.cdf(total), law.sf(total - 1)))


def test_every_public_process_is_built():
    public = (getattr(simulate, name) for name in simulate.__all__)
    kinds = {
        kind for kind in public if isinstance(kind, type) and issubclass(kind, Process | CountProcess)
    }
    built = {type(build(np.random.default_rng(0), 3)) for build in BUILD.values()}
    assert kinds == built


@pytest.mark.parametrize("name", BUILD)
def test_rates_drawn_are_those_predicted(name):
    p_values, controls = [], []

    @settings(max_examples=N_PROCESSES)
    @given(st.integers(1, 8), st.integers(0, 2**32 - 1))
    def hold(n_units, seed):
        rng = np.random.default_rng(seed)
        process = BUILD[name](rng, n_units)
        wide = {} if isinstance(process, Process) else {"dtype": np.uint32}
        total = process.sample(N_EXAMPLES, rng=rng, **wide).sum(axis=0, dtype=np.int64)
        events = process.sample_events(N_EXAMPLES, rng=rng, **wide).dense().sum(axis=0, dtype=np.int64)
        p_values.extend([*total_p(total, process), *total_p(events, process)])
        controls.extend(total_p(total // 2, process))

    hold()
    assert len(p_values) * min(p_values) > FALSE_ALARM
    assert len(controls) * min(controls) < FALSE_ALARM  # half of the activity is missed
