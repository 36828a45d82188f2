"""Class-selectivity: curves of units, the plugged-in law and the graph against SciPy; fits (slow)."""

from dataclasses import fields, replace
from itertools import product

import numpy as np
import pytest
from scipy import integrate, stats
from scipy.special import comb, expit, logit

from rote.activity.measurement import measure
from rote.inference.classes import (
    LEAST,
    MOST,
    ClassPrior,
    class_counts,
    class_model,
    plug_in_law,
    share_curves,
    share_log_likelihood,
)
from rote.inference.fitting import fit
from rote.simulate import ClassConditional, SelectiveRates

LAW = (0.6, 2.4)
N = np.array([40.0, 25.0, 60.0])
COUNTS = np.array([[0, 1, 0], [30, 2, 7], [8, 5, 12], [40, 25, 60], [0, 25, 0], [0, 0, 0]], dtype=float)
SHARES = np.array([LEAST, 1e-3, 0.05, 0.4, 0.9, MOST])


def layer_of(rng, class_share=0.1, spread=0.7, n_units=24, n_classes=3, n_examples=50, mean=0.2):
    rate = SelectiveRates(
        n_units=n_units,
        n_classes=n_classes,
        mean=mean,
        concentration=3.0,
        class_share=class_share,
        class_share_spread=spread,
    ).sample(rng=rng)
    process = ClassConditional(class_probability=np.full(n_classes, 1 / n_classes), class_rate=rate)
    labels = np.repeat(np.arange(n_classes), n_examples)
    return measure(process.sample_given(labels, rng=rng), labels=labels, pairs=False)


def by_quadrature(count, n, share):
    """log L_i less the binomials, the integral over m by SciPy in the logit of m."""
    scale, ways = (1 - share) / share, comb(n, count)

    def density(x):
        m = expit(x)
        parts = stats.betabinom.pmf(count, n, m * scale, (1 - m) * scale) / ways
        return parts.prod() * stats.beta.pdf(m, *LAW) * m * (1 - m)

    grid = np.linspace(-30, 12, 421)
    top = grid[np.argmax([density(x) for x in grid])]
    near = [top - 8, top - 2, top - 0.5, top, top + 0.5, top + 2, top + 8]
    largest = density(top)
    total = integrate.quad(lambda x: density(x) / largest, -60, 20, points=near, epsrel=1e-8, limit=500)
    return np.log(total[0]) + np.log(largest)


@pytest.mark.parametrize("which", range(len(COUNTS)))
def test_likelihood_of_a_unit_is_that_of_quadrature(which):
    found = share_log_likelihood(COUNTS[[which]], N, (1 - SHARES) / SHARES, LAW)[0]
    due = [by_quadrature(COUNTS[which], N, share) for share in SHARES[1:]]
    assert found[1:] == pytest.approx(due, abs=2e-3)
    level = share_log_likelihood(COUNTS[[which]], N, np.array([1e9]), LAW)[
        0
    ]  # SciPy has no digits there
    assert found[0] == pytest.approx(level, abs=0.01)


def test_without_selectivity_the_classes_do_not_matter():
    """One count of all examples, a Beta-binomial."""
    found = share_log_likelihood(COUNTS, N, np.array([1e10]), LAW)[:, 0]
    total, whole = COUNTS.sum(axis=1), N.sum()
    due = stats.betabinom.logpmf(total, whole, *LAW) - np.log(comb(whole, total))
    assert found == pytest.approx(due, abs=2e-3)


@pytest.mark.parametrize("share", [1e-6, 0.02, 0.5, 0.95])
def test_likelihoods_of_all_counts_sum_to_one(share):
    n = np.array([4.0, 3.0])
    every = np.array(list(product(range(5), range(4))), dtype=float)
    logp = share_log_likelihood(every, n, np.array([(1 - share) / share]), LAW)[:, 0]
    assert comb(n, every).prod(axis=1) @ np.exp(logp) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize(
    ("class_share", "mean", "concentration"), [(1e-6, 0.2, 3.0), (0.3, 0.2, 3.0), (0.3, 0.05, 4.0)]
)
def test_plugged_in_law_is_that_of_the_units(class_share, mean, concentration, agrees, rejects, rng):
    """Though many were never seen, about half in the last layer, and half of the layer is dead."""
    law = SelectiveRates(
        n_units=2000, n_classes=4, mean=mean, concentration=concentration, class_share=class_share
    )
    n, found = np.array([30, 20, 30, 40]), []
    for _ in range(40):
        count = rng.binomial(n[:, None], law.sample(rng=rng)).T.astype(float)
        a, b = plug_in_law(count[count.any(axis=1)], n.astype(float), 2 * len(count))
        found.append((a / (a + b), np.log(a + b)))
    due = np.array([mean, np.log(concentration)])
    assert agrees(stats.ttest_1samp(found, due).pvalue)
    assert rejects(stats.ttest_1samp(found, due + np.array([0, 0.3])).pvalue)


def test_every_unit_seen_leaves_the_moments_as_they_are():
    count, n = COUNTS[:5], N
    a, b = plug_in_law(count, n, 5)
    rate = count / n
    square = np.mean([r[i] * r[j] for r in rate for i in range(3) for j in range(3) if i != j])
    assert a / (a + b) == pytest.approx(rate.mean())
    assert a / (a + b) * (a + 1) / (a + b + 1) == pytest.approx(square)


@pytest.mark.parametrize("law", [(-3.0, 0.7), (-7.0, 1.5), (1.0, 0.4)])
def test_curves_average_the_likelihoods_over_the_law(law, rng):
    layer = layer_of(rng)
    count, n = class_counts(layer)
    plugged = plug_in_law(count, n, layer.n_units)
    x = np.linspace(law[0] - 8 * law[1], law[0] + 8 * law[1], 641)
    x = x[(x > logit(LEAST)) & (x < logit(MOST))]
    weight = stats.norm.pdf(x, *law)
    value = share_log_likelihood(count, n, np.exp(-x), plugged)
    missed = np.exp(share_log_likelihood(np.zeros((1, n.size)), n, np.exp(-x), plugged))[0]
    curves, seen = share_curves(layer)
    due = np.log(np.exp(value) @ weight / weight.sum())
    assert curves.log_likelihood(*map(np.float64, law)) == pytest.approx(due, abs=0.02)
    due = np.log((1 - missed) @ weight / weight.sum())
    assert seen.log_likelihood(*map(np.float64, law)) == pytest.approx(due, abs=0.02)


def test_graph_is_the_curves_and_serves_other_layers(rng):
    model = class_model(layer_of(rng))
    compiled = model.compile_logp(vars=model.potentials, mode="FAST_COMPILE")
    for layer in (layer_of(rng), layer_of(rng, n_units=9, n_classes=5)):
        other = class_model(layer)
        for data in model.data_vars:
            data.set_value(other[data.name].get_value())
        curves, seen = share_curves(layer)
        for share, spread in ((0.05, 0.7), (1e-4, 2.0), (0.9, 0.3)):
            law = np.float64(logit(share)), np.float64(spread)
            due = (curves.log_likelihood(*law) - seen.log_likelihood(*law)).sum()
            point = {"high_share_logodds__": law[0] + spread, "class_share_spread_log__": np.log(spread)}
            assert compiled(point) == pytest.approx(due, abs=1e-8)


def test_priors_mean_what_they_say(rng):
    model = class_model(layer_of(rng), prior=ClassPrior(class_share=(0.1, 1.2)))
    point = {"high_share_logodds__": -3.0 + np.exp(-0.2), "class_share_spread_log__": -0.2}
    logp = model.compile_logp(vars=model.free_RVs, mode="FAST_COMPILE")
    due = stats.norm.logpdf(-3.0, logit(0.1), 1.2) + stats.norm.logpdf(-0.2, np.log(0.7), 0.6)
    assert logp(point) == pytest.approx(due)


def test_parameters_share_the_process_names(rng):
    model = class_model(layer_of(rng))
    names = {variable.name for variable in [*model.free_RVs, *model.deterministics]}
    process = {field.name for field in fields(SelectiveRates)}
    assert names - {"high_share"} == process - {"n_units", "n_classes", "mean", "concentration"}


def test_empty_classes_and_silent_units_change_nothing(rng):
    """Neither of them is in what the likelihood is of; units never active are units that may be dead."""
    layer = layer_of(rng, class_share=0.02, mean=0.5)
    assert not layer.dead.any()
    wider = replace(
        layer,
        class_examples=np.append(layer.class_examples, 0),
        class_active=np.vstack([layer.class_active, np.zeros((1, layer.n_units), dtype=int)]),
    )
    for one, other in zip(class_counts(layer), class_counts(wider), strict=True):
        np.testing.assert_array_equal(one, other)
    law = np.float64(-3.0), np.float64(0.7)
    dead = np.zeros((3, 200), dtype=int)
    padded = replace(
        layer,
        active_count=np.append(layer.active_count, dead[0]),
        class_active=np.hstack([layer.class_active, dead]),
    )
    due = share_curves(layer)[0].log_likelihood(*law)
    assert share_curves(padded)[0].log_likelihood(*law) == pytest.approx(due, abs=0.1)


def test_layers_without_classes_or_activity_are_named(rng):
    layer = layer_of(rng)
    active = rng.random((30, 4)) < 0.5
    with pytest.raises(
        ValueError, match="must hold examples of two classes, got 0: measure with labels"
    ):
        class_model(measure(active))
    with pytest.raises(ValueError, match="must hold examples of two classes, got 1"):
        class_model(measure(active, labels=np.ones(30, dtype=int), n_classes=3))
    with pytest.raises(ValueError, match="must have an active unit, got 4 units never active on 30"):
        class_model(measure(np.zeros_like(active), labels=np.arange(30) % 3))
    with pytest.raises(
        ValueError, match=r"class_active of statistics must lie in \[0, class_examples\]"
    ):
        class_model(replace(layer, class_active=layer.class_active + 51))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("class_share", "spread", "n_classes"), [(0.3, 0.8, 10), (0.02, 0.5, 5), (0.1, 0.7, 2)]
)
def test_fit_recovers_the_shares(class_share, spread, n_classes, rng):
    layer = layer_of(rng, class_share, spread, n_units=200, n_classes=n_classes, n_examples=200)
    draws = fit(layer, model="classes", rng=rng)["posterior"]
    for name, truth in (("class_share", class_share), ("class_share_spread", spread)):
        low, high = draws[name].quantile([0.0005, 0.9995])
        assert low < truth < high, name


@pytest.mark.slow
def test_units_that_take_no_notice_are_not_called_selective(rng):
    layer = layer_of(rng, class_share=1e-7, spread=0.0, n_units=100, n_classes=10, n_examples=100)
    draws = fit(layer, model="classes", rng=rng)["posterior"]
    assert draws["class_share"].quantile(0.95) < 0.004
    assert draws["class_share"].quantile(0.05) < 0.0005  # none is among what is likely


@pytest.mark.slow
def test_a_wide_layer_that_takes_no_notice_is_sampled_without_divergences(rng):
    """A thousand curves that fall off together are a wall: a fit raises if a chain breaks on it."""
    layer = layer_of(rng, class_share=1e-7, spread=0.0, n_units=4, n_classes=10, mean=0.1)
    counts = rng.binomial(6000, np.full((10, 1000), 0.1))
    layer = replace(
        layer, class_examples=np.full(10, 6000), class_active=counts, active_count=counts.sum(axis=0)
    )
    draws = fit(layer, model="classes", rng=rng)["posterior"]
    assert draws["class_share"].quantile(0.95) < 1e-4
