"""Layers whose pre-activations are normal within each class of inputs, and not over all of them.

Images of ten digits are ten clouds rather than one, and a network that has learned to tell them apart
pulls the clouds asunder from layer to layer. With the shares q_c, means and covariances of the classes'
inputs, each class passes through the layers by itself (:mod:`rote.simulate.rectified`), and what the
layer does is their mixture: rates Σ_c q_c Φ(h_ci), and any covariance the mean of those within classes
and that of the means between them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from ..activity.arrays import Floats
from ..activity.checks import as_floats
from .activations import Activation, ActivationProcess
from .discrete import check_distribution
from .mixed import MixedProcess, check_parts, mixed_blocks, mixed_covariance
from .rectified import RectifiedGaussian, propagate


@dataclass(frozen=True, kw_only=True, eq=False)
class RectifiedMixture(ActivationProcess):
    """A layer that is a :class:`~rote.simulate.rectified.RectifiedGaussian` within each class."""

    share: Floats  # (n_classes,) probability of each class; they sum to 1
    parts: Sequence[RectifiedGaussian]  # the layer within each class

    def __post_init__(self) -> None:
        share, parts = check_parts(self.share, self.parts, RectifiedGaussian)
        object.__setattr__(self, "share", share)
        object.__setattr__(self, "parts", parts)

    @property
    def n_units(self) -> int:
        """Number of units."""
        return self.parts[0].n_units

    @property
    def class_rate(self) -> Floats:
        """Probability of being active within each class: ``(n_classes, n_units)``."""
        return np.array([part.rate for part in self.parts])

    @property
    def rate(self) -> Floats:
        """Probability of being active: ``(n_units,)``."""
        return self.share @ self.class_rate

    @property
    def mean(self) -> Floats:
        """Mean activation, zeros included: ``(n_units,)``."""
        return self.share @ np.array([part.mean for part in self.parts])

    @cached_property
    def covariance(self) -> Floats:
        """Covariance of the activations: ``(n_units, n_units)``."""
        mean = np.array([part.mean for part in self.parts])
        return mixed_covariance(self.share, mean, [part.covariance for part in self.parts])

    def binary(self) -> MixedProcess:
        """Return the process of who is active."""
        return MixedProcess(share=self.share, parts=[part.binary() for part in self.parts])

    def cdf(self, value: ArrayLike) -> Floats:
        """Return the probability of an activation up to ``value``, from 0 on; units on the last axis."""
        parts = zip(self.share, self.parts, strict=True)
        return sum(share * part.cdf(value) for share, part in parts)

    def blocks(
        self, n_examples: int, *, rng: np.random.Generator, block: int = 4096
    ) -> Iterator[Activation]:
        """Yield what :meth:`sample` draws, ``block`` examples at a time; see the parts' own."""
        return mixed_blocks(self.share, self.parts, n_examples, rng=rng, block=block)


def propagate_classes(
    layers: Sequence[tuple[ArrayLike, ArrayLike]],
    *,
    share: ArrayLike,
    mean: ArrayLike,
    covariance: ArrayLike,
) -> list[RectifiedMixture]:
    """Return the layers of a network from the moments of its data within each class.

    ``share`` ``(n_classes,)`` sums to 1; ``mean`` is ``(n_classes, n_inputs)`` and ``covariance``
    ``(n_classes, n_inputs, n_inputs)``; ``layers`` is as in :func:`~rote.simulate.rectified.propagate`.
    """
    share = check_distribution("share", share)
    mean, covariance = as_floats("mean", mean), as_floats("covariance", covariance)
    if mean.ndim != 2 or len(mean) != share.size:
        raise ValueError(f"mean must have shape ({share.size}, n_inputs), got {mean.shape}")
    if covariance.shape != (*mean.shape, mean.shape[1]):
        raise ValueError(
            f"covariance must have shape {(*mean.shape, mean.shape[1])}, got {covariance.shape}"
        )
    each = [propagate(layers, mean=m, covariance=c) for m, c in zip(mean, covariance, strict=True)]
    return [RectifiedMixture(share=share, parts=parts) for parts in zip(*each, strict=True)]
