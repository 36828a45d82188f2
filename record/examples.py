"""The examples of a recording: labels, the order of presentation, and which were held out."""

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike


def example_dataset(
    label: ArrayLike,
    true_label: ArrayLike | None,
    order: ArrayLike | None,
    held_out: ArrayLike | None,
) -> xr.Dataset:
    """Return the dataset of the examples, each variable ``(n_examples,)``; none held out by default.

    Raises ``TypeError`` for the wrong kind and ``ValueError`` for the wrong shape, for negative labels
    and for an order that holds a position twice.
    """
    if np.ndim(label) != 1 or not np.size(label):
        raise ValueError(f"label must have shape (n_examples,), not empty, got {np.shape(label)}")
    n_examples = np.size(label)
    variables = {
        "label": _labels("label", label, n_examples),
        "order": np.arange(n_examples) if order is None else _order(order, n_examples),
        "held_out": np.zeros(n_examples, dtype=np.bool_)
        if held_out is None
        else _vector("held_out", held_out, n_examples, kinds="b"),
    }
    if true_label is not None:
        variables["true_label"] = _labels("true_label", true_label, n_examples)
    for values in variables.values():
        values.flags.writeable = False
    return xr.Dataset({name: ("example", values) for name, values in variables.items()})


def _vector(name: str, values: ArrayLike, n_examples: int, *, kinds: str) -> np.ndarray:
    """Return a copy of ``values`` as booleans or as 64-bit whole numbers, one for each example."""
    vector = np.asarray(values)
    if vector.dtype.kind not in kinds:
        wanted = "booleans" if kinds == "b" else "whole numbers"
        raise TypeError(f"{name} must hold {wanted}, got dtype {vector.dtype}")
    if vector.shape != (n_examples,):
        raise ValueError(
            f"{name} must hold one value for each of the {n_examples} examples of label, "
            f"got shape {vector.shape}"
        )
    return vector.astype(np.bool_ if kinds == "b" else np.int64)


def _labels(name: str, values: ArrayLike, n_examples: int) -> np.ndarray:
    labels = _vector(name, values, n_examples, kinds="iu")
    if labels.min() < 0:
        where = int(labels.argmin())
        raise ValueError(f"{name} must be at least 0, got {labels[where]} at example {where}")
    return labels


def _order(values: ArrayLike, n_examples: int) -> np.ndarray:
    order = _vector("order", values, n_examples, kinds="iu")
    position, times = np.unique(order, return_counts=True)
    if times.max() > 1:
        raise ValueError(
            f"order must give each example a position of its own, got position "
            f"{position[times.argmax()]} {times.max()} times"
        )
    return order
