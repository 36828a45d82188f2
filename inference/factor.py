"""Posterior of the loading of a one-factor dichotomized Gaussian, from population counts.

Twin of :class:`rote.simulate.DichotomizedGaussian` with one ``loading`` w for all units:

    u_i = h_i + w z + √(1 - w²) e_i,  active where u_i > 0,  h_i = Φ⁻¹(rate_i),  corr(u_i, u_j) = w².

The data are the numbers H_n of examples on which n units were active; with the exact law of the
count, a Poisson-binomial averaged over z (:func:`rote.simulate.population.one_factor_pmf`),

    log L(w) = Σ_n H_n log P(n | rates, w).

It depends on one number, so it is tabulated once where it lies within ``DROP`` of its maximum
(:mod:`rote.inference.tabulated`) and costs the same for any number of examples and units; beyond, it
falls along its tangents, so that a chain started there comes back.

The units' own rates are plugged in, shrunk toward the layer's mean m by the share of the spread of k/T
that is sampling noise, which keeps their sum at the observed one:

    rate_i = m + (1 - B)(k_i/T - m),    B = mean[k/T (1 - k/T)]/(T - 1) / Var(k/T), at most 1.

The often used (k + ½)/(T + 1) adds half an activation to every unit, which in a rare layer is as much as
was seen, and its intervals then miss. Rates are taken as known: their uncertainty does not reach the
loading. The 90 % intervals hold the truth in nine of ten layers drawn with rates that do differ,
dense or sparse (``tests/test_calibration.py``). They are too narrow where all units are equally rare, so
that noise makes up what the rates seem to differ by: there about eight in ten hold it at ten activations
a unit, and fewer at one.

A loading of one sign cannot say that units are anticorrelated: where correlations of both signs matter,
turn the units first (:mod:`rote.activity.alignment`).
"""

from dataclasses import dataclass

import numpy as np
import pymc as pm

from ..activity.arrays import Floats
from ..activity.statistics import Statistics
from ..simulate.population import one_factor_pmf
from .rates import check_alive
from .tabulated import Tabulated, evaluate, tabulate

MOST_LOADING = 0.99  # beyond, units are copies of one another
HIGH_LOADING = 0.9  # units count as copies where the most is twenty times as likely as this
DROP = 50.0  # nats below the maximum at which a loading is out of the question
TOLERANCE = 1e-4  # nats; of the interpolant
SCAN = 17  # points that look for the maximum


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorPrior:
    """Prior of one layer."""

    loading: tuple[float, float] = (1.0, 1.0)  # Beta shapes: every loading equally likely


def factor_model(statistics: Statistics, *, prior: FactorPrior = FactorPrior()) -> pm.Model:
    """Build the model of one layer; errors as of :func:`loading_likelihood`."""
    table = loading_likelihood(statistics)
    with pm.Model() as model:
        loading = pm.Beta("loading", *prior.loading)
        pm.Deterministic("latent_correlation", loading**2)
        logp = evaluate(
            loading,
            low=pm.Data("low", table.low),
            high=pm.Data("high", table.high),
            slope=pm.Data("slope", table.slope),
            coefficient=pm.Data("coefficient", table.coefficient),
        )
        pm.Potential("relative_histogram", logp)
    return model


def plug_in_rate(statistics: Statistics) -> Floats:
    """Return the shrunk rates, ``(n_units,)``, strictly between 0 and 1."""
    n_examples, rate = statistics.n_examples, statistics.rate
    if n_examples < 2:
        raise ValueError(f"statistics must hold two examples at least, got {n_examples}")
    noise = (rate * (1 - rate)).mean() / (n_examples - 1)
    spread = rate.var(ddof=1) if rate.size > 1 else 0.0
    shrink = min(1.0, noise / spread) if spread > 0 else 1.0
    shrunk = rate.mean() + (1 - shrink) * (rate - rate.mean())
    return np.clip(shrunk, 1e-12, 1 - 0.5 / n_examples)


def exact_log_likelihood(statistics: Statistics, loading: Floats) -> Floats:
    """Return log L at each of ``loading`` (...): -inf where a count seen is impossible to rounding."""
    rate, seen = plug_in_rate(statistics), statistics.population_histogram
    counts = np.flatnonzero(seen)

    def at(one: float) -> float:
        with np.errstate(divide="ignore"):
            return float(seen[counts] @ np.log(one_factor_pmf(rate, one)[counts]))

    return np.vectorize(at, otypes=[np.float64])(loading)


def most_likely_loading(statistics: Statistics) -> float:
    """Return the loading at the maximum of log L, to a thousandth of where it is within ``DROP``."""
    table = loading_likelihood(statistics)
    points = np.linspace(table.low, table.high, 1001)
    return float(points[np.argmax(table(points))])


def loading_likelihood(statistics: Statistics, name: str = "statistics") -> Tabulated:
    """Tabulate log L, less its highest value seen, to ``TOLERANCE`` where it is within ``DROP`` of it.

    Raises ``ValueError`` for a dead layer, counts that contradict each other, or units that are all but
    copies of one another.
    """
    check_counts(statistics, name)
    low, high, best = _region(statistics)

    def relative(loading: Floats) -> Floats:
        return exact_log_likelihood(statistics, loading) - best

    table = tabulate(relative, low, high, tolerance=TOLERANCE, falls=True)
    if high == MOST_LOADING and table(high) > table(HIGH_LOADING) + np.log(20):
        raise ValueError(
            f"{name} must have units that differ, got population counts that speak for a loading of "
            f"{MOST_LOADING} or more: units that are copies of one another, or too few examples"
        )
    return table


def _region(statistics: Statistics) -> tuple[float, float, float]:
    """Return ends that just hold all loadings within ``DROP`` of the maximum, and the maximum."""
    low, high = 0.0, MOST_LOADING
    while True:
        points = np.linspace(low, high, SCAN)
        value = exact_log_likelihood(statistics, points)
        near = np.flatnonzero(value >= value.max() - DROP)
        first, last = max(near[0] - 1, 0), min(near[-1] + 1, SCAN - 1)
        low, high = float(points[first]), float(points[last])
        if last - first > SCAN // 2:
            return low, high, float(value.max())


def check_counts(statistics: Statistics, name: str) -> None:
    """Raise unless the population counts are those of the units' own counts."""
    check_alive(statistics, name)
    seen = statistics.population_histogram
    activations = int(seen @ np.arange(seen.size))
    if seen.min() < 0 or seen.sum() != statistics.n_examples:
        raise ValueError(
            f"population_histogram of {name} must count {statistics.n_examples} examples, "
            f"got {seen.sum()}"
        )
    if activations != statistics.active_count.sum():
        raise ValueError(
            f"population_histogram of {name} must hold the {statistics.active_count.sum()} activations "
            f"of active_count, got {activations}"
        )
