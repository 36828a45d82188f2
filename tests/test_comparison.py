"""Evidence, elpd and their table: against closed forms, quadrature and a second sampler."""

import re

import arviz as az
import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
import xarray as xr
from scipy import stats
from scipy.special import betaln, expit, gammaln, log_expit, logit, logsumexp

from rote.activity.measurement import measure
from rote.inference.comparison import compare_models, pointwise
from rote.inference.densities import unbounded_draws
from rote.inference.evidence import log_evidence
from rote.inference.factor import factor_model, loading_likelihood
from rote.inference.fitting import fit
from rote.inference.rates import RatePrior, rate_model
from rote.simulate.dichotomized import DichotomizedGaussian
from rote.simulate.independent import IndependentBernoulli
from rote.simulate.rates import BetaRates

COUNTS = np.array([3, 0, 2, 5, 1, 1, 4, 0, 2, 3])


def as_posterior(rng, **laws):
    """Independent draws of each variable, as if four chains had drawn them."""
    draws = {
        name: (("chain", "draw"), law.rvs((4, 1000), random_state=rng)) for name, law in laws.items()
    }
    coords = {"chain": np.arange(4), "draw": np.arange(1000)}
    return xr.DataTree.from_dict({"posterior": xr.Dataset(draws, coords=coords)})


def poisson_counts(counts, rng):
    """Poisson counts of a Gamma(2, 1) rate: model, draws of its exact posterior, log evidence."""
    n, total = counts.size, counts.sum()
    with pm.Model() as model:
        pm.Poisson("count", pm.Gamma("rate", 2, 1), observed=pm.Data("seen", counts))
    log = gammaln(2 + total) - gammaln(2) - (2 + total) * np.log(1 + n) - gammaln(counts + 1).sum()
    return model, as_posterior(rng, rate=stats.gamma(2 + total, scale=1 / (1 + n))), log


def geometric_counts(counts, rng):
    """Geometric counts of a Beta(1, 1) chance: the same three."""
    n, total = counts.size, counts.sum()
    with pm.Model() as model:
        chance = pm.Beta("chance", 1, 1)
        pm.Geometric("count", chance, observed=pm.Data("seen", counts + 1))
    return model, as_posterior(rng, chance=stats.beta(1 + n, 1 + total)), betaln(1 + n, 1 + total)


def standardized(evidence, exact):
    return (evidence.log_evidence - exact) / evidence.error


@pytest.mark.parametrize("case", [poisson_counts, geometric_counts])
def test_evidence_is_the_closed_form_and_its_error_honest(case, rng, agrees, rejects):
    found, z = [], []
    for _ in range(3):
        model, posterior, exact = case(COUNTS, rng)
        found.append(log_evidence(model, posterior, rng=rng))
        z.append(standardized(found[-1], exact))
    assert agrees(stats.chi2.sf(np.square(z).sum(), len(z)))
    assert np.mean([one.error for one in found]) < 0.01
    off = [standardized(one, exact + 0.05) for one in found]
    assert rejects(stats.chi2.sf(np.square(off).sum(), len(off)))


def test_bridge_is_right_where_the_normal_is_not_the_posterior(rng, agrees):
    """A skewed posterior in three dimensions of two scales, the third a vector of its own."""
    with pm.Model() as model:
        pm.Exponential("skewed", 3.0)
        pm.Beta("share", 0.5, 2.0)
        pm.Normal("pair", [0.0, 5.0], [1.0, 0.01])
        pm.Potential("likelihood", pt.constant(-7.0))
    posterior = as_posterior(rng, skewed=stats.expon(scale=1 / 3), share=stats.beta(0.5, 2.0))
    pair = rng.normal([0.0, 5.0], [1.0, 0.01], size=(4, 1000, 2))
    posterior["posterior"] = (
        posterior["posterior"].to_dataset().assign(pair=(("chain", "draw", "which"), pair))
    )
    z = standardized(log_evidence(model, posterior, rng=rng), -7.0)
    assert agrees(2 * stats.norm.sf(abs(z)))


def test_unbounded_draws_are_the_transforms_of_the_draws(rng):
    layer = measure(IndependentBernoulli(rate=rng.beta(1, 3, size=9)).sample(30, rng=rng))
    laws = {"mean": stats.beta(2, 5), "concentration": stats.gamma(2), "dead_fraction": stats.beta(1, 9)}
    posterior = as_posterior(rng, **laws)
    draws = posterior["posterior"]
    expected = [logit(draws["mean"]), np.log(draws["concentration"]), logit(draws["dead_fraction"])]
    assert np.allclose(unbounded_draws(rate_model(layer), posterior), np.stack(expected, axis=-1))


def test_pointwise_terms_are_the_law_of_each_unit(rng):
    layer = measure(IndependentBernoulli(rate=rng.beta(1, 3, size=9)).sample(30, rng=rng))
    laws = {
        "mean": stats.beta(20, 50),
        "concentration": stats.gamma(9),
        "dead_fraction": stats.beta(1, 9),
    }
    posterior = as_posterior(rng, **laws)
    tree = pointwise(rate_model(layer), posterior)
    mean, concentration, dead = (tree["posterior"][name].to_numpy()[..., None] for name in laws)
    a, b = mean * concentration, (1 - mean) * concentration
    alive = stats.betabinom.pmf(layer.active_count, 30, a, b)
    law = np.log((1 - dead) * alive + dead * (layer.active_count == 0))
    assert np.allclose(tree["log_likelihood"]["active_count"], law)
    assert set(tree["posterior"].data_vars) == set(laws)


def test_elpd_is_that_of_exact_leaving_out(rng):
    model, posterior, _ = poisson_counts(COUNTS, rng)
    shape, rate = 2 + COUNTS.sum() - COUNTS, COUNTS.size  # of the posterior without each count
    exact = stats.nbinom.logpmf(COUNTS, shape, rate / (rate + 1)).sum()
    assert az.loo(pointwise(model, posterior)).elpd == pytest.approx(exact, abs=0.1)


def test_table_names_the_better_model_by_both_measures(rng):
    counts = rng.poisson(4.0, size=80)
    fitted = {"geometric": geometric_counts(counts, rng), "poisson": poisson_counts(counts, rng)}
    table = compare_models({name: case[:2] for name, case in fitted.items()}, rng=rng)
    exact = {name: case[2] for name, case in fitted.items()}
    assert list(table.index) == ["poisson", "geometric"]
    assert table["log_evidence"].to_dict() == pytest.approx(exact, abs=0.05)
    odds = np.exp(exact["geometric"] - exact["poisson"])
    assert table.loc["geometric", "probability"] == pytest.approx(odds / (1 + odds), rel=0.1)
    difference = table.loc["geometric", "elpd_difference"]
    assert difference == pytest.approx(table.loc["geometric", "elpd"] - table.loc["poisson", "elpd"])
    assert difference < -2 * table.loc["geometric", "difference_error"] < 0
    assert (table["remark"] == "").all()


def test_a_unit_that_moves_the_posterior_alone_is_told(rng):
    counts = np.array([1, 0, 2, 1, 400])
    fitted = {"geometric": geometric_counts(counts, rng)[:2], "poisson": poisson_counts(counts, rng)[:2]}
    remark = compare_models(fitted, rng=rng).loc["poisson", "remark"]
    assert re.match(r"[1-5] of 5 units have a Pareto k above 0\.70: ", remark)


def test_what_has_no_units_is_compared_by_evidence_alone(rng):
    layer = measure(DichotomizedGaussian(rate=rng.beta(1, 3, size=9), loading=0.4).sample(30, rng=rng))
    posterior = as_posterior(rng, loading=stats.beta(4, 6))
    model = factor_model(layer)
    table = compare_models({"one": (model, posterior), "other": (model, posterior)}, rng=rng)
    assert table["elpd"].isna().all()
    assert table["remark"].str.startswith("elpd has no meaning for relative_histogram").all()
    with pytest.raises(ValueError, match="must have a term for each unit, got relative_histogram"):
        pointwise(model, posterior)


def scalar_model():
    with pm.Model() as model:
        pm.Potential("layer", -pm.HalfNormal("x"))
    return model


def uneven_model():
    with pm.Model() as model:
        x = pm.HalfNormal("x")
        pm.Poisson("a", x, observed=[1, 2])
        pm.Poisson("b", x, observed=[1, 2, 3])
    return model


def prior_model():
    with pm.Model() as model:
        pm.HalfNormal("x")
    return model


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        (scalar_model, r"got layer of shape \(\) for the whole layer"),
        (uneven_model, "got parts of different sizes: 2 terms of a, 3 terms of b"),
        (prior_model, "got a model without a likelihood"),
    ],
)
def test_likelihoods_without_units_are_named(model, sentence, rng):
    with pytest.raises(ValueError, match=sentence):
        pointwise(model(), as_posterior(rng, x=stats.halfnorm()))


def test_models_of_different_data_are_named(rng):
    case, model = poisson_counts(COUNTS, rng)[:2], uneven_model()
    fitted = {"counts": case, "uneven": (model, as_posterior(rng, x=stats.halfnorm()))}
    sentence = r"same data, got likelihoods of count \(counts\), a and b \(uneven\)"
    with pytest.raises(ValueError, match=sentence):
        compare_models(fitted, rng=rng)
    with pytest.raises(ValueError, match=r"same units, got \[5, 10\] of them"):
        compare_models({"few": poisson_counts(COUNTS[:5], rng)[:2], "all": case}, rng=rng)
    with pytest.raises(ValueError, match="two models at least, got 1"):
        compare_models({"counts": case}, rng=rng)


def test_posteriors_that_do_not_serve_are_named(rng):
    model, posterior, _ = poisson_counts(COUNTS, rng)
    with pytest.raises(ValueError, match="got none of rate: it is of another model"):
        log_evidence(model, as_posterior(rng, mean=stats.norm()), rng=rng)
    with pytest.raises(ValueError, match="twenty draws for each of 1 dimensions, got 16"):
        log_evidence(model, posterior.isel(draw=slice(4)), rng=rng)
    with pytest.raises(ValueError, match="draws inside their ranges"):
        log_evidence(model, posterior * 0.0, rng=rng)
    with pm.Model() as discrete:
        pm.Poisson("rate", 3.0)
    with pytest.raises(TypeError, match="must have continuous variables, got rate"):
        log_evidence(discrete, posterior, rng=rng)


def exact_rates(layer, prior):
    """Log evidence of the rates model, and its posterior means and deviations, by quadrature.

    Over (logit mean, log concentration, logit dead fraction), on a box narrowed to within 40 nats of the
    maximum: trapezoid sums, which for smooth bumps are exact to rounding.
    """
    k, repeats = np.unique(layer.active_count, return_counts=True)
    silent = repeats[k == 0].sum()
    k, repeats = k[k > 0], repeats[k > 0]
    n = layer.n_examples

    def law(k, a, b):
        choose = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
        return choose + betaln(k + a, n - k + b) - betaln(a, b)

    def log_joint(x, y, z):
        a, b = expit(x)[:, None] * np.exp(y), expit(-x)[:, None] * np.exp(y)
        seen = (law(k, a[..., None], b[..., None]) @ repeats)[..., None]
        unseen = law(0, a, b)[..., None]
        dead, alive = log_expit(z), log_expit(-z)
        value = seen + repeats.sum() * alive + silent * np.logaddexp(dead, alive + unseen)
        for log_p, log_q, (shape, other) in (
            (log_expit(x)[:, None, None], log_expit(-x)[:, None, None], prior.mean),
            (dead, alive, prior.dead_fraction),
        ):
            value = value + shape * log_p + other * log_q - betaln(shape, other)
        median, log_sd = prior.concentration
        return value + stats.norm.logpdf(y, np.log(median), log_sd)[:, None]

    box = [(-12.0, 12.0), (-10.0, 14.0), (-45.0, 12.0)]
    for points in (41, 41, 41, 121):
        axes = [np.linspace(low, high, points) for low, high in box]
        value = log_joint(*axes)
        near = np.argwhere(value > value.max() - 40)
        box = [
            (axis[max(index.min() - 1, 0)], axis[min(index.max() + 1, points - 1)])
            for axis, index in zip(axes, near.T, strict=True)
        ]
    cell = np.prod([axis[1] - axis[0] for axis in axes])
    total = logsumexp(value)
    weight = np.exp(value - total)
    moments = {}
    for which, (name, own) in enumerate(
        {"mean": expit, "concentration": np.exp, "dead_fraction": expit}.items()
    ):
        marginal = weight.sum(axis=tuple({0, 1, 2} - {which}))
        point = own(axes[which])
        center = marginal @ point
        moments[name] = center, np.sqrt(marginal @ np.square(point - center))
    return float(total + np.log(cell)), moments


def test_quadrature_of_the_rates_has_the_density_of_the_graph(rng):
    """The reference itself, against a plain average of the likelihood over draws of the prior."""
    layer = measure(IndependentBernoulli(rate=np.array([0.0, 0.1, 0.4])).sample(6, rng=rng))
    mean, dead = rng.beta(1, 1, size=(2, 200_000, 1))
    concentration = rng.lognormal(np.log(5), 1.5, size=(200_000, 1))
    alive = stats.betabinom.pmf(layer.active_count, 6, mean * concentration, (1 - mean) * concentration)
    likelihood = ((1 - dead) * alive + dead * (layer.active_count == 0)).prod(axis=1)
    error = likelihood.std() / likelihood.mean() / np.sqrt(likelihood.size)
    exact, _ = exact_rates(layer, RatePrior())
    assert abs(np.log(likelihood.mean()) - exact) < stats.norm.isf(0.5e-6) * error


@pytest.mark.slow
@pytest.mark.parametrize("dead_fraction", [0.0, 0.3])
def test_evidence_and_posterior_of_the_rates_are_those_of_quadrature(dead_fraction, rng, agrees):
    law = BetaRates(n_units=128, mean=0.15, concentration=2.0, dead_fraction=dead_fraction)
    layer = measure(IndependentBernoulli(rate=law.sample(rng=rng)).sample(500, rng=rng))
    exact, moments = exact_rates(layer, RatePrior())
    posterior = fit(layer, rng=rng)
    evidence = log_evidence(rate_model(layer), posterior, rng=rng)
    assert evidence.error < 0.02
    assert agrees(2 * stats.norm.sf(abs(standardized(evidence, exact))))
    draws = posterior["posterior"].to_dataset()[list(moments)]
    z = [
        (draws[name].mean() - mean) / (sd / np.sqrt(az.ess(draws[name], method="mean")))
        for name, (mean, sd) in moments.items()
    ]
    assert agrees(2 * stats.norm.sf(np.abs(z)))


@pytest.mark.slow
def test_evidence_of_the_factor_is_that_of_quadrature(rng, agrees):
    process = DichotomizedGaussian(rate=rng.beta(1, 3, size=48), loading=0.4)
    layer = measure(process.sample(500, rng=rng))
    loading = (np.arange(20_000) + 0.5) / 20_000
    exact = logsumexp(loading_likelihood(layer)(loading)) - np.log(loading.size)
    evidence = log_evidence(factor_model(layer), fit(layer, model="factor", rng=rng), rng=rng)
    assert agrees(2 * stats.norm.sf(abs(standardized(evidence, exact))))


@pytest.mark.slow
def test_sequential_monte_carlo_finds_the_same_evidence(rng):
    layer = measure(IndependentBernoulli(rate=rng.beta(1, 3, size=32)).sample(100, rng=rng))
    model = rate_model(layer)
    posterior = fit(layer, rng=rng)
    with model:
        other = pm.sample_smc(
            draws=1000,
            chains=4,
            cores=1,
            random_seed=int(rng.integers(2**31)),
            progressbar=False,
            compute_convergence_checks=False,
        )
    second = [
        np.ravel(chain)[-1] for chain in other["sample_stats"]["log_marginal_likelihood"].to_numpy()
    ]
    exact, _ = exact_rates(layer, RatePrior())
    assert log_evidence(model, posterior, rng=rng).log_evidence == pytest.approx(exact, abs=0.05)
    assert np.mean(second) == pytest.approx(exact, abs=0.4)


@pytest.mark.slow
def test_data_are_attributed_to_the_law_that_drew_them(rng):
    """Eight draws of each law, told apart by so much that one wrong has a chance below 1e-6."""
    for truth, draw in {
        "poisson": lambda: rng.poisson(4.0, size=150),
        "geometric": lambda: rng.geometric(0.2, size=150) - 1,
    }.items():
        for _ in range(8):
            counts = draw()
            fitted = {"geometric": geometric_counts(counts, rng), "poisson": poisson_counts(counts, rng)}
            table = compare_models({name: case[:2] for name, case in fitted.items()}, rng=rng)
            assert table["log_evidence"].idxmax() == truth
            assert table["elpd"].idxmax() == truth
