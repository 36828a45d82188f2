"""What a recording's tree holds, and the check that it does.

    /                label, order (example) int64; held_out (example) bool; true_label if it is known
                     attributes schema, schema_version, condition, seed, epoch, source, created_by
    /LAYER           active_words (example, word) uint64: unit i is bit i % 64 of word i // 64
                     activation (example, unit), weight_in (unit, input), bias (unit) and
                     weight_out (output, unit), each where it was recorded
                     attribute n_units

The check looks at names, axes and kinds and reads no array; :mod:`rote.record.contents` looks at these.
"""

import re

import numpy as np
import xarray as xr

from ..activity.checks import check_choice, check_count
from ..activity.packing import n_words
from ..activity.words import CONDITIONS

SCHEMA = "rote-recording"
SCHEMA_VERSION = 1
RECORDED = (*CONDITIONS, "mixed", "unknown")  # a part of the labels random; not told
EXAMPLE_KINDS = {"label": "i", "order": "i", "held_out": "b", "true_label": "i"}
OPTIONAL = ("true_label",)
LAYER_AXES = {
    "active_words": ("example", "word"),
    "activation": ("example", "unit"),
    "weight_in": ("unit", "input"),
    "bias": ("unit",),
    "weight_out": ("output", "unit"),
}
PART_NOTES = {  # what a reader without rote needs to know
    "active_words": {
        "unpack": "unit u is bit u % 64 of word u // 64, little endian: numpy.unpackbits("
        "words.astype('<u8').view('u1'), axis=1, bitorder='little', count=n_units)"
    }
}
ATTRIBUTES = ("schema", "schema_version", "condition", "seed", "epoch", "source", "created_by")
RESERVED = frozenset((*EXAMPLE_KINDS, *ATTRIBUTES, "attrs", "file", "allow_pickle"))


def check_layer_name(name: str) -> None:
    """Raise ``ValueError`` unless ``name`` can name a group of a file and an array of an npz."""
    if not isinstance(name, str) or not re.fullmatch(r"\w[\w.\-]*", name):
        raise ValueError(
            "a layer's name must begin with a letter, digit or underscore and go on with these, "
            f"dots and hyphens; got {name!r}"
        )
    if name in RESERVED:
        raise ValueError(f"a layer must not be named {name!r}: the recording uses that name itself")


def check_tree(tree: xr.DataTree) -> None:
    """Raise ``ValueError`` or ``TypeError`` unless ``tree`` has the shape of a recording."""
    schema, version = tree.attrs.get("schema"), tree.attrs.get("schema_version")
    if schema != SCHEMA:
        raise ValueError(
            f"not a rote recording (its schema is {schema!r}): expected schema={SCHEMA!r}, "
            "label, order and held_out for each example, and a group with active_words for each layer"
        )
    if version != SCHEMA_VERSION:
        raise ValueError(
            f"recording has schema_version {version}, this rote reads {SCHEMA_VERSION}: read it with "
            f"the version that wrote it ({tree.attrs.get('created_by', 'not named')})"
        )
    missing = [name for name in ATTRIBUTES if name not in tree.attrs]
    if missing:
        raise ValueError(f"recording lacks the attributes {', '.join(missing)}")
    if not isinstance(tree.attrs["source"], str):
        raise TypeError(f"source must be a text, got {tree.attrs['source']!r}")
    check_choice("condition", str(tree.attrs["condition"]), RECORDED)
    check_count("seed", tree.attrs["seed"], least=0)
    check_count("epoch", tree.attrs["epoch"], least=0)
    for name, kind in EXAMPLE_KINDS.items():
        _check_example_variable(tree, name, kind)
    if not tree.children:
        raise ValueError("a recording must hold at least one layer, got none")
    for name, node in tree.children.items():
        check_layer_name(name)
        if node.children:
            raise ValueError(
                f"layer {name!r} holds the group {next(iter(node.children))!r}: a layer's arrays "
                f"({', '.join(LAYER_AXES)}) lie side by side in it"
            )
        _check_layer(name, node.to_dataset(inherit=False), tree.sizes["example"])


def _check_example_variable(tree: xr.DataTree, name: str, kind: str) -> None:
    if name not in tree.dataset:
        if name in OPTIONAL:
            return
        raise ValueError(f"recording lacks {name}, one for each example")
    variable = tree.dataset[name]
    if variable.dims != ("example",) or variable.dtype.kind != kind:
        wanted = "booleans" if kind == "b" else "whole numbers"
        raise ValueError(
            f"{name} must hold {wanted} along the axis example, "
            f"got {variable.dtype} along {variable.dims}"
        )


def _check_layer(name: str, layer: xr.Dataset, n_examples: int) -> None:
    n_units = check_count(f"n_units of layer {name!r}", layer.attrs.get("n_units", 0))
    if "active_words" not in layer:
        raise ValueError(f"layer {name!r} lacks active_words")
    for part in layer.data_vars:
        if part not in LAYER_AXES:
            raise ValueError(f"layer {name!r} holds {part!r}; allowed are {', '.join(LAYER_AXES)}")
        if layer[part].dims != LAYER_AXES[part]:
            raise ValueError(
                f"{part} of layer {name!r} must have axes {LAYER_AXES[part]}, got {layer[part].dims}"
            )
        if part != "active_words" and layer[part].dtype.kind != "f":
            raise ValueError(f"{part} of layer {name!r} must hold floats, got {layer[part].dtype}")
    words = layer["active_words"]
    if words.dtype != np.uint64 or words.shape != (n_examples, n_words(n_units)):
        raise ValueError(
            f"active_words of layer {name!r} must be uint64 of shape "
            f"{(n_examples, n_words(n_units))}, got {words.dtype} of shape {words.shape}"
        )
    if layer.sizes.get("unit", n_units) != n_units:
        raise ValueError(
            f"layer {name!r} has {n_units} units by its bits and {layer.sizes['unit']} "
            "by its other arrays"
        )
