"""Posterior of how class-selective a layer's units are, from their counts in each class.

Twin of :class:`rote.simulate.SelectiveRates`, with its parameters' names. Of the n_c examples of class c
unit i is active on k_ic. With its class rates integrated out (Skellam's Beta-binomial law), the class
share F_i of the unit has the likelihood

    L_i(F) = ∫ Π_c BetaBinomial(k_ic; n_c, m s, (1 - m) s) Beta(m; a, b) dm,    s = (1 - F) / F,

the integral a trapezoid sum of ``N_RATES`` nodes over the logit of m, laid out for each unit and F where
the integrand is. L_i is tabulated once on F from ``LEAST`` to ``MOST`` and carried to the layer's law

    logit F_i ~ Normal(logit(class_share), class_share_spread²),  cut to that range,

by :mod:`rote.inference.unit_curves`; so a fit costs the same for any number of examples. A share of
``LEAST`` is none: it adds a thousandth to the variance of counts of ten thousand examples in a class. A
unit that takes no notice of the class is told by a curve that stays level down to there.

Dead units and those that are only too rare to have been seen look the same, so units that were never
active are left out, and the likelihood is that of counts of a unit *that was seen*: a selective unit,
active in few classes or in none of those that there are, is the likelier to be missed. With L_0 the
likelihood of no activation at all,

    L = Π_i ∫ L_i(F) law(F) dF / ∫ [1 - L_0(F)] law(F) dF.

The law (a, b) of the units' rates is plugged in, from moments that owe nothing to F or to the noise of
counting: given m_i the class rates are independent, so sums over units and *pairs* of classes give, for
M units that are not dead,

    M E m = Σ_i mean_c(k_ic / n_c),    M E m² = Σ_i mean_{c≠d}(k_ic k_id / (n_c n_d)).

To either a unit that was never seen adds nothing. M is such that the law lets as many be seen as were,
at most all units of the layer; what a selective layer hides is judged at the moments' own share

    F = [Σ_i mean_c(k_ic (k_ic - 1) / (n_c (n_c - 1))) - M E m²] / (M E m - M E m²).

The sampler moves in the share of a unit one spread above the typical one, ``high_share``: that is what
the data bound in a layer that takes no notice of the class, where a lower typical share makes room for
a wider spread.

The law is taken as known. On layers drawn from the prior, of 24 to 128 units, dense or rare, a third of
them dead or none, 90 % intervals held the truth in 88 to 97 of a hundred.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pymc as pm
from pymc.distributions.transforms import logodds
from scipy.interpolate import CubicSpline
from scipy.optimize import brentq
from scipy.special import betaln, gammaln, logit, logsumexp, polygamma, psi

from ..activity.arrays import Floats
from ..activity.statistics import Statistics
from .unit_curves import UnitCurves, unit_logp

LEAST, MOST = 1e-7, 0.999  # class shares: the range of the law
N_SHARES = 97  # at which a unit's likelihood is integrated; splines between
N_RATES = 24  # nodes of that integral
TAIL = 3.0  # the nodes reach out to sinh(TAIL) standard deviations
STEPS = 5  # that find where the integrand is
CELLS = 1 << 21  # held at once
TINY = 1e-300


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassPrior:
    """Priors of one layer."""

    class_share: tuple[float, float] = (0.05, 2.0)  # median, and sd of the logit: 0.002 to 0.6
    class_share_spread: tuple[float, float] = (0.7, 0.6)  # in logits; median, sd of the log: 0.26 to 1.9


def class_model(statistics: Statistics, *, prior: ClassPrior = ClassPrior()) -> pm.Model:
    """Build the model of one layer; errors as of :func:`share_curves`."""
    curves, seen = share_curves(statistics)
    middle, sd = prior.class_share
    median, log_sd = prior.class_share_spread
    with pm.Model() as model:
        spread = pm.LogNormal("class_share_spread", np.log(median), log_sd)
        high = pm.LogitNormal("high_share", logit(middle) + spread, sd, transform=logodds)
        center = pm.math.logit(high) - spread
        pm.Deterministic("class_share", pm.math.sigmoid(center))
        logp = unit_logp(_beside(curves, seen), center, spread)
        pm.Potential("class_active", logp[:-1] - logp[-1])
    return model


def share_curves(statistics: Statistics) -> tuple[UnitCurves, UnitCurves]:
    """Return the seen units' likelihoods in the logit of the class share, and that of being seen.

    Raises ``ValueError`` without two classes, for counts beyond the examples, or for a dead layer.
    """
    count, n = class_counts(statistics)
    law = plug_in_law(count, n, statistics.n_units)
    x = np.linspace(logit(LEAST), logit(MOST), N_SHARES)
    per_unit = x.size * (N_RATES + n.size)
    parts = np.array_split(count, -(-len(count) * per_unit // CELLS))
    value = np.concatenate([share_log_likelihood(part, n, np.exp(-x), law) for part in parts])
    return _tabulate(x, value), _tabulate(x, _log_seen(n, np.exp(-x), law))


def _tabulate(x: Floats, value: Floats) -> UnitCurves:
    """Return curves through ``value`` ``(n_units, x.size)`` at evenly spaced ``x``."""
    spline = CubicSpline(x, value, axis=1)
    step = x[1] - x[0]

    def log_likelihood(points: Floats) -> Floats:
        place = np.clip(((points - x[0]) / step).astype(int), 0, x.size - 2)
        offset, unit = points - x[place], np.arange(len(points))[:, None]
        a, b, c, d = spline.c[:, place, unit]
        return d + offset * (c + offset * (b + offset * a))

    return UnitCurves.tabulate(log_likelihood, len(value), low=x[0], high=x[-1])


def _beside(curves: UnitCurves, others: UnitCurves) -> UnitCurves:
    """Return both together."""
    return UnitCurves(
        node=curves.node,
        mass=np.concatenate([curves.mass, others.mass]),
        log_factor=np.concatenate([curves.log_factor, others.log_factor]),
    )


def _log_seen(n: Floats, scale: Floats, law: tuple[float, float]) -> Floats:
    """Return log(1 - L_0) at each ``scale``: ``(1, n_shares)``."""
    missed = share_log_likelihood(np.zeros((1, n.size)), n, scale, law)
    return np.log(-np.expm1(np.minimum(missed, -1e-12)))


def class_counts(statistics: Statistics, name: str = "statistics") -> tuple[Floats, Floats]:
    """Return counts ``(n_living, n_classes)`` and examples ``(n_classes,)`` of classes that occur."""
    present = statistics.class_examples > 0
    if present.sum() < 2:
        raise ValueError(
            f"{name} must hold examples of two classes, got {present.sum()}: measure with labels"
        )
    n = statistics.class_examples[present].astype(np.float64)
    count = statistics.class_active[present].T.astype(np.float64)
    if (count < 0).any() or (count > n).any():
        raise ValueError(
            f"class_active of {name} must lie in [0, class_examples], got {_beyond(count, n)}"
        )
    living = count.sum(axis=1) > 0
    if not living.any():
        raise ValueError(
            f"{name} must have an active unit, got {len(count)} units never active on {n.sum():.0f} "
            "examples: a dead layer is not selective"
        )
    return count[living], n


def plug_in_law(count: Floats, n: Floats, n_units: int) -> tuple[float, float]:
    """Return the shapes (a, b) of the law of m, from counts ``(n_seen, n_classes)`` of ``n``.

    Of the layer's ``n_units`` units those never active are no rows of ``count``.
    """
    rate = count / n
    first = rate.mean(axis=1).sum()
    apart = n.size * (n.size - 1)
    square = (np.square(rate.sum(axis=1)) - np.square(rate).sum(axis=1)).sum() / apart
    twice = n > 1  # classes of one example hold no pair of their own
    again = (count * (count - 1))[:, twice] / (n * (n - 1))[twice]
    within = again.mean(axis=1).sum() if twice.any() else square
    share = np.clip((within - square) / max(first - square, TINY), LEAST, MOST)
    scale = np.array([(1 - share) / share])

    def law(alive: float) -> tuple[float, float]:
        mean = float(np.clip(first / alive, 0.5 / n.sum(), 1 - 0.5 / n.sum()))
        spread = np.clip((square / alive - mean**2) / (mean * (1 - mean)), 1e-3, 0.9)
        return mean * (1 / spread - 1), (1 - mean) * (1 / spread - 1)

    def excess(alive: float) -> float:
        return float(alive * np.exp(_log_seen(n, scale, law(alive))[0, 0]) - len(count))

    if len(count) == n_units or excess(n_units) <= 0:
        return law(n_units)
    return law(brentq(excess, len(count), n_units, xtol=1e-3))


def share_log_likelihood(count: Floats, n: Floats, scale: Floats, law: tuple[float, float]) -> Floats:
    """Return log L_i at each ``scale`` (1 - F)/F, ``(n_shares,)``: ``(n_units, n_shares)``.

    The numbers of ways to choose the active examples, Π_c C(n_c, k_ic), are left out.
    """
    (a, b), log_scale = law, np.log(scale)[:, None]
    hits, misses = _worth(count, n, scale, law)
    middle, sd = psi(hits) - psi(misses), np.sqrt(polygamma(1, hits) + polygamma(1, misses))
    t = np.linspace(-TAIL, TAIL, N_RATES)
    y = middle[..., None] + sd[..., None] * np.sinh(t)
    log_rate, log_rest = -np.logaddexp(0, -y), -np.logaddexp(0, y)
    value = a * log_rate + b * log_rest + np.log(sd[..., None] * np.cosh(t)) + np.log(t[1] - t[0])
    for log_part, events in ((log_rate, count), (log_rest, n - count)):
        log_start = log_part + log_scale
        for rise in _rises(log_start, events.T[..., None, None]):
            value += rise
    whole = sum(_rises(log_scale, n))[:, 0]
    return logsumexp(value, axis=-1) - betaln(a, b) - whole


def _rises(log_start: Floats, steps: Floats) -> Iterator[Floats]:
    """Yield log of start (start + 1) … (start + k - 1) for each k of ``steps``, at any start above 0."""
    start = np.exp(log_start)
    first = log_start - gammaln(start + 1)
    for k in steps:
        yield np.where(k > 0, first + gammaln(start + np.maximum(k, 1)), 0.0)


def _worth(count: Floats, n: Floats, scale: Floats, law: tuple[float, float]) -> tuple[Floats, Floats]:
    """Return shapes of a Beta law near the integrand in m, each ``(n_units, n_shares)``.

    A factor m s + j of the rising product stands for the share m s / (m s + j) of a success: an EM step.
    """
    a, b = law
    rate = ((count.sum(axis=1) + a) / (n.sum() + a + b))[:, None]
    for _ in range(STEPS):
        sums = []
        for start, events in ((rate * scale, count), ((1 - rate) * scale, n - count)):
            events = events[..., None]
            sums.append(
                (start[:, None] * (psi(start[:, None] + events) - psi(start[:, None]))).sum(axis=1)
            )
        hits, misses = a + sums[0], b + sums[1]
        rate = hits / (hits + misses)
    return hits, misses


def _beyond(count: Floats, n: Floats) -> str:
    unit, label = np.argwhere((count < 0) | (count > n))[0]
    return f"{count[unit, label]:.0f} of {n[label]:.0f} at unit {unit}"
