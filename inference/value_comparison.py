"""A number of each network, on an unbounded scale, compared over networks.

It follows the hierarchy of :mod:`rote.inference.networks`,

    value_n ~ Normal(center_c(n) + seed effect, network_sd_c(n)),

so network_sd holds both what networks differ by and the error of measuring one of them. Positive numbers
come as logarithms, shares as logits: one model, compiled once, serves them all.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pymc as pm

from .networks import NetworkKey, Networks, SpreadPrior, network_means, scale


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueComparisonPrior:
    """Priors over conditions: normal (mean, sd) of a center, wide on a logarithm's or logit's scale."""

    center: tuple[float, float] = (0.0, 3.0)
    spread: SpreadPrior = field(default_factory=SpreadPrior)


def value_comparison_model(
    values: Mapping[NetworkKey, float], *, prior: ValueComparisonPrior = ValueComparisonPrior()
) -> pm.Model:
    """Build the model of one number of each network, keyed by (condition, seed).

    Raises ``ValueError`` for numbers that are not finite, and for too few networks. ``condition_value``
    over ``condition`` is the value in a typical network.
    """
    networks = Networks.ordered(values)
    for key in networks.keys:
        if not np.isfinite(values[key]):
            raise ValueError(f"values must be finite, got {values[key]} for {key[0]}-{key[1]}")
    center = {"value": prior.center}
    with pm.Model(coords=networks.coords | {"quantity": list(center)}) as model:
        known = np.array([[values[key] for key in networks.keys]])
        seen = pm.Data("value_seen", known, dims=("quantity", "network"))
        sd = scale("network_sd", prior.spread.network, dims=("quantity", "condition"))
        sd = sd[:, networks.condition_index]
        mean = network_means(center, networks, spread=prior.spread, guess=seen, variance=sd**2)
        pm.Normal("value", mean, sd, observed=seen, dims=("quantity", "network"))
        pm.Deterministic("condition_value", model["center"][0], dims="condition")
    return model
