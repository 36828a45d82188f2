"""From a recording to the statistics of its layers, by the code that measures drawn activity."""

from ..activity.arrays import Counts
from ..activity.checks import check_choice
from ..activity.measurement import WINDOW
from ..activity.measurement import measure as measure_activity
from ..activity.statistics import Statistics
from ..activity.words import CLASSES
from .layers import chosen
from .recording import Recording


def measure(
    recording: Recording,
    *,
    held_out: bool | None = False,
    classes: str = "label",
    window: int = WINDOW,
) -> dict[str, Statistics]:
    """Return the statistics of every layer, by its name.

    ``held_out`` chooses the examples: ``False`` those trained on, ``True`` those held out, ``None``
    all. ``classes`` says which labels make the classes, "label" or "true_label"; their number is the
    same for every choice of examples, so that statistics of the two parts can be added. ``window`` is
    in examples. Windows follow the order of presentation, magnitudes are measured where activations
    were kept. Raises ``ValueError`` where there are no such examples or labels.
    """
    labels, n_classes = _classes(recording, classes)
    rows = chosen(recording.tree, held_out)
    if not labels[rows].size:
        part = "held-out" if held_out else "training"
        raise ValueError(f"recording {recording.network} holds no {part} examples")
    statistics = {}
    for name in recording.layers:
        layer = recording[name]
        statistics[name] = measure_activity(
            layer.active(held_out),
            labels=labels[rows],
            n_classes=n_classes,
            order=recording.order[rows],
            activation=layer.activation(held_out),
            window=window,
        )
    return statistics


def _classes(recording: Recording, classes: str) -> tuple[Counts, int]:
    """Return the labels that make the classes and how many classes there are, over all labels."""
    known = {"label": recording.label, "true_label": recording.true_label}
    labels = known[check_choice("classes", classes, CLASSES)]
    if labels is None:
        raise ValueError(
            f"recording {recording.network} holds no true_label: give true_label to "
            "Recording.from_arrays, or take classes='label'"
        )
    return labels, 1 + max(int(each.max()) for each in known.values() if each is not None)
