"""Layers on which each model is calibrated: its twin process at parameters from the prior."""

from collections.abc import Mapping

import numpy as np

from ..activity.measurement import measure
from ..activity.statistics import Statistics
from ..simulate.dichotomized import DichotomizedGaussian
from ..simulate.independent import IndependentBernoulli
from ..simulate.rates import BetaRates
from .calibration import Scenario


def _beta_layer(truth: Mapping[str, float], rng: np.random.Generator) -> Statistics:
    rate = BetaRates(n_units=128, **truth).sample(rng=rng)
    return measure(IndependentBernoulli(rate=rate).sample(2_000, rng=rng), pairs=False)


def _one_factor(truth: Mapping[str, float], rng: np.random.Generator) -> Statistics:
    rate = BetaRates(n_units=64, mean=0.3, concentration=3.0).sample(rng=rng)
    process = DichotomizedGaussian(rate=rate, **truth)
    return measure(process.sample(1_000, rng=rng), pairs=False)


SCENARIOS = [
    Scenario(
        model="rates",
        name="128 units, 2,000 examples",
        draw=_beta_layer,
        typical={"mean": 0.2, "concentration": 4.0, "dead_fraction": 0.1},
    ),
    Scenario(
        model="factor",
        name="64 units of different rates, 1,000 examples",
        draw=_one_factor,
        typical={"loading": 0.4},
    ),
]
