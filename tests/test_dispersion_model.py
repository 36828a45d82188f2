"""Dispersion of a layer: likelihoods against SciPy's laws and sums, the graph, the evidence, errors."""

from itertools import product

import numpy as np
import pymc as pm
import pytest
from pytensor.graph.replace import graph_replace
from scipy import integrate, stats
from scipy.special import expit

from rote.activity.measurement import measure
from rote.inference.dispersion import (
    LAWS,
    dispersion_evidence,
    dispersion_model,
    gamma_poisson_model,
)
from rote.inference.dispersion_laws import log_likelihood
from rote.inference.evidence import log_evidence
from rote.inference.fitting import fit
from rote.inference.half_log import half_log_normal
from rote.inference.window_counts import WindowCounts
from rote.simulate import BetaRates, DispersedBernoulli, IndependentBernoulli, LogNormalDispersions
from rote.simulate.dispersions import LEAST, MOST

WINDOW = 5
COUNTS = np.array([[0, 1, 0, 0], [5, 0, 3, 1], [5, 5, 4, 5], [2, 2, 1, 2]])  # (n_units, n_windows)
RATE = (0.5, 0.5)
BUILD = {"dispersion": dispersion_model, "gamma_poisson": gamma_poisson_model}


def windows_of(counts, window=WINDOW):
    counts = np.asarray(counts)
    histogram = [np.bincount(unit, minlength=counts.max() + 1) for unit in counts]
    return WindowCounts(histogram=np.array(histogram), window=window)


def pmf(law, count, rate, x, window=WINDOW):
    """The four laws by SciPy."""
    if law == "binomial":
        return stats.binom.pmf(count, window, rate)
    if law == "poisson":
        return stats.poisson.pmf(count, window * rate)
    if law == "dispersion":
        return stats.betabinom.pmf(count, window, rate / x, (1 - rate) / x)
    return stats.nbinom.pmf(count, 1 / x, 1 / (1 + x * window * rate))


def averaged(law, counts, x, window=WINDOW):
    """∫ Π P(k) Beta(p) dp by SciPy's densities and the trapezoidal rule in logit p."""
    y = np.linspace(-34, 34, 2001)
    rate = expit(y)
    chance = pmf(law, counts[:, None], rate, x, window).prod(axis=0)
    return integrate.trapezoid(chance * stats.beta.pdf(rate, *RATE) * rate * expit(-y), x=y)


def given_change(law, counts, x, window=WINDOW):
    n = len(counts)
    left_out = sum(averaged(law, np.full(n, end), x, window) for end in (0, window))
    return np.log(averaged(law, counts, x, window) / (1 - left_out))


@pytest.fixture(scope="module")
def layer():
    """Twelve units of clear dispersion in fifteen windows of ten examples."""
    rng = np.random.default_rng(5)
    rate = np.linspace(0.1, 0.6, 12)
    process = DispersedBernoulli(rate=rate, dispersion=0.2, window=10)
    return windows_of(process.sample(150, rng=rng).reshape(15, 10, 12).sum(axis=1).T, window=10)


@pytest.mark.parametrize("law", LAWS)
def test_likelihoods_are_the_averages_of_scipys_laws(law):
    x = np.array([1e-4, 0.05, 1.0, 8.0])
    value = log_likelihood(LAWS[law], windows_of(COUNTS), x, RATE)
    due = [[given_change(law, unit, one) for one in x] for unit in COUNTS]
    assert value == pytest.approx(np.array(due), abs=1e-4)


@pytest.mark.parametrize("law", LAWS)
def test_chances_of_all_counts_that_change_sum_to_one(law):
    """Three windows of two examples; of counts without an end two windows, up to 80."""
    bounded = law in ("binomial", "dispersion")
    counts = np.array(list(product(range(3), repeat=3) if bounded else product(range(80), repeat=2)))
    changes = ~((counts == 0).all(axis=1) | (counts == 2).all(axis=1))
    x = np.array([0.1, 0.5])
    value = log_likelihood(LAWS[law], windows_of(counts[changes], window=2), x, RATE)
    # the chances of a histogram's windows in one order of theirs
    assert np.exp(value).sum(axis=0) == pytest.approx(1, abs=2e-4)


@pytest.mark.parametrize(("law", "limit"), [("dispersion", "binomial"), ("gamma_poisson", "poisson")])
def test_no_dispersion_is_the_limit_of_little(law, limit):
    data = windows_of(COUNTS)
    little = log_likelihood(LAWS[law], data, np.array([1e-8]), RATE)
    assert little == pytest.approx(log_likelihood(LAWS[limit], data, np.ones(1), RATE), abs=1e-5)


def test_the_scale_is_its_own_inverse_and_has_the_slope_it_states():
    with pm.Model() as model:
        value = half_log_normal("x", 0.3, 1.2, pm.Data("knee", 0.05))
    transform, inputs = model.rvs_to_transforms[value], value.owner.inputs
    z = np.array([-30.0, -2.0, 0.3, 40.0])
    back = transform.backward(z, *inputs).eval(mode="FAST_COMPILE")
    assert back == pytest.approx(0.05 * np.logaddexp(0, z))
    assert transform.forward(back, *inputs).eval(mode="FAST_COMPILE") == pytest.approx(z)
    step = 1e-6
    slope = (transform.backward(z + step, *inputs) - transform.backward(z - step, *inputs)).eval(
        mode="FAST_COMPILE"
    )
    assert transform.log_jac_det(z, *inputs).eval(mode="FAST_COMPILE") == pytest.approx(
        np.log(slope / (2 * step)), abs=1e-6
    )


def test_the_scale_changes_with_its_data_and_the_law_does_not(agrees, rng):
    with pm.Model() as model:
        value = half_log_normal("x", 0.3, 1.2, pm.Data("knee", 0.05))
    logp = model.compile_logp(jacobian=False, mode="FAST_COMPILE")
    for knee in (0.05, 2.0):
        model.set_data("knee", knee)
        at = knee * np.logaddexp(0, 0.7)
        due = stats.lognorm(1.2, scale=0.3).logpdf(at)
        assert logp({"x_half_log__": np.array(0.7)}) == pytest.approx(due)
    drawn = pm.draw(value, 2000, random_seed=rng)
    assert agrees(stats.kstest(drawn, stats.lognorm(1.2, scale=0.3).cdf).pvalue)


def layer_likelihood(law, data, dispersion, spread):
    """Σ_i log L_i under log-normal laws of dispersion ``(n,)``, by Simpson's rule on 1,001 points."""
    x = np.linspace(np.log(LEAST), np.log(MOST), 1001)
    value = np.exp(log_likelihood(LAWS[law], data, np.exp(x), RATE))
    center, spread = np.log(dispersion)[:, None], np.asarray(spread)[:, None]
    weight = stats.norm.pdf(x, center, spread)
    total = [integrate.simpson(unit * weight, x=x, axis=1) for unit in value]
    inside = np.diff(stats.norm.cdf(x[[0, -1]], center, spread), axis=1)[:, 0]
    return np.log(total / inside).sum(axis=0)


def unbounded(model, dispersion, spread):
    """Return the sampler's points of these laws."""
    variables = [model["dispersion_spread"], model["dispersion"]]
    given = [variable.type() for variable in variables]
    forward = [model.rvs_to_transforms[v].forward(v, *v.owner.inputs) for v in variables]
    graphs = graph_replace(forward, dict(zip(variables, given, strict=True)), strict=False)
    evaluate = pm.compile(given, graphs, mode="FAST_COMPILE", on_unused_input="ignore")
    names = [model.rvs_to_values[variable].name for variable in variables]
    return [
        dict(zip(names, evaluate(s, d), strict=True)) for d, s in zip(dispersion, spread, strict=True)
    ]


@pytest.mark.parametrize("law", BUILD)
def test_the_graph_is_priors_times_integrals_over_units(law, layer):
    model = BUILD[law](layer)
    logp = model.compile_logp(jacobian=False, mode="FAST_COMPILE")
    dispersion, spread = np.array([0.2, 0.05, 1.0]), np.array([0.7, 0.4, 1.5])
    due = layer_likelihood(law, layer, dispersion, spread)
    due += stats.lognorm(1.5, scale=0.05).logpdf(dispersion) + stats.lognorm(0.5, scale=0.7).logpdf(
        spread
    )
    assert [logp(point) for point in unbounded(model, dispersion, spread)] == pytest.approx(
        due, abs=0.02
    )


@pytest.mark.parametrize("law", BUILD)
def test_the_jacobian_is_that_of_both_scales(law, layer):
    """The law's density in z, with a knee that depends on the spread, by differences of the map."""
    model = BUILD[law](layer)
    logp, flat = (model.compile_logp(jacobian=j, mode="FAST_COMPILE") for j in (True, False))
    names = ("dispersion_spread_half_log__", "dispersion_half_log__")
    reveal = model.compile_fn(
        model.replace_rvs_by_values([model["dispersion_spread"], model["dispersion"]]),
        inputs=[model.rvs_to_values[model[name]] for name in ("dispersion_spread", "dispersion")],
        mode="FAST_COMPILE",
        point_fn=False,
    )
    z, step = np.array([0.8, -0.3]), 1e-5 * np.eye(2)
    jacobian = [np.subtract(reveal(*(z + one)), reveal(*(z - one))) / 2e-5 for one in step]
    point = dict(zip(names, z, strict=True))
    due = np.linalg.slogdet(np.array(jacobian))[1]
    assert logp(point) - flat(point) == pytest.approx(due, abs=1e-6)


def test_parameters_share_the_names_of_their_law(layer):
    for build in BUILD.values():
        names = {variable.name for variable in build(layer).free_RVs}
        assert names | {"n_units"} == set(LogNormalDispersions.__dataclass_fields__)


def test_fano_ratios_are_those_of_the_laws(layer):
    """Of the beta-binomial law over the binomial's; of the Gamma-Poisson at the layer's mean count."""
    mean = layer.total.mean() / layer.n_windows

    def beta_binomial(x):
        process = DispersedBernoulli(rate=[0.2], dispersion=x, window=10)
        return process.predict().fano_factor()[0] / 0.8

    def gamma_poisson(x):
        count = stats.nbinom(1 / x, 1 / (1 + x * mean))
        return count.var() / count.mean()

    for law, due in {"dispersion": beta_binomial, "gamma_poisson": gamma_poisson}.items():
        model = BUILD[law](layer)
        ratio, _ = model.replace_rvs_by_values([model["fano_ratio"], model["dispersion_spread"]])
        x, _ = model.replace_rvs_by_values([model["dispersion"], model["dispersion_spread"]])
        evaluate = model.compile_fn(
            [x, ratio], inputs=model.value_vars, mode="FAST_COMPILE", point_fn=False
        )
        found, value = evaluate(0.4, 0.5)
        assert value == pytest.approx(due(found))


@pytest.mark.parametrize("law", ["binomial", "poisson"])
def test_evidence_without_a_parameter_is_exact(law):
    due = sum(given_change(law, unit, 1.0) for unit in COUNTS)
    assert dispersion_evidence(windows_of(COUNTS), law=law) == pytest.approx(due, abs=1e-4)


@pytest.mark.parametrize("law", BUILD)
def test_evidence_is_the_prior_average_of_the_likelihood(law, layer):
    standard = np.linspace(-5, 5, 81)
    one, other = np.meshgrid(standard, standard[::2])
    log_weight = stats.norm.logpdf(one) + stats.norm.logpdf(other) + np.log(0.125 * 0.25)
    dispersion, spread = 0.05 * np.exp(1.5 * one), 0.7 * np.exp(0.5 * other)
    value = layer_likelihood(law, layer, dispersion.ravel(), spread.ravel())
    due = np.logaddexp.reduce(value + log_weight.ravel())
    assert dispersion_evidence(layer, law=law) == pytest.approx(due, abs=0.02)


def counts_of(law, rng, n_units=64, n_windows=4_000, window=20):
    rate = rng.beta(1.0, 3.0, size=(n_units, 1))
    size = (n_units, n_windows)
    if law == "binomial":
        return rng.binomial(window, rate, size)
    if law == "poisson":
        return rng.poisson(window * rate, size)
    if law == "dispersion":
        return rng.binomial(window, rng.beta(rate / 0.15, (1 - rate) / 0.15, size))
    return rng.poisson(window * rate * rng.gamma(1 / 0.3, 0.3, size))


@pytest.mark.parametrize("law", LAWS)
def test_evidence_prefers_the_law_that_made_the_counts(law, rng):
    data = windows_of(counts_of(law, rng), window=20)
    bounded = data.histogram.shape[1] <= 21
    rivals = list(LAWS) if bounded else ["poisson", "gamma_poisson"]
    found = {name: dispersion_evidence(data, law=name) for name in rivals}
    assert law in found
    assert max(found, key=found.get) == law


@pytest.mark.parametrize("law", BUILD)
def test_units_that_never_change_change_nothing(law, layer):
    ends = np.zeros((3, layer.histogram.shape[1]), dtype=np.int64)
    ends[[0, 1, 2], [0, -1, 0]] = 15
    more = WindowCounts(histogram=np.concatenate([ends, layer.histogram]), window=10)
    assert np.array_equal(more.changing, [False] * 3 + [True] * 12)
    model, other = BUILD[law](more), BUILD[law](layer)
    start = other.initial_point()
    same = model.compile_logp(mode="FAST_COMPILE")(start) == other.compile_logp(mode="FAST_COMPILE")(
        start
    )
    assert same
    assert dispersion_evidence(more, law=law) == dispersion_evidence(layer, law=law)


def test_window_counts_count_what_they_say(rng):
    data = windows_of(COUNTS)
    assert data.n_windows == 4
    assert np.array_equal(data.total, COUNTS.sum(axis=1))
    for j in range(WINDOW):
        assert np.array_equal(data.above()[:, j], (j < COUNTS).sum(axis=1))
        assert np.array_equal(data.below()[:, j], (j < WINDOW - COUNTS).sum(axis=1))


def test_window_counts_are_of_the_stated_order(rng):
    active = IndependentBernoulli(rate=[0.2, 0.7]).sample(120, rng=rng)
    labels = np.arange(120) % 3
    plain = measure(active, window=10)
    labelled = measure(active, labels=labels, window=10, rng=rng)
    recorded = active.reshape(12, 10, 2).sum(axis=1).T
    by_class = np.concatenate([active[labels == c].reshape(4, 10, 2).sum(axis=1) for c in range(3)]).T
    for counts, found in [
        (recorded, WindowCounts.of(plain)),
        (recorded, WindowCounts.of(labelled, order="recorded")),
        (by_class, WindowCounts.of(labelled)),
    ]:
        due = [np.bincount(unit, minlength=11) for unit in counts]
        assert np.array_equal(found.histogram, due)
        assert found.window == 10


@pytest.mark.parametrize(
    ("histogram", "window", "error", "sentence"),
    [
        ([[2, 3], [4, 2]], 5, ValueError, "the same windows for every unit, got 5 to 6 of them"),
        ([[2, -3], [-4, 3]], 5, ValueError, "got -1 to -1 of them, the fewest of a kind -4"),
        ([[1, 0], [0, 1]], 5, ValueError, "histogram must hold two windows at least, got 1"),
        (
            [2, 3],
            5,
            TypeError,
            r"whole numbers of shape \(n_units, n_counts\), got int64 of shape \(2,\)",
        ),
        ([[2.0, 3.0]], 5, TypeError, r"whole numbers .* got float64 of shape \(1, 2\)"),
        ([[2, 3]], 1, ValueError, "window must be at least 2, got 1"),
    ],
)
def test_impossible_window_counts_are_named(histogram, window, error, sentence):
    with pytest.raises(error, match=sentence):
        WindowCounts(histogram=np.array(histogram), window=window)


def test_what_cannot_be_fitted_is_named(rng):
    still = windows_of([[0, 0, 0], [5, 5, 5]])
    sentence = "of a unit that changes, got 2 units, each never or always active in 3 windows"
    for build in BUILD.values():
        with pytest.raises(ValueError, match=sentence):
            build(still)
    with pytest.raises(ValueError, match=sentence):
        dispersion_evidence(still, law="binomial")
    with pytest.raises(ValueError, match=r"counts must lie in \[0, window=5\], got larger ones"):
        dispersion_model(windows_of([[0, 7, 1]]))
    with pytest.raises(
        ValueError, match="law must be one of dispersion, gamma_poisson, binomial, poisson"
    ):
        dispersion_evidence(still, law="normal")
    short = measure(IndependentBernoulli(rate=[0.3]).sample(15, rng=rng), window=10)
    with pytest.raises(
        ValueError, match="recorded order need two windows of 10 examples, got 1: record"
    ):
        WindowCounts.of(short)
    with pytest.raises(ValueError, match="order must be one of recorded, class, shuffled"):
        WindowCounts.of(short, order="random")


def far(truth, draws):
    """How many posterior standard deviations the truth is off, on the logarithmic scale."""
    log = np.log(draws)
    return abs(float((np.log(truth) - log.mean()) / log.std()))


SIGMAS = stats.norm.isf(0.5e-6)


@pytest.mark.slow
@pytest.mark.parametrize("law", BUILD)
def test_fit_recovers_the_law_it_was_drawn_from(law, rng):
    truth = LogNormalDispersions(n_units=300, dispersion=0.1, dispersion_spread=0.6)
    dispersion, rate = (
        truth.sample(rng=rng),
        BetaRates(n_units=300, mean=0.3, concentration=4).sample(rng=rng),
    )
    if law == "dispersion":
        process = DispersedBernoulli(rate=rate, dispersion=dispersion, window=20)
        data = WindowCounts.of(measure(process.sample(4_000, rng=rng), window=20))
    else:
        gain = rng.gamma(1 / dispersion, dispersion, size=(200, 300))
        data = windows_of(rng.poisson(20 * rate * gain).T, window=20)
    posterior = fit(data, model=law, rng=rng)["posterior"]
    assert far(0.1, posterior["dispersion"]) < SIGMAS
    assert far(0.6, posterior["dispersion_spread"]) < SIGMAS
    assert far(0.05, posterior["dispersion"]) > SIGMAS


@pytest.mark.slow
@pytest.mark.parametrize("law", BUILD)
def test_bridge_and_grid_find_the_same_evidence(law, layer, rng):
    found = log_evidence(BUILD[law](layer), fit(layer, model=law, rng=rng), rng=rng)
    assert found.log_evidence == pytest.approx(dispersion_evidence(layer, law=law), abs=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("window", [10, 100])
def test_independent_units_have_no_dispersion_to_speak_of(window, rng):
    rate = BetaRates(n_units=100, mean=0.2, concentration=3).sample(rng=rng)
    layer = measure(IndependentBernoulli(rate=rate).sample(10_000, rng=rng), window=window)
    for law in BUILD:
        ratio = fit(WindowCounts.of(layer), model=law, rng=rng)["posterior"]["fano_ratio"]
        assert 1 < float(ratio.quantile(0.95)) < 1.05
