"""Balance of a ReLU unit's weights: what goes in against what goes out, under a penalty.

Multiplying a ReLU unit's incoming weights and bias by c > 0 and dividing its outgoing weights by c
leaves the network's outputs, and so the loss, as they were. At a stationary point of loss + penalty the
penalty must therefore not change either. With a penalty Σ strength |θ|^r, r = 2 for weight decay and 1
for L1, its derivative at c = 1 is r times

    residual_i = strength_in Σ_j |w_in,ij|^r + strength_bias |b_i|^r - strength_out Σ_k |w_out,ki|^r,

which is 0 for every unit, exactly, whatever the loss and the data [1]_. A bias that is not penalized
has strength 0 and is not counted. Without a penalty nothing pulls the residual to 0: gradient flow
conserves Σ_j w_in² + b² - Σ_k w_out² as it was initialized [1]_. The law is about a penalty whose
gradient is taken with that of the loss. Decay apart from adaptive steps (AdamW) stops elsewhere; units
whose outputs are normalized, or go anywhere else as well, are not free to be rescaled.

.. [1] Du, Hu and Lee (2018), Algorithmic regularization in learning deep homogeneous models, NeurIPS 31,
   theorem 2.1 and corollary 2.1.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..activity.arrays import Floats
from ..activity.checks import as_floats, one_number


@dataclass(frozen=True, slots=True, kw_only=True)
class Penalty:
    """Penalty Σ strength |θ|^power on a layer's parameters."""

    power: int  # 2 for weight decay, 1 for L1
    weight_in: float = 1.0  # strengths, at least 0: of the weights into the layer,
    bias: float = 0.0  # of its biases, 0 where they go free,
    weight_out: float = 1.0  # and of the weights out of the layer

    def __post_init__(self) -> None:
        if self.power not in (1, 2):
            raise ValueError(f"power must be 1 (L1) or 2 (weight decay), got {self.power!r}")
        for name in ("weight_in", "bias", "weight_out"):
            strength = one_number(name, as_floats(name, getattr(self, name)))
            if strength < 0:
                raise ValueError(f"{name} must be at least 0, got {strength}")
            object.__setattr__(self, name, strength)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Balance:
    """Both sides of the balance of each unit: ``(n_units,)``."""

    incoming: Floats  # penalty on weights and bias into a unit
    outgoing: Floats  # penalty on weights out of a unit

    @property
    def residual(self) -> Floats:
        """Incoming less outgoing: 0 at a stationary point."""
        return self.incoming - self.outgoing

    @property
    def relative(self) -> Floats:
        """Residual over the sum of both sides, in [-1, 1]; nan for units without weights."""
        total = self.incoming + self.outgoing
        return np.divide(self.residual, total, out=np.full(total.shape, np.nan), where=total > 0)


def weight_balance(
    weight_in: ArrayLike, bias: ArrayLike | None, weight_out: ArrayLike, *, penalty: Penalty
) -> Balance:
    """Return the balance of a layer's units.

    ``weight_in`` has shape ``(n_units, ...)`` and ``weight_out`` ``(n_outputs, n_units, ...)``, where
    further axes are those of a convolution's kernel; ``bias`` is ``(n_units,)``, or None in a layer
    without. Raises ``ValueError`` for other shapes.
    """
    incoming, outgoing = as_floats("weight_in", weight_in), as_floats("weight_out", weight_out)
    if incoming.ndim < 2 or incoming.size == 0:
        raise ValueError(f"weight_in must have shape (n_units, n_inputs, ...), got {incoming.shape}")
    n_units = len(incoming)
    if outgoing.ndim < 2 or outgoing.shape[1] != n_units:
        wanted = f"(n_outputs, n_units={n_units}, ...)"
        raise ValueError(f"weight_out must have shape {wanted}, got {outgoing.shape}")
    shift = np.zeros(n_units) if bias is None else as_floats("bias", bias)
    if shift.shape != (n_units,):
        raise ValueError(f"bias must have shape (n_units={n_units},), got {shift.shape}")
    out_of_units = np.moveaxis(outgoing, 1, 0)
    return Balance(
        incoming=penalty.weight_in * _power(incoming, penalty)
        + penalty.bias * np.abs(shift) ** penalty.power,
        outgoing=penalty.weight_out * _power(out_of_units, penalty),
    )


def _power(weights: Floats, penalty: Penalty) -> Floats:
    return (np.abs(weights.reshape(len(weights), -1)) ** penalty.power).sum(axis=1)
