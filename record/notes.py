"""What a recording notes on its network: condition, seed, epoch, source and whatever else was told."""

from collections.abc import Mapping
from importlib.metadata import version

import numpy as np

from ..activity.checks import check_choice, check_count
from .schema import ATTRIBUTES, RECORDED, SCHEMA, SCHEMA_VERSION

type Notes = dict[str, str | int | float]
"""Attributes of a recording, by name."""


def checked_notes(
    condition: str, seed: int, epoch: int, source: str, attrs: Mapping[str, str | float] | None
) -> Notes:
    """Return the attributes of a recording; a ``TypeError`` or ``ValueError`` for what cannot be one."""
    if not isinstance(source, str):
        raise TypeError(f"source must be a text, got {source!r}")
    return {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "condition": check_choice("condition", condition, RECORDED),
        "seed": check_count("seed", seed, least=0),
        "epoch": check_count("epoch", epoch, least=0),
        "source": source,
        "created_by": ", ".join(f"{name} {version(name)}" for name in ("rote", "numpy", "xarray")),
        **_free_notes({} if attrs is None else attrs),
    }


def _free_notes(attrs: Mapping[str, str | float]) -> Notes:
    if not isinstance(attrs, Mapping):
        raise TypeError(f"attrs must map names to texts and numbers, got {type(attrs).__name__}")
    if taken := [name for name in ATTRIBUTES if name in attrs]:
        raise ValueError(f"attrs must not set {', '.join(taken)}: the recording sets these itself")
    plain = {}
    for name, value in attrs.items():
        scalar = value.item() if isinstance(value, np.generic) else value
        if not isinstance(scalar, str | bool | int | float):
            raise TypeError(f"attrs[{name!r}] must be a text or a number, got {value!r}")
        plain[name] = int(scalar) if isinstance(scalar, bool) else scalar
    return plain
