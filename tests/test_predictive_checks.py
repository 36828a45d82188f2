"""Predictive checks: quiet on layers of the model, an alarm on layers of another law."""

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from rote.activity.measurement import measure
from rote.inference.claims import MeasuredLayer
from rote.inference.fitting import fit
from rote.inference.predictive_checks import PredictiveCheck, check_model
from rote.inference.window_counts import WindowCounts
from rote.simulate.class_conditional import ClassConditional
from rote.simulate.dichotomized import DichotomizedGaussian
from rote.simulate.dispersions import LogNormalDispersions
from rote.simulate.exchangeable import ExchangeableBernoulli
from rote.simulate.independent import IndependentBernoulli
from rote.simulate.mixed_rates import MixedRates
from rote.simulate.rates import BetaRates
from rote.simulate.selective_rates import SelectiveRates
from rote.simulate.weight_laws import GeneralizedNormal

LAW = {"mean": 0.1, "concentration": 3.0, "dead_fraction": 0.2}
N_RUNS = 40


def known(model, **parameters):
    """A posterior that knows its parameters: p-values are then uniform where no two replicates tie."""
    draws = {name: (("chain", "draw"), np.full((2, 5), value)) for name, value in parameters.items()}
    return xr.DataTree.from_dict({"posterior": xr.Dataset(draws, attrs={"model": model})})


def layer_of_rates(rng, rate=None):
    rate = BetaRates(n_units=100, **LAW).sample(rng=rng) if rate is None else rate
    return measure(IndependentBernoulli(rate=rate).sample(300, rng=rng), pairs=False)


def layer_of_a_factor(rng, loading=0.5, pairs=True):
    rate = np.linspace(0.05, 0.5, 24)
    return measure(DichotomizedGaussian(rate=rate, loading=loading).sample(2000, rng=rng), pairs=pairs)


def table(checks):
    return {check.statistic: check.p_value for check in checks}


def test_p_values_are_uniform_where_the_parameters_are_known(rng, agrees):
    runs = [
        table(check_model(layer_of_rates(rng), known("rates", **LAW), rng=rng, n_replicates=99))
        for _ in range(N_RUNS)
    ]
    free_of_ties = ("mean rate", "standard deviation of the rates", "skewness of the rates")
    p = [stats.kstest([run[name] for run in runs], "uniform").pvalue for name in free_of_ties]
    small = [sum(run[name] <= 0.05 for run in runs) for name in runs[0]]
    assert agrees([*p, *stats.binom.sf(np.array(small) - 1, N_RUNS, 0.05)])


def test_a_second_hill_of_rates_is_seen(rng):
    rate = np.where(rng.random(100) < 0.1, 0.9, rng.beta(2, 18, size=100))
    p = table(check_model(layer_of_rates(rng, rate), known("rates", **LAW), rng=rng))
    assert p["standard deviation of the rates"] == p["share of silent units"] == 2 / 201


def test_a_layer_of_one_factor_raises_no_alarm_and_one_of_two_signs_does(rng, agrees):
    posterior = known("factor", loading=0.5)
    runs = [
        table(check_model(layer_of_a_factor(rng), posterior, rng=rng, n_replicates=39)) for _ in range(8)
    ]
    small = [sum(run[name] <= 0.05 for run in runs) for name in runs[0]]
    assert len(small) == 5
    assert agrees(stats.binom.sf(np.array(small) - 1, len(runs), 0.05))
    signed = np.where(np.arange(24) % 2, 0.5, -0.5)
    p = table(check_model(layer_of_a_factor(rng, signed), posterior, rng=rng, n_replicates=99))
    assert p["spread of the correlations of pairs"] == 2 / 100
    assert p["variance of the population count"] == 2 / 100


def windows(rng, *, gain=False, rate=None, dispersion=0.1):
    """Windows of 20 of units that change: beta-binomial counts, or Gamma-Poisson ones."""
    rate = rng.uniform(0.2, 0.4, size=(40, 1)) if rate is None else rate
    x = LogNormalDispersions(n_units=40, dispersion=dispersion, dispersion_spread=0.3).sample(rng=rng)
    x = np.repeat(x[:, None], 300, axis=1)
    if gain:
        count = rng.poisson(20 * rate * rng.gamma(1 / x, x))
    else:
        count = rng.binomial(20, rng.beta(rate / x, (1 - rate) / x))
    histogram = np.array([np.bincount(row, minlength=count.max() + 1) for row in count])
    return WindowCounts(histogram=histogram, window=20)


def classes(rng, *, class_share=0.1):
    rates = SelectiveRates(
        n_units=60,
        n_classes=4,
        mean=0.2,
        concentration=3.0,
        class_share=class_share,
        class_share_spread=0.5,
    )
    process = ClassConditional(class_probability=np.full(4, 0.25), class_rate=rates.sample(rng=rng))
    label = np.arange(2000) % 4
    return measure(process.sample_given(label, rng=rng), labels=label, pairs=False)


OTHER_MODELS = {  # parameters, layers of the model, layers that are not
    "rate_mixture": (
        {
            **{"rare_fraction": 0.4, "rare_mean": 0.01, "rare_shape": 1.5},
            **{"common_mean": 0.4, "common_concentration": 20.0, "dead_fraction": 0.1},
        },
        lambda rng, law: layer_of_rates(rng, MixedRates(n_units=100, **law).sample(rng=rng)),
        lambda rng, law: layer_of_rates(rng, rng.uniform(0, 0.9, 100)),
        "standard deviation of the rates",
    ),
    "exchangeable": (
        {"rate": 0.5, "correlation": 0.3},
        lambda rng, law: measure(
            ExchangeableBernoulli(n_units=30, **law, mixing="beta").sample(800, rng=rng), pairs=False
        ),
        lambda rng, law: measure(
            ExchangeableBernoulli(n_units=30, **law, mixing="two-point").sample(800, rng=rng),
            pairs=False,
        ),
        "share of examples without an active unit",
    ),
    "classes": (
        {"class_share": 0.1, "class_share_spread": 0.5},
        lambda rng, law: classes(rng),
        lambda rng, law: classes(rng, class_share=0.4),
        "share of variance between classes",
    ),
    "dispersion": (
        {"dispersion": 0.1, "dispersion_spread": 0.3},
        lambda rng, law: windows(rng),
        lambda rng, law: windows(rng, dispersion=0.3),
        "mean Fano factor",
    ),
    "gamma_poisson": (
        {"dispersion": 0.1, "dispersion_spread": 0.3},
        lambda rng, law: windows(rng, gain=True),
        lambda rng, law: windows(rng),
        "mean Fano factor",
    ),
    "pooled_weights": (
        {"exponent": 1.0, "sd": 0.1},
        lambda rng, law: GeneralizedNormal(**law).sample((20, 100), rng=rng),
        lambda rng, law: rng.normal(0, 0.1, size=(20, 100)),
        "L1/L2 ratio",
    ),
}


@pytest.mark.parametrize("model", OTHER_MODELS)
def test_layers_of_a_model_raise_no_alarm_and_others_do(model, rng, agrees):
    parameters, own, other, telling = OTHER_MODELS[model]
    posterior = known(model, **parameters)
    runs = [
        table(check_model(own(rng, parameters), posterior, rng=rng, n_replicates=39)) for _ in range(10)
    ]
    small = [sum(run[name] <= 0.05 for run in runs) for name in runs[0]]
    assert len(small) >= 4
    assert agrees(stats.binom.sf(np.array(small) - 1, len(runs), 0.05))
    p = table(check_model(other(rng, parameters), posterior, rng=rng, n_replicates=99))
    assert p[telling] == 2 / 100


def test_what_was_not_counted_is_not_checked(rng):
    layer = MeasuredLayer(statistics=None, aligned=layer_of_a_factor(rng, pairs=False))
    p = table(check_model(layer, known("factor", loading=0.5), rng=rng, n_replicates=19))
    assert "spread of the correlations of pairs" not in p
    assert len(p) == 4


def test_checks_repeat_with_the_stream(rng):
    layer, posterior = layer_of_rates(rng), known("rates", **LAW)
    one, other = (
        check_model(layer, posterior, rng=np.random.default_rng(5), n_replicates=19) for _ in range(2)
    )
    assert one == other


def test_a_check_is_told_in_words():
    check = PredictiveCheck(
        model="rates",
        statistic="mean rate",
        seen=0.25,
        low=0.1,
        high=0.2,
        p_value=0.01,
        n_replicates=200,
    )
    assert check.sentence == (
        "The rates model does not account for the mean rate: 0.25 seen, 0.1 to 0.2 in nine of ten "
        "replicates (p = 0.01, 200 replicates)."
    )


def test_what_cannot_be_checked_is_named(rng):
    layer = layer_of_rates(rng)
    with pytest.raises(ValueError, match="n_replicates must be at least 19, got 3"):
        check_model(layer, known("rates", **LAW), rng=rng, n_replicates=3)
    with pytest.raises(ValueError, match=r"model of the posterior must be one of rates, .*factor"):
        check_model(layer, known("horoscope"), rng=rng)


@pytest.mark.slow
def test_fitted_laws_account_for_their_own_layers_and_not_for_others(rng, agrees):
    layers = [layer_of_rates(rng) for _ in range(5)]
    runs = [table(check_model(layer, fit(layer, rng=rng), rng=rng)) for layer in layers]
    small = [sum(run[name] <= 0.05 for run in runs) for name in runs[0]]
    assert agrees(stats.binom.sf(np.array(small) - 1, len(runs), 0.05))
    layer = layer_of_rates(rng, np.where(rng.random(100) < 0.05, 0.9, 0.1))
    p = table(check_model(layer, fit(layer, rng=rng), rng=rng))
    assert p["skewness of the rates"] == 2 / 201
