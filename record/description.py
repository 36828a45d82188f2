"""A recording in a few lines of text, for people."""

import numpy as np

from ..activity.popcount import active_count
from .layers import RecordedLayer, chosen
from .portions import read_ahead, word_portions
from .recording import Recording


def describe(recording: Recording) -> str:
    """Return a summary of several lines: what was recorded of which network, and how active it was.

    Rates are means over the examples trained on, or over all if there are no such. Reads every bit of
    activity, no activations and no weights.
    """
    n_held_out = int(recording.held_out.sum())
    n_trained = recording.n_examples - n_held_out
    n_classes = np.unique(recording.label).size
    facts = {
        "network": recording.network,
        "condition": recording.condition,
        "seed": recording.seed,
        "epoch": recording.epoch,
        "source": recording.source,
        "written by": recording.tree.attrs["created_by"],
        "examples": f"{n_trained} trained on, {n_held_out} held out, {n_classes} classes",
        **recording.attrs,
    }
    if recording.path:
        parts = recording.path.rglob("*") if recording.path.is_dir() else [recording.path]
        size = sum(part.stat().st_size for part in parts if part.is_file())
        facts |= {"file": f"{recording.path} ({size / 1000:.1f} kB)"}
    width = max(len(name) for name in facts)
    lines = [f"{name:<{width}}  {value}" for name, value in facts.items()]
    part = False if n_trained else None
    name_width = max(len("layer"), *map(len, recording.layers))
    lines += ["", f"{'layer':<{name_width}}  units   rate  dead  recorded"]
    lines += [_row(recording[name], part, name_width) for name in recording.layers]
    return "\n".join(lines)


def _row(layer: RecordedLayer, held_out: bool | None, width: int) -> str:
    rows = np.arange(len(layer.node.parent["held_out"]))[chosen(layer.node.parent, held_out)]
    count = sum(active_count(words) for words in read_ahead(word_portions(layer, rows)))
    rate = count[: layer.n_units] / rows.size
    parts = [
        "bits" if part == "active_words" else f"{part} {'x'.join(map(str, shape))}"
        for part, shape in layer.parts.items()
    ]
    dead = int((rate == 0).sum())
    return f"{layer.name:<{width}}  {layer.n_units:>5}  {rate.mean():.3f}  {dead:>4}  {', '.join(parts)}"
