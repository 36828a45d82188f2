"""A recording's tree in one netCDF-4 file: written aside and sealed, read lazily and checked.

Any netCDF-4 reader opens the file (``xarray.open_datatree``). Read through here, every byte is checked
against the file's seal (:mod:`rote.record.seal`) at the moment it is read, before HDF5 sees it, so a
file cut short or damaged gives an error and never other numbers.
"""

import atexit
import weakref
from pathlib import Path
from typing import NoReturn

import h5netcdf
import xarray as xr
from xarray.backends import H5NetCDFStore

from .schema import SCHEMA
from .seal import BLOCK, MARK, SealedFile, seal
from .writing import written_aside

HDF5 = b"\x89HDF\r\n\x1a\n"
CHUNK = 1 << 20  # bytes of a compressed chunk, about
_open_files: weakref.WeakValueDictionary[int, h5netcdf.File] = weakref.WeakValueDictionary()


def write_tree(tree: xr.DataTree, path: str | Path) -> None:
    """Write ``tree`` to ``path``; the earlier file stays as it was until the new one is whole.

    The same tree gives the same bytes. Raises ``OSError`` if the file cannot be written.
    """
    bare = tree.map_over_datasets(lambda dataset: dataset.drop_encoding())
    encoding = {
        f"/{name}": {
            part: _compressed(variable) if part == "activation" else {"_FillValue": None}
            for part, variable in node.dataset.data_vars.items()
        }
        for name, node in bare.children.items()
    }
    with written_aside(path) as aside:
        bare.to_netcdf(aside, engine="h5netcdf", encoding=encoding)
        seal(aside)


def _compressed(variable: xr.DataArray) -> dict[str, object]:
    n_examples, n_units = variable.shape
    rows = min(n_examples, max(1, CHUNK // (n_units * variable.dtype.itemsize)))
    return {
        "compression": "gzip",
        "compression_opts": 1,
        "shuffle": True,
        "chunksizes": (rows, n_units),
        "_FillValue": None,
    }


def read_tree(path: str | Path) -> xr.DataTree:
    """Open the file at ``path`` lazily; the tree's ``close`` closes it.

    Raises ``FileNotFoundError`` or ``ValueError`` if it is no sealed netCDF-4 file, then and whenever
    a damaged part of it is read.
    """
    file = h5netcdf.File(_sealed(path), "r")
    _open_files[id(file)] = file
    groups = {"/": file, **{f"/{name}": group for name, group in file.groups.items()}}
    tree = xr.DataTree.from_dict(
        {
            name: xr.open_dataset(H5NetCDFStore(group), cache=False, decode_times=False)
            for name, group in groups.items()
        }
    )
    tree.set_close(file.close)
    return tree


def verify(path: str | Path) -> None:
    """Read the whole file at ``path`` and raise as :func:`read_tree` does if any byte is damaged."""
    with _sealed(path) as sealed:
        sealed.verify()


def _sealed(path: str | Path) -> SealedFile:
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"recording {path} does not exist: check the name and the folder")
    if path.is_dir():
        raise IsADirectoryError(f"recording {path} is a folder: name one file in it")
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
