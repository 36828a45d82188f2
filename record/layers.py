"""One layer of a recording: who was active as bits, and activations and weights where they are kept.

A unit is *active* on an example when its activation is above zero. A ReLU's activations are never
negative; other finite numbers are taken as well, by the same rule. Activations kept in half
precision are rounded to it and stored as 32-bit floats, since netCDF has no shorter ones; rounding
never silences a unit, so that bits and activations always agree.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from ..activity.arrays import Activity, Packed
from ..activity.packing import pack, unpack
from .reading import read
from .schema import LAYER_AXES, PART_NOTES, check_layer_name

PRECISIONS = ("float16", "float32")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LayerWeights:
    """Weights around a layer; each may be left out."""

    weight_in: ArrayLike | None = None  # (n_units, n_inputs)
    bias: ArrayLike | None = None  # (n_units,)
    weight_out: ArrayLike | None = None  # (n_outputs, n_units)


@dataclass(frozen=True, slots=True, eq=False)
class RecordedLayer:
    """A layer of a recording; its arrays are read when they are asked for, and anew each time.

    ``held_out`` chooses among the examples everywhere: ``True`` those held out of training,
    ``False`` the others, ``None`` all, in the order of the recording.
    """

    node: xr.DataTree

    @property
    def name(self) -> str:
        """The layer's name."""
        return self.node.name

    @property
    def n_units(self) -> int:
        """Number of units."""
        return int(self.node.attrs["n_units"])

    @property
    def parts(self) -> dict[str, tuple[int, ...]]:
        """Shapes of the arrays that were recorded, by name; nothing is read."""
        return {part: self.node[part].shape for part in LAYER_AXES if part in self.node.dataset}

    def words(self, held_out: bool | None = None) -> Packed:
        """Activity as bits: ``(n_examples, ceil(n_units / 64))``."""
        return self._rows("active_words", held_out)

    def active(self, held_out: bool | None = None) -> Activity:
        """Whether each unit was active: boolean ``(n_examples, n_units)``."""
        return unpack(self.words(held_out), self.n_units)

    def activation(self, held_out: bool | None = None) -> np.ndarray | None:
        """Activations, float32 ``(n_examples, n_units)``; ``None`` where only bits were kept."""
        return self._rows("activation", held_out) if "activation" in self.node.dataset else None

    def words_between(self, start: int, stop: int) -> Packed:
        """Bits of the examples from ``start`` to before ``stop``; no others are read."""
        return read(self.node, "active_words", slice(start, stop))

    def activation_between(self, start: int, stop: int) -> np.ndarray:
        """Activations of the examples from ``start`` to before ``stop``; no others are read."""
        return read(self.node, "activation", slice(start, stop))

    @property
    def weight_in(self) -> np.ndarray | None:
        """Weights from the inputs: ``(n_units, n_inputs)``, or ``None``."""
        return self._part("weight_in")

    @property
    def bias(self) -> np.ndarray | None:
        """Biases: ``(n_units,)``, or ``None``."""
        return self._part("bias")

    @property
    def weight_out(self) -> np.ndarray | None:
        """Weights to the next layer: ``(n_outputs, n_units)``, or ``None``."""
        return self._part("weight_out")

    def _part(self, part: str) -> np.ndarray | None:
        return read(self.node, part) if part in self.node.dataset else None

    def _rows(self, part: str, held_out: bool | None) -> np.ndarray:
        return read(self.node, part)[chosen(self.node.parent, held_out)]


def chosen(tree: xr.DataTree, held_out: bool | None) -> np.ndarray | slice:
    """Return what selects the examples that ``held_out`` asks for; see :class:`RecordedLayer`."""
    if held_out is None:
        return slice(None)
    if not isinstance(held_out, bool | np.bool_):
        raise TypeError(f"held_out must be True, False or None, got {held_out!r}")
    return read(tree, "held_out") == held_out


def layer_dataset(
    name: str, activity: ArrayLike, weights: LayerWeights, keep_activation: str | bool
) -> xr.Dataset:
    """Return the dataset of layer ``name`` from booleans or activations ``(n_examples, n_units)``.

    ``keep_activation`` is ``False`` or one of ``PRECISIONS``; booleans have nothing to keep. Raises
    ``TypeError`` for the wrong kind of array and ``ValueError`` for the wrong shape, for numbers that
    are not finite and for numbers beyond the precision.
    """
    check_layer_name(name)
    values = np.asarray(activity)
    arrays = activity_parts(name, values, keep_activation)
    arrays |= weight_parts(name, weights, values.shape[1])
    return dataset_of(arrays, values.shape[1])


def dataset_of(arrays: dict[str, np.ndarray], n_units: int) -> xr.Dataset:
    """Return the dataset of a layer's arrays, by their parts, none of which can be written to again."""
    for array in arrays.values():
        array.flags.writeable = False
    return xr.Dataset(
        {part: (LAYER_AXES[part], array, PART_NOTES.get(part)) for part, array in arrays.items()},
        attrs={"n_units": n_units},
    )


def check_precision(keep_activation: str | bool) -> None:
    """Raise ``ValueError`` unless ``keep_activation`` is ``False`` or a precision."""
    if keep_activation is not False and keep_activation not in PRECISIONS:
        raise ValueError(
            f"keep_activation must be False, 'float16' or 'float32', got {keep_activation!r}"
        )


def activity_parts(name: str, values: np.ndarray, keep_activation: str | bool) -> dict[str, np.ndarray]:
    """Return the bits of layer ``name``, and its activations where they are kept, by their parts.

    Arguments and errors are those of :func:`layer_dataset`.
    """
    if values.dtype.kind not in "biuf":
        raise TypeError(f"layer {name!r} must hold booleans or real numbers, got dtype {values.dtype}")
    if values.ndim != 2 or 0 in values.shape:
        raise ValueError(
            f"layer {name!r} must have shape (n_examples, n_units), neither empty, got "
            f"{values.shape}: flatten channels and positions into units"
        )
    check_precision(keep_activation)
    parts = {"active_words": pack(values if values.dtype == np.bool_ else _active(name, values))}
    if keep_activation and values.dtype != np.bool_:
        parts["activation"] = _kept(name, values, keep_activation)
    return parts


def weights_of(
    layers: Iterable[str], weights: Mapping[str, LayerWeights] | None
) -> dict[str, LayerWeights]:
    """Return the weights around each of ``layers``; a ``ValueError`` for those of any other."""
    weights, names = {} if weights is None else weights, list(layers)
    if stray := [str(name) for name in weights if name not in names]:
        raise ValueError(
            f"weights must be of recorded layers ({', '.join(map(str, names))}), got {', '.join(stray)}"
        )
    return {name: weights.get(name, LayerWeights()) for name in names}


def weight_parts(name: str, weights: LayerWeights, n_units: int) -> dict[str, np.ndarray]:
    """Return the arrays of the weights around layer ``name``, checked, by their parts."""
    if not isinstance(weights, LayerWeights):
        raise TypeError(f"weights of layer {name!r} must be LayerWeights, got {type(weights).__name__}")
    given = {field.name: getattr(weights, field.name) for field in fields(weights)}
    return {
        part: _weight(name, part, weight, n_units)
        for part, weight in given.items()
        if weight is not None
    }


def _active(name: str, values: np.ndarray) -> Activity:
    if not (finite := np.isfinite(values)).all():
        example, unit = np.argwhere(~finite)[0]
        raise ValueError(
            f"activation of layer {name!r} must be finite, "
            f"got {values[example, unit]} at example {example}, unit {unit}"
        )
    return values > 0


def _kept(name: str, values: np.ndarray, precision: str | bool) -> np.ndarray:
    limits = np.finfo(precision)
    peak = np.abs(values).max()
    if peak > limits.max:
        raise ValueError(
            f"activation of layer {name!r} must lie within {limits.max:g} of zero to be kept as "
            f"{precision}, got {peak:g}"
        )
    rounded = values.astype(precision)
    rounded[(rounded == 0) & (values > 0)] = limits.smallest_subnormal
    return rounded.astype(np.float32)


def _weight(name: str, part: str, weight: ArrayLike, n_units: int) -> np.ndarray:
    values = np.asarray(weight)
    if values.dtype.kind not in "iuf":
        raise TypeError(f"{part} of layer {name!r} must hold numbers, got dtype {values.dtype}")
    axes = LAYER_AXES[part]
    if values.ndim != len(axes) or values.shape[axes.index("unit")] != n_units:
        raise ValueError(
            f"{part} of layer {name!r} must have axes {axes} with {n_units} units, "
            f"got shape {values.shape}"
        )
    if not np.isfinite(values).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(values))[0])
        raise ValueError(f"{part} of layer {name!r} must be finite, got {values[where]} at {where}")
    # netCDF has no 16-bit floats; whole numbers become the floats they stand for
    half = values.dtype.kind == "f" and values.dtype.itemsize <= np.dtype(np.float32).itemsize
    return values.astype(np.float32 if half else np.float64)
