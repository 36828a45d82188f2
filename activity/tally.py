"""Statistics counted while the examples come: any portions of them give the same, to the last bit.

A tally takes examples in the order of presentation and keeps no example but those of the portion it is
working on. Tallies of consecutive stretches of examples, counted apart, add up to that of the whole.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arrays import Activity, Counts, Packed
from .checks import check_count
from .exact_sums import MagnitudeSums, carried
from .inputs import as_activation, as_labels, class_starts
from .intervals import Intervals
from .kernel import at_once
from .packing import check_words, n_words, pack
from .popcount import add_coactive, mirrored, population_count, turned
from .room import zeros
from .statistics import WINDOW_ORDERS, Statistics
from .windows import Windows, places

WINDOW = 20  # examples; small enough for several windows of one class in a small data set
PORTION = 1 << 14  # examples counted at a time


class Tally:
    """Statistics of a layer of ``n_units`` units so far.

    ``n_classes`` is 0 for examples without labels; ``window`` is in examples; without ``pairs`` pairs of
    units are not counted, which would take 8 bytes for each. Where a stretch does not begin with the
    first example, ``start`` says how many came before it, and ``class_start``, of shape
    ``(n_classes,)``, how many of each class.
    """

    def __init__(
        self,
        n_units: int,
        *,
        n_classes: int = 0,
        window: int = WINDOW,
        pairs: bool = True,
        start: int = 0,
        class_start: ArrayLike | None = None,
    ) -> None:
        self.n_units = check_count("n_units", n_units)
        self.n_classes = check_count("n_classes", n_classes, least=0)
        self.window = check_count("window", window, least=2)
        self.pairs = bool(pairs)
        self._start = self._stop = check_count("start", start, least=0)
        self._class_start = class_starts(class_start, n_classes)
        self._class_stop = self._class_start.copy()
        self._shuffled_stop = self._start
        self._coactive = zeros(
            (n_units, n_units) if pairs else (0, 0),
            f"counts of all pairs of {n_units:,} units",
            "leave pairs out (pairs=False), or take fewer units",
        )
        width = n_words(n_units)
        self._windows = [Windows(width, window, max(1, n)) for n in (1, n_classes, 1)]  # by order
        self._intervals = Intervals(n_units)
        self._magnitudes = MagnitudeSums(n_units)
        self._n_magnitudes = 0  # examples whose activations are known
        self._population = np.zeros(n_units + 1, dtype=np.int64)
        self._waiting = np.empty((PORTION, width), dtype=np.uint64)
        self._waiting_labels = np.empty(PORTION, dtype=np.int64)
        self._n_waiting = 0

    def add(
        self,
        active: Activity | Packed,
        *,
        labels: ArrayLike | None = None,
        activation: NDArray[np.floating] | None = None,
    ) -> None:
        """Add the next examples: booleans ``(n_examples, n_units)``, or bits as of :func:`pack`.

        There may be none of them. ``labels`` (n_examples,) are whole numbers from 0 to below
        ``n_classes``, if there are classes. ``activation`` has a number for each cell and adds
        magnitudes, as 32-bit floats. Raises ``TypeError`` for the wrong kind and ``ValueError`` for the
        wrong shape or value, and then has added nothing.
        """
        words = self._words(active)
        labels = as_labels(labels, self.n_classes, len(words))
        if activation is not None:
            self.add_activation(words, activation)
        done = 0
        while done < len(words):
            if not self._n_waiting and len(words) - done >= PORTION:
                self._count(words[done : done + PORTION], labels[done : done + PORTION])
                done += PORTION
                continue
            fitting = min(PORTION - self._n_waiting, len(words) - done)
            here, there = slice(done, done + fitting), slice(self._n_waiting, self._n_waiting + fitting)
            self._waiting[there], self._waiting_labels[there] = words[here], labels[here]
            self._n_waiting += fitting
            done += fitting
            if self._n_waiting == PORTION:
                self._settle()

    def add_activation(self, active: Activity | Packed, activation: NDArray[np.floating]) -> None:
        """Add activations apart from the examples they belong to; their order does not matter.

        Arguments and errors are those of :meth:`add`.
        """
        words = self._words(active)
        self._magnitudes.add(words, as_activation(activation, (len(words), self.n_units)))
        self._n_magnitudes += len(words)

    def add_shuffled(self, active: Activity | Packed) -> None:
        """Add what has the next places when all examples stand in a random order, for its windows.

        A stretch takes as many as it has examples, whichever they are. Errors are those of :meth:`add`.
        """
        words = self._words(active)
        for first in range(0, len(words), PORTION):
            some = words[first : first + PORTION]
            number = np.arange(self._shuffled_stop, self._shuffled_stop + len(some))
            self._windows[2].add(some, number // self.window)
            self._shuffled_stop += len(some)

    def __add__(self, other: "Tally") -> "Tally":
        """Return the tally of both stretches of examples, of which ``other`` must follow on this one."""
        if not isinstance(other, Tally):
            return NotImplemented
        for tally in (self, other):
            tally._settle()
        mine, theirs = ((t.n_units, t.n_classes, t.window, t.pairs) for t in (self, other))
        if mine != theirs:
            raise ValueError(
                f"tallies add only with equal (n_units, n_classes, window, pairs), got {mine} "
                f"and {theirs}"
            )
        if self._stop != other._start or (self._class_stop != other._class_start).any():
            raise ValueError(
                f"tallies add only where the second follows on the first, got {self._stop} examples "
                f"{self._class_stop.tolist()} by class, and a second behind {other._start} examples "
                f"{other._class_start.tolist()}"
            )
        total = Tally(
            self.n_units,
            n_classes=self.n_classes,
            window=self.window,
            pairs=self.pairs,
            start=self._start,
            class_start=self._class_start,
        )
        total._merge(self)
        total._merge(other)
        return total

    def statistics(self) -> Statistics:
        """Return the statistics of all examples so far; a ``ValueError`` if there are none."""
        self._settle()
        n_examples = self._stop - self._start
        if not n_examples:
            raise ValueError("statistics need at least one example, got a tally of none")
        if self._shuffled_stop not in (self._start, self._stop):
            raise ValueError(
                f"a random order must hold all examples, got {self._shuffled_stop - self._start} of "
                f"{n_examples}"
            )
        histogram = np.zeros((len(WINDOW_ORDERS), self.n_units, self.window + 1), dtype=np.int64)
        for which, windows in enumerate(self._windows):
            if self.n_classes or WINDOW_ORDERS[which] != "class":
                histogram[which] = windows.histogram[: self.n_units]
        return Statistics(
            n_examples=n_examples,
            window=self.window,
            active_count=self._windows[0].totals()[0, : self.n_units],
            population_histogram=self._population.copy(),
            coactive_count=mirrored(self._coactive),
            class_examples=self._class_stop - self._class_start,
            class_active=self._windows[1].totals()[: self.n_classes, : self.n_units],
            window_histogram=histogram,
            interval_histogram=self._intervals.histogram.copy(),
            interval_sum=self._intervals.sums.copy(),
            interval_square=self._intervals.squares.copy(),
            n_magnitudes=self._n_magnitudes,
            magnitude_digits=carried(self._magnitudes.sums),
            magnitude_square_digits=carried(self._magnitudes.squares),
            magnitude_histogram=self._magnitudes.histogram,
        )

    def _words(self, active: Activity | Packed) -> Packed:
        array = np.asarray(active)
        if array.dtype == np.uint64:
            return check_words("active", array, self.n_units)
        words = pack(array)
        if array.shape[1] != self.n_units:
            raise ValueError(f"active must have {self.n_units} units, got shape {array.shape}")
        return words

    def _settle(self) -> None:
        """Count the examples that wait."""
        n, self._n_waiting = self._n_waiting, 0
        if n:
            self._count(self._waiting[:n], self._waiting_labels[:n])

    def _count(self, words: Packed, labels: Counts) -> None:
        n_examples = len(words)
        population = population_count(words)
        self._population += np.bincount(population, minlength=self._population.size)
        at_once(
            lambda: self._count_units(words),
            lambda: self._count_class_windows(words, labels),
            lambda: self._windows[0].add(words, (self._stop + np.arange(n_examples)) // self.window),
        )
        self._stop += n_examples

    def _count_class_windows(self, words: Packed, labels: Counts) -> None:
        if self.n_classes:
            place = places(labels, self._class_stop)
            self._windows[1].add(words, place // self.window * self.n_classes + labels)

    def _count_units(self, words: Packed) -> None:
        by_unit = turned(words)
        if self.pairs:
            add_coactive(by_unit, self._coactive)
        self._intervals.add(by_unit[: self.n_units], self._stop)

    def _merge(self, other: "Tally") -> None:
        for mine, theirs in zip(self._windows, other._windows, strict=True):
            mine.merge(theirs)
        self._intervals.merge(other._intervals)
        self._magnitudes.merge(other._magnitudes)
        self._n_magnitudes += other._n_magnitudes
        self._population += other._population
        self._coactive += other._coactive
        self._stop, self._class_stop = other._stop, other._class_stop.copy()
        self._shuffled_stop += other._shuffled_stop - other._start
