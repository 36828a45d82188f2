"""A positive number of each network, such as the participation ratio of a layer, compared over networks.

The logarithm follows the hierarchy of :mod:`rote.inference.networks`,

    ln value_n ~ Normal(center_c(n) + seed effect, network_sd_c(n)),

so network_sd holds both what networks differ by and the error of measuring one of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from .networks import NetworkKey, Networks, SpreadPrior, network_means, scale


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueComparisonPrior:
    """Priors over conditions: normal (mean, sd) of the logarithm; 0.4 to 300 by default."""

    log_value: tuple[float, float] = (float(np.log(10.0)), 2.0)
    spread: SpreadPrior = field(default_factory=SpreadPrior)


def value_comparison_model(
    values: Mapping[NetworkKey, float], *, prior: ValueComparisonPrior = ValueComparisonPrior()
) -> pm.Model:
    """Build the model of one number of each network, keyed by (condition, seed).

    Raises ``ValueError`` for numbers not above zero, and for too few networks. ``condition_value``
    over ``condition`` is the value in a typical network.
    """
    networks = Networks.ordered(values)
    for key in networks.keys:
        if not 0 < values[key] < np.inf:
            raise ValueError(f"values must lie in (0, inf), got {values[key]} for {key[0]}-{key[1]}")
    center = {"log_value": prior.log_value}
    with pm.Model(coords=networks.coords | {"quantity": list(center)}) as model:
        logarithm = np.log([[values[key] for key in networks.keys]])
        seen = pm.Data("log_value_seen", logarithm, dims=("quantity", "network"))
        sd = scale("network_sd", prior.spread.network, dims=("quantity", "condition"))
        sd = sd[:, networks.condition_index]
        mean = network_means(center, networks, spread=prior.spread, guess=seen, variance=sd**2)
        pm.Normal("log_value", mean, sd, observed=seen, dims=("quantity", "network"))
        pm.Deterministic("condition_value", pt.exp(model["center"][0]), dims="condition")
    return model
