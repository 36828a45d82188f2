"""What a process predicts, under the names that :class:`~rote.activity.statistics.Statistics` measures.

Everything follows from the rates and the covariances of distinct units; with v_i = p_i (1 - p_i),

    tr C = Σ v_i,    tr C² = Σ v_i² + Σ_{i≠j} cov_ij²,    Var(n) = Σ v_i + Σ_{i≠j} cov_ij.

A process whose latent state can be averaged over (:class:`Prediction`) has the covariances as a product,
cov_ij = Σ_k sign_k shared_ik shared_jk, and the law of the population count n. One of which only pairs
have a closed form (:class:`PairPrediction`) gives them some rows at a time. Neither needs n_units²
memory unless all pairs are asked for.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..activity.arrays import Floats
from ..activity.checks import check_choice
from ..activity.covariance import correlation_matrix, distinct_pairs
from ..activity.statistics import ORDERS

_CELLS = 1 << 20  # covariances held at once


class Laws:
    """Laws of a layer whose examples are drawn independently of one another and have no class."""

    __slots__ = ()
    rate: Floats  # (n_units,)
    pairs: Callable[[slice], Floats]  # covariances of some units with all, a new array (n, n_units);
    # where a unit meets itself it holds anything

    def pair_sums(self) -> tuple[float, float]:
        """Return the sums over ordered pairs of distinct units: Σ cov and Σ cov²."""
        total = square = 0.0
        step = max(1, _CELLS // self.n_units)
        for start in range(0, self.n_units, step):
            rows = self.pairs(slice(start, start + step))
            rows[np.arange(len(rows)), start + np.arange(len(rows))] = 0
            total += rows.sum()
            square += np.square(rows).sum()
        return float(total), float(square)

    @property
    def n_units(self) -> int:
        """Number of units."""
        return self.rate.size

    @property
    def variance(self) -> Floats:
        """Variance of each unit, rate (1 - rate): ``(n_units,)``."""
        return self.rate * (1 - self.rate)

    def fano_factor(self, order: str = "recorded") -> Floats:
        """Return 1 - rate, ``(n_units,)``: in either order, since no example knows of another."""
        check_choice("order", order, ORDERS)
        return 1 - self.rate

    def excess_fano(self, order: str = "recorded") -> Floats:
        """Return the Fano factor less the ``1 - rate`` of a random order: ``(n_units,)``."""
        return self.fano_factor(order) - (1 - self.rate)

    @property
    def covariance(self) -> Floats:
        """Covariance of every pair of units: ``(n_units, n_units)``."""
        covariance = self.pairs(slice(None))
        np.fill_diagonal(covariance, self.variance)
        return covariance

    @property
    def correlation(self) -> Floats:
        """Pearson correlation of every pair of units; nan where a unit never changes."""
        return correlation_matrix(self.covariance)

    @property
    def pair_correlation(self) -> Floats:
        """Correlations of the pairs of distinct units that do change: a flat array."""
        return distinct_pairs(self.correlation)

    @property
    def participation_ratio(self) -> float:
        """Effective number of dimensions, (tr C)² / tr C²; nan for a layer that never changes."""
        _, pairs = self.pair_sums()
        square = np.square(self.variance).sum() + pairs
        return float(self.variance.sum() ** 2 / square) if square > 0 else float("nan")

    @property
    def population_mean(self) -> float:
        """Mean of the population count."""
        return float(self.rate.sum())

    @property
    def population_variance(self) -> float:
        """Variance of the population count."""
        pairs, _ = self.pair_sums()
        return float(self.variance.sum() + pairs)


@dataclass(frozen=True, kw_only=True, eq=False)
class Prediction(Laws):
    """Laws of a process whose latent state can be averaged over."""

    rate: Floats  # (n_units,)
    shared: Floats  # (n_units, n_terms) and
    sign: Floats | float = (
        1.0  # (n_terms,): covariances of distinct units are (shared * sign) @ shared.T
    )
    population: Callable[[], Floats]  # computes the law of the count, which may take long

    @cached_property
    def population_pmf(self) -> Floats:
        """Probability of so many active units: ``(n_units + 1,)``, computed when first asked for."""
        return self.population()

    def pairs(self, units: slice) -> Floats:
        """Return the covariances of ``units`` with all distinct ones: ``(n, n_units)``."""
        return (self.shared[units] * self.sign) @ self.shared.T

    def pair_sums(self) -> tuple[float, float]:
        """Return sums over pairs of distinct units: Σ cov, and Σ cov² = ‖SᵀS‖² - Σ_i (Σ_k S_ik²)²."""
        if self.shared.shape[1] > self.n_units:  # many nodes of a quadrature
            return Laws.pair_sums(self)
        signed = self.shared * self.sign
        own = (signed * self.shared).sum(axis=1)
        total = (signed.sum(axis=0) * self.shared.sum(axis=0)).sum() - own.sum()
        gram = self.shared.T @ signed
        return float(total), float((gram * gram.T).sum() - np.square(own).sum())


@dataclass(frozen=True, kw_only=True, eq=False)
class PairPrediction(Laws):
    """Laws of a process that knows its rates and pairs, and perhaps the population count."""

    rate: Floats  # (n_units,)
    pairs: Callable[[slice], Floats]  # covariances of some units with all: (n, n_units)
    population: Callable[[], Floats] | None = None  # computes the law of the count, which may take long

    @cached_property
    def population_pmf(self) -> Floats:
        """Probability of each population count from 0 on; ``AttributeError`` if unknown.

        Of units that are active or not it has ``n_units + 1`` entries.
        """
        if self.population is None:
            raise AttributeError(
                "population_pmf has no closed form for this process: draw examples and sum over units"
            )
        return self.population()
