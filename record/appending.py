"""A recording written batch by batch: more examples than memory holds, and a whole file or none.

    notes = {"condition": "unknown", "seed": 0, "epoch": 9, "source": "…"}
    with rote.record.writer("a.nc", {"relu1": 512}, **notes) as out:
        for inputs, labels in loader:
            out.append({"relu1": activations(inputs)}, label=labels)

Rows wait until a whole chunk of about a MiB can be written, at places that depend on the number of
examples alone, so any division into batches gives the same file. In memory stay one chunk for each
array and a few numbers for each example.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from ..activity.checks import check_count
from ..activity.packing import check_words
from .examples import example_dataset, example_values
from .files import chunk_rows, new_file
from .layers import LayerWeights, activity_parts, check_precision, dataset_of, weight_parts, weights_of
from .notes import checked_notes
from .schema import EXAMPLE_KINDS, check_layer_name

type WriteRows = Callable[[str, str, int, np.ndarray], None]
"""Takes a layer, a part, the first example and rows of the part: see ``NetcdfFile.write_rows``."""


@contextmanager
def writer(
    path: str | Path,
    layers: Mapping[str, int],
    *,
    condition: str,
    seed: int,
    epoch: int,
    source: str,
    weights: Mapping[str, LayerWeights] | None = None,
    keep_activation: str | bool = False,
    attrs: Mapping[str, str | float] | None = None,
) -> Iterator["Writer"]:
    """Yield a :class:`Writer` of a recording of ``layers``, their numbers of units by name.

    The other arguments and errors are those of :meth:`~rote.record.recording.Recording.from_arrays`.
    The file is at ``path`` when the block has ended without an error, and an earlier one stays until
    then; a block that raises, or is killed, leaves no part of a file under that name.
    """
    notes = checked_notes(condition, seed, epoch, source, attrs)
    sizes = _sizes(layers)
    check_precision(keep_activation)
    kept = {name: weight_parts(name, w, sizes[name]) for name, w in weights_of(sizes, weights).items()}
    with new_file(path) as file:
        growing = Writer(sizes, keep_activation, file.write_rows)
        yield growing
        file.write("", growing.finish().assign_attrs(notes))
        for name, n_units in sizes.items():
            file.write(name, dataset_of(kept[name], n_units))


def _sizes(layers: Mapping[str, int]) -> dict[str, int]:
    if not isinstance(layers, Mapping):
        raise TypeError(f"layers must map names to numbers of units, got {type(layers).__name__}")
    if not layers:
        raise ValueError("a recording must hold at least one layer, got none")
    for name in layers:
        check_layer_name(name)
    return {name: check_count(f"n_units of layer {name!r}", n) for name, n in layers.items()}


class Writer:
    """Takes batches of examples, in the order of the recording; made by :func:`writer`."""

    def __init__(self, sizes: dict[str, int], keep_activation: str | bool, write: WriteRows) -> None:
        self._sizes, self._keep, self._write = sizes, keep_activation, write
        self._columns: dict[tuple[str, str], _Column] = {}
        self._examples: dict[str, list[np.ndarray]] = {name: [] for name in EXAMPLE_KINDS}
        self.n_examples = 0  # taken so far

    def append(self, activity: Mapping[str, ArrayLike], **examples: ArrayLike) -> None:
        """Take a batch: for each layer activations or booleans ``(n, n_units)``, or bits.

        Unsigned 64-bit integers are bits, as :func:`rote.activity.pack` makes them. ``examples`` are
        ``label``, ``true_label``, ``order`` and ``held_out`` of the batch, ``(n,)`` each; what is given
        here goes with every batch, what is known at another time through :meth:`examples`. Raises
        ``TypeError`` for the wrong kind and ``ValueError`` for the wrong shape or value, and then has
        taken nothing of the batch.
        """
        if not isinstance(activity, Mapping):
            raise TypeError(f"activity must map layer names to arrays, got {type(activity).__name__}")
        if set(activity) != set(self._sizes):
            raise ValueError(
                f"a batch must hold the layers {', '.join(self._sizes)}, "
                f"got {', '.join(map(str, activity)) or 'none'}"
            )
        arrays = {
            (name, part): array
            for name, n_units in self._sizes.items()
            for part, array in _parts(name, np.asarray(activity[name]), n_units, self._keep).items()
        }
        lengths = [len(array) for array in arrays.values()]
        if len(set(lengths)) > 1:
            raise ValueError(f"the layers of a batch must hold equally many examples, got {lengths}")
        if self._columns and arrays.keys() != self._columns.keys():
            raise ValueError("a layer must come with activations in every batch or in none")
        self._extend({name: example_values(name, v, lengths[0]) for name, v in _known(examples)})
        self._store(arrays, lengths[0])

    def examples(self, **examples: ArrayLike) -> None:
        """Take ``label``, ``true_label``, ``order`` or ``held_out`` of the next examples, however many.

        At the end there must be a label for each example, and of the others one for each or none.
        """
        self._extend({name: example_values(name, v, np.size(v)) for name, v in _known(examples)})

    def _extend(self, examples: dict[str, np.ndarray]) -> None:
        for name, values in examples.items():
            self._examples[name].append(values)

    def _store(self, arrays: dict[tuple[str, str], np.ndarray], n_new: int) -> None:
        if not self._columns:
            self._columns = {key: _Column(array) for key, array in arrays.items()}
        step = min(column.rows for column in self._columns.values())  # it divides all the others
        taken = 0
        while taken < n_new:
            stop = min(n_new, taken + step - self.n_examples % step)
            for key, column in self._columns.items():
                column.put(self.n_examples, arrays[key][taken:stop], partial(self._write, *key))
            self.n_examples += stop - taken
            taken = stop

    def finish(self) -> xr.Dataset:
        """Write the rows that still wait, and return the dataset of the examples."""
        if not self.n_examples:
            raise ValueError("a recording must hold at least one example: append a batch")
        for key, column in self._columns.items():
            column.flush(self.n_examples, partial(self._write, *key))
        given = {name: np.concatenate(parts) for name, parts in self._examples.items() if parts}
        if len(given.get("label", ())) != self.n_examples:
            raise ValueError(
                f"label must hold one value for each of the {self.n_examples} examples appended, "
                f"got {len(given.get('label', ()))}"
            )
        return example_dataset(
            *(given.get(name) for name in ("label", "true_label", "order", "held_out"))
        )


class _Column:
    """The rows of one array that wait for their chunk to be full: a power of two of them."""

    def __init__(self, first: np.ndarray) -> None:
        self.rows = chunk_rows(first)
        self._waiting = np.empty((self.rows, first.shape[1]), first.dtype)

    def put(self, n_before: int, values: np.ndarray, write: Callable[[int, np.ndarray], None]) -> None:
        """Take ``values`` that do not reach over the end of a chunk; write it when it is full."""
        start = n_before % self.rows
        self._waiting[start : start + len(values)] = values
        if start + len(values) == self.rows:
            write(n_before - start, self._waiting)

    def flush(self, n_examples: int, write: Callable[[int, np.ndarray], None]) -> None:
        """Write the beginning of a chunk that will not be full."""
        if waiting := n_examples % self.rows:
            write(n_examples - waiting, self._waiting[:waiting])


def _parts(name: str, values: np.ndarray, n_units: int, keep: str | bool) -> dict[str, np.ndarray]:
    """Return the arrays to keep of a layer's batch, by their parts."""
    if values.dtype == np.uint64:
        if keep:
            raise TypeError(f"keep_activation={keep!r} needs activations of layer {name!r}, got bits")
        return {"active_words": check_words(f"layer {name!r}", values, n_units)}
    if values.ndim == 2 and values.shape[1] != n_units:
        raise ValueError(f"layer {name!r} must have {n_units} units, got shape {values.shape}")
    return activity_parts(name, values, keep)


def _known(examples: Mapping[str, ArrayLike]) -> Iterable[tuple[str, ArrayLike]]:
    if strange := [name for name in examples if name not in EXAMPLE_KINDS]:
        raise TypeError(f"examples have {', '.join(EXAMPLE_KINDS)}; got {strange[0]!r}")
    return examples.items()
