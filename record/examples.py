"""The examples of a recording: labels, the order of presentation, and which were held out."""

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from ..activity.inputs import by_rank
from .schema import EXAMPLE_KINDS


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
    n = np.size(label)
    variables = {
        "label": example_values("label", label, n),
        "order": np.arange(n) if order is None else example_values("order", order, n),
        "held_out": np.zeros(n, np.bool_)
        if held_out is None
        else example_values("held_out", held_out, n),
    }
    if true_label is not None:
        variables["true_label"] = example_values("true_label", true_label, n)
    check_ranks(variables["order"])
    for values in variables.values():
        values.flags.writeable = False
    return xr.Dataset({name: ("example", values) for name, values in variables.items()})


def example_values(name: str, values: ArrayLike, n_examples: int) -> np.ndarray:
    """Return a copy of ``values`` as booleans or as 64-bit whole numbers, one for each example.

    ``name`` is one of ``EXAMPLE_KINDS``. Raises ``TypeError`` for the wrong kind and ``ValueError`` for
    the wrong shape and for negative labels.
    """
    vector, kind = np.asarray(values), EXAMPLE_KINDS[name]
    if vector.dtype.kind not in ("b" if kind == "b" else "iu"):
        wanted = "booleans" if kind == "b" else "whole numbers"
        raise TypeError(f"{name} must hold {wanted}, got dtype {vector.dtype}")
    if vector.shape != (n_examples,):
        raise ValueError(
            f"{name} must hold one value for each of the {n_examples} examples of label, "
            f"got shape {vector.shape}"
        )
    vector = vector.astype(np.bool_ if kind == "b" else np.int64)
    if "label" in name:
        check_labels(name, vector)
    return vector


def check_labels(name: str, labels: np.ndarray) -> None:
    """Raise ``ValueError`` for a label below zero."""
    if labels.size and labels.min() < 0:
        where = int(labels.argmin())
        raise ValueError(f"{name} must be at least 0, got {labels[where]} at example {where}")


def check_ranks(order: np.ndarray) -> None:
    """Raise ``ValueError`` for an order that holds a position twice."""
    if (order[1:] > order[:-1]).all():
        return
    sorted_order = order[by_rank(order)]
    if sorted_order.size < order.size:  # of equal ones some are missing
        sorted_order = np.sort(order)
    if (twice := sorted_order[1:][sorted_order[1:] == sorted_order[:-1]]).size:
        raise ValueError(
            f"order must give each example a position of its own, got position {twice[0]} "
            f"{(order == twice[0]).sum()} times"
        )
