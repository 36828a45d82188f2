"""Exponents of units: the law, each unit's curve by independent integration, and the layer's graph."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import logsumexp

from rote.inference.posterior import sample
from rote.inference.unit_weights import WeightPrior, exponent_curves, weight_model
from rote.simulate import GeneralizedNormal, UnitExponents

LAW = UnitExponents(
    n_units=6, n_inputs=12, exponent=1.2, exponent_spread=0.3, sd=0.1, sd_spread=1.0, zero_fraction=0.2
)


def directions(row, exponent):
    """Log-likelihood of a unit's directions: the density integrated over ln α."""
    row = row[row != 0]
    size = np.sqrt(np.square(row).mean())
    log_scale = np.linspace(-30, 15, 3001)[:, None]  # a fine grid of a smooth hill
    law = stats.gennorm(exponent, scale=size * np.exp(log_scale))
    log = law.logpdf(row).sum(axis=1) + row.size * np.log(size)
    return logsumexp(log) + np.log(45 / 3000)


def test_curves_are_the_density_with_the_scale_integrated_out(rng):
    weight = LAW.sample(rng=rng)
    curves = exponent_curves(weight)
    exponent = np.array([0.5, 1.0, 2.0, 4.0])
    spread = 4 * (curves.node[1] - curves.node[0])
    law = curves.log_likelihood(np.log(exponent), np.full(4, spread))
    z, share = np.polynomial.hermite_e.hermegauss(9)
    for unit, row in enumerate(weight):
        twin = [
            np.log(share @ np.exp([directions(row, q * np.exp(spread * a)) for a in z]) / share.sum())
            for q in exponent
        ]
        apart = law[:, unit] - twin
        np.testing.assert_allclose(apart, apart[0], atol=0.01)


def test_scale_of_a_unit_has_no_part_in_its_curve(rng):
    weight = LAW.sample(rng=rng)
    scaled = weight * np.exp(rng.normal(0, 3, (6, 1)))
    points = np.log([0.5, 2.0]), np.array([0.1, 0.3])
    one, other = (exponent_curves(w).log_likelihood(*points) for w in (weight, scaled))
    np.testing.assert_allclose(one - one[0], other - other[0], atol=1e-6)


def test_units_without_two_weights_say_nothing(rng):
    weight = LAW.sample(rng=rng)
    weight[1], weight[2] = 0, 0
    weight[2, 3] = 0.7
    level = exponent_curves(weight).log_likelihood(np.log([0.5, 2.0]), np.array([0.1, 0.3]))
    np.testing.assert_allclose(level[0, [1, 2]], level[1, [1, 2]], atol=1e-7)
    assert abs(level[0, 0] - level[1, 0]) > 0.1


def test_graph_has_a_term_for_each_unit(rng):
    weight = LAW.sample(rng=rng)
    model = weight_model(weight)
    terms = model.compile_fn(
        model.logp(vars=model.potentials, sum=False), mode="FAST_COMPILE", point_fn=True
    )
    exponent, spread, zeros = 0.8, 0.2, 0.3
    point = {
        "exponent_log__": np.log(exponent),
        "exponent_spread_log__": np.log(spread),
        "zero_fraction_logodds__": np.log(zeros / (1 - zeros)),
    }
    curve = exponent_curves(weight).log_likelihood(np.log(exponent), spread)
    n_zeros = (weight == 0).sum(axis=1)
    expected = curve + n_zeros * np.log(zeros) + (12 - n_zeros) * np.log(1 - zeros)
    np.testing.assert_allclose(terms(point)[0], expected)


def test_parameters_share_the_process_names(rng):
    names = {variable.name for variable in weight_model(LAW.sample(rng=rng)).free_RVs}
    assert names | {"n_units", "n_inputs", "sd", "sd_spread"} == set(UnitExponents.__dataclass_fields__)


def test_alike_units_are_generalized_normal(rng, agrees, rejects):
    law = UnitExponents(n_units=50, n_inputs=400, exponent=0.8, sd=0.3)
    weight = law.sample(rng=rng).ravel()
    twin, near = GeneralizedNormal(exponent=0.8, sd=0.3), GeneralizedNormal(exponent=0.9, sd=0.3)
    assert agrees(stats.kstest(weight, twin.cdf).pvalue)
    assert rejects(stats.kstest(weight, near.cdf).pvalue)


def test_units_differ_as_promised(rng, agrees, rejects):
    """Mean squares of many-weight units are log-normal; the share of zeros is binomial."""
    law = UnitExponents(
        n_units=2000, n_inputs=400, exponent=2.0, sd=0.3, sd_spread=0.8, zero_fraction=0.25
    )
    weight = law.sample(rng=rng)
    zeros = int((weight == 0).sum())
    assert agrees(stats.binomtest(zeros, weight.size, 0.25).pvalue)
    log_sd = np.log(np.square(weight).sum(axis=1) / (weight != 0).sum(axis=1)) / 2
    noise = np.sqrt(0.5 / 300)
    assert agrees(stats.kstest((log_sd - np.log(0.3)) / np.hypot(0.8, noise), "norm").pvalue)
    assert rejects(stats.kstest((log_sd - np.log(0.3)) / 1.0, "norm").pvalue)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"exponent": 0.0}, r"exponent must be above 0, got 0\.0"),
        ({"sd": -1.0}, r"sd must be above 0, got -1\.0"),
        ({"exponent_spread": -0.1}, r"exponent_spread must be at least 0, got -0\.1"),
        ({"sd_spread": -0.1}, r"sd_spread must be at least 0, got -0\.1"),
        ({"zero_fraction": 1.0}, r"zero_fraction must lie in \[0, 1\), got 1\.0"),
        ({"n_units": 0}, "n_units must be at least 1, got 0"),
    ],
)
def test_impossible_laws_are_named(change, sentence):
    with pytest.raises(ValueError, match=sentence):
        UnitExponents(**{"n_units": 3, "n_inputs": 4, "exponent": 1.0} | change)


@pytest.mark.parametrize(
    ("weight", "sentence"),
    [
        (np.ones(5), r"weight must have shape \(n_units, n_inputs\), got \(5,\)"),
        (np.eye(3), "weight must have a unit with two weights other than 0, got at most 1"),
    ],
)
def test_weights_that_say_nothing_are_named(weight, sentence):
    with pytest.raises(ValueError, match=sentence):
        weight_model(weight)


@pytest.mark.slow
def test_fit_recovers_the_law_it_was_drawn_from(rng):
    truth = UnitExponents(
        n_units=300,
        n_inputs=200,
        exponent=1.3,
        exponent_spread=0.25,
        sd=0.1,
        sd_spread=0.7,
        zero_fraction=0.1,
    )
    model = weight_model(truth.sample(rng=rng))
    posterior = sample(model, kind="weights", prior=WeightPrior(), rng=rng)["posterior"]
    for name in ("exponent", "exponent_spread", "zero_fraction"):
        z = (getattr(truth, name) - posterior[name].mean()) / posterior[name].std()
        assert abs(z) < stats.norm.isf(0.5e-6)
