"""Units whose counts in windows vary more, or a little less, than those of independent examples.

Examples come in windows of W. Within a window an activation makes the next one likelier (θ > 0) or less
likely (θ < 0): after k activations on the first j examples of a window a unit is active with probability

    (p + θ k) / (1 + θ j),

p its rate and θ its dispersion. The examples of a window are exchangeable, any two correlate by
ρ = θ/(1 + θ), and the count of a window has Prentice's extended beta-binomial law [1]_

    P(k) = C(W, k) Π_{j<k} (p + θ j) Π_{j<W-k} (1 - p + θ j) / Π_{j<W} (1 + θ j),

with Fano factor (1 - p) (1 + (W - 1) ρ). At θ = 0 it is binomial; with θ > 0 each window has a rate of
its own from Beta(p/θ, (1 - p)/θ), and ρ is the share of a unit's variance that lies between windows, in
class order between classes. Below zero θ is bounded, lest a probability be negative:

    θ ≥ -min(p, 1 - p) / (W - 1),

so that a rare unit has next to no room for counts more regular than a coin's. Windows, and units, are
independent of one another.

.. [1] Prentice (1986), Journal of the American Statistical Association 81, 321-327, equations 2 and 3.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln

from ..activity.arrays import Activity, Floats
from ..activity.checks import as_floats, check_choice, check_count, check_probability, unit_values
from ..activity.kernel import kernel, over_blocks
from ..activity.statistics import ORDERS
from ..activity.streams import Key, draw_keys, uniform
from .population import poisson_binomial_pmf
from .prediction import Prediction
from .process import Draw, Process

_LEAST = 1 << 15  # cells for a thread


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DispersedPrediction(Prediction):
    """Laws of independent units whose examples are not independent within a window."""

    dispersion: Floats  # (n_units,)
    window: int  # examples

    def fano_factor(self, order: str = "recorded") -> Floats:
        """Return variance over mean of the windows' counts: ``(n_units,)``.

        In class order it is the same if all examples of a window have one class.
        """
        check_choice("order", order, ORDERS)
        correlation = self.dispersion / (1 + self.dispersion)
        return (1 - self.rate) * (1 + (self.window - 1) * correlation)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DispersedBernoulli(Process):
    """Units with rates and dispersions of their own."""

    rate: Floats  # (n_units,) probability that a unit is active, in [0, 1]
    dispersion: Floats  # (n_units,) θ, or one for all; not below -min(rate, 1 - rate)/(window - 1)
    window: int  # examples, at least 2

    def __post_init__(self) -> None:
        rate = unit_values("rate", check_probability("rate", self.rate, closed="01"))
        check_count("window", self.window, least=2)
        dispersion = as_floats("dispersion", self.dispersion)
        if dispersion.shape not in ((), rate.shape):
            raise ValueError(
                f"dispersion must be one number or have shape {rate.shape}, got {dispersion.shape}"
            )
        dispersion = unit_values("dispersion", np.broadcast_to(dispersion, rate.shape))
        check_dispersion(rate, dispersion, self.window)
        object.__setattr__(self, "rate", rate)
        object.__setattr__(self, "dispersion", dispersion)

    @property
    def n_units(self) -> int:
        """Number of units."""
        return self.rate.size

    def draw(self, rng: np.random.Generator) -> Draw:
        """Take one key."""
        key = draw_keys(rng, 1)[0]
        return Draw(n_units=self.n_units, cells=lambda first, last: self._fill(first, last, key))

    def predict(self) -> DispersedPrediction:
        """Return the laws of this process in closed form."""
        return DispersedPrediction(
            rate=self.rate,
            shared=np.empty((self.n_units, 0)),
            population=lambda: poisson_binomial_pmf(self.rate[None])[0],
            dispersion=self.dispersion,
            window=self.window,
        )

    def _fill(self, first: int, last: int, key: Key) -> Activity:
        active = np.empty((last - first, self.n_units), dtype=np.bool_)
        over_blocks(
            lambda start, stop: _fill(
                active[start:stop], self.rate, self.dispersion, self.window, first + start, key
            ),
            last - first,
            least=max(self.window, _LEAST // self.n_units),
        )
        return active


def extended_beta_binomial_pmf(window: int, rate: ArrayLike, dispersion: ArrayLike) -> Floats:
    """Return the law of a window's count: ``(..., window + 1)`` for rates and dispersions ``(...)``.

    Raises ``ValueError`` for a dispersion below its bound.
    """
    check_count("window", window, least=2)
    rate = check_probability("rate", rate, closed="01")
    rate, dispersion = np.broadcast_arrays(rate, as_floats("dispersion", dispersion))
    check_dispersion(rate, dispersion, window)
    step = dispersion[..., None] * np.arange(window)
    with np.errstate(divide="ignore"):
        active = _log_products(rate[..., None] + step)
        silent = _log_products(1 - rate[..., None] + step)
    count = np.arange(window + 1)
    choices = gammaln(window + 1) - gammaln(count + 1) - gammaln(window - count + 1)
    return np.exp(choices + active + silent[..., ::-1] - np.log1p(step).sum(axis=-1, keepdims=True))


def check_dispersion(rate: Floats, dispersion: Floats, window: int) -> None:
    """Raise ``ValueError`` unless every dispersion is possible at its rate; shapes are equal."""
    least = -np.minimum(rate, 1 - rate) / (window - 1)
    wrong = np.flatnonzero(dispersion < least)
    if wrong.size:
        place = wrong[0]
        where = f" at unit {place}" if rate.ndim else ""
        raise ValueError(
            f"dispersion must be at least -min(rate, 1 - rate)/(window - 1) = {least.flat[place]:.3g}, "
            f"got {dispersion.flat[place]:.3g}{where}"
        )


def _log_products(factor: Floats) -> Floats:
    """Return Σ_{j<k} log factor_j for k from 0 to the number of factors, along the last axis."""
    log = np.log(np.maximum(factor, 0))  # at its bound one is zero but for rounding
    return np.concatenate([np.zeros((*log.shape[:-1], 1)), np.cumsum(log, axis=-1)], axis=-1)


@kernel
def _fill(active: Activity, rate: Floats, dispersion: Floats, window: int, first: int, key: Key) -> None:
    n_units = rate.size
    count = np.zeros(n_units)
    for example in range(first - first % window, first + active.shape[0]):  # from the window's beginning
        place = example % window
        if place == 0:
            count[:] = 0.0
        start = np.uint64(example) * np.uint64(n_units)
        for unit in range(n_units):
            chance = (rate[unit] + dispersion[unit] * count[unit]) / (1.0 + dispersion[unit] * place)
            fired = uniform(key, start + np.uint64(unit)) < chance
            count[unit] += fired
            if example >= first:
                active[example - first, unit] = fired
