"""A recording's tree in one netCDF-4 file, or a Zarr folder: written aside and sealed, read lazily.

Any netCDF-4 reader opens the file (``xarray.open_datatree``). Read through here, every byte is checked
against the file's seal (:mod:`rote.record.seal`) at the moment it is read, before HDF5 sees it, so a
file cut short or damaged gives an error and never other numbers. Zarr folders are checked likewise
(:mod:`rote.record.zarr_folder`, :mod:`rote.record.zarr_writing`).
"""

import atexit
import os
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import h5netcdf
import h5py
import numpy as np
import xarray as xr
from xarray.backends import H5NetCDFStore

from .contents import ROWS, checked_rows
from .netcdf import NetcdfFile
from .reading import FAULTS, tree_of, unreadable
from .schema import SCHEMA
from .seal import BLOCK, MARK, SealedFile, seal
from .writing import folder_written_aside, written_aside

if TYPE_CHECKING:
    from .zarr_writing import ZarrFolder

HDF5 = b"\x89HDF\r\n\x1a\n"
CHUNK = 1 << 20  # bytes of a chunk, at most
_open_files: weakref.WeakValueDictionary[int, h5py.File] = weakref.WeakValueDictionary()


class ReadFile(h5netcdf.File):
    """A file that is read; one that cannot be opened is closed all the same, and that asks for this."""

    _writable = False


@contextmanager
def new_file(path: str | Path) -> Iterator["NetcdfFile | ZarrFolder"]:
    """Yield what takes the parts of a recording; it is at ``path`` once the block ends without error.

    A Zarr folder where ``path`` ends with .zarr, else a netCDF file. Raises ``OSError`` if it cannot be
    written.
    """
    if Path(path).suffix == ".zarr":
        from .zarr_writing import ZarrFolder

        with folder_written_aside(path) as aside:
            folder = ZarrFolder(aside)
            yield folder
            folder.seal()
        return
    with written_aside(path) as aside:
        with NetcdfFile(aside) as file:
            yield file
        seal(aside)


def chunk_rows(array: np.ndarray | xr.DataArray) -> int:
    """Return how many rows make a chunk: a power of two."""
    return 1 << max(0, (CHUNK // (array.shape[1] * array.dtype.itemsize)).bit_length() - 1)


def write_tree(tree: xr.DataTree, path: str | Path) -> None:
    """Write ``tree`` to ``path``, chunk by chunk; what was there stays until the new one is whole.

    The same tree gives the same bytes. Raises ``OSError`` if it cannot be written.
    """
    bare = tree.map_over_datasets(lambda dataset: dataset.drop_encoding())
    with new_file(path) as file:
        for name, node in bare.children.items():
            for part in (part for part in ROWS if part in node.dataset):
                step = chunk_rows(node[part])
                for start in range(0, len(node[part]), step):
                    rows = checked_rows(tree[name], part, start, start + step)
                    file.write_rows(name, part, start, rows)
        file.write("", bare.to_dataset())
        for name, node in bare.children.items():
            file.write(name, node.to_dataset(inherit=False).drop_vars(ROWS, errors="ignore"))


def read_tree(path: str | Path) -> xr.DataTree:
    """Open the file at ``path`` lazily; the tree's ``close`` closes it.

    Raises ``FileNotFoundError`` or ``ValueError`` if it is no sealed netCDF-4 file, then and whenever
    a damaged part of it is read.
    """
    if Path(path).is_dir():
        from .zarr_folder import read_folder

        return read_folder(Path(path))
    sealed = _sealed(path)
    try:
        stored = h5py.File(sealed, "r")
    except FAULTS as error:
        sealed.close()
        raise unreadable(path, "HDF5", error) from error
    _open_files[id(stored)] = stored
    try:
        file = ReadFile(stored, "r")
        groups = {
            name: xr.open_dataset(H5NetCDFStore(group), cache=False, decode_times=False)
            for name, group in _groups(file)
        }
        tree = tree_of(path, groups)
        _check_room(path, tree, sealed.seek(0, os.SEEK_END))
    except FAULTS as error:
        stored.close()
        sealed.close()
        raise unreadable(path, "groups", error) from error

    def close() -> None:
        file.close()
        stored.close()
        sealed.close()

    tree.set_close(close)
    return tree


def _groups(group: h5netcdf.Group, path: str = "") -> Iterator[tuple[str, h5netcdf.Group]]:
    yield path or "/", group
    for name, inner in group.groups.items():
        yield from _groups(inner, f"{path}/{name}")


def _check_room(path: str | Path, tree: xr.DataTree, length: int) -> None:
    """Raise ``ValueError`` for arrays that claim more numbers than the file has bytes for."""
    for node in tree.subtree:
        for name, array in node.dataset.data_vars.items():
            if name != "activation" and array.nbytes > length:  # these alone are compressed
                raise ValueError(
                    f"{path}: {name} claims {array.nbytes:,} bytes, but the file has {length:,}"
                )


def verify_seal(path: str | Path) -> None:
    """Read the whole file at ``path`` and raise as :func:`read_tree` does if any byte is damaged."""
    if Path(path).is_dir():
        from .zarr_folder import SealedStore

        SealedStore(Path(path)).verify()
        return
    with _sealed(path) as sealed:
        sealed.verify()


def _sealed(path: str | Path) -> SealedFile:
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"recording {path} does not exist: check the name and the folder")
    with path.open("rb") as file:
        head = file.read(BLOCK)
        file.seek(max(0, path.stat().st_size - len(MARK)))
        marked = file.read() == MARK
    if not marked and not head.startswith(HDF5):
        _refuse_kind(path, head)
    if not marked and SCHEMA.encode() not in head:
        raise ValueError(
            f"{path} is netCDF or HDF5 of another kind, or a recording cut short: expected a root "
            f"group with schema={SCHEMA!r}, label, order and held_out for each example, and a group "
            "with active_words for each layer; make one with Recording.from_arrays"
        )
    return SealedFile(path)


def _refuse_kind(path: Path, head: bytes) -> NoReturn:
    if head.startswith(b"PK"):
        raise ValueError(f"{path} is an npz or zip file: read it with rote.record.open_npz")
    what = "is empty" if not head else f"is not a netCDF-4 file (it begins with {head[:8]!r})"
    raise ValueError(f"{path} {what}: recordings are written by Recording.save")


@atexit.register
def _close_open_files() -> None:
    """Close what is still open while Python can: HDF5's own exit would call a reader that is gone."""
    for file in tuple(_open_files.values()):
        file.close()
