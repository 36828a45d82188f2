"""A recording's tree in a sealed Zarr folder (format 3), read in chunks and checked.

Any Zarr reader opens the folder (``xarray.open_datatree(path, engine="zarr")``). Its file
``label/rote.seal`` names every other one with its size and the CRC-32 of its content, layers in order:

    rote-seal-1 CRC-32 of the lines that follow
    SIZE CRC-32 NAME

Read through here the sizes are checked when the folder is opened, and a file's content when it is read.
:mod:`rote.record.zarr_writing` writes such folders.
"""

import json
import zlib
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import xarray as xr
from zarr.abc.store import ByteRequest, OffsetByteRequest, RangeByteRequest, Store, SuffixByteRequest

from .reading import FAULTS, tree_of, unreadable

if TYPE_CHECKING:
    from zarr.core.buffer import Buffer, BufferPrototype

SEAL = "label/rote.seal"  # in an array that every recording has: Zarr looks for nothing else there
MARK = "rote-seal-1"
CODECS = ("bytes", "zstd")


def read_folder(path: Path) -> xr.DataTree:
    """Open the Zarr folder at ``path`` lazily; raise as :func:`rote.record.files.read_tree` does."""
    store = SealedStore(path)
    options = {"zarr_format": 3, "consolidated": False, "chunks": None, "cache": False}
    store.check_codecs()
    try:
        groups = xr.open_groups(store, engine="zarr", **options)
        # Zarr lists groups in any order
        names = dict.fromkeys("/" + file.rpartition("/")[0] for file in store.files)
        tree = tree_of(path, {name: groups[name] for name in names if name in groups})
    except FAULTS as error:
        raise unreadable(path, "Zarr groups", error) from error
    tree.set_close(store.close)
    return tree


class SealedStore(Store):
    """The files of a sealed folder, read-only; reading a damaged one raises ``ValueError``."""

    def __init__(self, path: Path) -> None:
        """Read the seal of ``path`` and check all files' sizes; a ``ValueError`` if one does not fit."""
        super().__init__(read_only=True)
        self._path, self.files = path, _read_seal(path)
        for name, (size, _) in self.files.items():
            file = path / name
            if not file.is_file() or file.stat().st_size != size:
                self._refuse(f"is cut short or was changed after it was written ({name} does not fit)")

    def verify(self) -> None:
        """Read every file once; a ``ValueError`` for the first damaged one."""
        for name in self.files:
            self._content(name)

    def check_codecs(self) -> None:
        """Raise ``ValueError`` for an array that is packed in another way: some ways run programs."""
        for name in (name for name in self.files if name.endswith("zarr.json")):
            content = self._content(name)
            try:
                packed = [codec["name"] for codec in json.loads(content).get("codecs", [])]
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise ValueError(f"{self._path} is no Zarr folder: {name} is not of its kind") from error
            if strange := [codec for codec in packed if codec not in CODECS]:
                raise ValueError(
                    f"{self._path} has an array packed by {strange[0]!r} ({name}); allowed are "
                    f"{', '.join(CODECS)}"
                )

    def _content(self, name: str) -> bytes:
        content = (self._path / name).read_bytes()
        if (len(content), zlib.crc32(content)) != self.files[name]:
            self._refuse(f"is damaged in {name}")
        return content

    def _refuse(self, what: str) -> NoReturn:
        raise ValueError(f"{self._path} {what}: restore it or record it again")

    async def get(  # noqa: D102 - as in zarr
        self,
        key: str,
        prototype: "BufferPrototype",
        byte_range: ByteRequest | None = None,
    ) -> "Buffer | None":
        if not self._is_open:
            raise ValueError(f"Closed: the recording in {self._path} cannot be read any more")
        if key not in self.files:
            return None
        content = self._content(key)
        if isinstance(byte_range, RangeByteRequest):
            content = content[byte_range.start : byte_range.end]
        elif isinstance(byte_range, OffsetByteRequest):
            content = content[byte_range.offset :]
        elif isinstance(byte_range, SuffixByteRequest):
            content = content[max(0, len(content) - byte_range.suffix) :]
        return prototype.buffer.from_bytes(content)

    async def get_partial_values(  # noqa: D102 - as in zarr
        self, prototype: "BufferPrototype", key_ranges: Iterable[tuple[str, ByteRequest | None]]
    ) -> "list[Buffer | None]":
        return [await self.get(key, prototype, byte_range) for key, byte_range in key_ranges]

    async def exists(self, key: str) -> bool:  # noqa: D102 - as in zarr
        return key in self.files

    async def list(self) -> AsyncIterator[str]:  # noqa: D102 - as in zarr
        for name in self.files:
            yield name

    async def list_prefix(self, prefix: str) -> AsyncIterator[str]:  # noqa: D102 - as in zarr
        for name in self.files:
            if name.startswith(prefix):
                yield name

    async def list_dir(self, prefix: str) -> AsyncIterator[str]:  # noqa: D102 - as in zarr
        folder = f"{prefix.rstrip('/')}/" if prefix else ""
        for name in dict.fromkeys(
            name[len(folder) :].split("/")[0] for name in self.files if name.startswith(folder)
        ):
            yield name

    async def set(self, key: str, value: "Buffer") -> None:  # noqa: D102 - as in zarr
        raise OSError(f"{self._path} is sealed and cannot be changed; write another folder")

    async def delete(self, key: str) -> None:  # noqa: D102 - as in zarr
        raise OSError(f"{self._path} is sealed and cannot be changed; write another folder")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SealedStore) and self._path == other._path

    supports_writes = supports_deletes = False
    supports_listing = True


def _read_seal(path: Path) -> dict[str, tuple[int, int]]:
    """Return size and checksum of each file of the folder, by its name."""
    seal = path / SEAL
    if not seal.is_file():
        raise IsADirectoryError(
            f"recording {path} is a folder without {SEAL}: name one file in it, or a Zarr folder that "
            "was written whole by Recording.save"
        )
    head, _, table = seal.read_bytes().partition(b"\n")
    if head != f"{MARK} {zlib.crc32(table)}".encode():
        raise ValueError(f"{path} is damaged in {SEAL}: restore it or record it again")
    rows = (line.split(" ", 2) for line in table.decode().splitlines())
    try:
        files = {name: (int(size), int(check)) for size, check, name in rows}
    except ValueError as error:
        raise ValueError(f"{path} has a list of files that is none in {SEAL}") from error
    if outside := [name for name in files if name.startswith("/") or ".." in name.split("/")]:
        raise ValueError(f"{path} claims a file outside of it ({outside[0]!r})")
    return files
