"""Posterior of how loud a layer's units are, from binned magnitudes; unit scales are integrated out.

A unit's magnitudes follow a law F of its own scale, and the scales a law of the layer:

    log scale_i ~ N(center, spread²),
    L_i(x) = Π_b [F(edge_{b+1}; eˣ) - F(edge_b; eˣ)]^{H_ib},    L_i = ∫ L_i(x) N(x; center, spread²) dx,

with H_ib the unit's activations in bin b (:mod:`rote.activity.magnitude_bins`). This is the exact
likelihood of what the bins tell, in all laws of the same bins, so that laws compare by their terms over
units and by their evidence. It costs the same for any number of examples. Laws are

- the null, a rectified Gaussian: scale_i is σ_i, and the shape is fixed by the unit's rate,
  h_i = Φ⁻¹(rate_i). The rate is taken as known, at the exponential of its expected logarithm under
  Jeffreys' prior, log rate_i = ψ(k_i + ½) - ψ(T + 1);
- half-normal and exponential: scale_i is the mean magnitude;
- gamma, log-normal and Weibull: scale_i is the mean magnitude, and the layer has one ``variation``
  (standard deviation over mean) for all units.

Twins: :class:`rote.simulate.UnitScales` with :class:`~rote.simulate.RectifiedMagnitude` or
:class:`~rote.simulate.ScaledMagnitude`. Units that are never active say nothing, and of units that are
always active the null does not know the shape: both have a term of 0 under every law. Magnitudes of
one unit must be independent given its scale.

Each unit's curve L_i is tabulated once (:mod:`rote.inference.unit_curves`), for laws with a variation at
Chebyshev points of log(variation), between which log L_i is interpolated.
"""

from dataclasses import dataclass

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from ..activity.checks import check_choice
from ..activity.statistics import Statistics
from .magnitude_curves import magnitude_curves
from .magnitude_laws import FREE, LAWS, NULL
from .unit_curves import unit_logp

EDGE = 1 - 1e-6  # arccos has no slope at 1
DROP = 30.0  # nats by which the layer's likelihood falls in half a table's width beyond it


@dataclass(frozen=True, slots=True, kw_only=True)
class MagnitudePrior:
    """The law of magnitudes, and priors of one layer."""

    law: str = NULL
    center: tuple[float, float] = (0.0, 2.0)  # mean and sd of the logarithm: scales of .04 to 27
    spread: tuple[float, float] = (0.3, 0.7)  # median and sd of the logarithm: .09 to .95
    variation: tuple[float, float] = (
        0.8,
        0.5,
    )  # the same: .35 to 1.8; only where the law leaves it open

    def __post_init__(self) -> None:
        check_choice("law", self.law, LAWS)


def magnitude_model(statistics: Statistics, *, prior: MagnitudePrior = MagnitudePrior()) -> pm.Model:
    """Build the model of one layer; errors as of :func:`~.magnitude_curves.magnitude_curves`."""
    curves = magnitude_curves(statistics, prior.law)
    with pm.Model() as model:
        center = pm.Normal("center", *prior.center)
        spread = pm.LogNormal("spread", np.log(prior.spread[0]), prior.spread[1])
        logp = unit_logp(curves.units, center, spread)
        if prior.law in FREE:
            variation = pm.LogNormal("variation", np.log(prior.variation[0]), prior.variation[1])
            low, high = pm.Data("low", curves.low), pm.Data("high", curves.high)
            x = (2 * pt.log(variation) - low - high) / (high - low)
            inside = pt.clip(x, -EDGE, EDGE)
            transform = pm.Data("chebyshev", curves.transform)
            basis = pt.cos(pt.arange(transform.shape[0]) * pt.arccos(inside)) @ transform
            by_variation = logp.reshape((transform.shape[0], -1))
            logp = basis @ by_variation - DROP * pt.abs(x - inside) / by_variation.shape[1]
        pm.Potential("unit_magnitudes", logp)
    return model
