"""The statistics of activity: what theory predicts, recordings become and models are fitted from.

All are counts or sums over examples, so chunks of examples, files or machines are measured apart
and added. With s_it = 1 where unit i is active on example t, T examples and N units:

    rate                p_i = Σ_t s_it / T
    Fano factor         F_i = Var(count in a window of W examples) / E(count)
    excess Fano factor  F_i - (1 - p_i), zero for examples in random order
    population count    n_t = Σ_i s_it
    covariance          c_ij = Σ_t s_it s_jt / T - p_i p_j
    participation ratio (tr C)² / tr C²

A window of the *recorded* order holds W successive examples; a window of the *class* order holds W
examples of one class. What is left over at the end of an order, or of a class, enters no window.
"""

from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from .arrays import Counts, Floats
from .checks import check_choice
from .covariance import correlation_matrix, distinct_pairs, participation_ratio

ORDERS = ("recorded", "class")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Statistics:
    """Additive statistics of one layer; ``a + b`` are those of both sets of examples together."""

    n_examples: int
    window: int  # examples in a window of the Fano factor
    active_count: Counts  # (n_units,) examples on which a unit is active
    population_histogram: Counts  # (n_units + 1,) examples on which so many units are active
    coactive_count: Counts  # (n_units, n_units) examples on which both units are active
    class_examples: Counts  # (n_classes,) examples of a class
    class_active: Counts  # (n_classes, n_units) of them, those on which a unit is active
    n_windows: Counts  # (2,) windows in the recorded and in the class order
    window_sum: Counts  # (2, n_units) counts summed over windows
    window_square: Counts  # (2, n_units) squared counts summed over windows
    magnitude_sum: Floats  # (n_units,) of activations above zero; nan where only bits are known
    magnitude_square: Floats  # (n_units,) of their squares

    def __add__(self, other: Self) -> Self:
        """Return the statistics of both sets of examples; a ``TypeError`` for anything else."""
        if not isinstance(other, Statistics):
            return NotImplemented
        mine, theirs = ((s.window, s.n_units, s.n_classes) for s in (self, other))
        if mine != theirs:
            raise ValueError(
                f"statistics add only with equal (window, n_units, n_classes), got {mine} and {theirs}"
            )
        sums = {f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)}
        return type(self)(**(sums | {"window": self.window}))

    @property
    def n_units(self) -> int:
        """Number of units of the layer."""
        return self.active_count.size

    @property
    def n_classes(self) -> int:
        """Number of classes; 0 if the activity was measured without labels."""
        return self.class_examples.size

    @property
    def rate(self) -> Floats:
        """Share of examples on which a unit is active: ``(n_units,)``."""
        return self.active_count / self.n_examples

    @property
    def dead(self) -> np.ndarray:
        """Units that were never active: boolean ``(n_units,)``."""
        return self.active_count == 0

    def fano_factor(self, order: str = "recorded") -> Floats:
        """Return variance over mean of windowed counts, ``(n_units,)``; nan for dead units.

        ``order`` is ``"recorded"`` or ``"class"``; a ``ValueError`` with fewer than two windows.
        """
        which = ORDERS.index(check_choice("order", order, ORDERS))
        n = self.n_windows[which]
        if n < 2:
            raise ValueError(
                f"the Fano factor in {order} order needs two windows of {self.window} examples, "
                f"got {n}: record more examples{', give labels,' * which} or take a smaller window"
            )
        mean = self.window_sum[which] / n
        variance = (self.window_square[which] - n * mean**2) / (n - 1)
        return np.divide(variance, mean, out=np.full(self.n_units, np.nan), where=mean > 0)

    def excess_fano(self, order: str = "recorded") -> Floats:
        """Return the Fano factor less the ``1 - rate`` of a random order: ``(n_units,)``."""
        return self.fano_factor(order) - (1 - self.rate)

    @property
    def covariance(self) -> Floats:
        """Covariance of every pair of units over examples: ``(n_units, n_units)``."""
        return self.coactive_count / self.n_examples - np.outer(self.rate, self.rate)

    @property
    def correlation(self) -> Floats:
        """Pearson correlation of every pair of units; nan where a unit never changes."""
        return correlation_matrix(self.covariance)

    @property
    def pair_correlation(self) -> Floats:
        """Correlations of the pairs of distinct units that do change: a flat array."""
        return distinct_pairs(self.correlation)

    @property
    def participation_ratio(self) -> float:
        """Effective number of dimensions of the activity, between 1 and ``n_units``."""
        return participation_ratio(self.covariance)

    @property
    def class_rate(self) -> Floats:
        """Rate of each unit within each class: ``(n_classes, n_units)``; nan for empty classes."""
        examples = self.class_examples[:, None].astype(np.float64)
        empty = np.full(self.class_active.shape, np.nan)
        return np.divide(self.class_active, examples, out=empty, where=examples > 0)

    @property
    def class_share(self) -> float:
        """Share of the layer's variance that lies between classes.

        The sum over units of the between-class variance, freed of its sampling bias, over the sum
        of p_i (1 - p_i): Kelley's epsilon squared, about 0 for classes without a difference; nan for a
        layer that never changes. A ``ValueError`` with one class, or with one example in each.
        """
        present = self.class_examples > 0
        n_classes, n = present.sum(), self.class_examples.sum()
        if n_classes < 2:
            raise ValueError(f"the share between classes needs two classes, got {n_classes}")
        if n == n_classes:
            raise ValueError("the share between classes needs two examples of a class, got one of each")
        size, within = self.class_examples[present, None], self.class_rate[present]
        rate = self.class_active.sum(axis=0) / n
        between_sum = (size * (within - rate) ** 2).sum()
        within_sum = (size * within * (1 - within)).sum()
        bias = (n_classes - 1) * within_sum / (n - n_classes)
        total = between_sum + within_sum
        return float((between_sum - bias) / total) if total > 0 else float("nan")

    @property
    def mean_magnitude(self) -> Floats:
        """Mean activation of a unit where it is active: ``(n_units,)``; nan for dead units."""
        return np.divide(
            self.magnitude_sum,
            self.active_count,
            out=np.full(self.n_units, np.nan),
            where=self.active_count > 0,
        )
