"""Units that differ: each one's own likelihood in a parameter x, under a law of x over the layer.

Where what a unit did depends on one parameter x_i of its own (other parameters integrated out), and the
x of a layer's units follow a normal law cut to [low, high],

    L_i(center, spread) = ∫ L_i(x) N(x; center, spread²) dx / ∫ N(x; center, spread²) dx,

all that the data say of the layer is the curves L_i. They are tabulated once, so that a posterior of
center and spread costs the same for any number of examples. On a grid of nodes x_g with spacing h,

    m_ig = ∫ L_i(x) hat_g(x) dx,    w_g ∝ exp(-(x_g - center)² / 2v),    Σ_g w_g = 1,
    L_i ≈ Σ_g m_ig w_g / h,

hat_g being the linear B-spline at x_g. Hats widen a curve by h²/6 in variance, which is taken off the
law's, v = spread² - h²/6, but for laws as narrow as the spacing, which are blurred instead to stay
smooth: v = spread² - h²/6 + (5/12) h² exp(-spread²/h²). Curves may be as narrow as they like, because
each is integrated on points of its own. From a spread of three spacings on L_i is good to 1 % for units
within three spreads of the center; a spread below the spacing is not told from zero.

What a posterior of the layer says of one unit is its curve times the law: :func:`unit_posterior`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from ..activity.arrays import Floats

N_NODES = 201
POINTS = 801  # on which one curve is integrated
SCAN = 65  # that look for where it is high
DROP = 30.0  # nats below its maximum at which a curve is as good as zero
TINY = 1e-290

type LogLikelihood = Callable[[Floats], Floats]
"""Log-likelihood of each unit at points of its own: ``(n_units, n_points)`` to the same shape."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UnitCurves:
    """Likelihoods of a layer's units in x, each up to a factor of its own."""

    node: Floats  # (n_nodes,) evenly spaced
    mass: Floats  # (n_units, n_nodes): m_ig / h, less the factor
    log_factor: Floats  # (n_units,)

    @classmethod
    def tabulate(
        cls, log_likelihood: LogLikelihood, n_units: int, *, low: float, high: float
    ) -> "UnitCurves":
        """Tabulate curves with one hill each; a ``ValueError`` for one that is not finite at its top."""
        node = np.linspace(low, high, N_NODES)
        x = np.tile(np.linspace(low, high, SCAN), (n_units, 1))
        while True:
            value = _finite(log_likelihood(x))
            near = value >= value.max(axis=1, keepdims=True) - DROP
            first = np.maximum(near.argmax(axis=1) - 1, 0)
            last = np.minimum(SCAN - near[:, ::-1].argmax(axis=1), SCAN - 1)
            ends = x[np.arange(n_units), first], x[np.arange(n_units), last]
            if (last - first > SCAN // 4).all():
                break
            x = np.linspace(*ends, SCAN, axis=1)
        x = np.linspace(*ends, POINTS, axis=1)
        value = _finite(log_likelihood(x))
        top = value.max(axis=1)
        share = np.exp(value - top[:, None])
        share[:, [0, -1]] /= 2
        width = x[:, 1] - x[:, 0]
        mass = _on_nodes(x, share, node)
        spacing = node[1] - node[0]
        return cls(node=node, mass=mass, log_factor=top + np.log(width / spacing))

    @property
    def n_units(self) -> int:
        """Number of units."""
        return self.log_factor.size

    def log_likelihood(self, center: Floats, spread: Floats) -> Floats:
        """Return log L_i at laws ``center`` and ``spread`` ``(...)``: ``(..., n_units)``."""
        weight = law_weights(self.node, center, spread)
        return np.log(weight @ self.mass.T + TINY) + self.log_factor

    def unit_posterior(self, center: Floats, spread: Floats) -> tuple[Floats, Floats]:
        """Return each unit's mean and standard deviation of x, ``(n_units,)`` both.

        They are averaged over posterior draws ``center``, ``spread`` of the layer's law, ``(n_draws,)``.
        """
        weight = law_weights(self.node, center, spread)
        share = weight[:, None] * self.mass / (weight @ self.mass.T + TINY)[..., None]
        probability = share.mean(axis=0)
        mean = probability @ self.node
        return mean, np.sqrt(np.maximum(probability @ np.square(self.node) - mean**2, 0))


def law_weights(node: Floats, center: Floats, spread: Floats) -> Floats:
    """Return w_g of laws ``center`` and ``spread`` ``(...)``: ``(..., n_nodes)``."""
    center, spread = np.asarray(center, float)[..., None], np.asarray(spread, float)[..., None]
    exponent = -np.square(node - center) / (2 * _variance(spread, node[1] - node[0], np.exp))
    weight = np.exp(exponent - exponent.max(axis=-1, keepdims=True))
    return weight / weight.sum(axis=-1, keepdims=True)


def unit_logp(
    curves: UnitCurves, center: pt.TensorVariable, spread: pt.TensorVariable
) -> pt.TensorVariable:
    """Return log L_i of all units as a graph, ``(n_units,)``; for use in a model's context."""
    node, mass = pm.Data("node", curves.node), pm.Data("unit_mass", curves.mass)
    exponent = -pt.square(node - center) / (2 * _variance(spread, node[1] - node[0], pt.exp))
    weight = pt.exp(exponent - exponent.max())
    return pt.log(mass @ (weight / weight.sum()) + TINY) + pm.Data("log_factor", curves.log_factor)


def _variance(spread: pt.TensorLike, spacing: pt.TensorLike, exp: Callable) -> pt.TensorLike:
    """Return v of the law, in NumPy or as a graph."""
    return spread**2 + spacing**2 * (5 / 12 * exp(-((spread / spacing) ** 2)) - 1 / 6)


def _finite(value: Floats) -> Floats:
    """Return log-likelihoods; raise where one is not a number, or a unit has none that is finite."""
    wrong = np.flatnonzero(~np.isfinite(value.max(axis=1)))  # nan is the maximum of what holds it
    if wrong.size:
        unit = int(wrong[0])
        raise ValueError(f"a unit's likelihood must be finite somewhere, got none for unit {unit}")
    return value


def _on_nodes(x: Floats, share: Floats, node: Floats) -> Floats:
    """Return ``share`` at points ``x``, dealt to the two nodes next to each: ``(n_units, n_nodes)``."""
    place = (x - node[0]) / (node[1] - node[0])
    left = np.clip(place.astype(int), 0, node.size - 2)
    right_share = share * np.clip(place - left, 0, 1)
    flat = left + node.size * np.arange(len(x))[:, None]
    n = node.size * len(x)
    mass = np.bincount(flat.ravel(), (share - right_share).ravel(), n)
    mass += np.bincount(flat.ravel() + 1, right_share.ravel(), n)
    return mass.reshape(len(x), node.size)
