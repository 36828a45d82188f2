"""Processes of random parameters: units and pairs are as active, and counted as often, as predicted.

A unit's sum over independent examples is binomial, Poisson or negative binomial, so p-values are exact,
and so is the number of examples on which both units of a pair are active; the mean product of two counts
is nearly normal, with a variance from their joint law. The smallest of a kind of process, times their
number, raises an alarm below 1e-6. Parameters are drawn from a seed that hypothesis chooses, the same on
every machine.
"""

from itertools import combinations
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.special import ndtr, ndtri, pdtrc

from rote import simulate
from rote.simulate.counts import CountProcess
from rote.simulate.dispersed import extended_beta_binomial_pmf
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
    "dispersed": lambda rng, n: simulate.DispersedBernoulli(
        rate=spread(rng, n), dispersion=10 ** rng.uniform(-5, 0, n), window=N_EXAMPLES
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


class WindowLaw:
    """Law of each unit's count in one window."""

    def __init__(self, process):
        pmf = extended_beta_binomial_pmf(process.window, process.rate, process.dispersion)
        self.sums = np.cumsum(pmf, axis=1)

    def cdf(self, total):
        sums = np.take_along_axis(self.sums, np.maximum(total, 0)[:, None], axis=1)[:, 0]
        return np.where(total < 0, 0.0, sums)

    def sf(self, total):
        return 1 - self.cdf(total)


def total_law(process):
    """Law of each unit's sum over ``N_EXAMPLES`` independent examples."""
    rate = process.predict().rate
    if isinstance(process, simulate.DispersedBernoulli):  # all examples are one window
        return WindowLaw(process)
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


class Law(NamedTuple):
    """What is predicted, computed once."""

    rate: np.ndarray
    covariance: np.ndarray


def product_moments(process, law, i, j):
    """E[y_i y_j] as predicted, and the variance of the product by the algebra of each process."""
    one, two, covariance = law.rate[i], law.rate[j], law.covariance[i, j]
    mean = covariance + one * two
    if isinstance(process, Process):
        return mean, mean * (1 - mean)
    if isinstance(process, simulate.GammaPoisson):  # E[g²ʸ…] over Poisson factorial moments
        k = 1 / process.dispersion
        g2, g3, g4 = (np.prod(k + np.arange(n)) / k**n for n in (2, 3, 4))
        square = one * two * (g2 + (one + two) * g3 + one * two * g4)
    elif isinstance(process, simulate.OneFactorPoisson | simulate.PoissonCopula):
        square = copula_square(process, one, two, i, j)
    else:  # y_i = a + c, y_j = b + c: c are the events that both count
        c, a, b = covariance, one - covariance, two - covariance
        c2, c3, c4 = c + c**2, c + 3 * c**2 + c**3, c + 7 * c**2 + 6 * c**3 + c**4
        a2, b2 = a + a**2, b + b**2
        square = a2 * b2 + 2 * c * (a2 * b + a * b2) + c2 * (a2 + b2 + 4 * a * b) + 2 * c3 * (a + b) + c4
    return mean, square - mean**2


def copula_square(process, one, two, i, j):
    """E[y_i² y_j²]: given one factor of the two, E[y²] = Σ (2k - 1) P(y ≥ k)."""
    if isinstance(process, simulate.PoissonCopula):
        latent = process.latent_correlation[i, j]
    else:
        latent = process.loading[i] * process.loading[j]
    count = np.arange(1, 20 + 2 * int(max(one, two)))
    own, loading = np.sqrt(max(1 - abs(latent), 1e-6)), np.sqrt(abs(latent))
    z = np.linspace(-8.5, 8.5, 400 if own > 0.1 else 4000)  # a trapezoid sum, finer than own
    product = np.exp(-0.5 * z**2) / np.exp(-0.5 * z**2).sum()
    for rate, sign in ((one, 1.0), (two, np.sign(latent))):
        step = -ndtri(pdtrc(count - 1, rate))
        product = product * (ndtr((sign * loading * z[:, None] - step) / own) @ (2 * count - 1.0))
    return product.sum()


def pair_p(process, drawn):
    """P-values of the mean product of pairs: exact if binary; of counts where it is nearly normal."""
    drawn, predicted = drawn.astype(np.float64), process.predict()
    law = Law(predicted.rate, predicted.covariance)
    for i, j in combinations(range(min(5, process.n_units)), 2):
        mean, variance = product_moments(process, law, i, j)
        total, n = (drawn[:, i] * drawn[:, j]).sum(), len(drawn)
        if isinstance(process, Process):
            exact = stats.binom(n, np.clip(mean, 0, 1))
            yield min(1.0, 2 * min(exact.cdf(total), exact.sf(total - 1)))
        elif n * mean > 100 and n * mean**2 > 300 * variance:  # else its tails are long
            yield 2 * stats.norm.sf(abs(total - n * mean) / np.sqrt(n * variance))


@pytest.mark.parametrize("name", [name for name in BUILD if name != "dispersed"])
def test_pairs_drawn_have_the_covariance_predicted(name):
    """Examples of a dispersed layer are not independent, and its pairs are."""
    p_values, controls = [], []

    @settings(max_examples=3 * N_PROCESSES)
    @given(st.integers(2, 5), st.integers(0, 2**32 - 1))
    def hold(n_units, seed):
        rng = np.random.default_rng(seed)
        process = BUILD[name](rng, n_units)
        if getattr(process, "dispersion", 0) > 0.3:  # the sum of products has a heavy tail
            process = simulate.GammaPoisson(rate=process.rate, dispersion=0.3)
        wide = {} if isinstance(process, Process) else {"dtype": np.uint32}
        drawn = process.sample(20 * N_EXAMPLES, rng=rng, **wide)
        p_values.extend(pair_p(process, drawn))
        drawn[::3] = drawn[::3, ::-1][:, rng.permutation(process.n_units)]
        drawn[::3] *= (rng.random(process.n_units) < 0.5).astype(drawn.dtype)
        controls.extend(pair_p(process, drawn))

    hold()
    assert len(p_values) >= N_PROCESSES
    assert len(p_values) * min(p_values) > FALSE_ALARM
    assert len(controls) * min(controls) < FALSE_ALARM  # a third of the examples is another layer's


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
