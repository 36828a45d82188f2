"""How many of a network's labels are random: a posterior from its signature, in closed form.

The d features y of a network's signature, given the share f of its labels that are random, and the rows
of a reference of networks whose shares are known:

    y = Bᵀ x(f) + e,    x(f) = (1, f, f², f³),    e ~ Normal(0, Σ),
    Σ ~ InverseWishart(ν₀, diag s²),    B | Σ ~ MatrixNormal(0, c² I, Σ),    ν₀ = d + 2,

s the features' expected standard deviations among networks of one share, which is E[Σ] = diag s². With
the rows X, Y of N networks (Gelman et al., Bayesian Data Analysis, 3rd ed., sections 3.6 and 14.8,
with several outcomes; Minka, Bayesian linear regression, 2010)

    Λ = XᵀX + I/c²,  B̂ = Λ⁻¹XᵀY,  Ψ = diag s² + YᵀY - B̂ᵀΛB̂,  ν = ν₀ + N,  q = 1 + xᵀΛ⁻¹x,
    y | f ~ t with m = ν - d + 1 degrees of freedom, location B̂ᵀx, scale matrix Ψ q / m.

Some of the features alone follow the t of the same degrees with their part of location and scale, so a
signature without labels is judged by the same reference. The posterior is taken over a grid of f: 0 and
1, which have a probability of their own, and the midpoints of equal cells between. Every network of the
reference must be a draw of its own from the set-ups it stands for, else the rows are not independent
and Σ is not what a further network differs by.

Likeness is the tail probability of the Mahalanobis distance D² at the share where it is greatest,
D²/d ~ F(d, m): how often a network of the reference's kind would lie as far out. Below UNLIKE the
network is unlike anything in the reference, and no probability is claimed.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from scipy.special import softmax

from ..activity.arrays import Floats
from ..activity.checks import as_floats, check_probability, one_number
from .judgement import SHARES, Judgement
from .signature import FEATURES

N_TERMS = 4  # of the regression on the share


@dataclass(frozen=True, slots=True, kw_only=True)
class IndicatorPrior:
    """Priors of the regression and of the share of random labels."""

    pure: float = 1 / 3  # probability of share 0, and that of share 1; the rest is uniform between
    coefficient: float = 30.0  # sd c of a coefficient, in standard deviations of its feature

    def __post_init__(self) -> None:
        pure = one_number("pure", check_probability("pure", self.pure))
        if pure >= 0.5:
            raise ValueError(f"pure must lie in (0, 0.5), as it is taken twice, got {pure}")
        if one_number("coefficient", as_floats("coefficient", self.coefficient)) <= 0:
            raise ValueError(f"coefficient must be above 0, got {self.coefficient}")

    @property
    def weight(self) -> Floats:
        """Prior probability of each of ``SHARES``."""
        inner = SHARES.size - 2
        return np.r_[self.pure, np.full(inner, (1 - 2 * self.pure) / inner), self.pure]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Indicator:
    """The law of signatures that a reference teaches."""

    features: tuple[str, ...]
    location: Floats  # (N_TERMS, n_features) B̂
    precision: Floats  # (N_TERMS, N_TERMS) Λ
    scatter: Floats  # (n_features, n_features) Ψ
    degrees: float  # m
    prior: IndicatorPrior

    def judge(self, signature: Mapping[str, float]) -> Judgement:
        """Judge a network by the features that are given; a ``ValueError`` for unknown ones or none."""
        which, values = self._given(signature)
        law = self._law(which)
        distance = law.distance(values)
        weight = softmax(law.logpdf(distance) + np.log(self.prior.weight))
        likeness = stats.f.sf(distance / which.size, which.size, self.degrees).max()
        return Judgement(
            weight=weight,
            likeness=float(likeness),
            features=tuple(self.features[index] for index in which),
        )

    def log_density(self, signature: Mapping[str, float]) -> Floats:
        """Return the log predictive density of the signature at each of ``SHARES``."""
        which, values = self._given(signature)
        law = self._law(which)
        return law.logpdf(law.distance(values))

    def _given(self, signature: Mapping[str, float]) -> tuple[np.ndarray, Floats]:
        if unknown := [name for name in signature if name not in self.features]:
            raise ValueError(
                f"signature must hold features among {', '.join(self.features)}; got {unknown[0]!r}"
            )
        if not signature:
            raise ValueError("signature must hold a feature at least, got none")
        which = [index for index, name in enumerate(self.features) if name in signature]
        values = as_floats("signature", [signature[self.features[index]] for index in which])
        return np.array(which), values

    def _law(self, which: np.ndarray) -> "_Predictive":
        design = _design(SHARES)
        spread = 1 + np.einsum("sk,sk->s", design, np.linalg.solve(self.precision, design.T).T)
        return _Predictive(
            location=(design @ self.location)[:, which],
            scale=self.scatter[np.ix_(which, which)] / self.degrees,
            spread=spread,
            degrees=self.degrees,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Predictive:
    """Multivariate t of some features at each of ``SHARES``."""

    location: Floats  # (n_shares, n_features)
    scale: Floats  # (n_features, n_features)
    spread: Floats  # (n_shares,) q
    degrees: float

    def distance(self, values: Floats) -> Floats:
        """Return the squared Mahalanobis distance of ``values`` at each share: ``(n_shares,)``."""
        apart = values - self.location
        return np.einsum("sd,sd->s", apart, np.linalg.solve(self.scale, apart.T).T) / self.spread

    def logpdf(self, distance: Floats) -> Floats:
        """Return the log density at squared distances ``(n_shares,)``."""
        n, degrees = len(self.scale), self.degrees
        standard = stats.multivariate_t(df=degrees, shape=self.scale).logpdf(np.zeros(n))
        tail = (degrees + n) / 2 * np.log1p(distance / degrees)
        return standard - n / 2 * np.log(self.spread) - tail


def learn_indicator(
    signatures: ArrayLike,
    random_share: ArrayLike,
    *,
    features: tuple[str, ...] = tuple(FEATURES),
    prior: IndicatorPrior = IndicatorPrior(),
) -> Indicator:
    """Return what ``signatures`` ``(n_networks, n_features)`` at known shares ``(n_networks,)`` teach.

    Raises ``ValueError`` for shapes that do not agree, shares outside [0, 1], unknown features, or a
    share that takes too few values.
    """
    y = as_floats("signatures", signatures)
    share = check_probability("random_share", random_share, closed="01")
    if unknown := [name for name in features if name not in FEATURES]:
        raise ValueError(f"features must be among {', '.join(FEATURES)}; got {unknown[0]!r}")
    if y.shape != (share.size, len(features)):
        raise ValueError(
            f"signatures must have shape (n_networks, n_features), here {(share.size, len(features))}, "
            f"got {y.shape}"
        )
    if np.unique(share).size < N_TERMS:
        raise ValueError(
            f"random_share must take {N_TERMS} values at least, got {np.unique(share).size}: "
            "a reference needs networks with none, some and all of their labels random"
        )
    x = _design(share)
    precision = x.T @ x + np.eye(x.shape[1]) / prior.coefficient**2
    location = np.linalg.solve(precision, x.T @ y)
    expected = np.diag(np.square([FEATURES[name] for name in features]))
    return Indicator(
        features=tuple(features),
        location=location,
        precision=precision,
        scatter=expected + y.T @ y - location.T @ precision @ location,
        degrees=float(share.size + 3),  # ν - d + 1 = (d + 2 + N) - d + 1
        prior=prior,
    )


def _design(share: Floats) -> Floats:
    return np.vander(share, N_TERMS, increasing=True)
