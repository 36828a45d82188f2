"""The signature of a network: a few numbers on how the units of its first and last hidden layer fire.

With p_i the rate of living unit i, k_i the examples it is active on, T examples, and
l_i = ln (k_i + ½)/(T - k_i + ½) its logit rate, free of the ends, a layer contributes

    mean_rate           mean of l_i
    rate_spread         ln of the standard deviation of l_i
    rate_skewness       skewness of l_i
    participation       ln of the participation ratio over (Σ v_i)² / Σ v_i², v_i = p_i (1 - p_i), which
                        independent units of the same rates would have
    class_correlation   √(max(0, class share) + FLOOR), the class share being the share of variance
                        between the labels trained towards (Kelley's epsilon squared)

None has a unit or needs magnitudes. All but the last need no labels either. The root makes the last
nearly linear in the share of labels that are random; without the floor it would magnify the noise of
shares next to zero. For random labels it is small by what random means: labels that say nothing of the
image must be learned one by one. It asks whether activity goes with what is taught, which is what a
detector may ask, and no evidence by itself on how units of memorizing networks fire.
"""

from collections.abc import Mapping

import numpy as np
from scipy import stats

from ..activity.covariance import participation_ratio
from ..activity.statistics import Statistics
from .estimates import unit_variance

FLOOR = 0.005  # of a class share; noise is about .001 with a thousand examples
PLACES = ("first", "last")  # hidden layer
LABELLED = "class_correlation"
SPREADS = {  # expected standard deviation among networks of one share of random labels
    "mean_rate": 0.6,
    "rate_spread": 0.2,
    "rate_skewness": 0.8,
    "participation": 0.4,
    LABELLED: 0.04,
}
FEATURES = {f"{place}_{name}": sd for place in PLACES for name, sd in SPREADS.items()}


def network_signature(layers: Mapping[str, Statistics], *, labels: bool = True) -> dict[str, float]:
    """Return the features of a network by name, from the statistics of its layers, input to output.

    Without ``labels`` features that need them are left out. Raises ``ValueError`` for fewer than two
    layers, layers without two classes where labels are asked for, or whose living units are of one rate.
    """
    names = list(layers)
    if len(names) < 2:
        raise ValueError(
            f"layers must be two hidden layers at least, the first and the last, got {len(names)}"
        )
    ends = zip(PLACES, (names[0], names[-1]), strict=True)
    return {
        f"{place}_{feature}": value
        for place, layer in ends
        for feature, value in _layer_signature(layer, layers[layer], labels).items()
    }


def _layer_signature(name: str, layer: Statistics, labels: bool) -> dict[str, float]:
    active = layer.active_count[~layer.dead]
    logit_rate = np.log((active + 0.5) / (layer.n_examples - active + 0.5))
    if np.unique(active).size < 2:
        raise ValueError(
            f"layer {name!r} must have living units of two rates at least, got "
            f"{np.unique(active).size} among its {layer.n_units} units"
        )
    alone = participation_ratio(np.diag(unit_variance(layer)))
    values = {
        "mean_rate": logit_rate.mean(),
        "rate_spread": np.log(logit_rate.std()),
        "rate_skewness": stats.skew(logit_rate),
        "participation": np.log(layer.participation_ratio / alone),
    }
    if labels:
        values[LABELLED] = _class_correlation(name, layer)
    return {feature: float(value) for feature, value in values.items()}


def _class_correlation(name: str, layer: Statistics) -> float:
    if (n_classes := int((layer.class_examples > 0).sum())) < 2:
        raise ValueError(
            f"layer {name!r} must come with the labels trained towards, of two classes at least, got "
            f"{n_classes}: without them judge by what needs none, labels=False (--without-labels)"
        )
    return np.sqrt(max(0.0, layer.class_share) + FLOOR)
