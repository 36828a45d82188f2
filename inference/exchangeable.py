"""Posterior of the exchangeable Bernoulli process, from population counts.

Twin of :class:`rote.simulate.ExchangeableBernoulli` with Beta mixing, with its parameters' names: the
number n of active units among N is Beta-binomial [1]_. In rising products [2]_, which stay exact down to
no correlation at all,

    P(n) = C(N, n) Π_{j<n} [rate (1 - ρ) + jρ] Π_{j<N-n} [(1 - rate)(1 - ρ) + jρ] / Π_{j<N} [1 - ρ + jρ],

ρ the correlation of each pair. The data are the numbers H_n of examples on which n units were active.
With A_j examples on which more than j were, and S_j on which more than j were silent, of T,

    log L = Σ_n H_n log C(N, n) + Σ_{j<N} { A_j log[rate (1 - ρ) + jρ]
                                            + S_j log[(1 - rate)(1 - ρ) + jρ] - T log[1 - ρ + jρ] },

which costs the same for any number of examples.

*Units must be alike.* Where they differ in rate, the model takes the smaller spread of the population
count for a weaker correlation; on layers of one factor whose rates differ, its 90 % interval held the
pair correlation in 6 % of them. So data are refused when the units' counts k_i differ by more than one
rate allows. Given the population counts n_t, exchangeable units share the activations of each example
out at random, whatever their correlation and its mixing, and Cochran's statistic [3]_

    Q = (N - 1) Σ_i (k_i - k̄)² / D,    D = Σ_t d_t,    d_t = n_t (N - n_t) / N,

has, over these permutations, the moments (e_t = n_t (N - n_t)(N - 2n_t))

    E Q = N - 1,    Var Q = 2 (N - 1)(1 - Σ d_t² / D²),
    third cumulant = 8 [(N - 1)(1 - 3 Σ d_t²/D² + 2 Σ d_t³/D³)
                        + ((Σ e_t)² - Σ e_t²)/2 · (N - 1)² / (N³ (N - 2) D³)].

The shifted Gamma law of these three moments gives the p-value; below ``FALSE_ALARM`` the data are
refused. Its far tail is a little thin where a few tens of activations are all there is: of such layers
up to two in a hundred thousand are refused by mistake.

:func:`exact_posterior` is the posterior by quadrature, and the evidence.

.. [1] Skellam (1948), J. R. Stat. Soc. B 10, 257-261.
.. [2] Prentice (1986), J. Am. Stat. Assoc. 81, 321-327.
.. [3] Cochran (1950), Biometrika 37, 256-266.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from scipy import stats
from scipy.special import expit, gammaln, logsumexp

from ..activity.arrays import Counts, Floats
from ..activity.statistics import Statistics
from .factor import check_counts

FALSE_ALARM = 1e-6  # chance that units which are alike are refused, but for very few activations
REACH = 36.0  # logits: rates and correlations beyond are 0 or 1 to rounding
SCAN = 33  # points each way that look for the posterior
DROP = 35.0  # nats below the maximum at which a posterior density is as good as zero
N_NODES = 129  # of the quadrature, each way


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeablePrior:
    """Priors of one layer, both as Beta shapes."""

    rate: tuple[float, float] = (1.0, 1.0)  # every rate equally likely
    correlation: tuple[float, float] = (1.0, 4.0)  # of pairs: mean 0.2, weak ones likeliest


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ExactPosterior:
    """The posterior on a grid, by quadrature."""

    rate: Floats  # (n_nodes,)
    correlation: Floats  # (n_nodes,)
    probability: Floats  # (n_nodes, n_nodes) of rate and correlation, of sum 1
    log_evidence: float  # of the population counts, in the order of the examples


def exchangeable_model(
    statistics: Statistics, *, prior: ExchangeablePrior = ExchangeablePrior()
) -> pm.Model:
    """Build the model of one layer; errors as of :func:`check_alike`."""
    check_alike(statistics)
    more_active, more_silent = _tails(statistics)
    with pm.Model() as model:
        rate = pm.Beta("rate", *prior.rate)
        correlation = pm.Beta("correlation", *prior.correlation)
        active, silent = pm.Data("more_active", more_active), pm.Data("more_silent", more_silent)
        n_examples = pm.Data("n_examples", float(statistics.n_examples))
        step, own = pt.arange(active.shape[0]) * correlation, 1 - correlation
        logp = active * pt.log(rate * own + step) + silent * pt.log((1 - rate) * own + step)
        logp = (logp - n_examples * pt.log(own + step)).sum()
        pm.Potential("population_histogram", logp + pm.Data("log_choose", _log_choose(statistics)))
    return model


def check_alike(statistics: Statistics, name: str = "statistics") -> None:
    """Raise ``ValueError`` for a layer that never changes, or whose units differ in rate."""
    check_counts(statistics, name)
    if statistics.active_count.min() == statistics.n_examples:
        raise ValueError(
            f"{name} must have a unit that is silent on some example, got {statistics.n_units} units "
            f"active on all {statistics.n_examples}: what never changes has no correlation"
        )
    p_value = one_rate_p_value(statistics)
    if p_value < FALSE_ALARM:
        rate = statistics.rate
        raise ValueError(
            f"{name} must be of units that are all alike, got rates from {rate.min():.3g} to "
            f"{rate.max():.3g}, which differ by more than chance (Cochran's Q, p = {p_value:.1g}): the "
            'exchangeable model would misjudge the correlation; take the model "factor"'
        )


def one_rate_p_value(statistics: Statistics) -> float:
    """Return the p-value of Cochran's Q for units of one rate; 1 where there is nothing to compare."""
    seen, counts = statistics.population_histogram, statistics.active_count.astype(np.float64)
    mean, variance, cumulant = cochran_moments(seen)
    if variance < 1e-9:  # a single unit or example, or none on which units differ: Q is fixed
        return 1.0
    q = mean * np.square(counts - counts.mean()).sum() / (seen @ _spread(counts.size))
    skew = max(cumulant / variance**1.5, 1e-6)
    return float(stats.pearson3.sf((q - mean) / np.sqrt(variance), skew))


def cochran_moments(seen: Counts) -> tuple[float, float, float]:
    """Return mean, variance and third cumulant of Q for population counts H_n, ``(n_units + 1,)``."""
    n_units = seen.size - 1
    free, n, d = n_units - 1, np.arange(n_units + 1), _spread(n_units)
    total = seen @ d
    if total == 0:
        return float(free), 0.0, 0.0
    second, third = seen @ d**2 / total**2, seen @ d**3 / total**3
    cumulant = 8 * free * (1 - 3 * second + 2 * third)
    if n_units > 2:  # of two units e vanishes
        e = n_units * d * (n_units - 2 * n)
        pairs = (np.square(seen @ e) - seen @ e**2) / 2
        cumulant += 8 * pairs * free**2 / (n_units**3 * (n_units - 2) * total**3)
    return float(free), float(2 * free * (1 - second)), float(cumulant)


def _spread(n_units: int) -> Floats:
    """Return d at n of 0 to ``n_units``."""
    n = np.arange(n_units + 1)
    return n * (n_units - n) / n_units


def exact_log_likelihood(statistics: Statistics, rate: Floats, correlation: Floats) -> Floats:
    """Return log L at ``rate`` and ``correlation``, which broadcast."""
    more_active, more_silent = _tails(statistics)
    logp = np.full(np.broadcast_shapes(rate.shape, correlation.shape), _log_choose(statistics))
    own = 1 - correlation
    for j in range(statistics.n_units):
        step = j * correlation
        logp -= statistics.n_examples * np.log(own + step)
        for weight, start in ((more_active[j], rate), (more_silent[j], 1 - rate)):
            if weight:
                logp += weight * np.log(start * own + step)
    return logp


def exact_posterior(
    statistics: Statistics, *, prior: ExchangeablePrior = ExchangeablePrior()
) -> ExactPosterior:
    """Return the posterior by a trapezoid sum over the logits; errors as of :func:`check_alike`."""
    check_alike(statistics)

    def density(x: Floats, y: Floats) -> Floats:
        """Log-density over the logits, ``(x.size, y.size)``."""
        logp = exact_log_likelihood(statistics, expit(x)[:, None], expit(y))
        for logit_value, (a, b) in ((x[:, None], prior.rate), (y, prior.correlation)):
            logp = logp - a * np.logaddexp(0, -logit_value) - b * np.logaddexp(0, logit_value)
            logp = logp - gammaln(a) - gammaln(b) + gammaln(a + b)
        return logp

    ends = _region(density)
    x, y = (np.linspace(*end, N_NODES) for end in ends)
    value = density(x, y)
    log_sum = logsumexp(value)
    return ExactPosterior(
        rate=expit(x),
        correlation=expit(y),
        probability=np.exp(value - log_sum),
        log_evidence=float(log_sum + np.log((x[1] - x[0]) * (y[1] - y[0]))),
    )


def _region(density: Callable[[Floats, Floats], Floats]) -> Floats:
    """Return the ends, ``(2, 2)``, of a box that just holds where ``density`` is within ``DROP``.

    Seen from afar the density is high where the one logit makes up for the other's coarse steps, so a
    box that it leaves is moved after it.
    """
    ends = np.array([[-REACH, REACH], [-REACH, REACH]])
    while True:
        nodes = np.linspace(ends[:, 0], ends[:, 1], SCAN, axis=1)
        value = density(*nodes)
        near = value >= value.max() - DROP
        places = [np.flatnonzero(near.any(axis=1 - axis)) for axis in (0, 1)]
        first, last = (np.array([place[which] for place in places]) for which in (0, -1))
        width = ends[:, 1] - ends[:, 0]
        low = np.where(first == 0, ends[:, 0] - width / 2, nodes[[0, 1], np.maximum(first - 1, 0)])
        high = np.where(
            last == SCAN - 1, ends[:, 1] + width / 2, nodes[[0, 1], np.minimum(last + 1, SCAN - 1)]
        )
        moved = np.clip(np.stack([low, high], axis=1), -REACH, REACH)
        left = (moved[:, 0] < ends[:, 0]) | (moved[:, 1] > ends[:, 1])
        if not left.any() and (last - first > SCAN // 2).all():
            return moved
        ends = moved


def _tails(statistics: Statistics) -> tuple[Floats, Floats]:
    """Return the numbers of examples with more than j active and silent units, j < n_units."""
    seen = statistics.population_histogram
    at_least = seen[::-1].cumsum()[::-1]  # examples with j active units or more
    at_most = seen.cumsum()
    return at_least[1:].astype(np.float64), at_most[-2::-1].astype(np.float64)


def _log_choose(statistics: Statistics) -> float:
    """Return Σ_n H_n log C(n_units, n)."""
    n_units, n = statistics.n_units, np.arange(statistics.n_units + 1)
    log_choose = gammaln(n_units + 1) - gammaln(n + 1) - gammaln(n_units - n + 1)
    return float(statistics.population_histogram @ log_choose)
