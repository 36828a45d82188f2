"""Which weights lie around a recorded layer, found by following the first pass through the model.

A tensor's storage is followed from the Linear or convolution that filled it, through normalizations
over the batch, pooling and changes of shape to the layer, and from the layer on to the Linear or
convolution that reads it. Sums, concatenations, dropout at work, axes in another order (a shuffle of
channels) and layers read by two modules end a trace: weights that cannot be told are left out.
Normalization in between is not folded into them.

Weights into a channel of a convolution are ``(n_channels, n_inputs)``, an input being a channel and a
place of the kernel; those out of it ``(n_outputs, n_channels)``, an output being a channel and a place.
Units that are a channel at a position share their channel's weights: none are kept for them but those
of a Linear that reads these very units.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import prod

import numpy as np
import torch
from torch import nn
from torch.multiprocessing.reductions import StorageWeakRef

from .layers import LayerWeights

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
WEIGHTED = (nn.Linear, *CONVOLUTIONS)
CHANNELS_LAST = (nn.Linear, nn.Embedding, nn.RNNBase, nn.MultiheadAttention)
PASSING = ("batch_norm", "pool", "clone", "_to_copy", "contiguous", "reshape", "flatten")  # in names
PASSING_WHOLE = ("mean", "to")  # names


def storage_of(tensor: object) -> int | None:
    """Return what identifies the storage of a dense tensor, ``None`` for anything else.

    The number belongs to the storage as long as a ``StorageWeakRef`` to it is held.
    """
    dense = isinstance(tensor, torch.Tensor) and tensor.layout == torch.strided and not tensor.is_nested
    return tensor.untyped_storage()._cdata if dense else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """The module whose numbers a storage holds, and how they lay there when it was marked."""

    kept: StorageWeakRef
    source: nn.Module
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    contiguous: bool

    def in_order(self, tensor: torch.Tensor) -> bool:
        """Whether ``tensor`` has all the numbers in their order, at most its axes split or joined."""
        if self.contiguous and tensor.is_contiguous():
            return tensor.numel() == prod(self.shape)
        return (tuple(tensor.shape), tensor.stride()) == (self.shape, self.strides)


class Wiring:
    """Follows storages through one pass; the traces of the first pass stay."""

    def __init__(self, recorded: Mapping[nn.Module, str]) -> None:
        self._recorded = recorded
        self._marks: dict[int, Mark] = {}  # by storage
        self._into: dict[str, nn.Module] = {}
        self._out_of: dict[str, set[tuple[nn.Module, int]]] = {}  # with the axes of what it reads
        self._shape: dict[str, tuple[int, ...]] = {}  # channels before positions
        self._channels_first: set[str] = set()
        self._whole = False  # whether the first pass has ended
        self.channel_axis = 1  # of what was computed last: behind a Linear and its like the last axis

    def begin(self) -> None:
        """Begin a pass."""
        self._marks.clear()
        if not self._whole:
            self._into.clear()
            self._out_of.clear()

    def end(self) -> None:
        """End a pass that did not break off."""
        self._whole = True

    def enters(self, module: nn.Module, tensor: torch.Tensor) -> None:
        """Note what ``module`` reads."""
        if self._whole:
            return
        source = self._of(tensor)
        if isinstance(module, WEIGHTED):
            if source in self._recorded:
                self._out_of.setdefault(self._recorded[source], set()).add((module, tensor.ndim))
        elif module in self._recorded and isinstance(source, WEIGHTED):
            self._into[self._recorded[module]] = source

    def leaves(self, module: nn.Module, output: torch.Tensor) -> None:
        """Note what ``module`` gave."""
        if isinstance(module, (*CHANNELS_LAST, *CONVOLUTIONS, *TRANSPOSED)):
            self.channel_axis = -1 if isinstance(module, CHANNELS_LAST) else 1
        if self._whole:
            return
        if module in self._recorded:
            name = self._recorded[module]
            self._shape[name] = tuple(output.movedim(self.channel_axis, 1).shape)
            if self.channel_axis == 1:
                self._channels_first.add(name)
            if isinstance(module, WEIGHTED):
                self._into[name] = module
        if module in self._recorded or isinstance(module, WEIGHTED):
            self._mark(output, module)

    def runs(self, name: str, args: tuple, result: object, written: Iterable[int | None]) -> None:
        """Note that the operation ``name`` was carried out and which storages it overwrote."""
        if self._whole:
            return
        for storage in written:
            self._marks.pop(storage, None)
        passing = name in PASSING_WHOLE or any(part in name for part in PASSING)
        if passing and args and isinstance(args[0], torch.Tensor):
            given = result[0] if isinstance(result, tuple | list) else result
            if (source := self._of(args[0])) is not None and self._keeps_channels(name, args):
                self._mark(given, source)

    def weights(self, sizes: Mapping[str, int], *, unit: str) -> dict[str, LayerWeights]:
        """Return the present weights around layers of ``sizes`` units, those that could be traced."""
        return {name: self._around(name, n_units, unit) for name, n_units in sizes.items()}

    def _of(self, tensor: torch.Tensor) -> nn.Module | None:
        mark = self._marks.get(storage_of(tensor))
        return mark.source if mark and mark.in_order(tensor) else None

    def _mark(self, tensor: torch.Tensor, source: nn.Module) -> None:
        if (storage := storage_of(tensor)) is not None:
            self._marks[storage] = Mark(
                kept=StorageWeakRef(tensor.untyped_storage()),
                source=source,
                shape=tuple(tensor.shape),
                strides=tensor.stride(),
                contiguous=tensor.is_contiguous(),
            )

    def _keeps_channels(self, name: str, args: tuple) -> bool:
        """Whether the operation, a mean or a pool, goes over positions alone."""
        n_axes = args[0].ndim
        if "pool" in name:
            return self.channel_axis == 1 and n_axes > 2
        if name != "mean":
            return True
        axes = args[1] if len(args) > 1 and args[1] else range(n_axes)
        return self.channel_axis % n_axes not in {axis % n_axes for axis in axes}

    def _around(self, name: str, n_units: int, unit: str) -> LayerWeights:
        n_channels, *positions = self._shape[name][1:]
        below, above = self._into.get(name), self._reader(name)
        if unit == "position" and np.prod(positions) > 1:
            whole = n_units == n_channels * np.prod(positions)
            reads_all = isinstance(above, nn.Linear) and above.in_features == n_units
            return LayerWeights(weight_out=_numbers(above.weight) if whole and reads_all else None)
        weight_out = None if above is None else _out_of(above, n_channels)
        if below is None or len(below.weight) != n_channels:
            return LayerWeights(weight_out=weight_out)
        return LayerWeights(
            weight_in=_numbers(below.weight).reshape(n_channels, -1),
            bias=None if below.bias is None else _numbers(below.bias),
            weight_out=weight_out,
        )

    def _reader(self, name: str) -> nn.Module | None:
        """Return the one module that reads a layer, channels before positions where it has any."""
        readers = self._out_of.get(name, set())
        if len(readers) != 1:
            return None
        ((module, n_axes),) = readers
        n_channels, *positions = self._shape[name][1:]
        if not positions or name not in self._channels_first:
            return module if getattr(module, "in_features", None) == n_channels else None
        flat = isinstance(module, nn.Linear) and n_axes == 2
        return module if flat or getattr(module, "groups", 0) == 1 else None


def _out_of(above: nn.Module, n_channels: int) -> np.ndarray | None:
    """Return the weights ``(n_outputs, n_channels)`` by which ``above`` reads channels."""
    if above.weight.shape[1] % n_channels:
        return None
    by_channel = _numbers(above.weight).reshape(len(above.weight), n_channels, -1)
    return np.moveaxis(by_channel, 1, 2).reshape(-1, n_channels)


def _numbers(weight: torch.Tensor) -> np.ndarray:
    """Return a copy, since the model may go on learning."""
    precision = torch.float64 if weight.dtype == torch.float64 else torch.float32
    return weight.detach().to("cpu", precision, copy=True).numpy()
