"""Dichotomized Gaussian activity with several factors.

    u_i = h_i + Σ_k w_ik z_k + √(1 - |w_i|²) e_i,    s_i = 1 where u_i > 0,    h_i = Φ⁻¹(rate_i)

with factors z shared by the layer. Units i and j have the latent correlation w_i·w_j and the covariance
Φ₂(h_i, h_j; w_i·w_j) - rate_i rate_j. Given z the units are independent with probability Φ(d_i),
d_i = (h_i + w_i·z)/√(1 - |w_i|²), so an example costs n_units · n_factors operations: d in single
precision, Φ(d) by a polynomial,

    Φ(d) ≈ ½ + d P(2d²/D² - 1),    |d| ≤ D = 3.8,

both only to bracket the probability, which is computed exactly where the bracket leaves a cell undecided
(:mod:`rote.simulate.drawing`).
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

from ..activity.arrays import Floats
from ..activity.checks import as_floats, check_probability, unit_values
from ..activity.kernel import kernel, over_blocks
from ..activity.streams import Key
from ..activity.ziggurat import normals
from .bivariate import binary_covariance
from .correlation_matrices import check_symmetric, triangular_factor
from .drawing import LANE, Chords, Mixture, in_lanes
from .population import one_factor_pmf
from .prediction import PairPrediction
from .process import Process

_END = np.float32(3.8)  # D: beyond, the probability is within five lanes of 0 or 1
_SCALE = np.float32(2 / _END**2)
_DEGREE = 6  # of P
_LANES_OFF = 7  # of the polynomial (5), its rounding, and what the comparison rounds
_STEEPEST = 0.4  # slope of Φ at 0
_SINGLE = 2.0**-24  # rounding of single precision
_CELLS = 1 << 16  # tabulated at once: they stay in cache


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FactorGaussian(Mixture):
    """Units with rates of their own that share several normal factors."""

    rate: Floats  # (n_units,) probability that a unit is active, in [0, 1]
    loading: Floats  # (n_units, n_factors) weights of the factors; a unit's have a square sum below 1

    def __post_init__(self) -> None:
        rate = unit_values("rate", check_probability("rate", self.rate, closed="01"))
        loading = np.array(as_floats("loading", self.loading))
        if loading.ndim != 2 or loading.shape[0] != rate.size or loading.shape[1] == 0:
            raise ValueError(f"loading must have shape ({rate.size}, n_factors), got {loading.shape}")
        common = np.square(loading).sum(axis=1)
        if common.max() >= 1:
            unit = common.argmax()
            raise ValueError(
                f"loading must have a square sum below 1 in each unit, got {common[unit]} at unit {unit}"
            )
        loading.setflags(write=False)
        object.__setattr__(self, "rate", rate)
        object.__setattr__(self, "loading", loading)

    @classmethod
    def from_blocks(cls, *, rate: ArrayLike, block: ArrayLike, latent_correlation: ArrayLike) -> Self:
        """Build blocks of units: pairs of units of blocks a and b have ``latent_correlation[a, b]``.

        ``block`` (n_units,) numbers each unit's block from 0; ``latent_correlation``, of shape
        (n_blocks, n_blocks), is positive semi-definite and below 1 on its diagonal, which holds the
        pairs within a block. Raises ``TypeError`` or ``ValueError`` for anything else.
        """
        block = np.asarray(block)
        if block.dtype.kind not in "iu":
            raise TypeError(f"block must hold whole numbers, got dtype {block.dtype}")
        n_blocks = len(np.atleast_1d(latent_correlation))
        between = check_symmetric("latent_correlation", latent_correlation, n_blocks)
        if block.size and not (block.min() >= 0 and block.max() < n_blocks):
            raise ValueError(
                f"block must lie in [0, {n_blocks - 1}], got [{block.min()}, {block.max()}]"
            )
        remedy = "blocks of negative correlation within need LatentGaussian"
        return cls(
            rate=rate, loading=triangular_factor("latent_correlation", between, remedy=remedy)[block]
        )

    @property
    def n_units(self) -> int:
        """Number of units."""
        return self.rate.size

    @property
    def n_factors(self) -> int:
        """Number of factors."""
        return self.loading.shape[1]

    sample = Process.sample  # in blocks: every example has a row of chords of its own

    def predict(self) -> PairPrediction:
        """Return the laws of rates and pairs in closed form; of one factor, the population count too."""
        return PairPrediction(
            rate=self.rate,
            pairs=self._pairs,
            population=self._population if self.n_factors == 1 else None,
        )

    def _pairs(self, units: slice) -> Floats:
        latent = np.clip(self.loading[units] @ self.loading.T, -1.0, 1.0)
        return binary_covariance(self.rate[units, None], self.rate, latent)

    def _population(self) -> Floats:
        return one_factor_pmf(self.rate, self.loading[:, 0])

    def latent(self, key: Key, examples: NDArray[np.uint64]) -> Floats:
        """Return each example's factors: ``(n_examples, n_factors)``."""
        counters = np.add.outer(
            examples * np.uint64(self.n_factors), np.arange(self.n_factors, dtype=np.uint64)
        )
        return normals(key, counters.ravel()).reshape(counters.shape)

    def chords(self, latent: Floats) -> Chords:
        """Return each example's own approximate probabilities, and the lanes by which they may be off.

        A sum of n terms in single precision, whatever their order, errs by less than n roundings of the
        sum of their sizes, and the terms by a few themselves.
        """
        own = np.sqrt(1 - np.square(self.loading).sum(axis=1))
        certain = np.round(self.rate) == self.rate
        weight = np.vstack([np.where(certain, 0.0, ndtri(self.rate) / own), self.loading.T / own])
        state = np.column_stack([np.ones(len(latent)), latent])
        size = (np.abs(weight[0]) + np.abs(latent).max() * np.abs(weight[1:]).sum(axis=0)).max()
        off = (self.n_factors + 4) * _SINGLE * size * _STEEPEST * LANE
        state, weight = state.astype(np.float32), weight.astype(np.float32)
        table = np.empty((len(latent), self.n_units), dtype=np.uint16)
        step = max(1, _CELLS // self.n_units)

        def tabulate(start: int, stop: int) -> None:
            for first in range(start, stop, step):
                last = min(first + step, stop)
                _to_lanes(table[first:last].reshape(-1), (state[first:last] @ weight).reshape(-1))

        over_blocks(tabulate, len(latent), least=4 * step)
        table[:, certain] = in_lanes(self.rate[certain])
        share = np.zeros(len(latent), dtype=np.uint16)
        return Chords(table, np.arange(len(latent)), share, int(min(off, LANE)) + _LANES_OFF)

    def given(self, latent: Floats, units: NDArray[np.int64]) -> Floats:
        """Return the probability of ``units`` given the factors."""
        loading = self.loading[units]
        own = np.sqrt(1 - np.square(loading).sum(axis=1))
        return ndtr((ndtri(self.rate)[units] + (loading * latent).sum(axis=1)) / own)


def _fit() -> NDArray[np.float32]:
    """Return the coefficients of P, the highest first: a Chebyshev fit to (Φ(d) - ½)/d."""
    place = np.cos(np.pi * (np.arange(400) + 0.5) / 400)
    d = float(_END) * np.sqrt((place + 1) / 2)
    chebyshev = np.polynomial.chebyshev.chebfit(place, (ndtr(d) - 0.5) / d, _DEGREE, w=d)
    return np.polynomial.chebyshev.cheb2poly(chebyshev)[::-1].astype(np.float32)


_POLYNOMIAL = _fit()


@kernel
def _to_lanes(lanes: NDArray[np.uint16], d: NDArray[np.float32]) -> None:
    """Set lanes to 2¹⁶ Φ(d); all in single precision, so that the loop runs on whole vectors."""
    for unit in range(d.size):
        x = min(max(d[unit], -_END), _END)
        y = np.float32(np.float32(_SCALE * np.float32(x * x)) - np.float32(1.0))
        value = _POLYNOMIAL[0]
        for power in range(1, _POLYNOMIAL.size):
            value = np.float32(np.float32(value * y) + _POLYNOMIAL[power])
        chance = np.float32(np.float32(0.5) + np.float32(x * value))
        lanes[unit] = np.uint16(np.int32(np.float32(65536.0) * chance))
