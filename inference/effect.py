"""What random labels do to a number of each layer: partial pooling over layers and seeds.

A network n of seed s(n), a share f_n of whose labels was dealt out at random (0 generalizing, 1
memorizing), has the value y on an unbounded scale in layer l:

    y_nl = base_l + seed_sd · u_s(n)l + f_n · effect_l + network_sd_n · e_nl,
    effect_l = effect + layer_sd · v_l,    log network_sd_n = (1 - f_n) log sd_0 + f_n log sd_1,

with u, v, e ~ Normal(0, 1). So ``effect`` is the difference memorizing - generalizing in a typical
layer, ``layer_effect`` that of each layer drawn towards it as far as layers are alike, and networks
between the conditions say how straight the line is. Layers of one network are taken as independent but
for what they share: a network that is odd in all its layers counts for as many.

Given the scales all is normal, so the model has no other parameter: with K the covariance of y, base and
effect integrated out,

    log p(y | scales) = log N(y; 0, K),
    effects | y, scales ~ N(m, V),    m = C K⁻¹ y,    V = C_0 - C K⁻¹ Cᵀ,

C being the covariance of the effects with y and C_0 their own: the second line is exact too, and gives
``effect`` and ``layer_effect`` draw by draw (Rasmussen and Williams, *Gaussian Processes for Machine
Learning*, MIT Press 2006, section 2.7).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from ..activity.arrays import Floats
from ..activity.words import CONDITIONS
from .networks import scale

ROUNDING = 1e-9  # added to variances of effects, of which the prior is 9

type LayerKey = tuple[str, int, float]
"""Layer, seed and share of random labels of a network's layer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectPrior:
    """Priors in units of what networks of one condition are thought to differ by, 0.2 by default.

    Scales are log-normal (median, sd of the logarithm), so that they keep off zero.
    """

    base: float = 3.0  # sd of a layer's value in generalizing networks, about 0
    effect: float = 3.0  # sd of the effect, about 0: as wide as the values themselves
    layer_sd: tuple[float, float] = (0.2, 1.0)  # of the effect over layers
    seed_sd: tuple[float, float] = (0.2, 1.0)
    network_sd: tuple[float, float] = (0.2, 1.0)


def effect_model(values: Mapping[LayerKey, float], *, prior: EffectPrior = EffectPrior()) -> pm.Model:
    """Build the model of one number of each layer of networks, keyed by (layer, seed, share).

    Raises ``ValueError`` for numbers that are not finite, shares outside [0, 1], fewer than two shares,
    or fewer than two networks.
    """
    names, seeds, share = _checked(values)
    layers = list(dict.fromkeys(names))
    which, seeds = np.array([layers.index(name) for name in names]), np.array(seeds)
    same_layer = (which[:, None] == which).astype(float)
    same_seed = same_layer * (seeds[:, None] == seeds)
    n_layers = len(layers)
    with pm.Model(coords={"layer": layers, "condition": CONDITIONS[1:]}) as model:
        y = pm.Data("value_seen", np.array(list(values.values()), dtype=float))
        f = pm.Data("random_share", share)
        both = f[:, None] * f
        in_layer = pm.Data("in_layer", (which[:, None] == np.arange(len(layers))).astype(float))
        layer_sd = scale("layer_sd", prior.layer_sd)
        seed_sd = scale("seed_sd", prior.seed_sd)
        ends = pt.log(scale("network_sd", prior.network_sd, dims="condition"))
        own = pt.exp((1 - f) * ends[0] + f * ends[1])
        same = pm.Data("same_layer", same_layer)
        covariance = (
            prior.base**2 * same
            + seed_sd**2 * pm.Data("same_seed", same_seed)
            + both * (prior.effect**2 + layer_sd**2 * same)
            + pt.diag(own**2)
        )
        root = pt.linalg.cholesky(covariance)
        standard = pt.linalg.solve_triangular(root, y, lower=True)
        pm.Potential("values", -(standard**2).sum() / 2 - pt.log(pt.diag(root)).sum())
        with_typical = prior.effect**2 * f[None]
        with_layers = f * (prior.effect**2 + layer_sd**2 * in_layer.T)
        cross = pt.concatenate([with_typical, with_layers])
        explained = pt.linalg.solve_triangular(root, cross.T, lower=True)
        apart = np.diag(np.arange(n_layers + 1) > 0).astype(float)
        rest = prior.effect**2 + layer_sd**2 * apart - explained.T @ explained
        z = pm.Normal("effect_z", shape=n_layers + 1)
        effects = explained.T @ standard + pt.linalg.cholesky(rest + ROUNDING * np.eye(n_layers + 1)) @ z
        pm.Deterministic("effect", effects[0])
        pm.Deterministic("layer_effect", effects[1:], dims="layer")
    return model


def _checked(values: Mapping[LayerKey, float]) -> tuple[list[str], list[int], Floats]:
    for (layer, seed, share), value in values.items():
        if not np.isfinite(value):
            raise ValueError(f"values must be finite, got {value} for {layer} of seed {seed}")
        if not 0 <= share <= 1:
            raise ValueError(f"share must lie in [0, 1], got {share} for {layer} of seed {seed}")
    names, seeds, shares = zip(*values, strict=True) if values else ((), (), ())
    if len(set(shares)) < 2:
        raise ValueError(f"values must be of networks of two shares at least, got {sorted(set(shares))}")
    return list(names), list(seeds), np.array(shares)
