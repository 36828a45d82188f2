"""Layers on which each model is calibrated: its twin process at parameters from the prior."""

from collections.abc import Callable, Mapping

import numpy as np

from ..activity.arrays import Counts, Floats
from ..activity.measurement import measure
from ..activity.statistics import Statistics
from ..inference.coherence import Movement
from ..inference.dispersion import DispersionPrior
from ..inference.exponent import ExponentPrior
from ..inference.magnitudes import MagnitudePrior
from ..inference.pooled_weights import PooledWeightPrior
from ..inference.rate_mixture import RateMixturePrior
from ..inference.window_counts import WindowCounts
from ..simulate.activations import Activations
from ..simulate.class_conditional import ClassConditional
from ..simulate.dichotomized import DichotomizedGaussian
from ..simulate.dispersed import DispersedBernoulli
from ..simulate.dispersions import LogNormalDispersions
from ..simulate.exchangeable import ExchangeableBernoulli
from ..simulate.independent import IndependentBernoulli
from ..simulate.magnitude_families import ScaledMagnitude
from ..simulate.magnitude_layers import MagnitudeLink, UnitScales
from ..simulate.magnitudes import Magnitude, RectifiedMagnitude
from ..simulate.mixed_rates import MixedRates
from ..simulate.rates import BetaRates
from ..simulate.selective_rates import SelectiveRates
from ..simulate.unit_exponents import UnitExponents
from ..simulate.weight_laws import GeneralizedNormal, VarianceGamma
from .calibration import Scenario


def _beta_layer(truth: Mapping[str, float], rng: np.random.Generator) -> Statistics:
    rate = BetaRates(n_units=128, **truth).sample(rng=rng)
    return measure(IndependentBernoulli(rate=rate).sample(2_000, rng=rng), pairs=False)


TWO_KINDS = {
    "rare_fraction": 0.3,
    "rare_mean": 0.01,
    "rare_shape": 1.5,
    "common_mean": 0.3,
    "common_concentration": 6.0,
    "dead_fraction": 0.1,
}


def _two_kinds(truth: Mapping[str, float], rng: np.random.Generator) -> Statistics:
    rate = MixedRates(n_units=128, **truth).sample(rng=rng)
    return measure(IndependentBernoulli(rate=rate).sample(2_000, rng=rng), pairs=False)


def _one_factor(truth: Mapping[str, float], rng: np.random.Generator) -> Statistics:
    rate = BetaRates(n_units=64, mean=0.3, concentration=3.0).sample(rng=rng)
    process = DichotomizedGaussian(rate=rate, **truth)
    return measure(process.sample(1_000, rng=rng), pairs=False)


def _alike(truth: Mapping[str, float], rng: np.random.Generator) -> Statistics:
    process = ExchangeableBernoulli(n_units=32, mixing="beta", **truth)
    return measure(process.sample(500, rng=rng), pairs=False)


def _selective(truth: Mapping[str, float], rng: np.random.Generator) -> Statistics:
    rate = SelectiveRates(n_units=64, n_classes=5, mean=0.2, concentration=3.0, **truth).sample(rng=rng)
    process = ClassConditional(class_probability=np.full(5, 0.2), class_rate=rate)
    labels = np.repeat(np.arange(5), 100)
    return measure(process.sample_given(labels, rng=rng), labels=labels, pairs=False)


def _unit_weights(truth: Mapping[str, float], rng: np.random.Generator) -> Floats:
    return UnitExponents(n_units=64, n_inputs=100, sd=0.1, sd_spread=0.5, **truth).sample(rng=rng)


def _pool(truth: Mapping[str, float], rng: np.random.Generator) -> Floats:
    law = {name: value for name, value in truth.items() if name != "zero_fraction"}
    process = GeneralizedNormal(**law) if "exponent" in law else VarianceGamma(**law)
    kept = rng.random(20_000) >= truth["zero_fraction"]
    return np.where(kept, process.sample((20_000,), rng=rng), 0.0)


def _moved(truth: Mapping[str, float], rng: np.random.Generator) -> Movement:
    log_rate = rng.normal(truth["x_center"], truth["x_spread"], 100)
    noise = rng.normal(0, truth["spread"], 100)
    return Movement(
        norm=np.exp(truth["intercept"] + truth["exponent"] * log_rate + noise),
        active_count=rng.binomial(2_000, np.minimum(np.exp(log_rate), 1)),
        n_examples=2_000,
    )


WINDOW, N_WINDOWS = 20, 60


def _dispersed(truth: Mapping[str, float], rng: np.random.Generator) -> WindowCounts:
    def count(rate: Floats, dispersion: Floats) -> Counts:
        process = DispersedBernoulli(rate=rate, dispersion=dispersion, window=WINDOW)
        active = process.sample(N_WINDOWS * WINDOW, rng=rng)
        return active.reshape(N_WINDOWS, WINDOW, rate.size).sum(axis=1).T

    return _changing(truth, count, rng)


def _gained(truth: Mapping[str, float], rng: np.random.Generator) -> WindowCounts:
    def count(rate: Floats, dispersion: Floats) -> Counts:
        gain = rng.gamma(1 / dispersion, dispersion, size=(N_WINDOWS, rate.size))
        return rng.poisson(WINDOW * rate * gain).T

    return _changing(truth, count, rng)


def _changing(
    truth: Mapping[str, float], count: Callable[[Floats, Floats], Counts], rng: np.random.Generator
) -> WindowCounts:
    """Draw counts of 64 units at rates from the prior, of each unit anew until it changes."""
    dispersion = LogNormalDispersions(n_units=64, **truth).sample(rng=rng)
    counts = np.zeros((64, N_WINDOWS), dtype=np.int64)
    while (still := (counts == 0).all(axis=1) | (counts == WINDOW).all(axis=1)).any():
        rate = rng.beta(*DispersionPrior().rate, size=np.count_nonzero(still))
        counts[still] = count(rate, dispersion[still])
    histogram = [np.bincount(unit, minlength=counts.max() + 1) for unit in counts]
    return WindowCounts(histogram=np.array(histogram), window=WINDOW)


def _loud(truth: Mapping[str, float], rng: np.random.Generator) -> Statistics:
    scale = UnitScales(n_units=64, center=truth["center"], spread=truth["spread"]).sample(rng=rng)
    rate = rng.beta(0.6, 2, size=64).clip(1e-3, 0.99)
    if "variation" in truth:
        return _activated(
            rate, ScaledMagnitude(family="gamma", mean=scale, variation=truth["variation"]), rng
        )
    return _activated(rate, RectifiedMagnitude.from_rate(rate, scale=scale), rng)


def _linked(truth: Mapping[str, float], rng: np.random.Generator) -> Statistics:
    rate = np.exp(rng.normal(truth["x_center"], truth["x_spread"], 100)).clip(1e-9, 1)
    link = MagnitudeLink(**{name: truth[name] for name in ("intercept", "exponent", "spread")})
    mean = link.sample(rate, rng=rng)
    law = ScaledMagnitude(family="gamma", mean=mean, variation=0.8)
    return _activated(rate, law, rng, n_examples=4_000)  # of fewer, the rarest units are not seen


def _activated(
    rate: Floats, magnitude: Magnitude, rng: np.random.Generator, *, n_examples: int = 1_000
) -> Statistics:
    process = Activations(process=IndependentBernoulli(rate=rate), magnitude=magnitude)
    activation = process.sample(n_examples, rng=rng)
    return measure(activation > 0, activation=activation, pairs=False)


SCENARIOS = [
    Scenario(
        model="rates",
        name="128 units, 2,000 examples",
        draw=_beta_layer,
        typical={"mean": 0.2, "concentration": 4.0, "dead_fraction": 0.1},
    ),
    Scenario(
        model="rate_mixture",
        name="128 units of two kinds, 2,000 examples",
        draw=_two_kinds,
        typical=TWO_KINDS,
    ),
    Scenario(
        model="rate_mixture",
        name="128 units of two kinds, rare and rarer, 2,000 examples",
        draw=_two_kinds,
        prior=RateMixturePrior(common_mean=(2.0, 38.0)),
        typical=TWO_KINDS | {"common_mean": 0.05, "rare_mean": 0.002},
    ),
    Scenario(
        model="factor",
        name="64 units of different rates, 1,000 examples",
        draw=_one_factor,
        typical={"loading": 0.4},
    ),
    Scenario(
        model="exchangeable",
        name="32 units that are alike, 500 examples",
        draw=_alike,
        typical={"rate": 0.3, "correlation": 0.1},
    ),
    Scenario(
        model="classes",
        name="64 units, 100 examples in each of 5 classes",
        draw=_selective,
        typical={"class_share": 0.05, "class_share_spread": 0.7},
    ),
    Scenario(
        model="dispersion",
        name="64 units, 60 windows of 20 examples",
        draw=_dispersed,
        typical={"dispersion": 0.05, "dispersion_spread": 0.7},
    ),
    Scenario(
        model="gamma_poisson",
        name="64 units, 60 windows of 20 examples",
        draw=_gained,
        typical={"dispersion": 0.05, "dispersion_spread": 0.7},
    ),
    Scenario(
        model="magnitudes",
        name="64 units, rectified Gaussian",
        draw=_loud,
        typical={"center": 0.0, "spread": 0.3},
    ),
    Scenario(
        model="magnitudes",
        name="64 units, gamma",
        draw=_loud,
        prior=MagnitudePrior(law="gamma"),
        typical={"center": 0.0, "spread": 0.3, "variation": 0.8},
    ),
    Scenario(
        model="magnitude_rate",
        name="100 units, gamma magnitudes, 4,000 examples",
        draw=_linked,
        prior=ExponentPrior(x_center=(-3.5, 0.5), x_spread=(0.7, 0.3)),
        typical={"exponent": 0.5, "intercept": 0.0, "spread": 0.3, "x_center": -3.5, "x_spread": 0.7},
    ),
    Scenario(
        model="weights",
        name="64 units of different scales, 100 inputs",
        draw=_unit_weights,
        typical={"exponent": 1.5, "exponent_spread": 0.1, "zero_fraction": 0.2},
    ),
    Scenario(
        model="pooled_weights",
        name="20,000 weights, generalized normal",
        draw=_pool,
        typical={"exponent": 1.5, "sd": 0.1, "zero_fraction": 0.2},
    ),
    Scenario(
        model="pooled_weights",
        name="20,000 weights, variance-gamma",
        draw=_pool,
        prior=PooledWeightPrior(law="variance-gamma"),
        typical={"shape": 2.0, "sd": 0.1, "zero_fraction": 0.2},
    ),
    Scenario(
        model="coherence",
        name="100 units, 2,000 examples, sampled rates",
        draw=_moved,
        prior=ExponentPrior(x_center=(-3.5, 0.5), x_spread=(0.7, 0.3)),
        typical={"exponent": 0.7, "intercept": 0.0, "spread": 0.3, "x_center": -3.5, "x_spread": 0.7},
    ),
]
