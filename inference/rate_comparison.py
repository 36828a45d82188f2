"""The Beta law of the rates of one layer, compared over networks.

Each network's layer has the likelihood of :mod:`rote.inference.rates`; logit(mean) and
log(concentration) follow the hierarchy of :mod:`rote.inference.networks`; each network keeps a
``dead_fraction`` of its own. The cost of one evaluation does not grow with units or examples: over the
units that were active, with s = a + b,

    Σ_i log P(k_i) = A(log a) + B(log b) - n·[lnΓ(T + s) - lnΓ(s)] + constant,
    A(log a) = Σ_i lnΓ(k_i + a) - lnΓ(a),    B(log b) = Σ_i lnΓ(T - k_i + b) - lnΓ(b),

and A and B are tabulated (:mod:`rote.inference.tabulated`). lnΓ(k + eˣ) is analytic for |Im x| < π, so
128 terms reach rounding on the whole of ``LOG_SHAPES``; below it A and B are straight lines themselves.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from scipy.special import gammaln, logit

from ..activity.arrays import Counts, Floats
from ..activity.statistics import Statistics
from .networks import NetworkKey, Networks, SpreadPrior, network_quantities
from .rates import check_alive
from .tabulated import Tabulated, evaluate, tabulate

LOG_SHAPES = (-14.0, 12.0)  # of a and b: 1e-6 to 1.6e5; outside, the priors have less than 1e-6
ROUNDING = 2e-14  # of a sum of so many log-gammas, relative to its size


@dataclass(frozen=True, slots=True, kw_only=True)
class RateComparisonPrior:
    """Priors over conditions: normal (mean, sd) on the unbounded scales."""

    logit_mean: tuple[float, float] = (0.0, 1.5)  # close to uniform over rates
    log_concentration: tuple[float, float] = (float(np.log(5.0)), 1.5)  # concentration 0.4 to 60
    dead_fraction: tuple[float, float] = (1.0, 1.0)  # Beta shapes, of each network
    spread: SpreadPrior = field(default_factory=SpreadPrior)


def rate_comparison_model(
    statistics: Mapping[NetworkKey, Statistics],
    *,
    prior: RateComparisonPrior = RateComparisonPrior(),
) -> pm.Model:
    """Build the model of one layer of several networks, keyed by (condition, seed).

    Of each condition there must be two networks at least, and each must have an active unit; a
    ``ValueError`` otherwise. Variables over ``condition``: ``condition_mean`` and
    ``condition_concentration``, the law in a typical network; over ``network``: ``mean``,
    ``concentration``, ``dead_fraction``.
    """
    networks = Networks.ordered(statistics)
    layers = [statistics[key] for key in networks.keys]
    for name, layer in zip(networks.coords["network"], layers, strict=True):
        check_alive(layer, name)
    guess, error = np.stack([_guess(layer) for layer in layers], axis=-1)
    center = {name: getattr(prior, name) for name in ("logit_mean", "log_concentration")}
    with pm.Model(coords=networks.coords | {"quantity": list(center)}) as model:
        x = network_quantities(center, networks, spread=prior.spread, guess=guess, error=error)
        dead_fraction = pm.Beta("dead_fraction", *prior.dead_fraction, dims="network")
        pm.Deterministic("mean", pm.math.sigmoid(x[0]), dims="network")
        pm.Deterministic("concentration", pt.exp(x[1]), dims="network")
        pm.Deterministic("condition_mean", pm.math.sigmoid(model["center"][0]), dims="condition")
        pm.Deterministic("condition_concentration", pt.exp(model["center"][1]), dims="condition")
        pm.Potential("active_count", _layer_logp(layers, x[0], x[1], dead_fraction).sum())
    return model


def _layer_logp(
    layers: list[Statistics],
    logit_mean: pt.TensorVariable,
    log_concentration: pt.TensorVariable,
    dead_fraction: pt.TensorVariable,
) -> pt.TensorVariable:
    """Return the log-likelihood of each network's layer, ``(n_networks,)``, less the binomials."""
    active = np.array([np.count_nonzero(layer.active_count) for layer in layers])
    n_examples = pm.Data("n_examples", np.array([layer.n_examples for layer in layers]))
    n_active = pm.Data("n_active", active)
    n_silent = pm.Data("n_silent", np.array([layer.n_units for layer in layers]) - active)
    table = Tabulated.stack([_shape_sums(layer) for layer in layers])
    log_a = log_concentration - pt.softplus(-logit_mean)
    log_b = log_concentration - pt.softplus(logit_mean)
    sums = evaluate(
        pt.stack([log_a, log_b], axis=-1),
        low=LOG_SHAPES[0],
        high=LOG_SHAPES[1],
        slope=pm.Data("shape_sum_slope", table.slope),
        coefficient=pm.Data("shape_sum", table.coefficient),
    ).sum(axis=-1)
    b, both = pt.exp(log_b), pt.exp(log_concentration)
    normalizer = pt.gammaln(n_examples + both) - pt.gammaln(both)
    silent = pt.gammaln(n_examples + b) - pt.gammaln(b) - normalizer
    log_alive = pt.log1p(-dead_fraction)
    return (
        sums
        + n_active * (log_alive - normalizer)
        + n_silent * pt.logaddexp(pt.log(dead_fraction), log_alive + silent)
    )


def _shape_sums(layer: Statistics) -> Tabulated:
    """Tabulate A and B of a layer: leading axis 2."""
    active = layer.active_count[layer.active_count > 0]

    def sum_over(counts: Counts) -> Tabulated:
        counts, repeats = np.unique(counts, return_counts=True)

        def total(log_shape: Floats) -> Floats:
            shape = np.exp(log_shape)
            return repeats @ gammaln(counts[:, None] + shape) - counts_total * gammaln(shape)

        counts_total = repeats.sum()
        scale = float(np.abs(total(np.array(LOG_SHAPES))).max())
        return tabulate(total, *LOG_SHAPES, tolerance=max(1e-4, ROUNDING * scale))

    return Tabulated.stack([sum_over(active), sum_over(layer.n_examples - active)])


def _guess(layer: Statistics) -> tuple[Floats, Floats]:
    """Return moment estimates of (logit mean, log concentration) and their rough errors."""
    rate = layer.rate[layer.active_count > 0]
    mean = np.clip(rate.mean(), 1e-6, 1 - 1e-6)
    binary = mean * (1 - mean)
    spread = max(rate.var() - binary / layer.n_examples, 1e-3 * binary)
    concentration = np.clip(binary / spread - 1, 0.1, 1e3)
    error = np.array([np.sqrt(spread / rate.size) / binary, np.sqrt(4 / rate.size)])
    return np.array([logit(mean), np.log(concentration)]), np.clip(error, 1e-3, 2.0)
