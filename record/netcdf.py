"""netCDF-4 files written so that a full disk is an error.

Where the disk is full HDF5 cannot close its file any more, and brings the whole program down. So it
writes to a :class:`PatientFile`, which takes everything and keeps the first error; :class:`NetcdfFile`
raises that as soon as HDF5 has handed the work back.
"""

import io
import os
from pathlib import Path
from typing import Self

import h5netcdf
import h5py
import numpy as np
import xarray as xr
from xarray.backends import H5NetCDFStore

from .schema import LAYER_AXES, PART_NOTES

COMPRESSION = {"compression": "gzip", "compression_opts": 1, "shuffle": True}


class PatientFile(io.RawIOBase):
    """A new file at ``path`` that keeps its first error in ``error`` and from then on writes nothing."""

    def __init__(self, path: Path) -> None:
        self.error: OSError | None = None
        self._file = path.open("wb+", buffering=0)

    def readinto(self, buffer: memoryview) -> int:
        """Fill ``buffer`` with what has been written; with zeros where nothing has."""
        target = memoryview(buffer).cast("B")
        filled = 0
        while got := self._file.readinto(target[filled:]):
            filled += got
        target[filled:] = bytes(len(target) - filled)
        return len(target)

    def write(self, content: bytes | memoryview) -> int:
        """Write all of ``content``, or keep the error; return its length either way."""
        rest = memoryview(content).cast("B")
        length = len(rest)
        try:
            while rest and not self.error:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            self.error = error
        return length

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:  # noqa: D102 - as in io
        return self._file.seek(offset, whence)

    def tell(self) -> int:  # noqa: D102 - as in io
        return self._file.tell()

    def truncate(self, size: int | None = None) -> int:
        """Cut or lengthen the file to ``size`` bytes, or keep the error."""
        try:
            return self._file.truncate(size)
        except OSError as error:
            self.error = self.error or error
            return self._file.tell() if size is None else size

    def readable(self) -> bool:  # noqa: D102 - as in io
        return True

    def writable(self) -> bool:  # noqa: D102 - as in io
        return True

    def seekable(self) -> bool:  # noqa: D102 - as in io
        return True

    def close(self) -> None:  # noqa: D102 - as in io
        if hasattr(self, "_file"):
            self._file.close()
        super().close()


class NetcdfFile:
    """A new netCDF-4 file: whole datasets, or layers whose axis of examples has no end yet.

    Every method raises the ``OSError`` of a disk that is full.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._disk = path, PatientFile(path)
        self._stored = h5py.File(self._disk, "w", track_order=True)
        self._file = h5netcdf.File(self._stored, "w")
        # h5netcdf takes its time to find an array and to lengthen an axis, and is told at the end
        self._growing: dict[str, h5py.Dataset] = {}  # by their places
        self._sizes: dict[str, int] = {}  # examples in each layer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type | None, *_: object) -> None:
        if kind is None:
            for layer, n_examples in self._sizes.items():
                self._group(layer).resize_dimension("example", n_examples)
        self._file.close()
        self._stored.close()
        self._disk.close()
        if kind is None:
            self._check()

    def write(self, name: str, dataset: xr.Dataset) -> None:
        """Write ``dataset`` into group ``name``, or into the root if that is empty."""
        encoding = {variable: {"_FillValue": None} for variable in dataset.data_vars}
        store = H5NetCDFStore(self._group(name) if name else self._file)
        dataset.dump_to_store(store, encoding=encoding)
        self._check()

    def write_rows(self, layer: str, part: str, start: int, rows: np.ndarray) -> None:
        """Write ``rows`` of a part of ``layer`` from example ``start`` on; the first set the chunks."""
        place, stop = f"{layer}/{part}", start + len(rows)
        if place not in self._growing:
            self._create(self._group(layer), part, rows)
            self._growing[place] = self._stored[place]
        array = self._growing[place]
        if array.shape[0] < stop:
            array.resize(stop, axis=0)
            self._sizes[layer] = max(stop, self._sizes.get(layer, 0))
        array[start:stop] = rows
        self._check()

    def _group(self, name: str) -> h5netcdf.Group:
        return self._file.groups[name] if name in self._file.groups else self._file.create_group(name)

    def _create(self, group: h5netcdf.Group, part: str, rows: np.ndarray) -> None:
        for dimension, size in zip(LAYER_AXES[part], (None, rows.shape[1]), strict=True):
            if dimension not in group.dimensions:
                group.dimensions[dimension] = size
        options = COMPRESSION if part == "activation" else {}
        variable = group.create_variable(
            part, LAYER_AXES[part], rows.dtype, chunks=rows.shape, **options
        )
        variable.attrs.update(PART_NOTES.get(part, {}))

    def _check(self) -> None:
        if error := self._disk.error:
            raise OSError(error.errno, error.strerror, str(self._path)) from error
