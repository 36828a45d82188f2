"""A recording's tree written to a new Zarr folder (format 3), and sealed (:mod:`.zarr_folder` reads it).

Zarr writes the chunks of an array side by side. Were one of them to fail, the others would go on while
the folder is being removed, and bring it back. So Zarr writes to a :class:`PatientStore`, which takes
everything and keeps the first error; :class:`ZarrFolder` raises that as soon as Zarr has come back.
"""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
import zarr
from zarr.storage import LocalStore

from .schema import LAYER_AXES, PART_NOTES
from .zarr_folder import MARK, SEAL

if TYPE_CHECKING:
    from zarr.abc.store import Store
    from zarr.core.buffer import Buffer

PLAIN = {"compressors": ()}  # bits do not shrink


class PatientStore(LocalStore):
    """A folder that keeps its first error in ``error`` and from then on writes nothing."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.error: OSError | None = None
        self.written: dict[str, tuple[int, int]] = {}  # size and checksum of each file, by its name

    def with_read_only(self, read_only: bool = False) -> "Store":  # noqa: D102 - as in zarr
        return LocalStore(self.root, read_only=True) if read_only else self

    async def set(self, key: str, value: "Buffer") -> None:  # noqa: D102 - as in zarr
        self.set_sync(key, value)

    async def set_if_not_exists(self, key: str, value: "Buffer") -> None:  # noqa: D102 - as in zarr
        if key not in self.written:
            self.set_sync(key, value)

    def set_sync(self, key: str, value: "Buffer") -> None:
        """Write the file ``key``, or keep the error."""
        self.put(key, value.to_bytes())

    def put(self, key: str, content: bytes) -> None:
        """Write ``content`` to the file ``key``, or keep the error."""
        if self.error:
            return
        file = self.root / key
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        except OSError as error:
            self.error = OSError(error.errno, error.strerror, str(file))
        self.written[key] = len(content), zlib.crc32(content)

    async def delete(self, key: str) -> None:  # noqa: D102 - as in zarr
        self.written.pop(key, None)
        await super().delete(key)


class ZarrFolder:
    """A new Zarr folder: whole datasets, or layers whose axis of examples has no end yet.

    Every method raises the ``OSError`` of a disk that is full.
    """

    def __init__(self, path: Path) -> None:
        self._store = PatientStore(path)
        self._layers: dict[str, zarr.Group] = {}  # in order
        self._arrays: dict[tuple[str, str], zarr.Array] = {}
        with self._checked():
            self._root = zarr.create_group(self._store, zarr_format=3)

    def write(self, name: str, dataset: xr.Dataset) -> None:
        """Write ``dataset`` into group ``name``, or into the root if that is empty."""
        encoding = dict.fromkeys(dataset.data_vars, PLAIN)
        with self._checked():
            if name:
                self._layer(name)
            dataset.to_zarr(self._store, group=name, mode="a", encoding=encoding, consolidated=False)

    def write_rows(self, layer: str, part: str, start: int, rows: np.ndarray) -> None:
        """Write ``rows`` of a part of ``layer`` from example ``start`` on; the first set the chunks."""
        with self._checked():
            if (layer, part) not in self._arrays:
                self._arrays[layer, part] = self._layer(layer).create_array(
                    part,
                    shape=rows.shape,
                    chunks=rows.shape,
                    dtype=rows.dtype,
                    dimension_names=LAYER_AXES[part],
                    attributes=PART_NOTES.get(part),
                    fill_value=0,
                    **({} if part == "activation" else PLAIN),
                )
            array = self._arrays[layer, part]
            if array.shape[0] < start + len(rows):
                array.resize((start + len(rows), array.shape[1]))
            array[start : start + len(rows)] = rows

    def seal(self) -> None:
        """Write the seal of the present files; nothing may be written behind it."""
        written = self._store.written
        names = sorted(written, key=self._place)
        table = "".join(f"{written[n][0]} {written[n][1]} {n}\n" for n in names).encode()
        with self._checked():
            self._store.put(SEAL, f"{MARK} {zlib.crc32(table)}\n".encode() + table)

    def _layer(self, name: str) -> zarr.Group:
        if name not in self._layers:
            self._layers[name] = self._root.create_group(name)
        return self._layers[name]

    def _place(self, file: str) -> tuple[int, Path]:
        """Return what sorts files: those of the root, then those of each layer in turn."""
        first = file.split("/")[0]
        return [None, *self._layers].index(first if first in self._layers else None), Path(file)

    @contextmanager
    def _checked(self) -> Iterator[None]:
        """Raise the first error of the disk, in place of what followed from it."""
        try:
            yield
        except Exception:
            if not self._store.error:
                raise
        if error := self._store.error:
            raise error
