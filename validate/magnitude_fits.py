"""Which law the magnitudes of a recorded layer follow: the null, or one that ignores the rate.

Each unit's law is fitted by moments on the examples it was trained on, and judged on those held out by
the mean of its log density there, so that a second parameter must earn its place. The null (rectified
Gaussian) has one parameter, since the unit's rate gives its shape; half-normal and exponential have one;
gamma, log-normal and Weibull have two (:mod:`rote.simulate.magnitude_families`).
"""

import numpy as np
import pandas as pd

from ..activity.arrays import Floats
from ..activity.checks import check_count
from ..record.layers import RecordedLayer
from ..record.recording import Recording
from ..simulate.magnitude_families import FAMILIES, ScaledMagnitude
from ..simulate.magnitudes import Magnitude, RectifiedMagnitude

NULL = "rectified Gaussian"


def magnitude_fits(recording: Recording, *, least: int = 20) -> pd.DataFrame:
    """Return a row for each layer of ``recording`` and law, the rectified Gaussian first.

    ``log_density`` is the mean over units of the mean log density of held-out magnitudes, in nats above
    the rectified Gaussian's; ``best_share`` the share of units that a law fits best. Units are those
    active on at least ``least`` training examples, though not on all, and on one held out: ``n_units``
    of them. Raises ``ValueError`` for a layer without activations, or without such units.
    """
    least = check_count("least", least, least=2)
    return pd.concat([_layer_rows(recording, name, least) for name in recording.layers])


def _layer_rows(recording: Recording, name: str, least: int) -> pd.DataFrame:
    trained, held_out = (_activation(recording[name], part) for part in (False, True))
    count = (trained > 0).sum(axis=0)
    used = (count >= least) & (count < len(trained)) & (held_out > 0).any(axis=0)
    if not used.any():
        raise ValueError(
            f"layer {name!r} must hold units active on {least} training examples and on one held out, "
            "got none"
        )
    laws = _fitted(trained[:, used])
    density = np.array([_held_out_density(law, held_out[:, used]) for law in laws.values()])
    best = np.bincount(density.argmax(axis=0), minlength=len(laws)) / used.sum()
    return pd.DataFrame(
        {"network": recording.network, "condition": recording.condition, "seed": recording.seed}
        | {"layer": name, "law": list(laws), "n_units": int(used.sum())}
        | {"log_density": (density - density[0]).mean(axis=1), "best_share": best}
    )


def _activation(layer: RecordedLayer, held_out: bool) -> Floats:
    activation = layer.activation(held_out)
    if activation is None:
        raise ValueError(f"layer {layer.name!r} must hold activations: record them too")
    return activation.astype(np.float64)


def _fitted(activation: Floats) -> dict[str, Magnitude]:
    """Return each law with the rate, mean and variation of magnitudes that the units have."""
    rate = (activation > 0).mean(axis=0)
    loud = np.where(activation > 0, activation, np.nan)
    mean, variation = np.nanmean(loud, axis=0), np.nanstd(loud, axis=0) / np.nanmean(loud, axis=0)
    unit_scale = RectifiedMagnitude.from_rate(rate)
    null = RectifiedMagnitude.from_rate(rate, scale=mean / unit_scale.mean)
    seen = ScaledMagnitude(family="gamma", mean=mean, variation=np.clip(variation, 1e-3, 1e3))
    return {NULL: null} | {family: ScaledMagnitude.matched(family, seen) for family in FAMILIES}


def _held_out_density(law: Magnitude, activation: Floats) -> Floats:
    example, unit = np.nonzero(activation > 0)
    log_density = law.log_density(activation[example, unit], unit)
    count = np.bincount(unit, minlength=law.n_units)
    return np.bincount(unit, weights=log_density, minlength=law.n_units) / count
