"""Posterior of the Beta law of a layer's rates; the unit rates are integrated out.

Twin of :class:`rote.simulate.BetaRates`, with its parameters' names. Unit i is dead with probability
``dead_fraction``, else its rate follows Beta(a, b) with a = mean·concentration, b = (1 - mean)·
concentration; on T examples it is active k_i times. With the Beta-binomial law [1]_

    P(k) = C(T, k) B(k + a, T - k + b) / B(a, b),

    p(k_i) = (1 - dead_fraction) P(k_i) + dead_fraction·[k_i = 0].

So ``dead_fraction`` is the share of units that no example activates, however many are shown. It is
not the share of units silent in the sample, which also holds units too rare to be seen:

    silent_fraction = dead_fraction + (1 - dead_fraction) P(0).

A hurdle (silent units apart, P truncated at zero) has the same likelihood in other parameters, but its
own dead fraction shrinks as examples are added, and its mean goes with units that were never seen:
both would mean something else in each data set. Where P(0) is not small the two parts are told apart
only by the shape of the law, and the posterior says so.

.. [1] Skellam (1948), J. R. Stat. Soc. B 10, 257-261.
"""

from dataclasses import dataclass

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from ..activity.statistics import Statistics


@dataclass(frozen=True, slots=True, kw_only=True)
class RatePrior:
    """Priors of one layer."""

    mean: tuple[float, float] = (1.0, 1.0)  # Beta shapes: every mean rate equally likely
    concentration: tuple[float, float] = (5.0, 1.5)  # median and sd of the logarithm: 0.4 to 60
    dead_fraction: tuple[float, float] = (1.0, 1.0)  # Beta shapes: every share equally likely


def rate_model(statistics: Statistics, *, prior: RatePrior = RatePrior()) -> pm.Model:
    """Build the model of one layer; raises ``ValueError`` if no unit was ever active."""
    check_alive(statistics)
    median, log_sd = prior.concentration
    with pm.Model() as model:
        mean = pm.Beta("mean", *prior.mean)
        concentration = pm.LogNormal("concentration", np.log(median), log_sd)
        dead_fraction = pm.Beta("dead_fraction", *prior.dead_fraction)
        n_examples = pm.Data("n_examples", statistics.n_examples)
        pm.CustomDist(
            "active_count",
            mean,
            concentration,
            dead_fraction,
            n_examples,
            logp=count_logp,
            dtype="int64",
            observed=pm.Data("count", statistics.active_count),
        )
        silent = pt.exp(count_logp(pt.as_tensor(0), mean, concentration, dead_fraction, n_examples))
        pm.Deterministic("silent_fraction", silent)
    return model


def count_logp(
    count: pt.TensorVariable,
    mean: pt.TensorVariable,
    concentration: pt.TensorVariable,
    dead_fraction: pt.TensorVariable,
    n_examples: pt.TensorVariable,
) -> pt.TensorVariable:
    """Return log p(k_i) for each of ``count`` as a graph."""
    law = pm.BetaBinomial.dist(n=n_examples, alpha=mean * concentration, beta=(1 - mean) * concentration)
    alive = pt.log1p(-dead_fraction) + pm.logp(law, count)
    return pt.where(pt.eq(count, 0), pt.logaddexp(pt.log(dead_fraction), alive), alive)


def check_alive(statistics: Statistics, name: str = "statistics") -> None:
    """Raise unless counts lie in [0, n_examples] and some unit was active."""
    least, most = statistics.active_count.min(), statistics.active_count.max()
    if least < 0 or most > statistics.n_examples:
        raise ValueError(
            f"active_count of {name} must lie in [0, n_examples={statistics.n_examples}], "
            f"got [{least}, {most}]"
        )
    if most == 0:
        raise ValueError(
            f"{name} must have an active unit, got {statistics.n_units} units never active on "
            f"{statistics.n_examples} examples: a dead layer has no law of rates"
        )
