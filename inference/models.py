"""The models of a layer, by name: how each is built, its prior, and what it is fitted to."""

from collections.abc import Callable
from dataclasses import dataclass

import pymc as pm

from .claims import MeasuredLayer
from .factor import FactorPrior, factor_model
from .rates import RatePrior, rate_model


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerModel:
    """One model of one layer of one network."""

    build: Callable[..., pm.Model]  # from data and prior
    prior: type  # whose defaults are the model's
    take: Callable[[MeasuredLayer], object]  # the model's data, of all that is known of a layer


def _part(name: str) -> Callable[[MeasuredLayer], object]:
    """Return what takes one part of a layer, and says so where it is missing."""

    def take(layer: MeasuredLayer) -> object:
        if (part := getattr(layer, name)) is None:
            raise ValueError(f"the model needs {name} of the layer, got none")
        return part

    return take


MODELS = {
    "rates": LayerModel(build=rate_model, prior=RatePrior, take=_part("statistics")),
    "factor": LayerModel(build=factor_model, prior=FactorPrior, take=_part("aligned")),
}
