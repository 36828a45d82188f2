"""The statistics of activity: what theory predicts, recordings become and models are fitted from.

All are counts or sums over examples, so chunks of examples, files or machines are measured apart
and added. With s_it = 1 where unit i is active on example t, T examples and N units:

    rate                p_i = Σ_t s_it / T
    Fano factor         F_i = Var(count in a window of W examples) / E(count)
    excess Fano factor  F_i - (1 - p_i), zero for examples in random order
    population count    n_t = Σ_i s_it
    interval            t - s of successive activations s < t of a unit
    covariance          c_ij = Σ_t s_it s_jt / T - p_i p_j
    participation ratio (tr C)² / tr C²

A window of the *recorded* order holds W successive examples, one of the *class* order W examples of one
class, one of the *shuffled* order W examples at random. What is left over at the end of an order, or
of a class, enters no window. An interval of the recorded order falls into bin b of its unit's histogram
if it is 2^b to 2^(b+1) - 1 examples long.
"""

from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from .arrays import Counts, Floats
from .checks import check_choice
from .covariance import correlation_matrix, distinct_pairs, participation_ratio
from .exact_sums import SQUARE_UNIT, SUM_UNIT, carried, rounded

ORDERS = ("recorded", "class")  # that theory tells apart
WINDOW_ORDERS = (*ORDERS, "shuffled")  # that are measured


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Statistics:
    """Additive statistics of one layer; ``a + b`` are those of both sets of examples together."""

    n_examples: int
    window: int  # examples in a window of the Fano factor
    active_count: Counts  # (n_units,) examples on which a unit is active
    population_histogram: Counts  # (n_units + 1,) examples on which so many units are active
    coactive_count: Counts  # (n_units, n_units) examples on which both are active; (0, 0) if not counted
    class_examples: Counts  # (n_classes,) examples of a class
    class_active: Counts  # (n_classes, n_units) of them, those on which a unit is active
    window_histogram: Counts  # (3, n_units, window + 1) windows in which a unit is active so often, in
    # the recorded, the class and the shuffled order
    interval_histogram: Counts  # (n_units, n_bins) intervals in the recorded order, by their length
    interval_sum: Counts  # (n_units,) of the intervals' lengths
    interval_square: Counts  # (n_units,) of their squares
    n_magnitudes: int  # examples whose activations are known
    magnitude_digits: Counts  # (n_units, 10) sum of the activations of active units, exact
    magnitude_square_digits: Counts  # (n_units, 19) and of their squares
    magnitude_histogram: Counts  # (n_units, 256) these activations by magnitude_bins

    def __add__(self, other: Self) -> Self:
        """Return the statistics of both sets of examples; a ``TypeError`` for anything else."""
        if not isinstance(other, Statistics):
            return NotImplemented
        mine, theirs = ((s.window, s.n_units, s.n_classes) for s in (self, other))
        if mine != theirs:
            raise ValueError(
                f"statistics add only with equal (window, n_units, n_classes), got {mine} and {theirs}"
            )
        if self.coactive_count.shape != other.coactive_count.shape:
            raise ValueError("statistics add only with pairs of units counted in both, or in neither")
        sums = {f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)}
        exact = {name: carried(sums[name]) for name in ("magnitude_digits", "magnitude_square_digits")}
        return type(self)(**(sums | exact | {"window": self.window}))

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

    @property
    def n_windows(self) -> Counts:
        """Number of windows in the recorded, the class and the shuffled order: ``(3,)``."""
        return self.window_histogram[:, 0].sum(axis=1)

    @property
    def window_sum(self) -> Counts:
        """Counts of each unit summed over the windows of an order: ``(3, n_units)``."""
        return self.window_histogram @ np.arange(self.window + 1)

    @property
    def window_square(self) -> Counts:
        """Squared counts summed over the windows of an order: ``(3, n_units)``."""
        return self.window_histogram @ np.arange(self.window + 1) ** 2

    def fano_factor(self, order: str = "recorded") -> Floats:
        """Return variance over mean of windowed counts, ``(n_units,)``; nan for dead units.

        ``order`` is one of ``WINDOW_ORDERS``; a ``ValueError`` with fewer than two windows.
        """
        which = WINDOW_ORDERS.index(check_choice("order", order, WINDOW_ORDERS))
        n = self.n_windows[which]
        if n < 2:
            raise ValueError(
                f"the Fano factor in {order} order needs two windows of {self.window} examples, "
                f"got {n}: record more examples{('', ', give labels,', ', give rng,')[which]} or take a "
                "smaller window"
            )
        mean = self.window_sum[which] / n
        variance = (self.window_square[which] - n * mean**2) / (n - 1)
        return np.divide(variance, mean, out=np.full(self.n_units, np.nan), where=mean > 0)

    def excess_fano(self, order: str = "recorded") -> Floats:
        """Return the Fano factor less the ``1 - rate`` of a random order: ``(n_units,)``."""
        return self.fano_factor(order) - (1 - self.rate)

    @property
    def covariance(self) -> Floats:
        """Covariance of every pair of units over examples: ``(n_units, n_units)``.

        This and what follows from it raise a ``ValueError`` where pairs were not counted.
        """
        if self.coactive_count.shape[0] != self.n_units:
            raise ValueError("the covariance needs pairs of units counted: measure with pairs=True")
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
    def mean_interval(self) -> Floats:
        """Mean number of examples from one activation of a unit to the next; nan without intervals."""
        n = self.interval_histogram.sum(axis=1)
        return np.divide(self.interval_sum, n, out=np.full(self.n_units, np.nan), where=n > 0)

    @property
    def interval_variation(self) -> Floats:
        """Coefficient of variation of a unit's intervals, ``sqrt(1 - rate)`` in a random order."""
        n, mean = self.interval_histogram.sum(axis=1), self.mean_interval
        square = np.divide(self.interval_square, n, out=np.full(self.n_units, np.nan), where=n > 0)
        return np.sqrt(np.maximum(square - mean**2, 0)) / mean

    @property
    def magnitude_sum(self) -> Floats:
        """Sum of a unit's activations where it is active; nan where some are known as bits alone."""
        return self._exact(self.magnitude_digits, SUM_UNIT)

    @property
    def magnitude_square(self) -> Floats:
        """Sum of the squares of these activations; nan where some are known as bits alone."""
        return self._exact(self.magnitude_square_digits, SQUARE_UNIT)

    def _exact(self, digits: Counts, unit: int) -> Floats:
        known = self.n_magnitudes == self.n_examples
        return rounded(digits, unit) if known else np.full(self.n_units, np.nan)

    @property
    def mean_magnitude(self) -> Floats:
        """Mean activation of a unit where it is active: ``(n_units,)``; nan for dead units."""
        return np.divide(
            self.magnitude_sum,
            self.active_count,
            out=np.full(self.n_units, np.nan),
            where=self.active_count > 0,
        )
