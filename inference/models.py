"""The models of a layer, by name: how each is built, its prior, and what it is fitted to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pymc as pm

from .claims import MeasuredLayer
from .classes import ClassPrior, class_model
from .coherence import Movement, coherence_model
from .dispersion import DispersionPrior, dispersion_model, gamma_poisson_model
from .exchangeable import ExchangeablePrior, exchangeable_model
from .exponent import ExponentPrior
from .factor import FactorPrior, factor_model
from .magnitude_rate import magnitude_rate_model
from .magnitudes import MagnitudePrior, magnitude_model
from .pooled_weights import PooledWeightPrior, pooled_weight_model
from .rate_mixture import RateMixturePrior, rate_mixture_model
from .rates import RatePrior, rate_model
from .unit_weights import WeightPrior, weight_model
from .window_counts import WindowCounts


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


def _window_counts(layer: MeasuredLayer) -> WindowCounts:
    """Return counts in class order where there are labels, else in the recorded one."""
    return WindowCounts.of(layer.statistics)


MODELS = {
    "rates": LayerModel(build=rate_model, prior=RatePrior, take=_part("statistics")),
    "rate_mixture": LayerModel(
        build=rate_mixture_model, prior=RateMixturePrior, take=_part("statistics")
    ),
    "exchangeable": LayerModel(
        build=exchangeable_model, prior=ExchangeablePrior, take=_part("statistics")
    ),
    "factor": LayerModel(build=factor_model, prior=FactorPrior, take=_part("aligned")),
    "classes": LayerModel(build=class_model, prior=ClassPrior, take=_part("statistics")),
    "weights": LayerModel(build=weight_model, prior=WeightPrior, take=_part("weight")),
    "pooled_weights": LayerModel(
        build=pooled_weight_model, prior=PooledWeightPrior, take=_part("weight")
    ),
    "magnitudes": LayerModel(build=magnitude_model, prior=MagnitudePrior, take=_part("statistics")),
    "magnitude_rate": LayerModel(
        build=magnitude_rate_model, prior=ExponentPrior, take=_part("statistics")
    ),
    "coherence": LayerModel(build=coherence_model, prior=ExponentPrior, take=Movement.of),
    "dispersion": LayerModel(build=dispersion_model, prior=DispersionPrior, take=_window_counts),
    "gamma_poisson": LayerModel(build=gamma_poisson_model, prior=DispersionPrior, take=_window_counts),
}


def default_models(layer: MeasuredLayer, names: Sequence[str]) -> dict[str, pm.Model]:
    """Return the named models of one layer, built with their default priors."""
    return {
        name: MODELS[name].build(MODELS[name].take(layer), prior=MODELS[name].prior()) for name in names
    }
