"""The loading of the one-factor dichotomized Gaussian, compared over networks.

Each network's layer has the likelihood of :mod:`rote.inference.factor`, one curve; logit(loading)
follows the hierarchy of :mod:`rote.inference.networks`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pymc as pm
from scipy.special import expit, logit

from ..activity.arrays import Floats
from ..activity.statistics import Statistics
from .factor import loading_likelihood
from .networks import NetworkKey, Networks, SpreadPrior, network_quantities
from .tabulated import Tabulated, evaluate


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorComparisonPrior:
    """Priors over conditions: normal (mean, sd) on the unbounded scale."""

    logit_loading: tuple[float, float] = (0.0, 1.5)  # close to uniform over loadings
    spread: SpreadPrior = field(default_factory=SpreadPrior)


def factor_comparison_model(
    statistics: Mapping[NetworkKey, Statistics],
    *,
    prior: FactorComparisonPrior = FactorComparisonPrior(),
) -> pm.Model:
    """Build the model of one layer of several networks, keyed by (condition, seed).

    Errors as of :func:`rote.inference.rate_comparison.rate_comparison_model` and
    :func:`rote.inference.factor.loading_likelihood`. Variables over ``condition``:
    ``condition_loading`` and ``condition_latent_correlation``, those of a typical network; over
    ``network``: ``loading``, ``latent_correlation``.
    """
    networks = Networks.ordered(statistics)
    names = networks.coords["network"]
    curves = [
        loading_likelihood(statistics[key], name) for key, name in zip(networks.keys, names, strict=True)
    ]
    table = Tabulated.stack(curves)
    guess, error = np.array([_guess(curve, prior.logit_loading) for curve in curves]).T
    center = {"logit_loading": prior.logit_loading}
    with pm.Model(coords=networks.coords | {"quantity": list(center)}) as model:
        x = network_quantities(
            center, networks, spread=prior.spread, guess=guess[None], error=error[None]
        )
        loading = pm.Deterministic("loading", pm.math.sigmoid(x[0]), dims="network")
        pm.Deterministic("latent_correlation", loading**2, dims="network")
        typical = pm.Deterministic(
            "condition_loading", pm.math.sigmoid(model["center"][0]), dims="condition"
        )
        pm.Deterministic("condition_latent_correlation", typical**2, dims="condition")
        logp = evaluate(
            loading,
            low=pm.Data("low", table.low),
            high=pm.Data("high", table.high),
            slope=pm.Data("slope", table.slope),
            coefficient=pm.Data("coefficient", table.coefficient),
        )
        pm.Potential("relative_histogram", logp.sum())
    return model


def _guess(curve: Tabulated, prior: tuple[float, float]) -> Floats:
    """Return mean and sd of logit(loading) under the curve and a condition's prior."""
    low, high = (logit(np.clip(end, 1e-3, 1 - 1e-3)) for end in (curve.low, curve.high))
    x = np.linspace(low, high, 2001)
    log_density = curve(expit(x)) - ((x - prior[0]) / prior[1]) ** 2 / 2
    weight = np.exp(log_density - log_density.max())
    mean = np.average(x, weights=weight)
    return np.array([mean, np.sqrt(np.average((x - mean) ** 2, weights=weight))])
