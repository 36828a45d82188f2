"""A recording: which units of which layers were active on which examples of one network.

It wraps an xarray ``DataTree`` with a node for each layer (:mod:`rote.record.schema` lists what the
tree holds) and is made from arrays, from a tree or from a file. Opened from a file it reads nothing
but names and shapes until an array is asked for.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from ..activity.arrays import Counts
from .contents import check_contents
from .examples import example_dataset
from .files import read_tree, write_tree
from .layers import LayerWeights, RecordedLayer, layer_dataset, weights_of
from .notes import checked_notes
from .reading import FAULTS, naming, read
from .schema import ATTRIBUTES, check_tree


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """One network's activity in one state of training.

    ``Recording(tree)`` takes any tree of the right shape, as from ``xarray.open_datatree`` on a file
    that another program wrote; a ``ValueError`` or ``TypeError`` says what is wrong with it. As a
    context manager it closes its file.
    """

    tree: xr.DataTree
    path: Path | None = None  # the file it was opened from

    def __post_init__(self) -> None:
        check_tree(self.tree)
        check_contents(self.tree)

    @classmethod
    def from_arrays(
        cls,
        activity: Mapping[str, ArrayLike],
        *,
        label: ArrayLike,
        true_label: ArrayLike | None = None,
        order: ArrayLike | None = None,
        held_out: ArrayLike | None = None,
        condition: str,
        seed: int,
        epoch: int,
        source: str,
        weights: Mapping[str, LayerWeights] | None = None,
        keep_activation: str | bool = False,
        attrs: Mapping[str, str | float] | None = None,
    ) -> Self:
        """Make a recording of arrays from anywhere.

        Parameters
        ----------
        activity : for each layer its activations, or booleans, ``(n_examples, n_units)``; a unit is
            active where its activation is above zero.
        label : ``(n_examples,)`` whole numbers from 0, what the network was trained towards; for
            examples held out of training the true label.
        true_label : the true labels, where they are known; none are made up from ``label``.
        order : the position at which each example was presented in the last epoch, held-out examples
            behind the others; as they stand by default.
        held_out : booleans, the examples held out of training; none by default.
        condition : "initialized", "generalizing", "memorizing", "mixed" or "unknown".
        seed, epoch : whole numbers from 0.
        source : the network and its data in words.
        weights : the weights around some or all of the layers.
        keep_activation : ``False`` keeps bits alone; "float32", or "float16" (rounded to it, smaller
            on disk), the activations of those layers that are not given as booleans as well.
        attrs : texts and numbers to keep beside, such as accuracies; truth values become 0 and 1.

        Raises ``TypeError`` for the wrong kind and ``ValueError`` for the wrong shape or value.
        """
        if not isinstance(activity, Mapping):
            raise TypeError(f"activity must map layer names to arrays, got {type(activity).__name__}")
        weights = weights_of(activity, weights)
        notes = checked_notes(condition, seed, epoch, source, attrs)
        root = example_dataset(label, true_label, order, held_out).assign_attrs(notes)
        layers = {
            f"/{name}": layer_dataset(name, values, weights[name], keep_activation)
            for name, values in activity.items()
        }
        if keep_activation and not any("activation" in layer for layer in layers.values()):
            raise TypeError(f"keep_activation={keep_activation!r} needs activations, got booleans")
        for name, layer in layers.items():
            if layer.sizes["example"] != root.sizes["example"]:
                raise ValueError(
                    f"layer {name[1:]!r} must hold as many examples as label, "
                    f"{root.sizes['example']}, got {layer.sizes['example']}"
                )
        return cls(xr.DataTree.from_dict({"/": root} | layers))

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """Open the recording at ``path`` lazily.

        Raises ``FileNotFoundError`` for no file and ``ValueError`` for a file of another kind or
        version, cut short or damaged, for axes that do not fit, labels below zero, an order that is none
        and weights that are not finite. Bits and activations are not read: damage there is found, by a
        ``ValueError``, when they are (:func:`rote.record.verify` reads all).
        """
        tree = read_tree(path)
        try:
            with naming(path, *FAULTS):
                return cls(tree, Path(path))
        except ValueError:
            tree.close()
            raise

    def save(self, path: str | Path) -> None:
        """Write one netCDF file; an earlier one is replaced when this one is whole, never before.

        Raises ``ValueError`` for a tree that was changed into none of a recording, and for numbers that
        cannot be: not finite, bits behind the last unit, activations that do not agree with the bits.
        """
        with naming(self.path, ValueError):
            check_tree(self.tree)
            check_contents(self.tree, all_weights=True)
            write_tree(self.tree, path)

    def close(self) -> None:
        """Close the file, if there is one."""
        self.tree.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __getitem__(self, layer: str) -> RecordedLayer:
        if layer not in self.layers:
            raise KeyError(f"no layer {layer!r}; this recording holds {', '.join(self.layers)}")
        return RecordedLayer(self.tree[layer])

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the recorded layers, from the input on."""
        return tuple(self.tree.children)

    @property
    def n_examples(self) -> int:
        """Number of examples, held-out ones included."""
        return self.tree.sizes["example"]

    @property
    def label(self) -> Counts:
        """What the network was trained towards, and the true label of held-out examples."""
        return read(self.tree, "label")

    @property
    def true_label(self) -> Counts | None:
        """The true labels, ``None`` if they were not given."""
        return read(self.tree, "true_label") if "true_label" in self.tree.dataset else None

    @property
    def order(self) -> Counts:
        """Position at which each example was presented in the last epoch."""
        return read(self.tree, "order")

    @property
    def held_out(self) -> np.ndarray:
        """Which examples were held out of training."""
        return read(self.tree, "held_out")

    @property
    def condition(self) -> str:
        """Condition of the network; see :meth:`from_arrays`."""
        return self.tree.attrs["condition"]

    @property
    def seed(self) -> int:
        """Seed of the network."""
        return int(self.tree.attrs["seed"])

    @property
    def epoch(self) -> int:
        """Epochs the network had been trained for."""
        return int(self.tree.attrs["epoch"])

    @property
    def source(self) -> str:
        """The network and its data in words."""
        return self.tree.attrs["source"]

    @property
    def network(self) -> str:
        """Name of the network: its condition and seed."""
        return f"{self.condition}-{self.seed}"

    @property
    def attrs(self) -> dict[str, str | int | float]:
        """What else was noted on the network, such as accuracies."""
        noted = {name: value for name, value in self.tree.attrs.items() if name not in ATTRIBUTES}
        return {n: v.item() if isinstance(v, np.generic) else v for n, v in noted.items()}


open = Recording.open  # rote.record.open(path); nothing in this module opens files by itself
