"""Gamma-Poisson counts: units of mean counts of their own that share one gain.

    y_i ~ Poisson(rate_i g),    g ~ Gamma of mean 1 and variance φ = dispersion, one for each example

Counts are negative binomial, with Fano factor 1 + φ rate_i and cov_ij = φ rate_i rate_j [1]_; so is the
population count, with mean Σ rate_i. The joint law of all units is the negative multinomial.

A gain is split into g', the next lower step of a geometric grid, and the rest: counts at the gain g'
come from a table that many examples share, and the remaining Poisson(Σ rate_i (g - g')) events are dealt
out to units one by one, with odds rate_i. Both are exact, and so is their sum. Rare layers are drawn by
events alone (:mod:`rote.simulate.rare_counts`).

.. [1] Greenwood and Yule (1920), J. R. Stat. Soc. 83, 255-279; Goris, Movshon and Simoncelli (2014),
   Nature Neuroscience 17, 858-865, for neurons.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..activity.arrays import Counts, Floats
from ..activity.checks import as_floats, one_number
from ..activity.gamma import log_gamma_variates
from ..activity.kernel import kernel
from ..activity.streams import Key
from .count_laws import negative_binomial_pmf
from .count_prediction import CountPrediction
from .counts import CountArray, check_rate, write_row
from .poisson_lanes import ROWS, TABLED, Tables, independent_rows, new_rows, tables
from .poisson_variates import MOST, WORDS, Alias, pick, poisson_variate
from .rare_counts import ROW, Arrivals, Kinds, own_events

_STEP = np.log(1.1)  # of the grid of gains: a table for each, against events for the rest
_FEW = 1 / 16  # mean count of a layer's units below which events alone are faster than a table


@dataclass(frozen=True, kw_only=True, eq=False)
class GammaPoisson(Arrivals):
    """Units that share a gain with a Gamma law."""

    rate: Floats  # (n_units,) mean count, in [0, 2²⁹]
    dispersion: float  # variance of the gain, in [1e-9, 1000]

    def __post_init__(self) -> None:
        dispersion = one_number("dispersion", as_floats("dispersion", self.dispersion))
        if not 1e-9 <= dispersion <= 1000:
            raise ValueError(f"dispersion must lie in [1e-9, 1000], got {dispersion}")
        object.__setattr__(self, "rate", check_rate("rate", self.rate))
        object.__setattr__(self, "dispersion", dispersion)

    @property
    def n_units(self) -> int:
        """Number of units."""
        return self.rate.size

    def predict(self) -> CountPrediction:
        """Return the laws of this process in closed form."""
        return CountPrediction.of_shared(
            rate=self.rate,
            fano=1 + self.dispersion * self.rate,
            shared=np.sqrt(self.dispersion) * self.rate[:, None],
            population=lambda: negative_binomial_pmf(self.rate.sum(), self.dispersion),
        )

    def _gain(self, key: Key, first: int, last: int) -> Floats:
        """Return the gain g of examples from ``first`` to ``last``."""
        examples = np.arange(first, last, dtype=np.uint64)
        gain = np.exp(log_gamma_variates(key, 1 / self.dispersion, examples)) * self.dispersion
        if self.rate.max() * gain.max() > MOST:
            raise OverflowError(
                f"counts above 2**29 are not drawn, got a mean of {self.rate.max() * gain.max():g}"
            )
        return gain

    def kinds(self) -> Kinds:
        """Return a kind for each unit, which reaches it alone."""
        return own_events(self.rate)

    def event_mean(self, first: int, last: int, keys: NDArray[np.uint64]) -> Floats:
        """Return the mean number of events of examples from ``first`` to ``last``."""
        return self._gain(keys[0], first, last) * self.rate.sum()

    def fill_cells(
        self, counts: CountArray, first: int, keys: NDArray[np.uint64], worst: Counts
    ) -> None:
        """Draw rows of counts from example ``first`` on where they are not rare."""
        gain, total = self._gain(keys[0], first, first + len(counts)), self.rate.sum()
        if self.rate.max() > TABLED:
            _fill_each(counts, self.rate, gain, np.uint64(first), keys[1], worst)
            return
        step = np.floor(np.log(np.maximum(gain, 1e-300)) / _STEP)
        lower = np.where(gain * total > _FEW * self.n_units, np.minimum(np.exp(step * _STEP), gain), 0.0)
        grid, state = np.unique(lower, return_inverse=True)
        order = np.argsort(state, kind="stable")  # examples that read the same table
        rest = (gain - lower) * total
        rows = new_rows(self.n_units, MOST)
        table = tables(np.outer(grid, self.rate))
        _fill(counts, rows, table, state, order, rest, self._kinds.odds, first, keys, worst)


@kernel
def _fill(
    counts: CountArray,
    rows: NDArray[np.unsignedinteger],
    tables: Tables,
    state: NDArray[np.int64],
    order: NDArray[np.int64],
    rest: Floats,
    share: Alias,
    first: int,
    keys: NDArray[np.uint64],
    worst: Counts,
) -> None:
    start = 0
    while start < order.size:
        stop = start + 1
        while stop < min(start + ROWS, order.size) and state[order[stop]] == state[order[start]]:
            stop += 1
        places = order[start:stop]
        examples = (first + places).astype(np.uint64)
        independent_rows(rows, tables, state[places[0]], examples, keys[1], keys[2])
        for row in range(places.size):
            _deal(rows[row], rest[places[row]], share, examples[row], keys[3])
            write_row(rows[row], counts[places[row]], worst)
        start = stop


@kernel
def _deal(
    row: NDArray[np.unsignedinteger], mean: float, share: Alias, example: np.uint64, key: Key
) -> None:
    """Deal Poisson(``mean``) events out to units."""
    stay, other = share
    counter = example * ROW
    n_events = poisson_variate(key, counter, mean)
    counter += WORDS
    for _ in range(n_events):
        unit, counter = pick(key, counter, stay, other)
        row[unit] += np.uint32(1)


@kernel
def _fill_each(
    counts: CountArray,
    rate: Floats,
    gain: Floats,
    first: np.uint64,
    key: NDArray[np.uint64],
    worst: Counts,
) -> None:
    """Draw cell by cell, for means at which that is faster than dealing out events."""
    row = np.empty(rate.size, dtype=np.uint32)
    for place in range(counts.shape[0]):
        cell = (first + np.uint64(place)) * np.uint64(rate.size)
        for unit in range(rate.size):
            counter = (cell + np.uint64(unit)) * WORDS
            row[unit] = poisson_variate(key, counter, rate[unit] * gain[place])
        write_row(row, counts[place], worst)
