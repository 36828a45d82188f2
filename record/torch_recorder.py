"""The recorder of a PyTorch model: a context manager whose body calls the model.

Outputs are reduced to bits, or rounded, on the device where they lie, and what is kept of a batch
leaves it when the pass of the batch has ended; a pass that breaks off leaves nothing.
"""

from collections.abc import Iterable
from math import isfinite
from types import MappingProxyType
from typing import Self

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import nn

from ..activity.statistics import Statistics
from .examples import example_values
from .keepers import InFile, InMemory, Running
from .recording import Recording
from .torch_passes import ForwardWatch
from .torch_units import Units, pack_tensor, rounded


class TorchRecorder:
    """Records while it is entered; made by :func:`rote.record.torch`."""

    def __init__(
        self,
        model: nn.Module,
        chosen: dict[str, nn.Module],
        skipped: dict[str, str],
        *,
        tolerant: bool,
        units: Units,
        keeper: InMemory | InFile | Running,
        keep: str,
    ) -> None:
        self._chosen, self._skipped = chosen, skipped
        self._units, self._keeper, self._keep = units, keeper, keep
        measured = isinstance(keeper, Running) and keeper.magnitudes
        self._bits_alone = keep == "bits" or (keep == "statistics" and not measured)
        self._precision = "float64" if self._bits_alone else "float32" if measured else keep
        self._watch = ForwardWatch(
            model, chosen, reduce=self._reduce, end=self._end_pass, tolerant=tolerant
        )
        self._sizes: dict[str, int] = {}
        self._labels: list[np.ndarray] = []
        self.n_examples = 0  # recorded so far

    def __enter__(self) -> Self:
        if self.n_examples or self._watch.fault:
            raise ValueError("a recorder records once: make another with rote.record.torch")
        self._watch.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self._watch.__exit__(*exception)
        if exception[0] is not None:
            self._keeper.abandon(*exception)
        if isinstance(exception[1], RuntimeError) and self._watch.fault:
            raise self._watch.fault from exception[1]  # TorchScript drops what stopped its functions

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers recorded so far, in the order in which the model calls them."""
        return tuple(self._sizes)

    @property
    def skipped(self) -> MappingProxyType[str, str]:
        """Every layer that is not recorded, and why."""
        uncalled = {name: "never called" for name in self._chosen if name not in self._sizes}
        return MappingProxyType(self._skipped | uncalled | self._watch.functional)

    def label(self, labels: ArrayLike | torch.Tensor) -> None:
        """Take labels ``(n,)`` of the next examples that have none, before or after the model's call.

        Statistics without ``n_classes`` pass over them.
        """
        if isinstance(self._keeper, Running) and not self._keeper.n_classes:
            return
        values = labels.cpu().numpy() if isinstance(labels, torch.Tensor) else labels
        values = example_values("label", values, np.size(values))
        if isinstance(self._keeper, Running):
            self._keeper.label(values)
        else:
            self._labels.append(values)

    def recording(
        self,
        *,
        label: ArrayLike | None = None,
        true_label: ArrayLike | None = None,
        order: ArrayLike | None = None,
        held_out: ArrayLike | None = None,
        **notes: object,
    ) -> Recording:
        """Return the recording, with the weights around its layers as they were in the first pass.

        Arguments are those of :meth:`~rote.record.recording.Recording.from_arrays`; ``label`` may be
        left out where :meth:`label` took them all, and ``condition``, ``seed``, ``epoch``, ``source``
        and ``attrs`` must be where the recorder was made with a path. Raises ``ValueError`` if
        nothing was recorded or the model did what cannot be.
        """
        self._check()
        if isinstance(self._keeper, Running):
            raise TypeError("keep='statistics' keeps no activity for a recording: ask statistics()")
        if label is None and self._labels:
            label = np.concatenate(self._labels)
        if np.shape(label) != (self.n_examples,):
            raise ValueError(
                f"label must hold one value for each of the {self.n_examples} examples recorded, "
                f"got {'none' if label is None else f'shape {np.shape(label)}'}"
            )
        given = {"label": label, "true_label": true_label, "order": order, "held_out": held_out}
        examples = {
            name: None if values is None else example_values(name, values, self.n_examples)
            for name, values in given.items()
        }
        return self._keeper.recording(examples, **notes)

    def statistics(self) -> dict[str, Statistics]:
        """Return the statistics of each layer; a ``TypeError`` unless ``keep="statistics"``."""
        self._check()
        if not isinstance(self._keeper, Running):
            raise TypeError(f"keep={self._keep!r} keeps no statistics: ask rote.measure(recording(…))")
        return self._keeper.statistics()

    def _check(self) -> None:
        if self._watch.fault:
            raise self._watch.fault
        if not self.n_examples:
            raise ValueError(
                "nothing was recorded: call the model itself, model(inputs), inside the with block"
            )

    def _reduce(self, name: str, output: torch.Tensor, channel_axis: int) -> np.ndarray:
        """Return what is kept of a layer's ``output``: bits or activations of its units."""
        with torch.no_grad():
            values = self._units.of(output, channel_axis=channel_axis)
            self._check_range(name, *torch.stack(torch.aminmax(values)).tolist())
            if not self.n_examples:
                self._sizes[name] = values.shape[1]
            if values.shape[1] != self._sizes.get(name, values.shape[1]):
                raise ValueError(
                    f"layer {name!r} must have as many units for every input, got {values.shape[1]} "
                    f"behind {self._sizes[name]}: resize the inputs, or take unit='channel'"
                )
            if self._bits_alone:
                return pack_tensor(values > 0)
            return rounded(values, self._precision).cpu().numpy()

    def _check_range(self, name: str, low: float, high: float) -> None:
        """Raise ``ValueError`` for activations that are not finite, or too large to be kept."""
        if not (isfinite(low) and isfinite(high)):
            raise ValueError(f"activation of layer {name!r} must be finite, got {low} to {high}")
        most = float(np.finfo(self._precision).max)
        if max(-low, high) > most:
            raise ValueError(
                f"activation of layer {name!r} must lie within {most:g} of zero to be kept as "
                f"{self._precision}, got {max(-low, high):g}"
            )

    def _account(self) -> dict[str, str]:
        """Return what a recording notes on how it came about."""
        by_reason: dict[str, list[str]] = {}
        for name, reason in self.skipped.items():
            by_reason.setdefault(reason, []).append(name)
        skipped = "; ".join(f"{', '.join(names)} ({reason})" for reason, names in by_reason.items())
        units = f"unit={self._units.unit!r}, position_stride={self._units.position_stride}"
        return {
            "recorded_with": f"PyTorch {torch.__version__}, {units}",
            "not_recorded": skipped or "none",
        }

    def _end_pass(self, batch: dict[str, np.ndarray]) -> None:
        if not self.n_examples:
            self._sizes = {name: self._sizes[name] for name in batch}
            weights = self._watch.wiring.weights(self._sizes, unit=self._units.unit)
            self._keeper.begin(self._sizes, weights, self._account())
        if batch.keys() != self._sizes.keys():
            strange = ", ".join(sorted(batch.keys() ^ self._sizes.keys()))
            raise ValueError(f"every pass must call the same layers, got another choice of {strange}")
        self._keeper.add(batch)
        self.n_examples += len(next(iter(batch.values())))


def run(recorder: TorchRecorder, model: nn.Module, batches: Iterable) -> None:
    """Call ``model`` on ``batches`` of ``(inputs, labels)`` under ``recorder``, in evaluation mode.

    Without gradients, on the device of the model's parameters; every module gets its mode back.
    """
    device = next((parameter.device for parameter in model.parameters()), None)
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        with recorder, torch.no_grad():
            for batch in batches:
                if not isinstance(batch, tuple | list) or len(batch) != 2:
                    raise TypeError(
                        f"batches must be pairs (inputs, labels), got {type(batch).__name__}"
                    )
                inputs, labels = batch
                recorder.label(labels)
                model(inputs.to(device) if isinstance(inputs, torch.Tensor) else inputs)
    finally:
        for module, mode in modes.items():
            module.training = mode
