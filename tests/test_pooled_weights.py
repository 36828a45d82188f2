"""Pools of weights: sizes on a grid, the surface of the likelihood, the graph, and evidences."""

import numpy as np
import pytest
from scipy import stats

from rote.inference.pooled_weights import (
    LAWS,
    PooledWeightPrior,
    pooled_weight_model,
    weight_evidence,
)
from rote.inference.posterior import sample
from rote.inference.weight_surface import Sizes, Surface
from rote.simulate import GeneralizedNormal, VarianceGamma

POOLS = [
    GeneralizedNormal(exponent=0.6, sd=0.1),
    GeneralizedNormal(exponent=12.0, sd=0.1),
    VarianceGamma(sd=0.1, shape=0.4),
    VarianceGamma(sd=0.1),
]


def twin(name, weight, parameter, sd):
    """Log-likelihood by SciPy, the variance-gamma as a mean over the law of its variance."""
    if name == "generalized normal":
        law = stats.gennorm(parameter)
        return stats.gennorm(parameter, scale=sd / law.std()).logpdf(weight).sum()

    log_g = np.linspace(-60, 6, 4001)
    g = np.exp(log_g)
    share = stats.gamma.pdf(g, parameter) * g
    density = stats.norm.pdf(weight[:, None], 0, sd * np.sqrt(g / parameter)) @ share
    return np.log(density * (log_g[1] - log_g[0])).sum()


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("name", list(LAWS))
@pytest.mark.parametrize("n_weights", [150, 20_000])
def test_surface_is_the_sum_over_all_weights(pool, name, n_weights, rng):
    weight, law = pool.sample((n_weights,), rng=rng), LAWS[name]
    surface = Surface.tabulate(Sizes.of(weight), law.log_density, *law.ends)
    place = rng.uniform(-1, 1, (2, 20))
    x, y = surface.middle[:, None] + surface.half[:, None] * place
    exact = np.array(
        [
            law.log_density(np.abs(weight) / np.exp(mean), np.exp(log)).sum() - n_weights * mean
            for log, mean in zip(x, y, strict=True)
        ]
    )
    near = exact > exact.max() - 40
    np.testing.assert_allclose((surface(x, y) + surface.best)[near], exact[near], atol=5e-3)


@pytest.mark.parametrize(("name", "parameter"), [("generalized normal", 1.1), ("variance-gamma", 1.4)])
def test_likelihood_is_that_of_independent_weights(name, parameter, rng):
    weight = np.append(rng.laplace(0, 0.07, 130), np.zeros(12))
    model = pooled_weight_model(weight, prior=PooledWeightPrior(law=name))
    logp = model.compile_logp(
        vars=[*model.observed_RVs, *model.potentials], jacobian=False, mode="FAST_COMPILE"
    )
    zeros = 0.3
    point = {
        f"{LAWS[name].parameter}_log__": np.log(parameter),
        "sd_log__": np.log(0.1),
        "zero_fraction_logodds__": np.log(zeros / (1 - zeros)),
    }
    expected = twin(name, weight[:130], parameter, 0.1) + stats.binom.logpmf(12, 142, zeros)
    assert logp(point) == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize(
    ("name", "process"), [("generalized normal", GeneralizedNormal), ("variance-gamma", VarianceGamma)]
)
def test_parameters_share_the_laws_names(name, process, rng):
    model = pooled_weight_model(rng.normal(size=150), prior=PooledWeightPrior(law=name))
    names = {variable.name for variable in model.free_RVs}
    assert names - {"zero_fraction"} == set(process.__dataclass_fields__) - {"mean"}


@pytest.mark.slow
def test_evidences_are_integrals_of_the_likelihood(rng):
    weight = rng.laplace(0, 0.07, 120)
    found = weight_evidence(weight)
    prior = PooledWeightPrior()

    def fixed(exponent, best):
        log_sd = np.log(weight.std()) + np.linspace(-1.5, 1.5, 301)
        value = [twin("generalized normal", weight, exponent, sd) - best for sd in np.exp(log_sd)]
        density = np.exp(value) * stats.norm.pdf(log_sd, np.log(prior.sd[0]), prior.sd[1])
        return np.log(density.sum() * (log_sd[1] - log_sd[0])) + best

    for name, exponent in (("Laplace", 1.0), ("Gaussian", 2.0)):
        assert found[name] == pytest.approx(fixed(exponent, found[name]), abs=1e-4)
    z = np.linspace(-4.5, 4.5, 61)
    log, median = prior.exponent[1], prior.exponent[0]
    free = [fixed(median * np.exp(log * a), found["Laplace"]) for a in z]
    expected = np.log(stats.norm.pdf(z) @ np.exp(free) * (z[1] - z[0]))
    assert found["generalized normal"] == pytest.approx(expected, abs=1e-2)


def test_evidence_names_the_law_of_the_pool(rng):
    for pool, name in [
        (GeneralizedNormal(exponent=0.5, sd=0.1), "generalized normal"),
        (VarianceGamma(sd=0.1, shape=0.3), "variance-gamma"),
        (VarianceGamma(sd=0.1, shape=1.0), "Laplace"),
        (VarianceGamma(sd=0.1), "Gaussian"),
    ]:
        evidence = weight_evidence(pool.sample((20_000,), rng=rng))
        assert max(evidence, key=evidence.get) == name


def test_a_pool_of_zeros_has_no_law():
    with pytest.raises(ValueError, match="weight must hold 100 numbers other than 0, got 0 of 6"):
        pooled_weight_model(np.zeros((2, 3)))


def test_unknown_laws_are_named():
    with pytest.raises(ValueError, match="law must be one of generalized normal, variance-gamma; got"):
        PooledWeightPrior(law="Cauchy")


@pytest.mark.slow
def test_fit_recovers_the_law_it_was_drawn_from(rng):
    truth = VarianceGamma(sd=0.05, shape=0.8)
    prior = PooledWeightPrior(law="variance-gamma")
    model = pooled_weight_model(truth.sample((500, 200), rng=rng), prior=prior)
    posterior = sample(model, kind="pooled_weights", prior=prior, rng=rng)["posterior"]
    for name in ("shape", "sd"):
        z = (getattr(truth, name) - posterior[name].mean()) / posterior[name].std()
        assert abs(z) < stats.norm.isf(0.5e-6)
