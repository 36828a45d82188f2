"""From a recording to the statistics of its layers, by the code that measures drawn activity.

A layer is read in portions (:mod:`rote.record.portions`), however large it is: bits and activations at
once where the file is in the order of presentation, and else the bits first, in that order.
"""

import numpy as np

from ..activity.arrays import Counts
from ..activity.checks import check_choice, check_count, check_generator
from ..activity.inputs import MOST_CLASSES, by_rank
from ..activity.statistics import Statistics
from ..activity.tally import WINDOW, Tally
from ..activity.words import CLASSES
from .layers import RecordedLayer, chosen
from .portions import activation_portions, in_file_order, read_ahead, word_portions
from .reading import naming
from .recording import Recording


def measure(
    recording: Recording,
    *,
    held_out: bool | None = False,
    classes: str = "label",
    window: int = WINDOW,
    pairs: bool = True,
    rng: np.random.Generator | None = None,
) -> dict[str, Statistics]:
    """Return the statistics of every layer, by its name.

    ``held_out`` chooses the examples: ``False`` those trained on, ``True`` those held out, ``None``
    all. ``classes`` says which labels make the classes, "label" or "true_label"; their number is the
    same for every choice of examples, so that statistics of the two parts can be added. ``window`` is
    in examples. Windows follow the order of presentation, magnitudes are measured where activations
    were kept; without ``pairs`` pairs of units are not counted, which would take 8 bytes for each;
    ``rng`` draws a random order of the examples, the same for all layers, and adds its
    windows. Raises ``ValueError`` where there are no such examples or labels.
    """
    shuffled = _shuffled(recording, held_out, rng)
    how = {"held_out": held_out, "classes": classes, "window": window, "pairs": pairs}
    return {
        name: _tally(recording, name, 0, None, shuffled=shuffled, **how).statistics()
        for name in recording.layers
    }


def tally(
    recording: Recording,
    layer: str,
    *,
    start: int = 0,
    stop: int | None = None,
    held_out: bool | None = False,
    classes: str = "label",
    window: int = WINDOW,
    pairs: bool = True,
    rng: np.random.Generator | None = None,
) -> Tally:
    """Count a stretch of a layer's examples, places ``start`` to before ``stop`` in the order presented.

    Stretches counted apart, on other machines as well, add up: the sum of consecutive ones has the
    statistics of the whole, to the last bit. For that ``rng`` must come in the same state to all of
    them: it draws the random order of all examples, of which a stretch counts the same places. The
    other arguments and errors are those of :func:`measure`; a ``ValueError`` unless 0 <= start < stop
    <= the number of chosen examples.
    """
    shuffled = _shuffled(recording, held_out, rng)
    how = {"held_out": held_out, "classes": classes, "window": window, "pairs": pairs}
    return _tally(recording, layer, start, stop, shuffled=shuffled, **how)


def _tally(
    recording: Recording,
    layer: str,
    start: int,
    stop: int | None,
    *,
    held_out: bool | None,
    classes: str,
    window: int,
    pairs: bool,
    shuffled: Counts | None,
) -> Tally:
    labels, n_classes = _classes(recording, classes)
    rows = presented_rows(recording, held_out)
    stop = rows.size if stop is None else check_count("stop", stop)
    if not check_count("start", start, least=0) < stop <= rows.size:
        raise ValueError(
            f"start and stop must follow 0 <= start < stop <= {rows.size}, got {start} and {stop}"
        )
    before, rows = rows[:start], rows[start:stop]
    counted = Tally(
        recording[layer].n_units,
        n_classes=n_classes,
        window=window,
        pairs=pairs,
        start=start,
        class_start=np.bincount(labels[before], minlength=n_classes),
    )
    with naming(f"layer {layer!r} of recording {recording.path or recording.network}", ValueError):
        _count(counted, recording[layer], rows, labels)
        if shuffled is not None:
            for words in read_ahead(word_portions(recording[layer], shuffled[start:stop])):
                counted.add_shuffled(words)
    return counted


def _count(counted: Tally, layer: RecordedLayer, rows: Counts, labels: Counts) -> None:
    done, active = 0, "activation" in layer.parts
    if active and in_file_order(rows):  # bits and activations at once
        for words, activation in read_ahead(activation_portions(layer, rows)):
            here = labels[rows[done : done + len(words)]]
            counted.add(words, labels=here, activation=activation)
            done += len(words)
        return
    for words in read_ahead(word_portions(layer, rows)):
        counted.add(words, labels=labels[rows[done : done + len(words)]])
        done += len(words)
    if active:
        for words, activation in read_ahead(activation_portions(layer, rows)):
            counted.add_activation(words, activation)


def _shuffled(
    recording: Recording, held_out: bool | None, rng: np.random.Generator | None
) -> Counts | None:
    """Return the numbers of the chosen examples in a random order, if one is asked for."""
    if rng is None:
        return None
    return check_generator(rng).permutation(presented_rows(recording, held_out))


def presented_rows(recording: Recording, held_out: bool | None) -> Counts:
    """Return the numbers of the chosen examples as they were presented; raise if there are none."""
    rows = np.arange(recording.n_examples)[chosen(recording.tree, held_out)]
    if not rows.size:
        part = "held-out" if held_out else "training"
        raise ValueError(f"recording {recording.network} holds no {part} examples")
    order = recording.order[rows]
    return rows if in_file_order(order) else rows[by_rank(order)]


def _classes(recording: Recording, classes: str) -> tuple[Counts, int]:
    """Return the labels that make the classes and how many classes there are, over all labels."""
    known = {"label": recording.label, "true_label": recording.true_label}
    labels = known[check_choice("classes", classes, CLASSES)]
    if labels is None:
        raise ValueError(
            f"recording {recording.network} holds no true_label: give true_label to "
            "Recording.from_arrays, or take classes='label'"
        )
    most = max(int(each.max()) for each in known.values() if each is not None)
    if most >= MOST_CLASSES:
        raise ValueError(
            f"labels of recording {recording.path or recording.network} must number the classes from 0 "
            f"to below {MOST_CLASSES:,}, got {most}: number them anew"
        )
    return labels, 1 + most
