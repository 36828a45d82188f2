"""One pass over activity gives its :class:`~rote.activity.statistics.Statistics`."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arrays import Activity, Counts
from .checks import as_activity, check_count
from .popcount import coactive_count
from .statistics import Statistics

MOST_CLASSES = 100_000  # unless the caller says that there are more: labels may be names in disguise
WINDOW = 20  # examples; small enough for several windows of one class in a small data set


def measure(
    active: Activity,
    *,
    labels: ArrayLike | None = None,
    n_classes: int | None = None,
    order: ArrayLike | None = None,
    activation: NDArray[np.floating] | None = None,
    window: int = WINDOW,
) -> Statistics:
    """Measure activity of shape ``(n_examples, n_units)``.

    ``labels`` (n_examples,) are whole numbers from 0 to below ``n_classes`` (default: the largest
    label plus one); ``order`` (n_examples,) ranks the examples by presentation (default: as they
    stand); ``activation`` has the shape of ``active`` and adds magnitudes. Raises ``TypeError`` for
    the wrong kind and ``ValueError`` for the wrong shape or value.
    """
    active = as_activity("active", active)
    n_examples, n_units = active.shape
    window = check_count("window", window, least=2)
    labels, n_classes = _as_labels(labels, n_classes, n_examples)
    presented = active if order is None else active[np.argsort(_as_order(order, n_examples))]
    presented_labels = labels if order is None else labels[np.argsort(np.asarray(order))]
    blocks = [presented] + [presented[presented_labels == c] for c in range(n_classes)]
    recorded, *by_class = (_window_moments(block, window) for block in blocks)
    pooled = tuple(sum(part) for part in zip(*by_class, strict=True)) if by_class else (0, 0, 0)
    magnitude_sum, magnitude_square = _magnitudes(active, activation)
    coactive = coactive_count(active)
    return Statistics(
        n_examples=n_examples,
        window=window,
        active_count=np.diag(coactive).copy(),
        population_histogram=np.bincount(active.sum(axis=1), minlength=n_units + 1),
        coactive_count=coactive,
        class_examples=np.bincount(labels, minlength=n_classes)[:n_classes],
        class_active=np.array([block.sum(axis=0) for block in blocks[1:]], dtype=np.int64).reshape(
            n_classes, n_units
        ),
        n_windows=np.array([recorded[0], pooled[0]]),
        window_sum=np.stack(np.broadcast_arrays(recorded[1], pooled[1])),
        window_square=np.stack(np.broadcast_arrays(recorded[2], pooled[2])),
        magnitude_sum=magnitude_sum,
        magnitude_square=magnitude_square,
    )


def _as_labels(labels: ArrayLike | None, n_classes: int | None, n_examples: int) -> tuple[Counts, int]:
    if labels is None:
        if n_classes is not None:
            raise ValueError(f"n_classes must come with labels, got n_classes={n_classes} alone")
        return np.zeros(n_examples, dtype=np.int64), 0
    labels = np.asarray(labels)
    if labels.dtype.kind not in "iu":
        raise TypeError(f"labels must be whole numbers, got dtype {labels.dtype}")
    if labels.shape != (n_examples,):
        raise ValueError(f"labels must have shape ({n_examples},), got {labels.shape}")
    if n_classes is None and labels.max() >= MOST_CLASSES:
        raise ValueError(
            f"labels must number the classes from 0, got {labels.max()}: number them anew, or give "
            "n_classes"
        )
    most = int(labels.max()) + 1 if n_classes is None else check_count("n_classes", n_classes)
    if labels.min() < 0 or labels.max() >= most:
        found = f"[{labels.min()}, {labels.max()}]"
        raise ValueError(f"labels must lie in [0, {most - 1}], got {found}")
    return labels.astype(np.int64), most


def _as_order(order: ArrayLike, n_examples: int) -> Counts:
    ranks = np.asarray(order)
    if ranks.shape != (n_examples,) or ranks.dtype.kind not in "iu":
        raise ValueError(
            f"order must hold {n_examples} whole numbers, got {ranks.dtype} of shape {ranks.shape}"
        )
    if np.unique(ranks).size != n_examples:
        raise ValueError("order must rank the examples, got some rank twice")
    return ranks


def _window_moments(active: Activity, window: int) -> tuple[int, Counts, Counts]:
    """Return the number of whole windows, and the counts and their squares summed over them."""
    n_windows = active.shape[0] // window
    whole = active[: n_windows * window].reshape(n_windows, window, active.shape[1])
    counts = whole.sum(axis=1, dtype=np.int64)
    return n_windows, counts.sum(axis=0), (counts**2).sum(axis=0)


def _magnitudes(
    active: Activity, activation: NDArray[np.floating] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    n_units = active.shape[1]
    if activation is None:
        return np.full(n_units, np.nan), np.full(n_units, np.nan)
    activation = np.asarray(activation)
    if activation.dtype.kind not in "iuf":
        raise TypeError(f"activation must hold numbers, got dtype {activation.dtype}")
    if activation.shape != active.shape:
        raise ValueError(f"activation must have shape {active.shape}, got {activation.shape}")
    if not np.isfinite(activation).all():
        raise ValueError("activation must be finite, got not-a-number or infinity")
    loud = np.where(active, activation, 0).astype(np.float64)
    return loud.sum(axis=0), np.square(loud).sum(axis=0)
