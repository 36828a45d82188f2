"""What the arrays of a recording hold: finite numbers, labels from 0, an order, and bits that belong.

Opening a recording looks at what is small: labels, order and weights of up to ``SMALL`` bytes.
What may be large, bits and activations, is looked at row by row: when a recording is saved, counted, or
verified.
"""

import numpy as np
import xarray as xr

from ..activity.packing import WORD, unpack
from .examples import check_labels, check_ranks
from .reading import read
from .schema import EXAMPLE_KINDS, LAYER_AXES

ROWS = ("active_words", "activation")  # parts with a row for each example
SMALL = 1 << 26  # bytes of an array that opening reads, at most


def check_contents(tree: xr.DataTree, *, all_weights: bool = False) -> None:
    """Raise ``ValueError`` for labels, an order or weights that cannot be; reads no rows of layers."""
    for name in (name for name in EXAMPLE_KINDS if name in tree.dataset):
        values = read(tree, name)
        if "label" in name:
            check_labels(name, values)
        if name == "order":
            check_ranks(values)
    for name, node in tree.children.items():
        for part in (part for part in LAYER_AXES if part in node.dataset and part not in ROWS):
            if all_weights or node[part].nbytes <= SMALL:
                check_finite(f"{part} of layer {name!r}", read(node, part))


def checked_rows(node: xr.DataTree, part: str, start: int, stop: int) -> np.ndarray:
    """Return rows of a part of a layer; a ``ValueError`` for stray bits and for numbers against them."""
    rows, n_units, name = read(node, part, slice(start, stop)), int(node.attrs["n_units"]), node.name
    if part == "active_words":
        stray = rows[:, -1] >> np.uint64(n_units % WORD) if n_units % WORD else np.zeros(1)
        if stray.any():
            raise ValueError(
                f"active_words of layer {name!r} must hold no bits behind its {n_units} units, got some "
                f"at example {start + int(np.flatnonzero(stray)[0])}"
            )
        return rows
    check_finite(f"{part} of layer {name!r}", rows, start)
    words = read(node, "active_words", slice(start, stop))
    apart = np.argwhere((rows > 0) != unpack(words, n_units))
    if apart.size:
        example, unit = apart[0].tolist()
        raise ValueError(
            f"activation of layer {name!r} must be above zero where active_words say so, got "
            f"{rows[example, unit]} at example {start + example}, unit {unit}"
        )
    return rows


def check_finite(name: str, values: np.ndarray, start: int = 0) -> None:
    """Raise ``ValueError`` unless all ``values``, whose first has place ``start``, are finite."""
    if not (finite := np.isfinite(values)).all():
        place = np.argwhere(~finite)[0].tolist()
        found = values[tuple(place)]
        place[0] += start
        raise ValueError(f"{name} must be finite, got {found} at {tuple(place)}")
