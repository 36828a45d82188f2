"""Arrays read from a recording's tree: what the file cannot give is said in one sentence with its name.

A sealed file can still be wrong inside, written by a program with a fault of its own. What HDF5, Zarr
and xarray then raise is of many kinds, of several lines and without the name of the file.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import xarray as xr

FAULTS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What libraries raise where the inside of a file is not of its kind."""


def read(node: xr.DataTree, variable: str, rows: slice = slice(None)) -> np.ndarray:
    """Return ``rows`` of a variable; a ``ValueError`` with the file's name if it cannot be read."""
    try:
        return node[variable][rows].to_numpy()
    except FAULTS as error:
        source = node.root.encoding.get("source")
        if source is None:
            raise
        raise unreadable(source, f"{node.path.lstrip('/')} {variable}".lstrip(), error) from error


@contextmanager
def naming(path: str | Path | None, *kinds: type[Exception]) -> Iterator[None]:
    """Let errors of ``kinds`` be a ``ValueError`` that begins with ``path``, unless it is in them."""
    try:
        yield
    except kinds as error:
        if path is None or str(path) in str(error):
            raise
        raise ValueError(f"{path}: {str(error).splitlines()[0]}") from error


def unreadable(path: str | Path, what: str, error: Exception) -> ValueError:
    """Return the error that says that ``what`` cannot be read from the file at ``path``, and why."""
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    if str(path) in reason:  # found by the seal, which names the file
        return ValueError(reason)
    return ValueError(f"{path} is whole, but its {what} cannot be read: {reason[:200]}")


def tree_of(path: str | Path, groups: Mapping[str, xr.Dataset]) -> xr.DataTree:
    """Return the tree of datasets by their paths; a ``ValueError`` if their axes do not fit."""
    n_examples = groups["/"].sizes.get("example")
    for name, group in groups.items():
        if group.sizes.get("example", n_examples) != n_examples:
            raise ValueError(
                f"{path}: layer {name[1:]!r} must hold as many examples as label, {n_examples}, got "
                f"{group.sizes['example']}"
            )
    tree = xr.DataTree.from_dict(groups)
    tree.encoding = {"source": str(path)}
    return tree
