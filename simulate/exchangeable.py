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
from scipy.special import ndtri, softmax

from ..activity.arrays import Floats
from ..activity.checks import as_floats, check_choice, check_count, check_probability, one_number
from ..activity.gamma import beta_variates
from ..activity.streams import Key, draw_keys, uniforms
from .alike import AlikeMixture
from .bivariate import latent_correlation
from .counted import RARE, CountLaw, counted_draw
from .population import alike_pmf, binomial_mixture_pmf, conditional_rate
from .population_law import least_correlation
from .prediction import Prediction
from .process import Draw

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
        rate = one_number("rate", check_probability("rate", self.rate))
        object.__setattr__(self, "rate", rate)
        object.__setattr__(self, "correlation", self._checked_correlation())
        check_choice("mixing", self.mixing, MIXINGS)
        if self.correlation < 1e-300:
            raise ValueError(f"correlation must be at least 1e-300, got {self.correlation}")
        if self.mixing == "probit" and self.loading >= 1:
            raise ValueError(f"correlation must lie below 1 - 1e-8 (probit), got {self.correlation}")

    def _checked_correlation(self) -> float:
        wanted = one_number("correlation", as_floats("correlation", self.correlation))
        if wanted < 0 and self.n_units > 1:
            least = least_correlation(self.n_units, self.rate)
            raise ValueError(
                f"correlation must lie in (0, 1), got {wanted:g}: {self.n_units} units of rate "
                f"{self.rate:g} reach {least:.6g}, by PopulationBernoulli.from_correlation"
            )
        return float(check_probability("correlation", wanted))

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
            population=lambda: self._population_pmf,
        )

    @cached_property
    def _population_pmf(self) -> Floats:
        if self.mixing == "beta":
            return _beta_binomial_pmf(self.n_units, *self.beta)
        if self.mixing == "probit":
            return alike_pmf(self.n_units, self.rate, self.loading)
        share = np.array([1 - self.rate, self.rate])
        return binomial_mixture_pmf(self.n_units, self.two_points, share)

    @cached_property
    def _count_law(self) -> CountLaw:
        return CountLaw.of(self._population_pmf)

    def draw(self, rng: np.random.Generator) -> Draw:
        """Take three keys; rare layers are drawn by their population count, in every form."""
        if self.rate < RARE:
            return counted_draw(self._count_law, draw_keys(rng, 3))
        return AlikeMixture.draw(self, rng)

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
