"""Where a recorder's batches go: into memory, into a file, or into statistics that keep nothing else.

A batch holds, for each layer by its name, activations ``(n, n_units)`` or bits as unsigned 64-bit
words, as in :meth:`rote.record.appending.Writer.append`.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from ..activity.statistics import Statistics
from ..activity.tally import WINDOW, Tally
from .appending import writer
from .examples import example_dataset
from .layers import LayerWeights, activity_parts, dataset_of, weight_parts
from .notes import checked_notes
from .recording import Recording

type Batch = Mapping[str, np.ndarray]
"""Activations ``(n, n_units)`` or bits of each layer, by its name."""

type Sizes = Mapping[str, int]
"""Number of units of each layer, by its name."""

type Account = dict[str, str]
"""How the recording came about: attributes beside those that the user gives."""


class InMemory:
    """Keeps bits, and activations where ``precision`` is not ``False``."""

    def __init__(self, precision: str | bool) -> None:
        self._precision = precision
        self._batches: list[dict[str, dict[str, np.ndarray]]] = []

    def begin(self, sizes: Sizes, weights: Mapping[str, LayerWeights], account: Account) -> None:
        """Learn the numbers of units, the weights and further attributes, before the first batch."""
        self._sizes, self._weights, self._account = sizes, weights, account

    def add(self, batch: Batch) -> None:
        """Take the activity of the next examples."""
        self._batches.append({name: self._parts(name, values) for name, values in batch.items()})

    def _parts(self, name: str, values: np.ndarray) -> dict[str, np.ndarray]:
        if values.dtype == np.uint64:
            return {"active_words": values}
        return activity_parts(name, values, self._precision)

    def recording(
        self,
        examples: Mapping[str, ArrayLike | None],
        *,
        condition: str,
        seed: int,
        epoch: int,
        source: str,
        attrs: Mapping[str, str | float] | None = None,
    ) -> Recording:
        """Return the recording; arguments and errors as in ``Recording.from_arrays``."""
        notes = self._account | checked_notes(condition, seed, epoch, source, attrs)
        tree = {"/": example_dataset(**examples).assign_attrs(notes)}
        for name, n_units in self._sizes.items():
            kept = self._batches[0][name]
            arrays = {part: np.concatenate([b[name][part] for b in self._batches]) for part in kept}
            tree[f"/{name}"] = dataset_of(
                arrays | weight_parts(name, self._weights[name], n_units), n_units
            )
        return Recording(xr.DataTree.from_dict(tree))

    def abandon(self, *exception: object) -> None:
        """Give up what is unfinished: nothing here."""


class InFile:
    """Writes a recording batch by batch; the file is there when the recording is asked for."""

    def __init__(self, path: str | Path, precision: str | bool, notes: Mapping[str, object]) -> None:
        checked_notes(**({"attrs": None} | notes))  # complain now, not behind the first batch
        self._path, self._options = path, {"keep_activation": precision} | notes
        self._block, self._writer = ExitStack(), None

    def begin(self, sizes: Sizes, weights: Mapping[str, LayerWeights], account: Account) -> None:
        """Open the file aside, before the first batch."""
        attrs = {"attrs": account | (self._options.get("attrs") or {})}
        opened = writer(self._path, sizes, weights=weights, **(self._options | attrs))
        self._writer = self._block.enter_context(opened)

    def add(self, batch: Batch) -> None:
        """Write the activity of the next examples."""
        self._writer.append(batch)

    def recording(self, examples: Mapping[str, ArrayLike | None], **notes: object) -> Recording:
        """Finish the file and open it."""
        if self._writer is None:
            raise ValueError(
                f"{self._path} was not written: the block that recorded ended with an error"
            )
        if notes:
            raise TypeError(f"{', '.join(notes)} must be given together with path, not at the end")
        with self._block:
            self._writer.examples(**{name: v for name, v in examples.items() if v is not None})
        return Recording.open(self._path)

    def abandon(self, *exception: object) -> None:
        """Drop what was written, because of ``exception``; an earlier file stays."""
        self._writer = None
        self._block.__exit__(*exception)


class Running:
    """Keeps statistics alone: their memory does not grow with the examples.

    With ``n_classes`` each batch waits for its labels, which may come before it or after. Without
    ``pairs`` pairs of units are not counted, which would take 8 bytes for each; batches are bits unless
    ``magnitudes`` are measured.
    """

    def __init__(
        self,
        *,
        n_classes: int = 0,
        window: int = WINDOW,
        pairs: bool = True,
        magnitudes: bool = False,
    ) -> None:
        self.n_classes, self.magnitudes = n_classes, magnitudes
        self._options = {"n_classes": n_classes, "window": window, "pairs": pairs}
        Tally(1, **self._options)  # complain now, not behind the first batch
        self._tallies: dict[str, Tally] = {}
        self._waiting: Batch = {}
        self._labels = np.empty(0, dtype=np.int64)

    def begin(self, sizes: Sizes, weights: Mapping[str, LayerWeights], account: Account) -> None:
        """Learn the numbers of units, before the first batch."""
        for name, n_units in sizes.items():
            try:
                self._tallies[name] = Tally(n_units, **self._options)
            except ValueError as error:
                raise ValueError(f"layer {name!r}: {error}") from error

    def add(self, batch: Batch) -> None:
        """Take the activity of the next examples; a ``ValueError`` if the last batch has no labels."""
        if self._waiting:
            raise ValueError(f"n_classes={self.n_classes} needs labels of each batch: call label(…)")
        self._waiting = batch
        self._settle()

    def label(self, labels: np.ndarray) -> None:
        """Take labels of the next examples that have none."""
        self._labels = np.concatenate([self._labels, labels])
        self._settle()

    def _settle(self) -> None:
        n = len(next(iter(self._waiting.values()))) if self._waiting else 0
        if not n or (self.n_classes and self._labels.size < n):
            return
        labels, self._labels = self._labels[:n], self._labels[n:]
        for name, values in self._waiting.items():
            activation = None if values.dtype == np.uint64 else values
            self._tallies[name].add(
                values if activation is None else values > 0,
                labels=labels if self.n_classes else None,
                activation=activation if self.magnitudes else None,
            )
        self._waiting = {}

    def statistics(self) -> dict[str, Statistics]:
        """Return the statistics of each layer; a ``ValueError`` if labels are missing or too many."""
        if self._waiting or self._labels.size:
            few = "few" if self._waiting else "many"
            raise ValueError(f"label must hold one value for each example recorded, got too {few}")
        return {name: tally.statistics() for name, tally in self._tallies.items()}

    def abandon(self, *exception: object) -> None:
        """Give up what is unfinished: nothing here."""
