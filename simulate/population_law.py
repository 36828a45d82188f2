"""Exchangeable activity of any law of the population count, negative correlation included.

An example draws its number n of active units from the law, then which ones: a uniform subset. Every
exchangeable layer of finite size is of this form. With falling factorials (n)_m = n (n - 1)⋯(n - m + 1),

    P(m given units are all active) = E[(n)_m] / (N)_m,    rate = E[n] / N,

so the correlation of a pair is least where n varies least: n is one of the two whole numbers around
N·rate, and with f the fraction by which N·rate exceeds the lower one,

    correlation ≥ [f (1 - f) - N p (1 - p)] / (N (N - 1) p (1 - p)),    p = rate.

De Finetti mixtures (:mod:`rote.simulate.exchangeable`) are the laws that suit any N; they end at zero.
The subset is Floyd's: n random numbers however large the layer [1]_.

.. [1] Bentley and Floyd (1987), Communications of the ACM 30, 754-757.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ..activity.arrays import Activity, Floats
from ..activity.checks import as_floats, check_count, check_probability, one_number
from ..activity.kernel import kernel, over_blocks
from ..activity.streams import Key, draw_keys, uniform, uniforms
from .discrete import check_distribution, invert
from .prediction import Prediction
from .process import Process, in_blocks

_CELLS = 1 << 18  # least for a thread


def least_correlation(n_units: int, rate: float) -> float:
    """Return the least correlation of ``n_units``, 2 or more, of one ``rate`` in (0, 1)."""
    n_units = check_count("n_units", n_units, least=2)
    rate = one_number("rate", check_probability("rate", rate))
    part = (n_units * rate) % 1.0
    variance = n_units * rate * (1 - rate)
    return (part * (1 - part) - variance) / ((n_units - 1) * variance)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
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

    def blocks(
        self, n_examples: int, *, rng: np.random.Generator, block: int = 4096
    ) -> Iterator[Activity]:
        """Yield what :meth:`sample` draws, ``block`` examples at a time."""
        keys = draw_keys(rng, 2)
        return in_blocks(lambda first, last: self._draw(first, last, keys), n_examples, block)

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
            population_pmf=self.population_pmf,
        )

    def _covariance(self) -> float:
        """Return the covariance of a pair, (Var(n) - N p (1 - p)) / (N (N - 1))."""
        counts, rate = np.arange(self.n_units + 1.0), self.all_active(1)
        variance = self.population_pmf @ (counts - self.n_units * rate) ** 2
        return float(variance - self.n_units * rate * (1 - rate)) / (self.n_units * (self.n_units - 1))

    def _draw(self, first: int, last: int, keys: NDArray[np.uint64]) -> Activity:
        count_key, subset_key = keys
        counts = invert(
            self.population_pmf, uniforms(count_key, np.arange(first, last, dtype=np.uint64))
        )
        active = np.empty((last - first, self.n_units), dtype=np.bool_)
        over_blocks(
            lambda start, stop: _choose(
                active[start:stop], counts[start:stop], subset_key, first + start
            ),
            last - first,
            least=max(1, _CELLS // self.n_units),
        )
        return active


@kernel
def _choose(active: Activity, counts: NDArray[np.int64], key: Key, first: int) -> None:
    """Make ``counts`` units of each example active; where that is most of them, choose the others."""
    n_units = active.shape[1]
    for example in range(active.shape[0]):
        row, count = active[example], counts[example]
        most = 2 * count > n_units
        row[:] = most
        start = np.uint64(first + example) * np.uint64(n_units)
        for last in range(count if most else n_units - count, n_units):
            unit = int(uniform(key, start + np.uint64(last)) * (last + 1))
            row[last if row[unit] != most else unit] = not most
