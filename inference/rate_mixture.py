"""Posterior of a layer of rare and common units; unit rates and kinds are integrated out.

Twin of :class:`rote.simulate.MixedRates`, with its parameters' names. A unit is dead with probability
``dead_fraction``; of the living, ``rare_fraction`` are rare. With the Beta-binomial law P of a unit that
is active on k of T examples [1]_,

    P(k; a, b) = C(T, k) B(k + a, T - k + b) / B(a, b),

    p(k_i) = (1 - dead_fraction) [rare_fraction P(k_i; rare) + (1 - rare_fraction) P(k_i; common)]
             + dead_fraction [k_i = 0].

As in :mod:`rote.inference.rates`, ``dead_fraction`` is the share that no example activates, however many
are shown, and silent units may also be rare ones that were not seen.

Two components that may trade places, or lie on top of each other, leave a posterior of several hills.
The common one is the anchor here, and the rare one lies a positive ``gap`` of logits below it:

    logit(rare_mean) = logit(common_mean) - gap,    gap ~ log-normal, next to never below 1.5.

The rare law is told by its mean and its first shape, which is kept from zero, so that it cannot become a
spike of units all but dead, which is what ``dead_fraction`` stands for. The prior of ``rare_fraction``
vanishes at 1: a layer of one kind of units is called common, unless its law asks for two.

In a layer of one kind ``rare_fraction`` is near zero and ``gap`` and ``rare_shape`` are those of the
prior. A Beta law is not the only law of one kind, however: rates that are all of one origin but skewed,
or heavier at zero than any Beta law, are also described better by two. So two components are a
description of the rates; that memorization made the rare one is for a comparison of networks to say.
Whether two are needed at all is told by comparing this model with the one of a single Beta law
(:func:`rote.inference.comparison.compare`).

The likelihood has a term for each unit, as leaving units out asks for. Equal counts are not pooled: few
units of a layer have equal ones where examples are many.

.. [1] Skellam (1948), J. R. Stat. Soc. B 10, 257-261.
"""

from dataclasses import dataclass

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from scipy.special import betaln

from ..activity.statistics import Statistics
from .rates import check_alive

MOST_SHAPE = 1e8  # of a Beta law: beyond, log-gammas lose the digits that their differences need, and a
# chain that strays there while it warms up finds likelihoods above one, and stays


@dataclass(frozen=True, slots=True, kw_only=True)
class RateMixturePrior:
    """Priors of one layer (log-normal: median, sd of the logarithm); ranges told hold nine in ten."""

    rare_fraction: tuple[float, float] = (1.0, 2.0)  # Beta shapes: a third, vanishing at 1
    gap: tuple[float, float] = (3.3, 0.35)  # logits between the means: 1.9 to 5.9
    rare_shape: tuple[float, float] = (1.5, 0.5)  # a hump rather than a spike: 0.7 to 3.4
    common_mean: tuple[float, float] = (2.0, 4.0)  # Beta shapes: rates of 0.08 to 0.66
    common_concentration: tuple[float, float] = (6.0, 0.6)  # 2.2 to 16
    dead_fraction: tuple[float, float] = (1.0, 4.0)  # Beta shapes: a fifth, most likely none


def rate_mixture_model(
    statistics: Statistics, *, prior: RateMixturePrior = RateMixturePrior()
) -> pm.Model:
    """Build the model of one layer; raises ``ValueError`` if no unit was ever active."""
    check_alive(statistics)
    count, n_examples = statistics.active_count, statistics.n_examples
    with pm.Model() as model:
        rare_fraction = pm.Beta("rare_fraction", *prior.rare_fraction)
        gap = _log_normal("gap", prior.gap)
        rare_shape = _log_normal("rare_shape", prior.rare_shape)
        common_mean = pm.Beta("common_mean", *prior.common_mean)
        common_concentration = _log_normal("common_concentration", prior.common_concentration)
        dead_fraction = pm.Beta("dead_fraction", *prior.dead_fraction)
        rare_odds = common_mean / (1 - common_mean) * pt.exp(-gap)
        pm.Deterministic("rare_mean", rare_odds / (1 + rare_odds))
        pm.CustomDist(
            "active_count",
            rare_fraction,
            rare_shape,
            rare_shape / rare_odds,
            common_mean * common_concentration,
            (1 - common_mean) * common_concentration,
            dead_fraction,
            pm.Data("n_examples", n_examples),
            pm.Data("log_subsets", -betaln(count + 1, n_examples - count + 1) - np.log1p(n_examples)),
            logp=_count_logp,
            dtype="int64",
            observed=pm.Data("count", count),
        )
    return model


def _log_normal(name: str, median_and_sd: tuple[float, float]) -> pt.TensorVariable:
    median, log_sd = median_and_sd
    return pm.LogNormal(name, np.log(median), log_sd)


def _count_logp(
    count: pt.TensorVariable,
    rare_fraction: pt.TensorVariable,
    rare_a: pt.TensorVariable,
    rare_b: pt.TensorVariable,
    common_a: pt.TensorVariable,
    common_b: pt.TensorVariable,
    dead_fraction: pt.TensorVariable,
    n_examples: pt.TensorVariable,
    log_subsets: pt.TensorVariable,
) -> pt.TensorVariable:
    """Return log p(k_i) for each of ``count`` as a graph; ``log_subsets`` are log C(T, k_i)."""
    rare = pt.log(rare_fraction) + _log_law(count, n_examples, rare_a, rare_b)
    common = pt.log1p(-rare_fraction) + _log_law(count, n_examples, common_a, common_b)
    alive = pt.log1p(-dead_fraction) + log_subsets + pt.logaddexp(rare, common)
    return pt.where(pt.eq(count, 0), pt.logaddexp(pt.log(dead_fraction), alive), alive)


def _log_law(
    count: pt.TensorVariable,
    n_examples: pt.TensorVariable,
    a: pt.TensorVariable,
    b: pt.TensorVariable,
) -> pt.TensorVariable:
    """Return log P(k; a, b) less log C(T, k): two log-gammas for each unit, the others once."""
    a, b = pt.minimum(a, MOST_SHAPE), pt.minimum(b, MOST_SHAPE)
    once = pt.gammaln(a + b) - pt.gammaln(a) - pt.gammaln(b) - pt.gammaln(n_examples + a + b)
    return once + pt.gammaln(count + a) + pt.gammaln(n_examples - count + b)
