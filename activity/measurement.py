"""One pass over activity gives its :class:`~rote.activity.statistics.Statistics`."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arrays import Activity
from .checks import as_activity, check_count, check_generator
from .inputs import as_activation, as_labels, as_order, count_classes
from .packing import pack
from .statistics import Statistics
from .tally import WINDOW, Tally


def measure(
    active: Activity,
    *,
    labels: ArrayLike | None = None,
    n_classes: int | None = None,
    order: ArrayLike | None = None,
    activation: NDArray[np.floating] | None = None,
    window: int = WINDOW,
    pairs: bool = True,
    rng: np.random.Generator | None = None,
) -> Statistics:
    """Measure activity of shape ``(n_examples, n_units)``.

    ``labels`` (n_examples,) are whole numbers from 0 to below ``n_classes`` (default: the largest
    label plus one); ``order`` (n_examples,) ranks the examples by presentation (default: as they
    stand); ``activation`` has the shape of ``active`` and adds magnitudes, as 32-bit floats; without
    ``pairs`` pairs of units are not counted, which would take 8 bytes for each; ``rng`` draws a random
    order and adds its windows. Raises ``TypeError`` for the wrong kind and ``ValueError`` for the wrong
    shape or value.
    """
    active = as_activity("active", active)
    n_examples, n_units = active.shape
    if labels is None and n_classes is not None:
        raise ValueError(f"n_classes must come with labels, got n_classes={n_classes} alone")
    if n_classes is None:
        n_classes = 0 if labels is None else count_classes(labels, n_examples)
    elif check_count("n_classes", n_classes):
        labels = as_labels(labels, n_classes, n_examples)
    tally = Tally(n_units, n_classes=n_classes, window=window, pairs=pairs)
    words = pack(active)
    presented = slice(None) if order is None else as_order(order, n_examples)
    tally.add(
        words[presented],
        labels=None if labels is None else np.asarray(labels)[presented],
        activation=None if activation is None else as_activation(activation, active.shape)[presented],
    )
    if rng is not None:
        tally.add_shuffled(words[check_generator(rng).permutation(n_examples)])
    return tally.statistics()
