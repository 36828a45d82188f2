"""The Beta law of rates: its graph against SciPy, for one layer and over networks."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit, gammaln, logit

from rote.activity.measurement import measure
from rote.inference.fitting import fit
from rote.inference.networks import Networks
from rote.inference.rate_comparison import _shape_sums, rate_comparison_model
from rote.inference.rates import rate_model
from rote.simulate.independent import IndependentBernoulli
from rote.simulate.rates import BetaRates

N_EXAMPLES = 40
RATES = np.array([0.0, 0.1, 0.3, 0.3, 0.9, 0.002])


def layer_of(rate, rng, n_examples=N_EXAMPLES):
    return measure(IndependentBernoulli(rate=rate).sample(n_examples, rng=rng))


def log_law(layer, mean, concentration, dead_fraction):
    """The same likelihood by SciPy: a mixture of a unit that is dead and one that is not."""
    alive = stats.betabinom.pmf(
        layer.active_count, layer.n_examples, mean * concentration, (1 - mean) * concentration
    )
    return np.log((1 - dead_fraction) * alive + dead_fraction * (layer.active_count == 0)).sum()


@pytest.mark.parametrize(
    ("mean", "concentration", "dead_fraction"), [(0.2, 3.0, 0.1), (0.7, 0.4, 0.6), (0.01, 50.0, 1e-6)]
)
def test_likelihood_is_the_zero_inflated_beta_binomial(mean, concentration, dead_fraction, rng):
    layer = layer_of(RATES, rng)
    model = rate_model(layer)
    logp = model.compile_logp(vars=model.observed_RVs, jacobian=False, mode="FAST_COMPILE")
    point = {
        "mean_logodds__": logit(mean),
        "concentration_log__": np.log(concentration),
        "dead_fraction_logodds__": logit(dead_fraction),
    }
    assert logp(point) == pytest.approx(log_law(layer, mean, concentration, dead_fraction))


def test_parameters_share_the_process_names(rng):
    names = {variable.name for variable in rate_model(layer_of(RATES, rng)).free_RVs}
    assert names | {"n_units"} == set(BetaRates.__dataclass_fields__)


@pytest.mark.parametrize("n_examples", [20, 1_000, 1_000_000])
def test_tabulated_sums_are_exact(n_examples, rng):
    count = rng.binomial(n_examples, rng.beta(0.5, 2, size=60))
    layer = replace(layer_of(RATES, rng), active_count=count, n_examples=n_examples)
    table = _shape_sums(layer)
    x = np.linspace(-13.9, 11.9, 101)
    seen = count[count > 0]
    for which, k in enumerate((seen, n_examples - seen)):
        exact = (gammaln(k[:, None] + np.exp(x)) - gammaln(np.exp(x))).sum(axis=0)
        one = type(table)(
            low=table.low[which], high=table.high[which], coefficient=table.coefficient[which]
        )
        assert np.abs(one(x) - exact).max() < 1e-4


def test_comparison_has_the_likelihood_and_hierarchy_of_its_equations(rng):
    """Differences of the graph's log-density between points, against SciPy's normals and law."""
    keys = [("generalizing", 1), ("generalizing", 2), ("memorizing", 1), ("memorizing", 2)]
    layers = {key: layer_of(RATES, rng) for key in keys}
    model = rate_comparison_model(layers)
    free = {rv.name: model.rvs_to_values[rv] for rv in model.free_RVs}
    wanted = [model["center"], model["seed_effect"], model["mean"], model["concentration"]]
    logp = model.compile_logp(mode="FAST_COMPILE")
    reveal = model.compile_fn(model.replace_rvs_by_values(wanted), mode="FAST_COMPILE", point_fn=True)

    def both(point):
        inputs = {name: value for name, value in point.items() if "dead" not in name}
        center, effect, mean, concentration = reveal(inputs)
        network_sd, seed_sd = np.exp(point["network_sd_log__"]), np.exp(point["seed_sd_log__"])
        dead = expit(point["dead_fraction_logodds__"])
        x = np.stack([logit(mean), np.log(concentration)])
        networks = Networks.ordered(keys)
        about = center[:, networks.condition_index] + effect[:, networks.seed_index]
        scale = stats.lognorm(1.0, scale=0.2)
        law = (
            stats.norm.logpdf(center, [[0], [np.log(5)]], 1.5).sum()
            + stats.norm.logpdf(effect, 0, seed_sd[:, None]).sum()
            + stats.norm.logpdf(x, about, network_sd[:, networks.condition_index]).sum()
            + scale.logpdf(network_sd).sum()
            + np.log(network_sd).sum()
            + scale.logpdf(seed_sd).sum()
            + np.log(seed_sd).sum()
            + (np.log(dead) + np.log1p(-dead)).sum()
            + sum(
                log_law(layers[k], *p)
                for k, p in zip(networks.keys, zip(mean, concentration, dead, strict=True), strict=True)
            )
        )
        return float(logp(point)), law, np.concatenate([center.ravel(), effect.ravel(), x.ravel()])

    def density(point):
        """The law at x is that of z times the map's Jacobian, here by finite differences."""
        value, law, _ = both(point)
        standard = ["center_z", "seed_z", "z"]
        columns = []
        for name in standard:
            for index in np.ndindex(point[name].shape):
                ends = []
                for step in (1e-5, -1e-5):
                    moved = dict(point)
                    moved[name] = point[name].copy()
                    moved[name][index] += step
                    ends.append(both(moved)[2])
                columns.append((ends[0] - ends[1]) / 2e-5)
        return value - law - np.linalg.slogdet(np.array(columns))[1]

    base = model.initial_point()
    points = [{k: v + rng.normal(size=v.shape, scale=0.5) for k, v in base.items()} for _ in range(3)]
    assert set(free) == {name.removesuffix("_log__").removesuffix("_logodds__") for name in base}
    constants = [density(point) for point in points]
    assert constants == pytest.approx([constants[0]] * 3, abs=1e-4)


def test_a_dead_layer_has_no_law(rng):
    with pytest.raises(
        ValueError, match="statistics must have an active unit, got 3 units never active"
    ):
        rate_model(layer_of(np.zeros(3), rng))


def test_counts_beyond_the_examples_are_named(rng):
    layer = layer_of(RATES, rng)
    layer = replace(layer, active_count=layer.active_count + N_EXAMPLES)
    with pytest.raises(ValueError, match=r"active_count of statistics must lie in \[0, n_examples=40\]"):
        rate_model(layer)


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ([("memorizing", 1), ("generalizing", 1), ("generalizing", 2)], "memorizing needs two networks"),
        ([("memorizing", 1), ("memorizing", 2)], "must be of two conditions at least"),
        ([("forgetful", 1)], "condition must be one of initialized, generalizing, memorizing"),
    ],
)
def test_networks_that_cannot_be_compared_are_named(keys, sentence, rng):
    with pytest.raises(ValueError, match=sentence):
        rate_comparison_model({key: layer_of(RATES, rng) for key in keys})


@pytest.mark.slow
def test_fit_recovers_the_law_it_was_drawn_from(rng):
    truth = BetaRates(n_units=400, mean=0.2, concentration=4.0, dead_fraction=0.2)
    posterior = fit(layer_of(truth.sample(rng=rng), rng, 2000), rng=rng)["posterior"]
    for name in ("mean", "concentration", "dead_fraction"):
        z = (getattr(truth, name) - posterior[name].mean()) / posterior[name].std()
        assert abs(z) < stats.norm.isf(0.5e-6)
