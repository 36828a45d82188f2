"""Layers of normal pre-activations: everything about them from two moments of their input.

A layer computes a = max(0, u), u = W x + b. Where u is near to normal over examples, as in a wide layer,
the mean μ and covariance Σ of its input say all that is left to say:

    u ~ N(W μ + b, W Σ Wᵀ),    h_i = E[u_i]/σ_i,    R_ij = Cov(u_i, u_j)/(σ_i σ_j),

so who is active is a dichotomized Gaussian (:class:`~rote.simulate.latent_gaussian.LatentGaussian`) with
rates Φ(h_i) and latent correlations R, magnitudes are rectified Gaussian, and mean and covariance of the
activations have closed forms, which are the next layer's μ and Σ. The rate depends on the direction of a
unit's weights, and on its bias relative to their length, not on that length. What is lost is how far u
is from normal: in a narrow layer, or where inputs come in clusters, as a trained network's classes do.
"""

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg.blas import strmm
from scipy.special import ndtr

from ..activity.arrays import Activity, Floats
from ..activity.checks import as_floats, check_count, unit_values
from ..activity.streams import Key, draw_keys
from .activations import FAINTEST, Activation, ActivationProcess
from .correlation_matrices import check_symmetric
from .latent_gaussian import LatentGaussian
from .magnitudes import RectifiedMagnitude
from .normals import fast_normals
from .positive_normals import rectified_moments
from .rectified_pairs import rectified_covariance

_ROUNDING = 1e-9  # by which a covariance may exceed what its variances allow
_BLIND = 1e-13  # a variance below this share of the terms it is summed from is rounding


@dataclass(frozen=True, kw_only=True, eq=False)
class RectifiedGaussian(ActivationProcess):
    """A layer whose pre-activations, here called drive, are normal over examples."""

    drive_mean: Floats  # (n_units,)
    drive_covariance: Floats  # (n_units, n_units) positive semi-definite; a constant unit has variance 0

    def __post_init__(self) -> None:
        name, mean = "drive_covariance", unit_values("drive_mean", self.drive_mean)
        covariance = check_symmetric(name, self.drive_covariance, mean.size)
        variance = np.diag(covariance)
        if variance.min() < 0:
            unit = variance.argmin()
            raise ValueError(
                f"{name} must not be negative on its diagonal, got {variance[unit]} for unit {unit}"
            )
        excess = np.square(covariance) - np.outer(variance, variance) * (1 + _ROUNDING)
        one, other = np.unravel_index(excess.argmax(), excess.shape)
        if excess[one, other] > 0:
            raise ValueError(
                f"{name} must lie within the standard deviations' product, got {covariance[one, other]} "
                f"for units {one} and {other} of variances {variance[one]} and {variance[other]}"
            )
        covariance.setflags(write=False)
        object.__setattr__(self, "drive_mean", mean)
        object.__setattr__(self, name, covariance)

    @classmethod
    def from_input(
        cls, *, weight: ArrayLike, bias: ArrayLike, mean: ArrayLike, covariance: ArrayLike
    ) -> Self:
        """Build the layer of ``weight`` ``(n_units, n_inputs)`` and ``bias`` ``(n_units,)``.

        ``mean`` ``(n_inputs,)`` and ``covariance`` ``(n_inputs, n_inputs)`` are those of its input.
        Raises ``ValueError`` for shapes that do not fit.
        """
        weight, bias = as_floats("weight", weight), unit_values("bias", bias)
        if weight.ndim != 2 or len(weight) != bias.size:
            raise ValueError(f"weight must have shape ({bias.size}, n_inputs), got {weight.shape}")
        mean = as_floats("mean", mean)
        if mean.shape != (weight.shape[1],):
            raise ValueError(f"mean must have shape ({weight.shape[1]},), got {mean.shape}")
        covariance = check_symmetric("covariance", covariance, mean.size)
        drive = weight @ covariance @ weight.T
        size = np.square(np.abs(weight) @ np.sqrt(np.maximum(np.diag(covariance), 0)))
        blind = np.diag(drive) <= _BLIND * size  # constant inputs, whose variance came out rounded
        drive[blind] = 0
        drive[:, blind] = 0
        return cls(drive_mean=weight @ mean + bias, drive_covariance=(drive + drive.T) / 2)

    @property
    def n_units(self) -> int:
        """Number of units."""
        return self.drive_mean.size

    @cached_property
    def scale(self) -> Floats:
        """Standard deviation σ of the pre-activations: ``(n_units,)``."""
        return np.sqrt(np.diag(self.drive_covariance))

    @cached_property
    def threshold(self) -> Floats:
        """h, the pre-activations' mean over standard deviation, ``(n_units,)``: infinite if constant."""
        constant = np.where(self.drive_mean > 0, np.inf, -np.inf)
        return np.divide(self.drive_mean, self.scale, out=constant, where=self.scale > 0)

    @cached_property
    def drive_correlation(self) -> Floats:
        """Correlation R of the pre-activations, ``(n_units, n_units)``; constant units have none."""
        scale = np.where(self.scale > 0, self.scale, 1.0)
        correlation = np.clip(self.drive_covariance / np.outer(scale, scale), -1.0, 1.0)
        np.fill_diagonal(correlation, 1.0)
        return correlation

    @property
    def rate(self) -> Floats:
        """Probability of being active, Φ(h): ``(n_units,)``."""
        return ndtr(self.threshold)

    @cached_property
    def mean(self) -> Floats:
        """Mean activation, zeros included: ``(n_units,)``."""
        varies = self.scale > 0
        mean, _ = rectified_moments(np.where(varies, self.threshold, 0.0))
        return np.where(varies, self.scale * mean, np.maximum(self.drive_mean, 0))

    @cached_property
    def covariance(self) -> Floats:
        """Covariance of the activations: ``(n_units, n_units)``."""
        threshold = np.where(self.scale > 0, self.threshold, 0.0)
        scale = np.outer(self.scale, self.scale)
        return scale * rectified_covariance(threshold, self.drive_correlation)

    def binary(self) -> LatentGaussian:
        """Return the process of who is active."""
        return self._binary

    @cached_property
    def _binary(self) -> LatentGaussian:  # factors a matrix
        return LatentGaussian(rate=self.rate, latent_correlation=self.drive_correlation)

    def magnitude(self) -> RectifiedMagnitude:
        """Return how loud each unit is where active; a ``ValueError`` for units that are constant."""
        if not self.scale.all():
            raise ValueError(
                f"magnitude needs units whose drive varies, got a constant at unit {self.scale.argmin()}"
            )
        return RectifiedMagnitude(threshold=self.threshold, scale=self.scale)

    def cdf(self, value: ArrayLike) -> Floats:
        """Return the probability of an activation up to ``value``, from 0 on; units on the last axis."""
        beyond = np.subtract(value, self.drive_mean)
        constant = np.where(beyond >= 0, np.inf, -np.inf)
        scale = np.broadcast_to(self.scale, beyond.shape)
        return ndtr(np.divide(beyond, scale, out=constant, where=scale > 0))

    def blocks(
        self, n_examples: int, *, rng: np.random.Generator, block: int = 4096
    ) -> Iterator[Activation]:
        """Yield what :meth:`sample` draws, ``block`` examples at a time.

        One latent variable decides whether a unit is active and how loud. Those active are the ones that
        :meth:`binary` draws from the same generator state; how loud may differ in the last digits of
        single precision between libraries of linear algebra.
        """
        binary, block = self.binary(), check_count("block", block)
        same = deepcopy(rng)  # gives the key of the normal numbers that decide who is active
        active = binary.blocks(n_examples, rng=rng, block=block)
        key = draw_keys(same, 1)[0]
        factor = np.asfortranarray(binary.factor * self.scale[:, None], dtype=np.float32)
        return (self._loud(part, key, number * block, factor) for number, part in enumerate(active))

    def _loud(self, active: Activity, key: Key, first: int, factor: Activation) -> Activation:
        normals = fast_normals(key, first, first + len(active), self.n_units)
        drive = strmm(1.0, factor, normals.T, lower=1, overwrite_b=1).T  # normals are overwritten
        drive += self.drive_mean.astype(np.float32)
        return np.where(active, np.maximum(drive, FAINTEST), np.float32(0))


def propagate(
    layers: Sequence[tuple[ArrayLike, ArrayLike]], *, mean: ArrayLike, covariance: ArrayLike
) -> list[RectifiedGaussian]:
    """Return the layers of a network from the mean and covariance of its data, without a forward pass.

    ``layers`` holds the weight ``(n_units, n_inputs)`` and bias ``(n_units,)`` of each rectified layer,
    from the input on; ``mean`` and ``covariance`` are as in :meth:`RectifiedGaussian.from_input`. Each
    layer takes its predecessor's activations for no more than their mean and covariance, so what is not
    normal is lost anew at each layer.
    """
    predicted = []
    for weight, bias in layers:
        if predicted:
            mean, covariance = predicted[-1].mean, predicted[-1].covariance
        layer = RectifiedGaussian.from_input(weight=weight, bias=bias, mean=mean, covariance=covariance)
        predicted.append(layer)
    return predicted
