"""The loading from population counts: tabulated, exact, and in the graph."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from scipy.special import logit

from rote.activity.measurement import measure
from rote.inference.factor import exact_log_likelihood, factor_model, loading_likelihood, plug_in_rate
from rote.inference.factor_comparison import factor_comparison_model
from rote.inference.fitting import fit
from rote.inference.tabulated import evaluate, tabulate
from rote.simulate.dichotomized import DichotomizedGaussian

LAYERS = {"dense": (0.3, 3.0), "sparse": (0.01, 2.0)}


def layer_of(loading, rng, law=LAYERS["dense"], n_units=48, n_examples=800):
    mean, concentration = law
    rate = rng.beta(mean * concentration, (1 - mean) * concentration, size=n_units)
    return measure(DichotomizedGaussian(rate=rate, loading=loading).sample(n_examples, rng=rng))


@pytest.mark.parametrize("law", LAYERS.values(), ids=LAYERS)
@pytest.mark.parametrize("loading", [0.0, 0.3, 0.8])
def test_table_is_exact_wherever_the_likelihood_counts(loading, law, rng):
    layer = layer_of(loading, rng, law)
    table = loading_likelihood(layer)
    everywhere = np.linspace(0, 0.98, 99)
    exact = exact_log_likelihood(layer, everywhere)
    near = exact >= exact.max() - 50
    difference = exact[near] - table(everywhere[near])
    assert np.ptp(difference) < 1e-3  # equal up to the constant left out
    assert (table(everywhere[~near]) < table(everywhere[near]).max() - 40).all()


def test_exact_likelihood_is_the_product_of_the_laws(rng):
    """Two units: the count's law is that of a bivariate normal orthant, from SciPy."""
    active = DichotomizedGaussian(rate=np.array([0.3, 0.6]), loading=0.5).sample(200, rng=rng)
    layer = measure(active)
    threshold = stats.norm.ppf(plug_in_rate(layer))
    for loading in (0.2, 0.7):
        both = stats.multivariate_normal.cdf(threshold, cov=[[1, loading**2], [loading**2, 1]])
        law = np.array(
            [1 - plug_in_rate(layer).sum() + both, plug_in_rate(layer).sum() - 2 * both, both]
        )
        expected = layer.population_histogram @ np.log(law)
        assert exact_log_likelihood(layer, np.float64(loading)) == pytest.approx(expected, abs=1e-4)


def test_graph_and_its_gradient_are_the_table(rng):
    layer = layer_of(0.4, rng)
    table = loading_likelihood(layer)
    model = factor_model(layer)
    logp = model.compile_logp(vars=model.potentials, mode="FAST_COMPILE")
    slope = model.compile_dlogp(vars=None, mode="FAST_COMPILE")
    for loading in (0.05, float(table.low), 0.4, 0.95):
        point = {"loading_logodds__": logit(loading)}
        assert logp(point) == pytest.approx(float(table(loading)), abs=1e-8)
        step = 1e-6
        up, down = (float(table(loading + d)) for d in (step, -step))
        jacobian = loading * (1 - loading)
        expected = (up - down) / (2 * step) * jacobian + 1 - 2 * loading  # uniform prior in the logit
        if abs(loading - float(table.low)) > step:
            assert slope(point)[0] == pytest.approx(expected, rel=1e-3)


def test_shrunk_rates_keep_the_sum_and_the_order(rng):
    layer = layer_of(0.3, rng, LAYERS["sparse"])
    rate = plug_in_rate(layer)
    assert rate.sum() == pytest.approx(layer.rate.sum())
    assert ((rate > 0) & (rate < 1)).all()
    assert (np.argsort(rate, kind="stable") == np.argsort(layer.rate, kind="stable")).all()


def test_tabulated_graph_equals_numpy_inside_and_outside():
    table = tabulate(np.sin, -1.0, 2.0, tolerance=1e-8)
    x = np.linspace(-3, 4, 50)
    parts = {name: getattr(table, name) for name in ("low", "high", "slope", "coefficient")}
    assert evaluate(x, **parts).eval() == pytest.approx(table(x), abs=1e-9)
    assert table(x[(x > -1) & (x < 2)]) == pytest.approx(np.sin(x[(x > -1) & (x < 2)]), abs=1e-8)


def test_a_function_with_a_corner_is_refused():
    with pytest.raises(ValueError, match=r"function must be smooth on \[-1, 1\.5\]"):
        tabulate(np.abs, -1.0, 1.5, tolerance=1e-6)


def test_comparison_names_its_parameters_as_the_process(rng):
    keys = [(c, s) for c in ("generalizing", "memorizing") for s in (0, 1)]
    model = factor_comparison_model({key: layer_of(0.3, rng, n_units=12) for key in keys})
    assert {"loading", "latent_correlation", "condition_loading"} <= set(model.named_vars)
    assert np.isfinite(model.compile_logp(mode="FAST_COMPILE")(model.initial_point()))


def test_dead_layers_copies_and_contradictions_are_named(rng):
    layer = layer_of(0.3, rng, n_units=6)
    with pytest.raises(ValueError, match="must have an active unit"):
        factor_model(measure(np.zeros((9, 3), dtype=bool)))
    with pytest.raises(ValueError, match="units that differ"):
        factor_model(measure(np.repeat(rng.random((400, 1)) < 0.3, 20, axis=1)))
    with pytest.raises(ValueError, match="must count 800 examples, got 1600"):
        factor_model(replace(layer, population_histogram=2 * layer.population_histogram))
    with pytest.raises(ValueError, match=r"must hold the .* activations"):
        factor_model(replace(layer, population_histogram=layer.population_histogram[::-1]))


@pytest.mark.slow
@pytest.mark.parametrize("law", LAYERS.values(), ids=LAYERS)
def test_sampler_agrees_with_quadrature(law, rng):
    layer = layer_of(0.4, rng, law)
    table = loading_likelihood(layer)
    grid = np.linspace(1e-4, 0.989, 20_001)
    weight = np.exp(table(grid) - table(grid).max())
    mean = np.average(grid, weights=weight)
    sd = np.sqrt(np.average((grid - mean) ** 2, weights=weight))
    draws = fit(layer, model="factor", rng=rng)["posterior"]["loading"]
    assert abs(float(draws.mean()) - mean) < 5 * sd / np.sqrt(400)  # at least 400 effective draws
    assert float(draws.std()) == pytest.approx(sd, rel=0.2)
