"""A share of each network's units, such as the rare ones, compared over networks.

    count_n ~ Binomial(n_units_n, share_n),

and logit(share) follows the hierarchy of :mod:`rote.inference.networks`. No law of the rates stands
between the units that were counted and the answer: a Beta law that fits the bulk of a layer may be wrong
about its tail.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pymc as pm
from scipy.special import logit

from .networks import NetworkKey, Networks, SpreadPrior, network_quantities


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareComparisonPrior:
    """Priors over conditions: normal (mean, sd) of the logit; shares of .005 to .78 by default."""

    logit_share: tuple[float, float] = (-2.0, 2.0)
    spread: SpreadPrior = field(default_factory=SpreadPrior)


def share_comparison_model(
    counted: Mapping[NetworkKey, tuple[int, int]],
    *,
    prior: ShareComparisonPrior = ShareComparisonPrior(),
) -> pm.Model:
    """Build the model of (count, n_units) of each network, keyed by (condition, seed).

    Raises ``ValueError`` for a count outside [0, n_units] and for too few networks. ``condition_share``
    over ``condition`` is the share in a typical network, ``share`` over ``network`` that of each.
    """
    networks = Networks.ordered(counted)
    for key in networks.keys:
        count, n_units = counted[key]
        if not 0 <= count <= n_units or n_units == 0:
            raise ValueError(
                f"count must lie in [0, n_units={n_units}], got {count} for {key[0]}-{key[1]}"
            )
    count, n_units = np.array([counted[key] for key in networks.keys]).T
    guess = logit((count + 0.5) / (n_units + 1))
    error = np.sqrt(1 / (count + 0.5) + 1 / (n_units - count + 0.5))
    center = {"logit_share": prior.logit_share}
    with pm.Model(coords=networks.coords | {"quantity": list(center)}) as model:
        x = network_quantities(
            center, networks, spread=prior.spread, guess=guess[None], error=error[None]
        )
        share = pm.Deterministic("share", pm.math.sigmoid(x[0]), dims="network")
        typical = pm.math.sigmoid(model["center"][0])
        pm.Deterministic("condition_share", typical, dims="condition")
        n_units = pm.Data("n_units", n_units, dims="network")
        pm.Binomial("count", n_units, share, observed=pm.Data("seen", count), dims="network")
    return model
