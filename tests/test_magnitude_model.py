"""Models of magnitudes: bins, terms of units and the link to the rate, against SciPy's integrals."""

from dataclasses import fields, replace

import numpy as np
import pytest
from scipy import integrate, stats
from scipy.special import logsumexp, polygamma, psi

from rote import measure
from rote.activity.magnitude_bins import magnitude_edges
from rote.inference.exponent import ExponentPrior
from rote.inference.fitting import fit
from rote.inference.magnitude_curves import known_rate, magnitude_curves
from rote.inference.magnitude_laws import (
    FREE,
    LAWS,
    NULL,
    family_tails,
    log_bin_probability,
    null_tails,
)
from rote.inference.magnitude_rate import log_magnitude, magnitude_rate_model, null_slope
from rote.inference.magnitudes import MagnitudePrior, magnitude_model
from rote.simulate import (
    Activations,
    IndependentBernoulli,
    MagnitudeLink,
    RectifiedMagnitude,
    ScaledMagnitude,
    UnitScales,
)

RATE = np.concatenate([[0.0, 1.0], np.tile([0.02, 0.1, 0.4, 0.8], 8)])


def law_of(law, scale, variation, rate):
    if law == NULL:
        return RectifiedMagnitude.from_rate(rate, scale=scale)
    return ScaledMagnitude(family=law, mean=scale, variation=variation if law in FREE else None)


def drawn(rate, magnitude, rng, n_examples=800):
    activation = Activations(process=IndependentBernoulli(rate=rate), magnitude=magnitude).sample(
        n_examples, rng=rng
    )
    return measure(activation > 0, activation=activation, pairs=False)


def layer_of(law, rng, n_units=60, n_examples=600, **scales):
    rate = rng.beta(0.4, 2, size=n_units).clip(1e-4, 0.99)
    law_of_scales = UnitScales(n_units=n_units, **({"center": 0.4, "spread": 0.3} | scales))
    return drawn(rate, law_of(law, law_of_scales.sample(rng=rng), 0.7, rate), rng, n_examples)


@pytest.mark.parametrize("law", LAWS)
def test_bins_hold_what_the_density_puts_there_however_far_out(law):
    edge, scale = np.array([0.0, 1e-5, 1e-3, 0.1, 0.5, 1.0, 2.0, 6.0, 7.0, 30.0, 33.0]), 1.3
    magnitude = law_of(law, np.array([scale]), 0.7, [0.2])
    tails = null_tails(magnitude.threshold) if law == NULL else family_tails(law, 0.7)
    found = log_bin_probability(edge, np.array(scale), tails)

    for low, high, mine in zip(edge[1:-1], edge[2:], found[1:], strict=True):
        ends = magnitude.log_density(np.array([[low], [high]])).ravel()
        top = ends.max()
        area, _ = integrate.quad(
            lambda a, top=top: np.exp(magnitude.log_density(np.array([a]))[0] - top),
            low,
            high,
            points=np.linspace(low, high, 9)[1:-1],
            epsabs=0,
            limit=200,
        )
        assert mine == pytest.approx(np.log(area) + top, rel=1e-6), (low, high)
    assert found[0] == pytest.approx(np.log(magnitude.cdf(1e-5)[0]), rel=1e-6)
    whole = np.append(edge, np.inf)
    assert logsumexp(log_bin_probability(whole, np.array(scale), tails)) == pytest.approx(0, abs=1e-12)


def exact_terms(measured, law, center, spread, variation):
    """Log of each unit's likelihood, by Simpson's rule over 4,001 log scales."""
    x = np.linspace(center - 8 * spread, center + 8 * spread, 4_001)
    edge, terms = magnitude_edges(), []
    for unit, count in enumerate(measured.magnitude_histogram):
        bins = np.flatnonzero(count)
        if measured.active_count[unit] in (0, measured.n_examples):
            terms.append(0.0)
            continue
        rate = known_rate(measured)[[unit]]
        one = law_of(law, np.ones(1), variation, rate)
        ends = np.stack([edge[bins], edge[bins + 1]])[..., None] / np.exp(x)
        with np.errstate(divide="ignore"):
            log_bin = np.log(np.diff(one.cdf(ends[..., None])[..., 0], axis=0)[0])
        value = count[bins] @ log_bin + stats.norm.logpdf(x, center, spread)
        top = value.max()
        terms.append(top + np.log(integrate.simpson(np.exp(value - top), x=x)))
    return np.array(terms)


@pytest.mark.parametrize("law", LAWS)
def test_terms_are_the_units_integrals(law, rng):
    scale = UnitScales(n_units=RATE.size, center=0.3, spread=0.5).sample(rng=rng)
    measured = drawn(RATE, law_of(law, scale, 0.7, RATE.clip(1e-9, 1 - 1e-9)), rng, 100)
    model = magnitude_model(measured, prior=MagnitudePrior(law=law))
    terms = model.compile_logp(vars=model.potentials, sum=False, mode="FAST_COMPILE")
    for center, spread, variation in ((0.2, 0.4, 0.7), (0.6, 0.8, 0.6)):
        point = {"center": center, "spread_log__": np.log(spread)}
        point |= {"variation_log__": np.log(variation)} if law in FREE else {}
        (found,) = terms(point)
        due = exact_terms(measured, law, center, spread, variation)
        np.testing.assert_allclose(found, due, atol=0.03)
        np.testing.assert_array_equal(due[:2], 0)
        assert np.median(due) < -20  # so that a missing term would be seen


RIVALS = {  # the nearest
    NULL: ("half-normal", "Weibull"),
    "half-normal": ("exponential", NULL),
    "exponential": ("half-normal", "log-normal"),
    "gamma": ("exponential", "Weibull"),
    "log-normal": ("gamma", NULL),
    "Weibull": ("gamma", "half-normal"),
}


def evidence(measured, law):
    """Log-likelihood of the layer, averaged over a grid of center and spread and of variations."""
    curves = magnitude_curves(measured, law)
    center, spread = np.meshgrid(np.linspace(-1, 2, 61), np.geomspace(0.1, 1, 15))
    terms = curves.units.log_likelihood(center.ravel(), spread.ravel())
    by_variation = terms.reshape(center.size, len(curves.transform), -1).sum(axis=-1)
    return logsumexp(by_variation) - np.log(by_variation.size)


@pytest.mark.parametrize("law", LAWS)
def test_the_law_that_was_drawn_has_the_most_evidence(law, rng):
    measured = layer_of(law, rng, n_units=30, n_examples=2_000)
    rivals = [evidence(measured, each) for each in RIVALS[law]]
    assert evidence(measured, law) > max(rivals)


def test_beyond_its_table_the_likelihood_falls_and_comes_back(rng):
    model = magnitude_model(layer_of("gamma", rng), prior=MagnitudePrior(law="gamma"))
    logp = model.compile_logp(vars=model.potentials, mode="FAST_COMPILE")
    slope = model.compile_dlogp(mode="FAST_COMPILE")
    free = [{"center": 0.4, "spread_log__": -1.0, "variation_log__": np.log(v)} for v in (0.2, 0.7, 3)]
    near = logp(free[1])
    assert all(logp(point) < near - 20 for point in (free[0], free[2]))
    which = [value.name for value in model.value_vars].index("variation_log__")
    assert slope(free[0])[which] > 0 > slope(free[2])[which]


def test_parameters_share_the_process_names(rng):
    measured = layer_of(NULL, rng)
    names = {rv.name for rv in magnitude_model(measured).free_RVs}
    assert names | {"n_units"} == {field.name for field in fields(UnitScales)}
    free = {rv.name for rv in magnitude_model(measured, prior=MagnitudePrior(law="gamma")).free_RVs}
    assert free == names | {"variation"}
    linked = magnitude_rate_model(measured)
    assert {field.name for field in fields(MagnitudeLink)} <= set(linked.named_vars)


def test_log_magnitudes_are_unbiased_and_know_their_error(agrees, rejects, rng):
    """Units of 3 gamma magnitudes each: the mean of the corrected logarithm, and its variance."""
    n, k, variation = 20_000, 3, 0.8
    values = rng.gamma(1 / variation**2, variation**2, size=(k, n)).astype(np.float32)
    measured = measure(np.ones((k, n), dtype=bool), activation=values, pairs=False)
    found, error = log_magnitude(measured, np.ones(n, dtype=bool))
    assert error.mean() == pytest.approx(np.sqrt(polygamma(1, k / variation**2)), rel=0.02)
    plain = np.log(measured.mean_magnitude)
    bias = psi(k / variation**2) - np.log(k / variation**2)
    # the unit's own variation goes with its mean, which leaves a little of the bias
    assert abs(found.mean()) < 0.2 * abs(bias)
    p = [2 * stats.norm.sf(abs(x.mean()) / x.std() * np.sqrt(n)) for x in (plain - bias, plain)]
    assert agrees(p[0])
    assert rejects(p[1])


def test_nulls_slope_is_what_the_null_shows(rng):
    rate = rng.beta(0.4, 2, size=300).clip(0.005, 0.9)
    measured = drawn(rate, RectifiedMagnitude.from_rate(rate, scale=2.0), rng, 20_000)
    seen = np.polyfit(np.log(measured.rate), np.log(measured.mean_magnitude), 1)[0]
    assert null_slope(measured) == pytest.approx(seen, abs=0.01)
    louder = replace(measured, active_count=np.minimum(2 * measured.active_count, 20_000))
    assert null_slope(louder) > null_slope(measured) + 0.05


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (
            lambda s: magnitude_model(measure(np.eye(3, dtype=bool))),
            "must hold magnitudes, got none: measure with activation",
        ),
        (
            lambda s: magnitude_model(measure(np.ones((4, 2), bool), activation=np.ones((4, 2)))),
            "must have a unit that is active, though not always, got 2 units without one",
        ),
        (
            lambda s: MagnitudePrior(law="normal"),
            "law must be one of rectified Gaussian, half-n.*'normal'",
        ),
        (
            lambda s: magnitude_rate_model(measure(np.eye(3, dtype=bool))),
            "must hold the magnitudes of all 3 examples, got those of 0: measure with activation",
        ),
        (
            lambda s: magnitude_rate_model(measure(np.eye(2, dtype=bool), activation=np.eye(2))),
            "must have 3 active units, got 2",
        ),
        (
            lambda s: magnitude_rate_model(measure(np.ones((2, 3), bool), activation=-np.ones((2, 3)))),
            r"magnitudes of active units must be above 0, got a mean of -1\.0",
        ),
        (
            lambda s: null_slope(measure(np.eye(4, dtype=bool))),
            "must have 3 units of different rates below 1, got 4 of 1 rates",
        ),
    ],
)
def test_layers_that_say_nothing_are_named(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call(None)


def standing(posterior, **truth):
    """Distance of the truth from the posterior's mean in its standard deviations."""
    return [
        float((value - posterior[name].mean()) / posterior[name].std()) for name, value in truth.items()
    ]


@pytest.mark.slow
@pytest.mark.parametrize("law", [NULL, "gamma"])
def test_fit_recovers_layers_of_any_size(law, rng):
    for n_units in (60, 90):  # one compilation
        measured = layer_of(law, rng, n_units=n_units)
        posterior = fit(measured, model="magnitudes", prior=MagnitudePrior(law=law), rng=rng)[
            "posterior"
        ]
        truth = {"center": 0.4, "spread": 0.3} | ({"variation": 0.7} if law in FREE else {})
        assert np.abs(standing(posterior, **truth)).max() < stats.norm.isf(1e-7)


@pytest.mark.slow
def test_fit_recovers_the_exponent(rng):
    rate = np.exp(rng.normal(-3.5, 0.7, size=200)).clip(max=0.9)
    truth = {"intercept": 0.5, "exponent": 0.4, "spread": 0.2}
    mean = MagnitudeLink(**truth).sample(rate, rng=rng)
    measured = drawn(rate, ScaledMagnitude(family="gamma", mean=mean, variation=0.8), rng, 1_000)
    posterior = fit(measured, model="magnitude_rate", prior=ExponentPrior(), rng=rng)["posterior"]
    assert np.abs(standing(posterior, **truth)).max() < stats.norm.isf(1e-7)
