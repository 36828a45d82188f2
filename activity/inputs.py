"""Checks of what comes with activity: labels, ranks of presentation, activations."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arrays import Counts

MOST_CLASSES = 100_000  # unless the caller says that there are more: labels may be names in disguise


def count_classes(labels: ArrayLike, n_examples: int) -> int:
    """Return the largest label plus one; raise unless ``labels`` are whole numbers from 0."""
    labels = _whole_labels(labels, n_examples)
    if labels.max() >= MOST_CLASSES:
        raise ValueError(
            f"labels must number the classes from 0, got {labels.max()}: number them anew, or give "
            "n_classes"
        )
    if labels.min() < 0:
        raise ValueError(
            f"labels must lie in [0, {MOST_CLASSES - 1}], got [{labels.min()}, {labels.max()}]"
        )
    return int(labels.max()) + 1


def as_labels(labels: ArrayLike | None, n_classes: int, n_examples: int) -> Counts:
    """Return ``labels`` as 64-bit numbers, zeros if there are no classes; raise unless below these."""
    if n_classes == 0:
        if labels is not None:
            raise ValueError("labels must come with their number of classes, got n_classes=0")
        return np.zeros(n_examples, dtype=np.int64)
    if labels is None:
        raise ValueError(f"labels must be given for each of n_classes={n_classes} classes, got none")
    labels = _whole_labels(labels, n_examples)
    if labels.size and (labels.min() < 0 or labels.max() >= n_classes):
        found = f"[{labels.min()}, {labels.max()}]"
        raise ValueError(f"labels must lie in [0, {n_classes - 1}], got {found}")
    return labels.astype(np.int64)


def _whole_labels(labels: ArrayLike, n_examples: int) -> NDArray[np.integer]:
    labels = np.asarray(labels)
    if labels.dtype.kind not in "iu":
        raise TypeError(f"labels must be whole numbers, got dtype {labels.dtype}")
    if labels.shape != (n_examples,):
        raise ValueError(f"labels must have shape ({n_examples},), got {labels.shape}")
    return labels


def as_order(order: ArrayLike, n_examples: int) -> Counts:
    """Return the examples' numbers as they were presented; raise unless ``order`` ranks them."""
    ranks = np.asarray(order)
    if ranks.shape != (n_examples,) or ranks.dtype.kind not in "iu":
        raise ValueError(
            f"order must hold {n_examples} whole numbers, got {ranks.dtype} of shape {ranks.shape}"
        )
    presented = by_rank(ranks)
    if presented.size < n_examples or (ranks[presented[1:]] == ranks[presented[:-1]]).any():
        raise ValueError("order must rank the examples, got some rank twice")
    return presented


def by_rank(ranks: Counts) -> Counts:
    """Return which of distinct whole numbers comes first, second, …; twenty times as fast as a sort.

    Numbers that lie far apart, or below 0, are sorted. Of equal ones some may be missing.
    """
    if not ranks.size or ranks.min() < 0 or ranks.max() > 4 * ranks.size:
        return np.argsort(ranks, kind="stable")
    place = np.full(int(ranks.max()) + 1, -1)
    place[ranks] = np.arange(ranks.size)
    return place[place >= 0]


def as_activation(activation: ArrayLike, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Return ``activation`` as 32-bit floats; raise unless finite numbers of that shape."""
    activation = np.asarray(activation)
    if activation.dtype.kind not in "iuf":
        raise TypeError(f"activation must hold numbers, got dtype {activation.dtype}")
    if activation.shape != shape:
        raise ValueError(f"activation must have shape {shape}, got {activation.shape}")
    with np.errstate(over="ignore"):  # said below
        single = activation.astype(np.float32, copy=False)
    if not np.isfinite(single).all():
        if np.isfinite(activation).all():
            limit = np.finfo(np.float32).max
            raise ValueError(
                f"activation must lie within {limit:g} of zero, got {np.abs(activation).max():g}"
            )
        raise ValueError("activation must be finite, got not-a-number or infinity")
    return single


def class_starts(class_start: ArrayLike | None, n_classes: int) -> Counts:
    """Return how many examples of each class came before; none by default."""
    if class_start is None:
        return np.zeros(n_classes, dtype=np.int64)
    counts = np.asarray(class_start)
    if counts.dtype.kind not in "iu" or counts.shape != (n_classes,) or (counts < 0).any():
        raise ValueError(
            f"class_start must hold {n_classes} whole numbers from 0, got {counts.dtype} of shape "
            f"{counts.shape}"
        )
    return counts.astype(np.int64)
