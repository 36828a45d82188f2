"""From a layer's output to its units and their bits, on the device where the output lies.

A fully connected layer gives ``(n_examples, n_units)`` as it is. Where there are positions besides
(convolutions, sequences), a unit is

    "position"   a channel at a position: unit c * n_positions + p, channels before positions
    "channel"    a channel; its activation is its largest over all positions, so that it is active
                 where it is active at any of them

``position_stride`` thins the positions first: from each axis of positions every so many, from the
middle of the first stride on.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from ..activity.arrays import Packed
from ..activity.checks import check_choice, check_count
from ..activity.packing import WORD, n_words

UNITS = ("position", "channel")
GATHER = sum(1 << (56 - 7 * i) for i in range(8))


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """What counts as a unit where a layer has positions."""

    unit: str = "position"  # one of UNITS
    position_stride: int = 1  # 1 keeps every position

    def __post_init__(self) -> None:
        check_choice("unit", self.unit, UNITS)
        check_count("position_stride", self.position_stride)

    def of(self, output: torch.Tensor, *, channel_axis: int) -> torch.Tensor:
        """Return ``(n_examples, n_units)`` of an ``output`` whose first axis is the example."""
        if output.ndim == 2:
            return output
        output = output.movedim(channel_axis, 1)
        start = (self.position_stride - 1) // 2
        for axis in range(2, output.ndim):
            first = min(start, output.shape[axis] - 1)
            kept = torch.arange(first, output.shape[axis], self.position_stride, device=output.device)
            output = output.index_select(axis, kept) if self.position_stride > 1 else output
        output = output.flatten(2)
        return output.amax(2) if self.unit == "channel" else output.flatten(1)


def pack_tensor(active: torch.Tensor) -> Packed:
    """Return the bits of a boolean tensor ``(n_examples, n_units)``, packed where it lies."""
    n_units = active.shape[1]
    padded = functional.pad(
        active.contiguous().view(torch.uint8), (0, WORD * n_words(n_units) - n_units)
    )
    # eight bytes of 0 or 1, read as one number, times GATHER: byte i arrives at bit 56 + i
    octets = (padded.view(torch.int64) * GATHER >> 56).to(torch.uint8)
    # a copy: kept buffers of tensors would scatter over the heap and hold it apart
    return octets.cpu().numpy().view("<u8").astype(np.uint64)


def rounded(values: torch.Tensor, precision: str) -> torch.Tensor:
    """Return ``values`` as ``precision``; rounding never silences a unit, overflow becomes infinite."""
    kept = values.to(getattr(torch, precision))
    silenced = (kept == 0) & (values > 0)
    return kept.masked_fill(silenced, float(np.finfo(precision).smallest_subnormal))
