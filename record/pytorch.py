"""Activity of a PyTorch model, recorded while it is called.

    with rote.record.torch(model, layers="*relu*") as recorder:
        for inputs, labels in loader:
            model(inputs)
            recorder.label(labels)
    recording = recorder.recording(condition="memorizing", seed=0, epoch=9, source="…")

The model stays as it was: hooks go when the block ends, however it ends. Nothing is changed about
its mode either; ``model.eval()`` and ``torch.no_grad()`` are the caller's to choose, and
:func:`record_torch` chooses both. :mod:`rote.record.torch_passes` tells what stops a recording,
:mod:`rote.record.torch_units` what a unit is, and :mod:`rote.record.torch_wiring` which weights are
taken along.
"""

from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from ..activity.checks import check_choice
from ..activity.statistics import Statistics
from .keepers import InFile, InMemory, Running
from .notes import checked_notes
from .recording import Recording

if TYPE_CHECKING:
    from torch import nn

    from .torch_recorder import TorchRecorder

KEEP = ("bits", "float16", "float32", "statistics")
EXAMPLES = ("true_label", "order", "held_out")
NOTES = ("condition", "seed", "epoch", "source", "attrs")


def torch(
    model: "nn.Module",
    *,
    layers: str | Sequence[str] | None = None,
    unit: str = "position",
    position_stride: int = 1,
    keep: str = "bits",
    path: str | Path | None = None,
    **options: object,
) -> "TorchRecorder":
    """Return a recorder of ``model``: a context manager, within which the model is called.

    Parameters
    ----------
    layers : name or pattern (``"features.*"``) of the modules to record, or several. By default, and
        by patterns, ReLU-like modules are found; a name in full takes any module.
    unit, position_stride : what a unit is in layers with positions, and how many positions are
        skipped: "position" makes a unit of a channel at a position, "channel" of a channel.
    keep : "bits"; "float16" or "float32", activations in that precision as well; or "statistics",
        :class:`rote.activity.Statistics` alone.
    path : file to write the recording to while it is made, so that memory stays flat; needs
        ``condition``, ``seed``, ``epoch`` and ``source`` among the options, and takes ``attrs``, all of
        :meth:`~rote.record.recording.Recording.from_arrays`.
    options : those, with a path; with ``keep="statistics"``, ``n_classes`` (labels come by
        ``recorder.label``), ``window``, ``pairs`` (``False`` counts no pairs of units, which would take
        8 bytes for each) and ``magnitudes`` (``True`` measures them: activations leave the device, not
        bits).

    Raises ``ModuleNotFoundError`` without PyTorch, ``TypeError`` or ``ValueError`` for a model whose
    modules are not called one by one (compiled, scripted), for layers that name nothing and for the
    wrong options; within the block, ``ValueError`` as soon as the model does what cannot be recorded.
    """
    if find_spec("torch") is None:
        raise ModuleNotFoundError("recording PyTorch models needs PyTorch: pip install torch")
    from .torch_modules import check_model, choose_modules, named_in_full
    from .torch_recorder import TorchRecorder
    from .torch_units import Units

    check_model(model)
    keeper = _keeper(check_choice("keep", keep, KEEP), path, options)
    chosen, skipped = choose_modules(model, layers)
    return TorchRecorder(
        model,
        chosen,
        skipped,
        tolerant=named_in_full(layers),
        units=Units(unit=unit, position_stride=position_stride),
        keeper=keeper,
        keep=keep,
    )


def record_torch(model: "nn.Module", batches: Iterable, **options: object) -> Recording:
    """Return the recording of ``model`` on ``batches`` of ``(inputs, labels)``, such as a DataLoader's.

    The model runs in evaluation mode, without gradients, on the device of its parameters, and gets
    its mode back. ``options`` are those of :func:`torch` and of ``Recording.from_arrays``, ``label``
    excepted; errors are theirs, and a ``TypeError`` for batches of another form.
    """
    check_choice("keep", options.get("keep", "bits"), KEEP[:-1])
    examples = {name: options.pop(name) for name in EXAMPLES if name in options}
    notes = {}
    if options.get("path") is None:
        notes = {name: options.pop(name) for name in NOTES if name in options}
        checked_notes(**({"attrs": None} | notes))  # complain now, not behind the last batch
    return _run(model, batches, options).recording(**examples, **notes)


def measure_torch(model: "nn.Module", batches: Iterable, **options: object) -> dict[str, Statistics]:
    """Return the statistics of each layer of ``model`` on ``batches``, as :func:`record_torch` runs it.

    Nothing else is kept: memory does not grow with the number of examples. ``options`` are those of
    :func:`torch`, ``n_classes``, ``window``, ``pairs`` and ``magnitudes`` included; without
    ``n_classes``, labels are passed over.
    """
    return _run(model, batches, options | {"keep": "statistics"}).statistics()


def _run(model: "nn.Module", batches: Iterable, options: dict[str, object]) -> "TorchRecorder":
    from .torch_recorder import run

    recorder = torch(model, **options)
    run(recorder, model, batches)
    return recorder


def _keeper(
    keep: str, path: str | Path | None, options: dict[str, object]
) -> InMemory | InFile | Running:
    precision = keep if keep.startswith("float") else False
    if keep == "statistics":
        if path is not None:
            raise ValueError("keep='statistics' writes no file: leave out path")
        return Running(**options)
    if path is not None:
        return InFile(path, precision, options)
    if options:
        raise TypeError(f"{', '.join(options)} must be given to recording(…), or together with path")
    return InMemory(precision)
