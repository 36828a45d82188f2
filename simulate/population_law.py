"""Exchangeable activity of any law of the population count, negative correlation included.

An example draws its number n of active units from the law, then which ones: a uniform subset. Every
exchangeable layer of finite size is of this form. With falling factorials (n)_m = n (n - 1)⋯(n - m + 1),

    P(m given units are all active) = E[(n)_m] / (N)_m,    rate = E[n] / N,

so the correlation of a pair is least where n varies least: n is one of the two whole numbers around
N·rate, and with f the fraction by which N·rate exceeds the lower one,

    correlation ≥ [f (1 - f) - N p (1 - p)] / (N (N - 1) p (1 - p)),    p = rate.

De Finetti mixtures (:mod:`rote.simulate.exchangeable`) are the laws that suit any N; they end at zero.
Layers are drawn as they are defined, by :mod:`rote.simulate.counted`.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from scipy import stats

from ..activity.arrays import Floats
from ..activity.checks import as_floats, check_count, check_probability, one_number
from ..activity.streams import draw_keys
from .counted import CountLaw, counted_draw
from .discrete import check_distribution
from .prediction import Prediction
from .process import Draw, Process


def least_correlation(n_units: int, rate: float) -> float:
    """Return the least correlation of ``n_units``, 2 or more, of one ``rate`` in (0, 1)."""
    n_units = check_count("n_units", n_units, least=2)
    rate = one_number("rate", check_probability("rate", rate))
    part = (n_units * rate) % 1.0
    variance = n_units * rate * (1 - rate)
    return (part * (1 - part) - variance) / ((n_units - 1) * variance)


@dataclass(frozen=True, kw_only=True, eq=False)
class PopulationBernoulli(Process):
    """Units that are all alike, of which a number of given law is active."""

    population_pmf: Floats  # (n_units + 1,) probability of so many active units; of sum 1

    def __post_init__(self) -> None:
        pmf = check_distribution("population_pmf", self.population_pmf, least=2)
        object.__setattr__(self, "population_pmf", pmf)

    @classmethod
    def from_correlation(cls, *, n_units: int, rate: float, correlation: float) -> Self:
        """Build units of one ``rate`` in (0, 1) that repel each other: ``correlation`` of 0 or below.

        The law of the count is the binomial one mixed with that of least variance. Raises ``ValueError``
        for a correlation below the bound, or above 0, where the mixing law is a choice of the caller.
        """
        least = least_correlation(n_units, rate)
        wanted = one_number("correlation", as_floats("correlation", correlation))
        if not least * (1 + 1e-12) <= wanted <= 0:
            raise ValueError(
                f"correlation must lie in [{least:.6g}, 0] for {n_units} units of rate {rate:g}, got "
                f"{wanted:g}; ExchangeableBernoulli draws positive ones"
            )
        counts = np.arange(n_units + 1)
        steady = np.maximum(0, 1 - np.abs(counts - n_units * rate))  # the two around the mean
        share = min(1.0, wanted / least)
        return cls(population_pmf=share * steady + (1 - share) * stats.binom.pmf(counts, n_units, rate))

    @property
    def n_units(self) -> int:
        """Number of units."""
        return self.population_pmf.size - 1

    @cached_property
    def _count_law(self) -> CountLaw:
        return CountLaw.of(self.population_pmf)

    def draw(self, rng: np.random.Generator) -> Draw:
        """Take three keys."""
        return counted_draw(self._count_law, draw_keys(rng, 3))

    def all_active(self, order: int) -> float:
        """Return the probability that ``order`` given units, from 1 to n_units, are all active."""
        order = check_count("order", order)
        if order > self.n_units:
            raise ValueError(f"order must be at most n_units={self.n_units}, got {order}")
        counts = np.arange(self.n_units + 1.0)
        share = np.ones(self.n_units + 1)
        for chosen in range(order):
            share *= np.maximum(0, counts - chosen) / (self.n_units - chosen)
        return float(self.population_pmf @ share)

    def predict(self) -> Prediction:
        """Return the laws of this process in closed form."""
        rate = self.all_active(1)
        pair = self._covariance() if self.n_units > 1 else 0.0
        return Prediction(
            rate=np.full(self.n_units, rate),
            shared=np.full((self.n_units, 1), np.sqrt(abs(pair))),
            sign=np.array([np.sign(pair)]),
            population=lambda: self.population_pmf,
        )

    def _covariance(self) -> float:
        """Return the covariance of a pair, (Var(n) - N p (1 - p)) / (N (N - 1))."""
        counts, rate = np.arange(self.n_units + 1.0), self.all_active(1)
        variance = self.population_pmf @ (counts - self.n_units * rate) ** 2
        return float(variance - self.n_units * rate * (1 - rate)) / (self.n_units * (self.n_units - 1))
