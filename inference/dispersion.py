"""Posterior of the dispersion of a layer's units, from their counts in windows of examples.

Twin of :class:`rote.simulate.LogNormalDispersions`, with its parameters' names: the dispersion x_i of
unit i, in its logarithm, follows a normal law over the layer,

    log x_i ~ Normal(log dispersion, dispersion_spread²)  on [log 1e-6, log 1e3],

and its counts one of two laws (:mod:`rote.inference.dispersion_laws`). In the *dispersion* model they
are beta-binomial, x = θ: with ρ = θ/(1 + θ) the correlation of two examples of a window, the variance is

    fano_ratio = 1 + (W - 1) ρ

times the binomial's at the same rate. In class order ρ is the share of a unit's variance that lies
between classes. In the *gamma_poisson* model a window's mean count has a gain of variance x = φ, and

    fano_ratio = 1 + φ λ

is the Fano factor of a typical unit with the layer's mean count λ. The units' rates are integrated out,
and so are their dispersions (:mod:`rote.inference.unit_curves`).

Dispersion is above zero here: the binomial law is the limit of none, and is held against these laws by
:func:`dispersion_evidence`. Counts may also be more regular than binomial ones
(:mod:`rote.simulate.dispersed`), but by no more than a unit's own rate allows, which for rare units is
nothing: a layer has no common scale for that.

The law is that of units that change: those that never do, or always are active, are left out, and the
counts of the others are taken given that they change (:mod:`rote.inference.dispersion_laws`).

Windows are taken as independent. In class order those of one class share its rates: with C classes a
unit's θ is that of the C rates it has, not of the law that they might be drawn from.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from scipy.interpolate import CubicSpline
from scipy.special import logsumexp

from ..activity.arrays import Floats
from ..activity.checks import check_choice
from ..simulate.dispersions import LEAST, MOST
from .dispersion_laws import (
    CountLaw,
    beta_binomial,
    binomial,
    gamma_poisson,
    log_likelihood,
    poisson,
)
from .half_log import half_log_normal
from .unit_curves import UnitCurves, unit_logp
from .window_counts import WindowCounts

N_POINTS = 97  # of a unit's curve between LEAST and MOST, one for each fifth of a logarithm
N_CELLS = 61  # on a side of the grid over both parameters
DROP = 25.0  # nats below the highest point at which the grid may end
NEAR = 2.5  # nats below it at which a law is still among the probable ones
MOST_RISE = 16.0  # of a mean over its median, in logarithms; reached by spreads of 8 and more
WIDEST = 6.0  # prior standard deviations at which it does
ROUNDS = 4  # of looking closer
LAWS: dict[str, CountLaw] = {
    "dispersion": beta_binomial,
    "gamma_poisson": gamma_poisson,
    "binomial": binomial,
    "poisson": poisson,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DispersionPrior:
    """Priors of one layer."""

    dispersion: tuple[float, float] = (0.05, 1.5)  # median and sd of the logarithm: 0.004 to 0.6
    dispersion_spread: tuple[float, float] = (0.7, 0.5)  # the same: units differ by 0.3 to 1.6 in log
    rate: tuple[float, float] = (0.5, 0.5)  # Beta shapes of a unit's rate: rare and common ones alike


def dispersion_model(data: WindowCounts, *, prior: DispersionPrior = DispersionPrior()) -> pm.Model:
    """Build the beta-binomial model of one layer; raises ``ValueError`` where no unit changes."""
    curves = dispersion_curves(data, law="dispersion", prior=prior)
    with pm.Model() as model:
        theta = _layer_law(curves, prior)
        further = pm.Data("further_examples", data.window - 1.0)
        pm.Deterministic("fano_ratio", 1 + further * theta / (1 + theta))
    return model


def gamma_poisson_model(data: WindowCounts, *, prior: DispersionPrior = DispersionPrior()) -> pm.Model:
    """Build the Gamma-Poisson model of one layer; raises ``ValueError`` where no unit changes."""
    curves = dispersion_curves(data, law="gamma_poisson", prior=prior)
    mean = data.total[data.changing] / data.n_windows
    with pm.Model() as model:
        phi = _layer_law(curves, prior)
        mean_count = pm.Data("mean_count", mean.mean())
        pm.Deterministic("fano_ratio", 1 + phi * mean_count)
    return model


def dispersion_curves(data: WindowCounts, *, law: str, prior: DispersionPrior) -> UnitCurves:
    """Return the likelihoods of units that change in log dispersion; ``law`` names one of ``LAWS``."""
    point = np.linspace(np.log(LEAST), np.log(MOST), N_POINTS)
    value = log_likelihood(LAWS[law], data, np.exp(point), prior.rate)
    coefficient = CubicSpline(point, value, axis=1).c  # (4, n_points - 1, n_units)
    unit = np.arange(len(value))[:, None]

    def between(x: Floats) -> Floats:
        place = np.clip(np.searchsorted(point, x, side="right") - 1, 0, N_POINTS - 2)
        a, b, c, d = coefficient[:, place, unit]
        step = x - point[place]
        return ((a * step + b) * step + c) * step + d

    return UnitCurves.tabulate(between, len(value), low=point[0], high=point[-1])


def dispersion_evidence(
    data: WindowCounts, *, law: str, prior: DispersionPrior = DispersionPrior()
) -> float:
    """Return the log evidence of ``law`` in nats, one of ``LAWS``.

    That of "binomial" and "poisson", which have no parameter, is exact; that of "dispersion" and
    "gamma_poisson" a sum over a grid of both parameters. All are probabilities of the same counts, and
    so comparable.
    """
    check_choice("law", law, tuple(LAWS))
    if law in ("binomial", "poisson"):
        return float(log_likelihood(LAWS[law], data, np.ones(1), prior.rate).sum())
    curves = dispersion_curves(data, law=law, prior=prior)
    low, high = np.full(2, -WIDEST), np.full(2, WIDEST)  # in prior standard deviations
    for closer in range(ROUNDS):
        axes = np.linspace(low, high, N_CELLS)
        density = _log_density(curves, prior, axes)
        if closer == ROUNDS - 1:
            break
        near = np.argwhere(density > density.max() - DROP)
        low = axes[np.maximum(near.min(axis=0) - 1, 0), [0, 1]]
        high = axes[np.minimum(near.max(axis=0) + 1, N_CELLS - 1), [0, 1]]
    return float(logsumexp(density) + np.log(axes[1] - axes[0]).sum())


def _log_density(curves: UnitCurves, prior: DispersionPrior, axes: Floats) -> Floats:
    """Return prior times likelihood where both parameters' standardized logarithms lie on ``axes``."""
    center, spread = _layer_laws(prior, axes)
    square = np.square(axes[:, None, 0]) + np.square(axes[:, 1])
    normal = -square / 2 - np.log(2 * np.pi)
    return normal + curves.log_likelihood(center, spread).sum(axis=-1)


def _layer_laws(prior: DispersionPrior, axes: Floats) -> tuple[Floats, Floats]:
    """Return log dispersion and its spread on a grid: ``(len(axes), len(axes))`` both."""
    (median, log_sd), (median_spread, spread_log_sd) = prior.dispersion, prior.dispersion_spread
    center = np.log(median) + log_sd * axes[:, 0]
    spread = median_spread * np.exp(spread_log_sd * axes[:, 1])
    return tuple(np.meshgrid(center, spread, indexing="ij"))


def _layer_law(curves: UnitCurves, prior: DispersionPrior) -> pt.TensorVariable:
    """Add both parameters and the units' likelihoods to the model, and return the first.

    Where the data bound dispersions from above only, they bound their mean, dispersion·exp(½ spread²):
    the wider the law, the lower the knee of its median.
    """
    knee = pm.Data("knee", _knee(curves, prior))
    spread = half_log_normal("dispersion_spread", *prior.dispersion_spread, prior.dispersion_spread[0])
    lowered = knee * pt.exp(-_rise(spread, pt.exp))
    dispersion = half_log_normal("dispersion", *prior.dispersion, lowered)
    pm.Potential("unit_counts", unit_logp(curves, pt.log(dispersion), spread))
    return dispersion


def _knee(curves: UnitCurves, prior: DispersionPrior) -> float:
    """Return the highest mean of units' dispersions within ``NEAR`` nats of the most probable law."""
    axes = np.linspace(np.full(2, -WIDEST), np.full(2, WIDEST), N_CELLS)
    density = _log_density(curves, prior, axes)
    center, spread = _layer_laws(prior, axes)
    return float(np.exp((center + _rise(spread, np.exp))[density > density.max() - NEAR].max()))


def _rise(spread: pt.TensorLike, exp: Callable) -> pt.TensorLike:
    """Return ½ spread², the log of the law's mean over its median, less if it is wider than the data."""
    return MOST_RISE * (1 - exp(-(spread**2) / (2 * MOST_RISE)))
