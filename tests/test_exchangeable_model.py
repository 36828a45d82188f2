"""The exchangeable model: graph, quadrature and Cochran's Q against other algebra; fits (slow)."""

from dataclasses import fields, replace
from itertools import combinations, product

import numpy as np
import pytest
from scipy import integrate, stats
from scipy.special import beta, betaln, logit

from rote.activity.measurement import measure
from rote.inference.exchangeable import (
    ExchangeablePrior,
    cochran_moments,
    exact_log_likelihood,
    exact_posterior,
    exchangeable_model,
    one_rate_p_value,
)
from rote.inference.fitting import fit
from rote.simulate import BetaRates, ExchangeableBernoulli, IndependentBernoulli

POINTS = [(0.2, 0.3), (0.02, 0.001), (0.9, 0.8)]
LAYERS = {
    "dense": (32, 500, 0.3, 0.1),
    "weak": (32, 500, 0.2, 0.01),
    "independent": (64, 2000, 0.5, 1e-12),
    "rare": (200, 300, 0.02, 0.4),
}


def layer_of(rng, n_units=12, n_examples=60, rate=0.3, correlation=0.2):
    process = ExchangeableBernoulli(n_units=n_units, rate=rate, correlation=correlation, mixing="beta")
    return measure(process.sample(n_examples, rng=rng), pairs=False)


def point_at(rate, correlation):
    return {"rate_logodds__": logit(rate), "correlation_logodds__": logit(correlation)}


@pytest.fixture(scope="module")
def likelihood():
    """A function of layer, rate and correlation, compiled once: the data are given with the point."""
    model = exchangeable_model(layer_of(np.random.default_rng(1)))
    compiled = model.compile_logp(vars=model.potentials, mode="FAST_COMPILE")

    def at(layer, rate, correlation):
        other = exchangeable_model(layer)
        for data in model.data_vars:
            data.set_value(other[data.name].get_value())
        return float(compiled(point_at(rate, correlation)))

    return at


def by_scipy(layer, rate, correlation):
    law = stats.betabinom(
        layer.n_units, rate * (1 / correlation - 1), (1 - rate) * (1 / correlation - 1)
    )
    return layer.population_histogram @ law.logpmf(np.arange(layer.n_units + 1))


@pytest.mark.parametrize(("rate", "correlation"), POINTS)
@pytest.mark.parametrize(("n_units", "n_examples"), [(12, 60), (30, 7), (1, 20)])
def test_likelihood_is_the_beta_binomial(n_units, n_examples, rate, correlation, likelihood, rng):
    layer = layer_of(rng, n_units, n_examples)
    due = pytest.approx(by_scipy(layer, rate, correlation), rel=1e-9)
    assert likelihood(layer, rate, correlation) == due
    assert exact_log_likelihood(layer, np.array(rate), np.array(correlation)) == due


@pytest.mark.parametrize("correlation", [1e-6, 1e-12, 1e-15])
def test_without_correlation_the_likelihood_is_binomial(correlation, likelihood, rng):
    """The Beta-binomial in log-gammas has no digits left there; rising products do."""
    layer = layer_of(rng)
    law = stats.binom(layer.n_units, 0.3)
    due = layer.population_histogram @ law.logpmf(np.arange(layer.n_units + 1))
    assert likelihood(layer, 0.3, correlation) == pytest.approx(
        due, rel=10 * correlation + 1e-12, abs=0.01
    )
    assert likelihood(layer, 0.3, 1e-12) == pytest.approx(due, rel=1e-9)


def test_parameters_share_the_process_names(rng):
    names = {variable.name for variable in exchangeable_model(layer_of(rng)).free_RVs}
    process = {field.name for field in fields(ExchangeableBernoulli)}
    assert names == process - {"n_units", "mixing"}


@pytest.mark.parametrize("population", [[1, 2, 3], [1, 1, 1, 2], [2, 2, 3, 0], [1, 3, 1, 3, 4], [2]])
def test_moments_of_q_are_those_of_all_permutations(population):
    n_units, q = 4, []
    ways = [list(combinations(range(n_units), n)) for n in population]
    spread = sum(n * (n_units - n) / n_units for n in population)
    for choice in product(*ways):
        counts = np.bincount(np.concatenate([*choice, ()]).astype(int), minlength=n_units)
        q.append((n_units - 1) * np.square(counts - counts.mean()).sum() / spread)
    seen = np.bincount(population, minlength=n_units + 1)
    due = np.mean(q), np.var(q), np.mean((q - np.mean(q)) ** 3)
    assert cochran_moments(seen) == pytest.approx(due, abs=1e-9)


def p_values_of(layers, rng):
    """The same statistics as :func:`measure` has, without all the others."""
    base, n = layer_of(rng, n_units=layers.shape[2]), np.arange(layers.shape[2] + 1)
    for active in layers:
        seen = (active.sum(axis=1)[:, None] == n).sum(axis=0)
        one = replace(base, population_histogram=seen, active_count=active.sum(axis=0))
        yield one_rate_p_value(one)


@pytest.mark.parametrize("mixing", ["beta", "two-point"])
def test_p_values_of_alike_units_are_uniform_and_of_others_not(mixing, agrees, rejects, rng):
    """Whatever the correlation and its mixing; rates that differ by 8 % are noticed over 1000 layers."""
    process = ExchangeableBernoulli(n_units=20, rate=0.3, correlation=0.2, mixing=mixing)
    active = process.sample(1000 * 150, rng=rng).reshape(1000, 150, 20)
    silenced = active & (rng.random(active.shape) < np.linspace(0.75, 1, 20))
    alike, other = (
        stats.kstest([*p_values_of(layers, rng)], "uniform") for layers in (active, silenced)
    )
    assert agrees(alike.pvalue)
    assert rejects(other.pvalue)


def test_units_of_two_rates_are_refused(rng):
    rate = BetaRates(n_units=32, mean=0.3, concentration=30.0).sample(rng=rng)
    layer = measure(IndependentBernoulli(rate=rate).sample(2000, rng=rng), pairs=False)
    assert one_rate_p_value(layer) < 1e-20
    with pytest.raises(
        ValueError, match="statistics must be of units that are all alike, got rates from"
    ):
        exchangeable_model(layer)
    with pytest.raises(ValueError, match='take the model "factor"'):
        exact_posterior(layer)


@pytest.mark.parametrize(
    "active", [np.eye(1, 12, dtype=bool), np.ones((9, 1), dtype=bool), np.eye(2) > 2]
)
def test_where_there_is_nothing_to_compare_units_pass(active):
    assert one_rate_p_value(measure(active, pairs=False)) == 1


@pytest.mark.parametrize(
    "prior", [ExchangeablePrior(), ExchangeablePrior(rate=(2, 5), correlation=(3, 9))]
)
def test_exact_posterior_is_that_of_a_fine_grid(prior, rng):
    """Sums in the parameters themselves, with SciPy's law and densities."""
    layer = layer_of(rng, n_units=6, n_examples=80)
    edges = np.linspace(0, 1, 401)
    grid = (edges[1:] + edges[:-1]) / 2
    rate, correlation = grid[:, None], grid[None]
    seen, n = layer.population_histogram, np.arange(7)
    scale = 1 / correlation - 1
    logp = sum(seen[k] * stats.betabinom.logpmf(k, 6, rate * scale, (1 - rate) * scale) for k in n)
    logp += stats.beta.logpdf(rate, *prior.rate) + stats.beta.logpdf(correlation, *prior.correlation)
    weight = np.exp(logp - logp.max())
    found = exact_posterior(layer, prior=prior)
    assert found.probability.sum() == pytest.approx(1)
    assert found.log_evidence == pytest.approx(np.log(weight.mean()) + logp.max(), abs=2e-3)
    for axis, name in enumerate(("rate", "correlation")):
        due = weight.sum(axis=1 - axis) / weight.sum()
        marginal = found.probability.sum(axis=1 - axis)
        for power in (1, 2):
            moment = marginal @ getattr(found, name) ** power
            assert moment == pytest.approx(due @ grid**power, rel=2e-3)


@pytest.mark.parametrize("active", [0, 3, 20])
def test_evidence_of_one_unit_has_a_closed_form(active):
    """A single unit tells nothing of correlation: evidence is that of a coin, its prior is untouched."""
    layer = measure((np.arange(22) <= active)[:, None], pairs=False)
    prior = ExchangeablePrior(rate=(1.5, 4.0))
    found = exact_posterior(layer, prior=prior)
    hits, misses = active + 1, 21 - active
    assert found.log_evidence == pytest.approx(betaln(hits + 1.5, misses + 4.0) - betaln(1.5, 4.0))
    assert found.probability.sum(axis=0) @ found.correlation == pytest.approx(1 / 5)
    assert found.probability.sum(axis=1) @ found.rate == pytest.approx((hits + 1.5) / 27.5)


def test_evidence_of_copies_is_an_integral_of_one_dimension():
    """Two units active together on 5 of 12 examples, at a rate known to be a half."""
    layer = measure(np.repeat((np.arange(12) < 5)[:, None], 2, axis=1), pairs=False)

    def density(correlation):  # P(both) = P(neither) = (1 + ρ)/4
        return ((1 + correlation) / 4) ** 12 * (1 - correlation) ** 3 / beta(1, 4)

    due = np.log(integrate.quad(density, 0, 1, epsrel=1e-12)[0])
    prior = ExchangeablePrior(rate=(1e7, 1e7))
    assert exact_posterior(layer, prior=prior).log_evidence == pytest.approx(due, abs=1e-5)


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_quadrature_leaves_nothing_out(layer, rng):
    """Density at the edge of the grid is nothing, and the evidence that of a grid moved and refined."""
    layer = layer_of(rng, *layer)
    found = exact_posterior(layer)
    edge = np.concatenate([found.probability[[0, -1]].ravel(), found.probability[:, [0, -1]].ravel()])
    assert edge.max() < 1e-10
    marginal = found.probability.sum(axis=0)
    mean = marginal @ found.correlation
    top = 5 * mean + 20 * np.sqrt(marginal @ (found.correlation - mean) ** 2)
    grid = (np.arange(800) + 0.5) / 800 * min(top, 1)
    near = found.rate[np.flatnonzero(found.probability.sum(axis=1) > 1e-12)]
    rates = np.linspace(near[0], near[-1], 81)
    logp = exact_log_likelihood(layer, rates[:, None], grid) + 3 * np.log1p(-grid)
    weight = np.exp(logp - logp.max()).sum(axis=0)
    assert mean == pytest.approx(weight @ grid / weight.sum(), rel=1e-3)


def test_layers_that_never_change_and_contradictions_are_named(rng):
    layer = layer_of(rng)
    with pytest.raises(
        ValueError, match="statistics must have an active unit, got 3 units never active"
    ):
        exchangeable_model(measure(np.zeros((9, 3), dtype=bool)))
    with pytest.raises(ValueError, match="silent on some example, got 3 units active on all 9"):
        exchangeable_model(measure(np.ones((9, 3), dtype=bool)))
    with pytest.raises(ValueError, match="must count 60 examples, got 120"):
        exchangeable_model(replace(layer, population_histogram=2 * layer.population_histogram))
    with pytest.raises(ValueError, match=r"must hold the .* activations"):
        exchangeable_model(replace(layer, population_histogram=layer.population_histogram[::-1]))


@pytest.mark.slow
@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_sampler_agrees_with_quadrature(layer, rng):
    """Means, standard deviations and ends of intervals, to the error of 400 effective draws."""
    layer = layer_of(rng, *layer)
    exact = exact_posterior(layer)
    draws = fit(layer, model="exchangeable", rng=rng)["posterior"]
    for axis, name in enumerate(("rate", "correlation")):
        node, weight = getattr(exact, name), exact.probability.sum(axis=1 - axis)
        mean = weight @ node
        sd = np.sqrt(weight @ (node - mean) ** 2)
        assert abs(float(draws[name].mean()) - mean) < 5 * sd / np.sqrt(400)
        assert float(draws[name].std()) == pytest.approx(sd, rel=0.2)
        below = np.interp(draws[name].quantile([0.05, 0.95]), node, np.cumsum(weight) - weight / 2)
        assert np.abs(below - [0.05, 0.95]).max() < 5 * np.sqrt(0.05 * 0.95 / 400)


@pytest.mark.slow
@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_fit_recovers_rate_and_correlation(layer, rng):
    draws = fit(layer_of(rng, *layer), model="exchangeable", rng=rng)["posterior"]
    low, high = draws["rate"].quantile([0.0005, 0.9995])
    assert low < layer[2] < high
    low, high = draws["correlation"].quantile([0.0005, 0.9995])
    assert (low if layer[3] > 1e-3 else 0) < layer[3] < high
