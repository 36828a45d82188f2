"""Activations: who is active from a Bernoulli process, how loud from a law of magnitudes.

    a_it = s_it A_it,    s drawn by the process,    A_it from unit i's law, independent of all else

With M_i and V_i mean and variance of unit i's magnitude, activations have a mass 1 - p_i at zero and

    E[a_i] = p_i M_i,   Var(a_i) = p_i V_i + p_i (1 - p_i) M_i²,   Cov(a_i, a_j) = M_i M_j cov(s_i, s_j),

and the next layer's pre-activations W a + b have the mean W E[a] + b and the covariance W C Wᵀ.

This is not how a layer of normal pre-activations does it: there one latent variable decides both who is
active and how loud, so that magnitudes are correlated between units, and loud when many are active.
:class:`~rote.simulate.rectified.RectifiedGaussian` draws those. Rates, pairs and each unit's own
magnitudes are the same in both; covariances of activations are not.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..activity.arrays import Activity, Floats
from ..activity.checks import as_activity, as_floats, check_count
from ..activity.kernel import over_blocks
from ..activity.streams import Key, draw_keys, uniforms
from .magnitudes import Magnitude
from .prediction import Laws
from .process import Process

_CELLS = 1 << 20  # whose active ones are drawn at once, and of a block of examples
FAINTEST = np.float32(np.finfo(np.float32).smallest_subnormal)  # rounding silences no active unit

type Activation = NDArray[np.float32]
"""Activations, zero where a unit is not active: shape ``(n_examples, n_units)``."""


class ActivationProcess(ABC):
    """A layer of ``n_units`` that are loud or silent on each example."""

    n_units: int

    @abstractmethod
    def blocks(
        self, n_examples: int, *, rng: np.random.Generator, block: int = 4096
    ) -> Iterator[Activation]:
        """Yield what :meth:`sample` draws, ``block`` examples at a time."""

    def sample(self, n_examples: int, *, rng: np.random.Generator) -> Activation:
        """Draw activations of shape ``(n_examples, n_units)``."""
        drawn = np.empty((check_count("n_examples", n_examples), self.n_units), dtype=np.float32)
        block = max(1, _CELLS // self.n_units)
        for number, part in enumerate(self.blocks(n_examples, rng=rng, block=block)):
            drawn[number * block : number * block + len(part)] = part
        return drawn


def sample_magnitudes(active: Activity, magnitude: Magnitude, *, rng: np.random.Generator) -> Activation:
    """Draw how loud the active units of ``active`` ``(n_examples, n_units)`` are, each on its own.

    Magnitudes are independent given who is active, and a function of the generator's state, example and
    unit, whoever else is active. Raises ``TypeError`` or ``ValueError`` unless ``active`` is boolean
    with as many units as ``magnitude``.
    """
    active = as_activity("active", active)
    if active.shape[1] != magnitude.n_units:
        raise ValueError(f"active must have {magnitude.n_units} units, got {active.shape[1]}")
    return _loud(active, magnitude, draw_keys(rng, 1)[0], 0)


@dataclass(frozen=True, kw_only=True, eq=False)
class ActivationPrediction:
    """Laws of activations whose magnitudes are independent given who is active."""

    activity: Laws  # who is active
    magnitude: Magnitude  # how loud

    @property
    def rate(self) -> Floats:
        """Probability of being active: ``(n_units,)``."""
        return self.activity.rate

    @property
    def mean(self) -> Floats:
        """Mean activation, zeros included: ``(n_units,)``."""
        return self.rate * self.magnitude.mean

    @property
    def variance(self) -> Floats:
        """Variance of the activation: ``(n_units,)``."""
        square = np.square(self.magnitude.mean)
        return self.rate * (self.magnitude.variance + (1 - self.rate) * square)

    @property
    def covariance(self) -> Floats:
        """Covariance of the activations: ``(n_units, n_units)``."""
        covariance = self.activity.covariance * np.outer(self.magnitude.mean, self.magnitude.mean)
        np.fill_diagonal(covariance, self.variance)
        return covariance

    def drive(self, weight: ArrayLike, bias: ArrayLike) -> tuple[Floats, Floats]:
        """Return mean and variance of the next layer's pre-activations W a + b, both ``(n_next,)``.

        ``weight`` is ``(n_next, n_units)``, ``bias`` ``(n_next,)``. The correlation between units is
        taken in: the variance is w C wᵀ, not the sum of the units' own. Raises ``ValueError`` for shapes
        that do not fit.
        """
        weight, bias = as_floats("weight", weight), as_floats("bias", bias)
        n_units = self.rate.size
        if weight.ndim != 2 or weight.shape[1] != n_units:
            raise ValueError(f"weight must have shape (n_next, n_units={n_units}), got {weight.shape}")
        if bias.shape != (len(weight),):
            raise ValueError(f"bias must have shape ({len(weight)},), got {bias.shape}")
        return weight @ self.mean + bias, np.einsum("ki,ki->k", weight @ self.covariance, weight)

    def cdf(self, value: ArrayLike) -> Floats:
        """Return the probability of an activation up to ``value``, from 0 on; units on the last axis."""
        return 1 - self.rate * (1 - self.magnitude.cdf(value))


@dataclass(frozen=True, kw_only=True, eq=False)
class Activations(ActivationProcess):
    """A process that says who is active and a law that says how loud."""

    process: Process
    magnitude: Magnitude  # of as many units

    def __post_init__(self) -> None:
        if not isinstance(self.process, Process):
            raise TypeError(f"process must be one of Bernoulli units, got {type(self.process).__name__}")
        if not isinstance(self.magnitude, Magnitude):
            raise TypeError(f"magnitude must be a Magnitude, got {type(self.magnitude).__name__}")
        if self.magnitude.n_units != self.process.n_units:
            raise ValueError(
                f"magnitude must have the {self.process.n_units} units of process, "
                f"got {self.magnitude.n_units}"
            )

    @property
    def n_units(self) -> int:
        """Number of units."""
        return self.process.n_units

    def blocks(
        self, n_examples: int, *, rng: np.random.Generator, block: int = 4096
    ) -> Iterator[Activation]:
        """Yield what :meth:`sample` draws, ``block`` examples at a time."""
        n_examples, block = check_count("n_examples", n_examples), check_count("block", block)
        active = self.process.blocks(n_examples, rng=rng, block=block)
        key = draw_keys(rng, 1)[0]
        return (_loud(part, self.magnitude, key, number * block) for number, part in enumerate(active))

    def predict(self) -> ActivationPrediction:
        """Return the laws of the activations."""
        return ActivationPrediction(activity=self.process.predict(), magnitude=self.magnitude)


def _loud(active: Activity, magnitude: Magnitude, key: Key, first: int) -> Activation:
    """Return the activations of examples from number ``first`` on."""
    n_examples, n_units = active.shape
    loud = np.zeros(active.shape, dtype=np.float32)
    step = max(1, _CELLS // n_units)

    def fill(start: int, stop: int) -> None:
        for top in range(start, stop, step):
            row, unit = np.nonzero(active[top : min(top + step, stop)])
            cell = np.uint64(first + top) * np.uint64(n_units) + (row * n_units + unit).astype(np.uint64)
            drawn = magnitude.quantile(uniforms(key, cell), unit)
            loud[top + row, unit] = np.maximum(drawn.astype(np.float32), FAINTEST)

    over_blocks(fill, n_examples, least=step)
    return loud
