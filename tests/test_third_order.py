"""Beyond pairs: three units together, by independent algebra, against draws and layers of equal pairs.

A layer whose point is its higher orders must be told from another of the same rates and the same pair
correlations, which a test of pairs cannot do. Of activity: how often all three units of a triple are
active; the layer of equal pairs is the dichotomized Gaussian. Of counts: the joint third cumulant
E[(y_i - λ_i)(y_j - λ_j)(y_k - λ_k)]; the layer of equal pairs is the Gaussian copula.
"""

from itertools import combinations

import numpy as np
import pytest
from scipy import integrate, stats
from scipy.special import ndtr, ndtri

from rote.simulate import (
    ClassConditional,
    CommonSources,
    CompoundPoisson,
    ExchangeableBernoulli,
    GammaFrailty,
    GammaPoisson,
    LatentGaussian,
    PoissonCopula,
    PopulationBernoulli,
    SharedFeatures,
    latent_correlation,
)

N_EXAMPLES = 400_000
RATE = np.array([0.1, 0.2, 0.3, 0.15])
MEAN = np.array([0.5, 1.0, 0.7, 1.5])
TRIPLES = list(combinations(range(4), 3))


def beta_triple(process, _units):
    """E[P³] of P ~ Beta(a, b): rising factorials."""
    s = 1 / process.correlation - 1
    a = process.rate * s
    return a * (a + 1) * (a + 2) / (s * (s + 1) * (s + 2))


def two_point_triple(process, _units):
    """A unit copies the coin with probability √ρ: over how many of three do."""
    share, p = np.sqrt(process.correlation), process.rate
    copies = stats.binom.pmf(np.arange(4), 3, share)
    return copies @ [p**3, p * p**2, p * p, p]


def population_triple(process, _units):
    """Of C(N, n) subsets, C(N - 3, n - 3) hold three given units: hypergeometric."""
    n = np.arange(process.n_units + 1)
    return process.population_pmf @ stats.hypergeom.pmf(3, process.n_units, n, 3)


def features_triple(process, units):
    """Sum over all sets of present features."""
    wiring, probability = process.wiring.toarray()[list(units)], process.feature_probability
    total = 0.0
    for code in range(2**probability.size):
        present = (code >> np.arange(probability.size)) & 1 == 1
        chance = np.where(present, probability, 1 - probability).prod()
        total += (
            chance * np.where(wiring[:, present].any(axis=1), 1.0, process.noise[list(units)]).prod()
        )
    return total


def frailty_triple(process, units):
    """E Π (1 - exp(-g h_i)) by adaptive quadrature over the density of g."""
    k = process.shape
    h = k * ((1 - process.rate[list(units)]) ** (-1 / k) - 1)
    law = stats.gamma(k, scale=1 / k)
    return integrate.quad(lambda g: law.pdf(g) * np.prod(-np.expm1(-g * h)), 0, np.inf, limit=400)[0]


def class_triple(process, units):
    """The mean over classes of products of rates."""
    return process.class_probability @ process.class_rate[:, list(units)].prod(axis=1)


def probit_triple(process, _units):
    """E[P³] over the factor: an orthant of three normal variables."""
    loading = np.sqrt(latent_correlation(process.rate, process.rate, process.correlation))
    h, own = ndtri(process.rate), np.sqrt(1 - loading**2)

    def integrand(z):
        return stats.norm.pdf(z) * ndtr((h + loading * z) / own) ** 3

    return integrate.quad(integrand, -9, 9, epsabs=1e-14)[0]


ACTIVE = {
    "population": (PopulationBernoulli(population_pmf=[0.5, 0.2, 0.1, 0.0, 0.2]), population_triple),
    "features": (
        SharedFeatures(
            feature_probability=[0.2, 0.1], wiring=[[0], [0, 1], [0, 1], [0]], noise=[0.2, 0.1, 0.2, 0.2]
        ),
        features_triple,
    ),
    "classes": (
        ClassConditional(class_probability=[0.1, 0.9], class_rate=[[0.7, 0.8, 0.6, 0.9], RATE / 2]),
        class_triple,
    ),
}


def active_p(active, chances):
    """Exact p-values of how many examples have all units of each triple active."""
    count = [int(active[:, units].all(axis=1).sum()) for units in TRIPLES]
    return [
        stats.binomtest(n, len(active), chance).pvalue for n, chance in zip(count, chances, strict=True)
    ]


@pytest.mark.parametrize("name", ACTIVE)
def test_three_units_are_active_together_unlike_a_layer_of_equal_pairs(name, rng, agrees, rejects):
    process, triple = ACTIVE[name]
    predicted = process.predict()
    equal_pairs = LatentGaussian.from_correlation(rate=predicted.rate, correlation=predicted.correlation)
    assert equal_pairs.predict().covariance == pytest.approx(predicted.covariance, rel=1e-9)
    chances = [triple(process, units) for units in TRIPLES]
    assert agrees(active_p(process.sample(N_EXAMPLES, rng=rng), chances))
    assert agrees(active_p(process.sample_events(N_EXAMPLES, rng=rng).dense(), chances))
    assert rejects(active_p(equal_pairs.sample(N_EXAMPLES, rng=rng), chances))


def exchangeable(mixing, correlation=0.15, rate=0.1):
    return ExchangeableBernoulli(n_units=60, rate=rate, correlation=correlation, mixing=mixing)


CROWDS = {  # of units that are all alike; three of them hardly tell the laws apart
    "beta": (exchangeable("beta"), beta_triple),
    "two-point": (exchangeable("two-point"), two_point_triple),
    "probit": (exchangeable("probit"), probit_triple),
    "frailty": (GammaFrailty(rate=np.full(60, 0.03), shape=0.3), frailty_triple),
}


def crowd_p(active, chance):
    """P-value of the mean share of triples that are active; 1.2 standard errors, as it is skewed."""
    n = active.sum(axis=1, dtype=np.float64)
    share = n * (n - 1) * (n - 2) / (60 * 59 * 58)
    return 2 * stats.norm.sf(abs(share.mean() - chance) / (1.2 * share.std() / np.sqrt(len(share))))


@pytest.mark.parametrize("name", CROWDS)
def test_triples_of_a_crowd_are_unlike_those_of_equal_pairs(name, rng, agrees, rejects):
    process, triple = CROWDS[name]
    correlation = process.predict().correlation[0, 1]
    equal_pairs = exchangeable(
        "two-point" if name == "probit" else "probit", correlation, process.predict().rate[0]
    )
    assert equal_pairs.predict().covariance == pytest.approx(process.predict().covariance, rel=1e-9)
    chance = triple(process, (0, 1, 2))
    assert agrees(crowd_p(process.sample(N_EXAMPLES, rng=rng), chance))
    assert rejects(crowd_p(equal_pairs.sample(N_EXAMPLES, rng=rng), chance))


def compound_cumulant(process, _units):
    """Events that hit three given units: of C(N, A) sets, C(N - 3, A - 3) do."""
    size = np.arange(1, process.synchrony.size + 1)
    return process.event_rate * process.synchrony @ stats.hypergeom.pmf(3, process.n_units, size, 3)


def sources_cumulant(process, units):
    """Cumulants add over sources, and all of a Poisson count's are its mean."""
    return process.source_rate @ process.wiring[list(units)].all(axis=0)


def gain_cumulant(process, units):
    """λ_i λ_j λ_k times the third cumulant of a Gamma gain of mean 1, 2 φ²."""
    return 2 * process.dispersion**2 * process.rate[list(units)].prod()


COUNTED = {
    "compound": (
        CompoundPoisson(n_units=4, event_rate=1.5, synchrony=[0.7, 0, 0, 0.3]),
        compound_cumulant,
    ),
    "sources": (
        CommonSources(own=MEAN / 2, wiring=[[1, 1], [1, 1], [1, 0], [1, 1]], source_rate=[0.3, 0.1]),
        sources_cumulant,
    ),
    "gain": (GammaPoisson(rate=MEAN, dispersion=0.6), gain_cumulant),
}


def counted_p(counts, rate, cumulants):
    """P-values of mean products of deviations; 1.2 standard errors for one, as their law is skewed."""
    deviation = counts - rate
    products = np.array([deviation[:, units].prod(axis=1) for units in TRIPLES])
    error = products.std(axis=1) / np.sqrt(len(counts))
    return 2 * stats.norm.sf(np.abs(products.mean(axis=1) - cumulants) / (1.2 * error))


@pytest.mark.parametrize("name", COUNTED)
def test_three_units_are_counted_together_unlike_a_layer_of_equal_pairs(name, rng, agrees, rejects):
    process, cumulant = COUNTED[name]
    predicted = process.predict()
    cumulants = np.array([cumulant(process, units) for units in TRIPLES])
    assert agrees(counted_p(process.sample(N_EXAMPLES, rng=rng), predicted.rate, cumulants))
    if name == "gain":  # no Poisson counts, whose Fano factor is 1, have its pairs
        other = CommonSources.from_correlation(rate=MEAN, correlation=0.3)
    else:
        other = PoissonCopula.from_correlation(rate=predicted.rate, correlation=predicted.correlation)
        assert other.predict().covariance == pytest.approx(predicted.covariance, rel=1e-9)
    assert rejects(counted_p(other.sample(N_EXAMPLES, rng=rng), predicted.rate, cumulants))
