"""Posterior of the coherence exponent: how far a unit's weights move, against how often it is active.

    ln ‖Δw_i‖₂ = intercept + exponent·ln rate_i + noise_i    over the units that live and moved,

fitted by :mod:`rote.inference.exponent`, with its parameters. Weights written on each active example by
plain gradient steps move by

    E‖Δw_i‖² = n_inputs (λ_i m₂ + λ_i² m₁²),    λ_i = rate_i·(number of presentations),

m₁ and m₂ being moments of one change (:class:`rote.simulate.WrittenWeights`): the exponent is ½ where
changes are unrelated and 1 where they pull in one direction. In between it goes up with the rate, and
a line is its mean over the layer's rates. Steps that are normalized for each weight, as Adam's, have an
exponent about 0 whatever the changes are: compare networks of one optimizer.

The rate is seen in k of T examples, and its logarithm taken for normal with the mean and variance of
:func:`rote.inference.exponent.log_rate`,

    x_i = ψ(k) - ψ(T + 1),    error_i² = ψ'(k) - ψ'(T + 1).

Where the examples are the very ones that wrote (``written_on``), presentations are counted and not
estimated, and there is no error. Rates are those of the trained network in either case: what units did
on the way there is not seen.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import pymc as pm

from ..activity.arrays import Counts, Floats
from ..activity.checks import check_count, unit_values
from .claims import MeasuredLayer
from .exponent import LEAST_UNITS, ExponentPrior, exponent_model, log_rate

PRIOR = ExponentPrior()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Movement:
    """How far the weights of a layer's units moved, and how often the units are active."""

    norm: Floats  # (n_units,) Euclidean norm of the change of a unit's incoming weights
    active_count: Counts  # (n_units,) examples on which a unit is active
    n_examples: int
    written_on: bool = False  # whether these examples wrote the weights, and not others like them

    def __post_init__(self) -> None:
        check_count("n_examples", self.n_examples)
        norm, count = unit_values("norm", self.norm), unit_values("active_count", self.active_count)
        if norm.size != count.size:
            raise ValueError(
                f"norm and active_count must be of the same units, got {norm.size} and {count.size}"
            )
        if norm.min() < 0:
            raise ValueError(f"norm must be at least 0, got {norm.min()}")
        if count.min() < 0 or count.max() > self.n_examples:
            raise ValueError(
                f"active_count must lie in [0, n_examples={self.n_examples}], "
                f"got [{count.min():.0f}, {count.max():.0f}]"
            )

    @classmethod
    def of(cls, layer: MeasuredLayer) -> Self:
        """Take the movement of a layer with weights; its examples count as a sample of others."""
        for name in ("weight", "initial"):
            if getattr(layer, name) is None:
                raise ValueError(f"the model needs {name} of the layer, got none")
        return cls(
            norm=np.linalg.norm(layer.change, axis=1),
            active_count=layer.statistics.active_count,
            n_examples=layer.statistics.n_examples,
        )

    @property
    def used(self) -> np.ndarray:
        """Which units live and moved: boolean ``(n_units,)``."""
        return (self.active_count > 0) & (self.norm > 0)

    def log_rate(self) -> tuple[Floats, Floats]:
        """Return logarithms of the used units' rates and their standard errors."""
        count = self.active_count[self.used]
        if self.written_on:
            return np.log(count / self.n_examples), np.zeros(count.size)
        return log_rate(count, self.n_examples)


def coherence_model(movement: Movement, *, prior: ExponentPrior = PRIOR) -> pm.Model:
    """Build the model of one layer; a ``ValueError`` if fewer than three units live and moved."""
    x, error_x = movement.log_rate()
    log_norm = np.log(movement.norm[movement.used])
    if x.size < LEAST_UNITS:
        raise ValueError(
            f"movement must have {LEAST_UNITS} units that are active and moved, got {x.size}"
        )
    return exponent_model(x, log_norm, error_x=error_x, prior=prior)
