"""Rare and common units: the graph against SciPy, who is rare against Bayes' rule, and fits (slow)."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from scipy import stats
from scipy.special import logit

from rote.activity.measurement import measure
from rote.inference.fitting import fit
from rote.inference.kinds import unit_kinds
from rote.inference.rate_mixture import RateMixturePrior, rate_mixture_model
from rote.simulate.independent import IndependentBernoulli
from rote.simulate.mixed_rates import DEAD, RARE, MixedRates
from rote.simulate.rates import BetaRates

N_EXAMPLES = 40
RATES = np.array([0.0, 0.1, 0.3, 0.3, 0.9, 1.0, 0.002])
LAWS = [
    MixedRates(
        n_units=1,
        rare_fraction=rare_fraction,
        rare_mean=rare_mean,
        rare_shape=rare_shape,
        common_mean=common_mean,
        common_concentration=concentration,
        dead_fraction=dead_fraction,
    )
    for rare_fraction, rare_mean, rare_shape, common_mean, concentration, dead_fraction in [
        (0.3, 0.01, 1.5, 0.3, 6.0, 0.1),
        (0.9, 0.2, 0.4, 0.7, 0.5, 0.6),
        (1e-5, 1e-4, 5.0, 0.05, 40.0, 1e-6),
    ]
]


def layer_of(rate, rng, n_examples=N_EXAMPLES):
    return measure(IndependentBernoulli(rate=rate).sample(n_examples, rng=rng))


def kinds(law, count, n_examples):
    """Joint probabilities of count and kind by SciPy: dead, rare, common."""
    dead, rare = law.dead_fraction, law.rare_fraction
    return np.array(
        [
            dead * (count == 0),
            (1 - dead) * rare * stats.betabinom.pmf(count, n_examples, *law.rare_beta),
            (1 - dead) * (1 - rare) * stats.betabinom.pmf(count, n_examples, *law.common_beta),
        ]
    )


def point_at(law):
    return {
        "rare_fraction_logodds__": logit(law.rare_fraction),
        "gap_log__": np.log(logit(law.common_mean) - logit(law.rare_mean)),
        "rare_shape_log__": np.log(law.rare_shape),
        "common_mean_logodds__": logit(law.common_mean),
        "common_concentration_log__": np.log(law.common_concentration),
        "dead_fraction_logodds__": logit(law.dead_fraction),
    }


@pytest.fixture(scope="module")
def terms():
    """A function of layer and point, compiled once: the data are given with the point."""
    model = rate_mixture_model(layer_of(RATES, np.random.default_rng(1)))
    compiled = model.compile_logp(
        vars=model.observed_RVs, jacobian=False, sum=False, mode="FAST_COMPILE"
    )

    def at(layer, point):
        other = rate_mixture_model(layer)
        for data in model.data_vars:
            data.set_value(other[data.name].get_value())
        return compiled(point)[0]

    return at


@pytest.mark.parametrize("law", LAWS)
def test_each_unit_has_the_mixtures_likelihood(law, terms, rng):
    layer = layer_of(RATES, rng)
    expected = np.log(kinds(law, layer.active_count, N_EXAMPLES).sum(axis=0))
    np.testing.assert_allclose(terms(layer, point_at(law)), expected, rtol=1e-8)


def test_a_built_graph_serves_layers_of_other_sizes(terms, rng):
    layer = layer_of(rng.uniform(0.1, 0.9, size=31), rng, 70)
    expected = np.log(kinds(LAWS[0], layer.active_count, 70).sum(axis=0))
    np.testing.assert_allclose(terms(layer, point_at(LAWS[0])), expected, rtol=1e-8)


def test_likelihoods_of_all_counts_sum_to_one(terms, rng):
    layer = replace(layer_of(RATES, rng), active_count=np.arange(N_EXAMPLES + 1))
    assert np.exp(terms(layer, point_at(LAWS[0]))).sum() == pytest.approx(1)


@pytest.mark.parametrize("stray", [{"gap_log__": 6.4}, {"common_concentration_log__": 200.0}])
def test_far_off_a_likelihood_stays_below_one(stray, terms, rng):
    """A chain that strays must find its way back, where log-gammas differ by rounding alone."""
    found = terms(layer_of(RATES, rng), point_at(LAWS[0]) | stray)
    assert np.isfinite(found).all()
    assert (found <= 0).all()


def test_priors_mean_what_they_say(rng):
    """Medians and spreads of the log-normal priors, and the rare mean from the gap."""
    model = rate_mixture_model(layer_of(RATES, rng), prior=RateMixturePrior(gap=(2.0, 0.3)))
    point = point_at(LAWS[0])
    logp = model.compile_logp(vars=model["gap"], jacobian=False, mode="FAST_COMPILE")
    gap = np.exp(point["gap_log__"])
    assert logp(point) == pytest.approx(stats.lognorm.logpdf(gap, 0.3, scale=2.0))
    reveal = model.compile_fn(
        model.replace_rvs_by_values([model["rare_mean"]]),
        mode="FAST_COMPILE",
        point_fn=True,
        inputs=model.value_vars,
        on_unused_input="ignore",
    )
    assert reveal(point)[0] == pytest.approx(LAWS[0].rare_mean)


def test_variables_share_the_process_names(rng):
    model = rate_mixture_model(layer_of(RATES, rng))
    names = {variable.name for variable in [*model.free_RVs, *model.deterministics]}
    assert names - {"gap"} == set(MixedRates.__dataclass_fields__) - {"n_units"}


def posterior_at(*laws):
    """A posterior of one chain that holds exactly these draws."""
    names = set(MixedRates.__dataclass_fields__) - {"n_units"}
    draws = {n: (("chain", "draw"), [[getattr(law, n) for law in laws]]) for n in names}
    return xr.DataTree.from_dict({"posterior": xr.Dataset(draws, attrs={"model": "rate_mixture"})})


def test_kinds_follow_bayes_rule_averaged_over_draws(rng):
    layer = layer_of(rng.uniform(0, 0.9, size=300) ** 2, rng, 300)
    assert np.unique(layer.active_count).size > 64  # more than one block of counts
    joint = [kinds(law, layer.active_count, 300) for law in LAWS[:2]]
    expected = np.mean([j / j.sum(axis=0) for j in joint], axis=0)
    found = unit_kinds(layer, posterior_at(*LAWS[:2]))
    np.testing.assert_allclose([found.dead, found.rare, found.common], expected, atol=1e-10)
    assert (found.dead[layer.active_count > 0] == 0).all()


def test_kinds_are_right_as_often_as_they_say(agrees, rejects, rng):
    """Units of layers drawn at the posterior's own draw: how many are rare, against the sum."""
    law = replace(LAWS[0], n_units=4000, dead_fraction=0.1, rare_mean=0.05)
    rate, kind = law.sample_kinds(rng=rng)
    layer = replace(layer_of(RATES, rng, 60), active_count=rng.binomial(60, rate))
    found = unit_kinds(layer, posterior_at(law))
    for name, which in (("rare", RARE), ("dead", DEAD)):
        p = getattr(found, name)
        z = ((kind == which).sum() - p.sum()) / np.sqrt((p * (1 - p)).sum())
        assert agrees(2 * stats.norm.sf(abs(z)))
    off = unit_kinds(layer, posterior_at(replace(law, rare_fraction=0.4))).rare
    z = ((kind == RARE).sum() - off.sum()) / np.sqrt((off * (1 - off)).sum())
    assert rejects(2 * stats.norm.sf(abs(z)))


def test_certain_fractions_make_no_nan(rng):
    sure = replace(LAWS[0], rare_fraction=0.0, dead_fraction=0.0)
    found = unit_kinds(layer_of(RATES, rng), posterior_at(sure))
    np.testing.assert_array_equal([found.dead, found.rare, found.common], [[0] * 7, [0] * 7, [1] * 7])


def test_kinds_of_another_model_are_refused(rng):
    tree = xr.DataTree.from_dict({"posterior": xr.Dataset(attrs={"model": "rates"})})
    with pytest.raises(ValueError, match="model of the posterior must be one of rate_mixture; got 'rat"):
        unit_kinds(layer_of(RATES, rng), tree)


def test_a_dead_layer_has_no_law(rng):
    with pytest.raises(ValueError, match="statistics must have an active unit, got 3 units never"):
        rate_mixture_model(layer_of(np.zeros(3), rng))


def test_counts_beyond_the_examples_are_named(rng):
    layer = layer_of(RATES, rng)
    layer = replace(layer, active_count=layer.active_count + N_EXAMPLES)
    with pytest.raises(ValueError, match=r"active_count of statistics must lie in \[0, n_examples=40\]"):
        rate_mixture_model(layer)


@pytest.mark.slow
def test_fit_recovers_the_law_and_the_kinds(rng):
    truth = replace(LAWS[0], n_units=400)
    rate, kind = truth.sample_kinds(rng=rng)
    layer = layer_of(rate, rng, 2000)
    tree = fit(layer, model="rate_mixture", rng=rng)
    for name in set(MixedRates.__dataclass_fields__) - {"n_units"}:
        draws = tree["posterior"][name]
        low, high = draws.quantile([0.0005, 0.9995])
        assert low < getattr(truth, name) < high, name
    rare = unit_kinds(layer, tree).rare
    assert rare[kind == RARE].mean() > 0.8 > 0.2 > rare[kind != RARE].mean()


@pytest.mark.slow
def test_one_kind_of_units_is_not_called_two(rng):
    """The share of rare units is near zero, and what they would be like is what the prior says."""
    rate = BetaRates(n_units=256, mean=0.3, concentration=6.0).sample(rng=rng)
    draws = fit(layer_of(rate, rng, 2000), model="rate_mixture", rng=rng)["posterior"]
    assert draws["rare_fraction"].quantile(0.95) < 0.2
    assert draws["rare_fraction"].quantile(0.05) < 0.02  # none is among what is likely
    median, log_sd = RateMixturePrior().rare_shape
    log_shape = np.log(draws["rare_shape"] / median) / log_sd
    assert abs(float(log_shape.mean())) < 1.5
    assert float(log_shape.std()) > 0.5
