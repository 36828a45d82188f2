"""What a process of counts predicts, under the names of :mod:`rote.simulate.prediction`.

A count has a variance of its own, fano_i rate_i, and the Poisson count's Fano factor 1 to exceed; the
population count is the sum of a layer's counts and has no upper end. Everything else is as for activity.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np

from ..activity.arrays import Floats
from ..activity.checks import check_choice
from ..activity.statistics import ORDERS
from .prediction import PairPrediction


@dataclass(frozen=True, kw_only=True, eq=False)
class CountPrediction(PairPrediction):
    """Laws of a layer's counts on examples drawn independently of one another, without a class.

    ``rate`` is the mean count; ``population_pmf``, worked out when first asked for, ends where less than
    1e-15 of it is left.
    """

    fano: Floats  # (n_units,) variance over mean, of a unit of rate 0 the limit
    shared: Floats | None = (
        None  # (n_units, n_terms): covariances of distinct units are shared @ shared.T
    )

    @classmethod
    def of_shared(
        cls, *, rate: Floats, fano: Floats, shared: Floats, population: Callable[[], Floats]
    ) -> Self:
        """Return the laws of counts whose covariances have few terms, at no cost in n_units²."""
        return cls(
            rate=rate,
            fano=fano,
            shared=shared,
            pairs=lambda units: shared[units] @ shared.T,
            population=population,
        )

    @property
    def variance(self) -> Floats:
        """Variance of each unit's count: ``(n_units,)``."""
        return self.fano * self.rate

    def fano_factor(self, order: str = "recorded") -> Floats:
        """Return variance over mean, ``(n_units,)``, the same for windows of any size and order."""
        check_choice("order", order, ORDERS)
        return self.fano

    def excess_fano(self, order: str = "recorded") -> Floats:
        """Return the Fano factor less the 1 of a Poisson count: ``(n_units,)``."""
        return self.fano_factor(order) - 1

    def pair_sums(self) -> tuple[float, float]:
        """Return sums over pairs of distinct units: Σ cov, and Σ cov² = ‖SᵀS‖² - Σ_i (Σ_k S_ik²)²."""
        if self.shared is None or self.shared.shape[1] > self.n_units:
            return super().pair_sums()
        own = np.square(self.shared).sum(axis=1)
        total = np.square(self.shared.sum(axis=0)).sum() - own.sum()
        square = np.square(self.shared.T @ self.shared).sum() - np.square(own).sum()
        return float(total), float(square)
