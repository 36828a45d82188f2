"""A model of :mod:`rote.inference.models` fitted to one layer."""

from collections.abc import Hashable

import numpy as np
import xarray as xr

from ..activity.checks import check_choice
from .claims import MeasuredLayer
from .models import MODELS
from .posterior import Progress, sample


def fit(
    data: object,
    *,
    model: str = "rates",
    prior: Hashable | None = None,
    rng: np.random.Generator,
    draws: int = 1000,
    tune: int = 1000,
    chains: int = 4,
    progress: Progress | None = None,
) -> xr.DataTree:
    """Return the posterior of one layer as an ArviZ DataTree.

    ``model`` names one of :data:`~rote.inference.models.MODELS`, ``prior`` is that model's. ``data`` are
    what the model takes (statistics for most, weights for some), or all that is known of a layer
    (:class:`~rote.inference.claims.MeasuredLayer`), of which the model takes its part. Raises
    :class:`~rote.inference.posterior.ConvergenceError` instead of returning what did not converge, and
    ``ValueError`` for data that the model refuses.
    """
    chosen = MODELS[check_choice("model", model, tuple(MODELS))]
    prior = chosen.prior() if prior is None else prior
    if not isinstance(prior, chosen.prior):
        raise TypeError(
            f"prior of the {model} model must be a {chosen.prior.__name__}, got {type(prior).__name__}"
        )
    if isinstance(data, MeasuredLayer):
        data = chosen.take(data)
    return sample(
        chosen.build(data, prior=prior),
        kind=model,
        prior=prior,
        rng=rng,
        draws=draws,
        tune=tune,
        chains=chains,
        progress=progress,
    )
