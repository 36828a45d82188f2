"""Exchangeable Bernoulli activity: one rate for all units and one correlation for all pairs.

By de Finetti each example draws a propensity P, and its units then fire independently with
probability P. Rate and correlation fix E[P] = rate and Var[P] = correlation·rate·(1 - rate), not the
law of P, on which every statistic beyond the pairs depends; so the caller names it:

``"beta"``       P ~ Beta(a, b) with a + b = 1/correlation - 1; the count is Beta-binomial [1]_
``"probit"``     P = Φ((h + w z)/√(1 - w²)), z normal: the dichotomized Gaussian with equal rates
``"two-point"``  P = rate + √correlation·(B - rate), B ~ Bernoulli(rate): a unit copies the layer's
                 coin B with probability √correlation and else throws its own [2]_

.. [1] Skellam (1948), J. R. Stat. Soc. B 10, 257-261.
.. [2] Lunn and Davies (1998), Biometrika 85, 487-490.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.special import ndtri, softmax

from ..activity.arrays import Floats
from ..activity.beta import beta_variates
from ..activity.checks import check_choice, check_count, check_probability, one_number
from ..activity.streams import Key, uniforms
from .alike import AlikeMixture
from .bivariate import latent_correlation
from .population import conditional_rate, one_factor_pmf
from .prediction import Prediction

MIXINGS = ("beta", "probit", "two-point")


@dataclass(frozen=True, kw_only=True)
class ExchangeableBernoulli(AlikeMixture):
    """Units that are all alike, every pair equally correlated."""

    n_units: int
    rate: float  # probability that a unit is active, in (0, 1)
    correlation: float  # Pearson correlation of each pair, in (0, 1)
    mixing: str  # law of the propensity: "beta", "probit" or "two-point"

    def __post_init__(self) -> None:
        check_count("n_units", self.n_units)
        for name in ("rate", "correlation"):
            number = one_number(name, check_probability(name, getattr(self, name)))
            object.__setattr__(self, name, number)
        check_choice("mixing", self.mixing, MIXINGS)
        if self.correlation < 1e-300:
            raise ValueError(f"correlation must be at least 1e-300, got {self.correlation}")
        if self.mixing == "probit" and self.loading >= 1:
            raise ValueError(f"correlation must lie below 1 - 1e-8 (probit), got {self.correlation}")

    @property
    def beta(self) -> tuple[float, float]:
        """Shapes (a, b) of the Beta propensity of this rate and correlation."""
        spread = 1 / self.correlation - 1
        return self.rate * spread, (1 - self.rate) * spread

    @cached_property
    def loading(self) -> float:
        """Loading w on the one normal factor of the probit propensity."""
        return float(np.sqrt(latent_correlation(self.rate, self.rate, self.correlation)))

    @property
    def two_points(self) -> Floats:
        """Propensity of a quiet and of a loud example of two-point mixing: ``(2,)``."""
        return self.rate + np.sqrt(self.correlation) * (np.arange(2) - self.rate)

    def predict(self) -> Prediction:
        """Return the laws of this process in closed form (probit: by quadrature to rounding)."""
        covariance = self.correlation * self.rate * (1 - self.rate)
        return Prediction(
            rate=np.full(self.n_units, self.rate),
            shared=np.full((self.n_units, 1), np.sqrt(covariance)),
            population_pmf=self._population_pmf(),
        )

    def _population_pmf(self) -> Floats:
        counts = np.arange(self.n_units + 1)
        if self.mixing == "beta":
            return _beta_binomial_pmf(self.n_units, *self.beta)
        if self.mixing == "probit":
            return one_factor_pmf(np.full(self.n_units, self.rate), self.loading)
        given = stats.binom.pmf(counts, self.n_units, self.two_points[:, None])
        return np.array([1 - self.rate, self.rate]) @ given

    def propensity(self, key: Key, examples: NDArray[np.uint64]) -> Floats:
        """Return each example's propensity."""
        if self.mixing == "beta":
            return beta_variates(key, *self.beta, examples)
        uniform = uniforms(key, examples)
        if self.mixing == "two-point":
            return self.two_points[(uniform < self.rate).astype(np.int64)]
        return conditional_rate(np.array([self.rate]), self.loading, ndtri(uniform))[:, 0]


def _beta_binomial_pmf(n_units: int, a: float, b: float) -> Floats:
    """Return the law of the count, ``(n_units + 1,)``, from the ratios P(k + 1)/P(k) of neighbours.

    The closed form in log-Beta functions cancels: at correlation 1e-12 three digits are left.
    """
    k = np.arange(n_units)
    ratio = (n_units - k) * (a + k) / ((k + 1) * (b + n_units - 1 - k))
    return softmax(np.concatenate([[0.0], np.cumsum(np.log(ratio))]))
