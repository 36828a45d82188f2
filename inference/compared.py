"""What typical networks of each condition show, and the evidence for there being no difference.

Networks' own numbers are compared on the scale of their claim, counted in the claim's own spread, so
that one compiled model serves all claims; the evidence then comes from the quadrature. Of quantities
that a network's data leave uncertain (a share, a loading) it is averaged over the posterior's draws:
its logarithm then repeats to about .05 where it is above -3.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy.special import logit

from ..activity.arrays import Floats
from .centers import difference_of_draws
from .claims import SCALES, Claim
from .networks import NetworkKey, Networks, SpreadPrior
from .posterior import Progress, sample
from .value_comparison import ValueComparisonPrior, value_comparison_model
from .value_quadrature import value_quadrature


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Compared:
    """Posterior draws by condition, and the Bayes factor of no difference over a difference."""

    draws: dict[str, Floats]  # (n_draws,) of a condition's typical network
    bayes_factor: float


def compare_values(
    claim: Claim,
    layers: Mapping[NetworkKey, object],
    *,
    spread: SpreadPrior,
    rng: np.random.Generator,
    draws: int,
    progress: Progress | None,
) -> Compared:
    """Compare the numbers that a claim takes of each layer, keyed by (condition, seed)."""
    there, back = SCALES[claim.scale]
    unit = claim.spread / spread.network[0]
    values = {key: float(there(claim.plain(one))) / unit for key, one in layers.items()}
    prior = ValueComparisonPrior(spread=spread)
    model = value_comparison_model(values, prior=prior)
    tree = sample(model, kind="value comparison", prior=prior, rng=rng, draws=draws, progress=progress)
    return Compared(
        draws={c: back(value * unit) for c, value in by_condition(tree, "condition_value").items()},
        bayes_factor=float(np.exp(value_quadrature(values, prior=prior).log_bayes_factor)),
    )


def factor_of_draws(
    tree: xr.DataTree, name: str, layers: Mapping[NetworkKey, object], center: tuple[float, float]
) -> float:
    """Return the Bayes factor of no difference in logit(``name``).

    ``name`` is a variable over ``network`` of a posterior with the hierarchy of
    :mod:`rote.inference.networks`, ``center`` mean and sd of the prior of its centers.
    """
    posterior = tree["posterior"].to_dataset().stack(each=("chain", "draw"))
    networks = Networks.ordered(layers)
    difference = difference_of_draws(
        logit(posterior[name].transpose("each", "network").to_numpy()),
        networks,
        center=center,
        network_sd=posterior["network_sd"].isel(quantity=0).transpose("each", "condition").to_numpy(),
        seed_sd=posterior["seed_sd"].isel(quantity=0).to_numpy() if networks.blocked else None,
    )
    return float(np.exp(difference.log_bayes_factor))


def by_condition(tree: xr.DataTree, name: str) -> dict[str, Floats]:
    """Return the draws of ``name`` of each condition."""
    values = tree["posterior"][name]
    return {str(c): values.sel(condition=c).to_numpy().ravel() for c in values["condition"].to_numpy()}
