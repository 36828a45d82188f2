"""How often units were active in windows of examples: what models of dispersion are fitted to."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from ..activity.arrays import Counts
from ..activity.checks import check_choice, check_count
from ..activity.statistics import WINDOW_ORDERS, Statistics


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WindowCounts:
    """Windows of a layer, by their counts; the same windows for all units."""

    histogram: Counts  # (n_units, n_counts) windows in which a unit was counted 0, 1, … times
    window: int  # examples in a window

    def __post_init__(self) -> None:
        check_count("window", self.window, least=2)
        histogram = np.asarray(self.histogram)
        if histogram.ndim != 2 or histogram.dtype.kind not in "iu":
            raise TypeError(
                "histogram must hold whole numbers of shape (n_units, n_counts), got "
                f"{histogram.dtype} of shape {histogram.shape}"
            )
        n_windows = histogram.sum(axis=1)
        if histogram.min() < 0 or np.ptp(n_windows):
            raise ValueError(
                "histogram must count the same windows for every unit, got "
                f"{n_windows.min()} to {n_windows.max()} of them, the fewest of a kind {histogram.min()}"
            )
        if n_windows[0] < 2:
            raise ValueError(f"histogram must hold two windows at least, got {n_windows[0]}")

    @classmethod
    def of(cls, statistics: Statistics, *, order: str | None = None) -> Self:
        """Return the windows of one ``order``: recorded, class or shuffled.

        By default class order where there are labels, else the recorded one. A ``ValueError`` with fewer
        than two windows.
        """
        if order is None:
            order = "class" if statistics.n_classes else "recorded"
        which = WINDOW_ORDERS.index(check_choice("order", order, WINDOW_ORDERS))
        if (n := statistics.n_windows[which]) < 2:
            raise ValueError(
                f"windowed counts in {order} order need two windows of {statistics.window} examples, "
                f"got {n}: record more examples or take a smaller window"
            )
        return cls(histogram=statistics.window_histogram[which], window=statistics.window)

    @property
    def n_windows(self) -> int:
        """Number of windows."""
        return int(self.histogram[0].sum())

    @property
    def total(self) -> Counts:
        """Counts of each unit summed over the windows: ``(n_units,)``."""
        return self.histogram @ np.arange(self.histogram.shape[1])

    @property
    def changing(self) -> np.ndarray:
        """Units active neither on no example of any window nor on every one: boolean ``(n_units,)``."""
        ends = self.histogram[:, [0, *range(self.window, self.histogram.shape[1])[:1]]]
        return (ends < self.n_windows).all(axis=1)

    def above(self) -> Counts:
        """Return in how many windows a unit was counted more than j times: ``(n_units, n_counts - 1)``.

        Columns are j = 0, 1, …
        """
        return self.histogram[:, :0:-1].cumsum(axis=1)[:, ::-1]

    def below(self) -> Counts:
        """Return in how many a unit was silent on more than j examples: ``(n_units, window)``.

        A ``ValueError`` for counts beyond the window.
        """
        whole = np.zeros((len(self.histogram), self.window + 1), dtype=np.int64)
        if self.histogram[:, self.window + 1 :].any():
            raise ValueError(f"counts must lie in [0, window={self.window}], got larger ones")
        whole[:, : self.histogram.shape[1]] = self.histogram[:, : self.window + 1]
        return whole[:, :-1].cumsum(axis=1)[:, ::-1]
