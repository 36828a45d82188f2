"""Gamma frailty: very many units of rates of their own, all orders of correlation in closed form.

An example has one frailty g ~ Gamma(shape k) of mean 1, the units' common readiness to be active, as in
the analysis of survival [1]_; given g they are independent with

    P(s_i = 1 | g) = 1 - exp(-g h_i),    h_i = k ((1 - p_i)^(-1/k) - 1),    p_i = rate_i,

so that, as E exp(-g x) = (1 + x/k)^(-k), any set of units is silent with probability

    P(all of A silent) = (1 + Σ_A h_i / k)^(-k).

A pair's covariance (1 - p_i)(1 - p_j)(R^k - 1), R = (1 + h_i/k)(1 + h_j/k) / (1 + (h_i + h_j)/k), is
positive, near p_i p_j / k for rare units, and falls with k. The population count averages a
Poisson-binomial law over g = exp(y - e⁻ʸ), whose density falls double-exponentially towards either end
of y, so that a trapezoid sum converges faster than any power of its step.

.. [1] Clayton (1978), Biometrika 65, 141-151.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import softmax, wrightomega

from ..activity.arrays import Floats
from ..activity.checks import as_floats, check_probability, one_number, unit_values
from ..activity.gamma import log_gamma_variates
from ..activity.streams import Key
from .drawing import LANE, Chords, in_lanes
from .hazard_line import HazardLine
from .population import poisson_binomial_pmf
from .prediction import PairPrediction
from .rare import RareMixture, Row

_BEND = 0.31  # greatest second derivative of 1 - exp(-eˣ)
_LEAST = 1e-6  # a probability below a tenth of a lane
_TABLE = 1 << 24  # entries of a table at most
_FADED = 42.0  # log density below its peak at which the frailty is cut off


@dataclass(frozen=True, kw_only=True, eq=False)
class GammaFrailty(RareMixture):
    """Units with rates of their own whose readiness is shared by all."""

    rate: Floats  # (n_units,) probability that a unit is active, in [0, 1)
    shape: float  # k of the frailty, above 0; its variance is 1/k

    def __post_init__(self) -> None:
        rate = unit_values("rate", check_probability("rate", self.rate, closed="0"))
        shape = one_number("shape", as_floats("shape", self.shape))
        if not 1e-3 <= shape <= 1e9:
            raise ValueError(f"shape must lie in [0.001, 1e9], got {shape}")
        object.__setattr__(self, "rate", rate)
        object.__setattr__(self, "shape", shape)

    @property
    def n_units(self) -> int:
        """Number of units."""
        return self.rate.size

    @property
    def log_hazard(self) -> Floats:
        """Logarithm of h_i, ``(n_units,)``; -inf for a dead unit, and never too large to be written."""
        growth = -np.log1p(-self.rate) / self.shape
        with np.errstate(divide="ignore"):
            return np.log(self.shape) + growth + np.log(-np.expm1(-growth))

    def all_silent(self, units: ArrayLike) -> float:
        """Return the probability that all of ``units``, numbers of distinct units, are silent."""
        logs = self.log_hazard[np.asarray(units, dtype=np.int64)] - np.log(self.shape)
        return float(np.exp(-self.shape * np.logaddexp.reduce(np.append(logs, 0.0))))

    def predict(self) -> PairPrediction:
        """Return the laws of this process in closed form, the population count by quadrature."""
        return PairPrediction(rate=self.rate, pairs=self._pairs, population=self._population)

    def _pairs(self, units: slice) -> Floats:
        """Return covariances; R = 1 + ab with a = (h_i/k) / (1 + (h_i + h_j)/k) and b = h_j/k."""
        logs = self.log_hazard - np.log(self.shape)
        one, other = logs[units, None], logs[None, :]
        excess = one + other - np.logaddexp(0.0, np.logaddexp(one, other))
        gain = np.expm1(self.shape * np.logaddexp(0.0, excess))
        return (1 - self.rate[units, None]) * (1 - self.rate) * gain

    def _population(self) -> Floats:
        log_frailty, weight = self._grid()
        return weight @ poisson_binomial_pmf(self._rate_at(log_frailty))

    def _grid(self) -> tuple[Floats, Floats]:
        """Return nodes of log g and their weights, fine enough for the law of the population count.

        The law moves with log g no faster than the Fisher information Σ t²/(eᵗ - 1), t = g h_i, allows.
        """
        k, reach = self.shape, _FADED / self.shape
        # k (eˣ - 1 - x) exceeds what is cut off beyond these x = log g
        ends = np.array([-reach - np.sqrt(2 * reach), np.log1p(reach + np.sqrt(2 * reach))])
        first, last = -np.log(wrightomega(-ends).real)
        y = np.linspace(first, last, 500)
        hazard = np.exp(np.minimum(np.add.outer(_log_frailty(y), self.log_hazard), 6.0))
        information = np.divide(hazard**2, np.expm1(hazard), out=np.zeros_like(hazard), where=hazard > 0)
        rise = 1 + np.exp(-y)  # of log g with y
        information = information.sum(axis=1)
        width = 1 / np.sqrt((information * rise**2).max() + 2.5 * k + 1)
        smooth = 1 / rise[information > 0.05].max(initial=1.0)  # exp(-g h) grows beyond |Im log g| = π/2
        y = np.arange(first, last, min(0.25 * smooth, 0.6 * width))
        log_g = _log_frailty(y)
        log_weight = k * (log_g - np.expm1(log_g)) + np.log1p(np.exp(-y))
        return log_g, softmax(log_weight)

    def _rate_at(self, log_frailty: Floats) -> Floats:
        """Return the units' probabilities at each frailty: ``(n, n_units)``."""
        return -np.expm1(-np.exp(np.minimum(np.add.outer(log_frailty, self.log_hazard), 700.0)))

    def latent(self, key: Key, examples: NDArray[np.uint64]) -> Floats:
        """Return the logarithm of each example's frailty."""
        return log_gamma_variates(key, self.shape, examples) - np.log(self.shape)

    def chords(self, latent: Floats) -> Chords:
        """Tabulate p_i over a grid of log g between the examples' least and greatest.

        A chord over a step errs by less than 0.31 step²/8. Frailties at which no unit reaches 1e-6 are
        taken for the least at which one does.
        """
        silent = np.log(_LEAST) - max(self.log_hazard.max(), -700.0)
        first, last = max(latent.min(), silent), max(latent.max(), silent)
        step = np.cbrt(40 / latent.size)  # a table entry costs as much as a cell left undecided
        most = max(8, min(4096, _TABLE // self.n_units))
        n_steps = int(np.clip(np.ceil((last - first) / step), 1, most))
        step = max((last - first) / n_steps, 1e-12)
        state, share = np.divmod(np.maximum(latent - first, 0.0) / step, 1.0)
        margin = int(LANE * _BEND * step**2 / 8) + 5  # and at most 5 lanes of rounding
        table = in_lanes(self._rate_at(first + step * np.arange(n_steps + 2)))
        return Chords(table, state.astype(np.int64), (65535 * share).astype(np.uint16), margin)

    @property
    def rarity(self) -> float:
        """Mean rate."""
        return float(self.rate.mean())

    def list_active(self, latent: Floats, first: int, keys: NDArray[np.uint64]) -> Row:
        """Return the active units of examples from ``first`` on, by one line for all frailties."""
        return self._line.list_active(np.exp(np.minimum(latent, 700.0)), first, keys[0])

    @cached_property
    def _line(self) -> HazardLine:
        return HazardLine.of(np.exp(np.minimum(self.log_hazard, 650.0)))

    def given(self, latent: Floats, units: NDArray[np.int64]) -> Floats:
        """Return the probability of ``units`` given the logarithm of the frailty."""
        return -np.expm1(-np.exp(np.minimum(latent + self.log_hazard[units], 700.0)))


def _log_frailty(y: Floats) -> Floats:
    return y - np.exp(-y)
