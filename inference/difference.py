"""The difference of two conditions' centers: its posterior, and the evidence for there being none.

Given the scales (standard deviations of networks and seeds), a center is normal, and so is a difference
of two. Over the scales the posterior of the difference δ is a mixture of normals,

    p(δ | data) = Σ_k w_k Normal(δ; m_k, s_k²),

one for each node of a quadrature (:mod:`rote.inference.value_quadrature`) or, with equal weights, for
each draw of the scales (the Rao-Blackwellised estimate of Gelfand and Smith, J. Am. Stat. Assoc. 85,
1990). Its density at 0 so needs no kernel.

The Bayes factor of no difference, H₀: δ = 0, depends on how large a difference H₁ expects. The prior
of the centers, by which δ has the variance W², is wide and was not made for that: it would find for H₀
whatever the networks do (Bartlett, Biometrika 44, 1957; Lindley, in the same volume). H₁ expects instead
what two networks, one of each condition, differ by on their own account,

    δ | scales ~ Normal(0, τ²),    τ² = network_sd₁² + network_sd₂²,

the unit-information prior (Kass and Wasserman, J. Am. Stat. Assoc. 90, 1995), free of the unit of
measurement. Both are reached from the posterior under the wide prior, since half the sum of the two
centers is independent of δ (Savage's ratio of densities; Dickey, Ann. Math. Stat. 42, 1971):

    p(data | H₀) / p(data) = Σ_k w_k Normal(0; m_k, s_k²) / Normal(0; 0, W²),
    p(data | H₁) / p(data) = Σ_k w_k ∫ Normal(δ; m_k, s_k²) Normal(δ; 0, τ_k²) / Normal(δ; 0, W²) dδ
                           = Σ_k w_k (W / τ_k) (1 + a_k s_k²)^-½ exp[-½ m_k² a_k / (1 + a_k s_k²)],

with a_k = 1/τ_k² - 1/W². Where n networks of each condition show no difference at all and the scales are
known, it is √(1 + n) for H₀: a handful of networks cannot say much for there being no difference.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import logsumexp, ndtr

from ..activity.arrays import Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Difference:
    """Posterior of differences on the unbounded scale, a mixture of normals for each leading index."""

    mean: Floats  # (..., n_scales)
    sd: Floats  # (n_scales,)
    unit: Floats  # (n_scales,) τ, what two networks differ by
    prior_sd: float  # W, of the difference under the prior of the centers
    log_weight: Floats  # (..., n_scales) logarithms of w, which sum to 1

    def below(self, point: float) -> Floats:
        """Return the probability that the difference is less than ``point``: ``(...)``."""
        return (np.exp(self.log_weight) * ndtr((point - self.mean) / self.sd)).sum(axis=-1)

    def quantile(self, probability: float) -> float:
        """Return a quantile of a single difference."""
        low = float((self.mean - 40 * self.sd).min())
        high = float((self.mean + 40 * self.sd).max())
        return brentq(lambda point: float(self.below(point)) - probability, low, high, xtol=1e-12)

    def log_density(self, point: float) -> Floats:
        """Return the logarithm of the posterior density at ``point``: ``(...)``."""
        z = (point - self.mean) / self.sd
        terms = self.log_weight - z**2 / 2 - np.log(self.sd) - np.log(2 * np.pi) / 2
        return logsumexp(terms, axis=-1)

    @property
    def log_bayes_factor(self) -> Floats:
        """Return ln p(data | no difference) - ln p(data | a difference): ``(...)``."""
        none = self.log_density(0.0) + np.log(self.prior_sd) + np.log(2 * np.pi) / 2
        a = self.unit**-2 - self.prior_sd**-2
        shrunk = 1 + a * self.sd**2  # above 0: the posterior sd is below the prior's
        ratio = np.log(self.prior_sd / self.unit) - np.log(shrunk) / 2
        some = logsumexp(self.log_weight + ratio - self.mean**2 * a / shrunk / 2, axis=-1)
        return none - some
