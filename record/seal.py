"""Files that check themselves: a seal behind the content, checked block by block as it is read.

    content | CRC-32 of each 64 KiB block of the content | content's length | CRC-32 of both | mark

Whole numbers are little-endian, 32 bits each and 64 for the length. HDF5 and netCDF readers pay no
attention to what follows their content, so other programs open a sealed file like any other.
:class:`SealedFile` hands on no byte whose block it has not just checked: a file cut short is refused
when it is opened, a flipped bit when its block is read, and a large file is still read lazily. The
seal tells damage, not forgery.
"""

import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np

BLOCK = 1 << 16
MARK = b"rote-v1\n"
FOOTER = struct.Struct("<QI8s")  # content's length, CRC-32 of table and length, mark


def seal(path: Path) -> None:
    """Append to the file at ``path`` the seal of its present content."""
    with path.open("rb+") as file:
        table = np.array([zlib.crc32(block) for block in iter(lambda: file.read(BLOCK), b"")], "<u4")
        length = file.tell()
        file.write(table.tobytes() + FOOTER.pack(length, _check(table.tobytes(), length), MARK))


def _check(table: bytes, length: int) -> int:
    return zlib.crc32(struct.pack("<Q", length), zlib.crc32(table))


class SealedFile(io.RawIOBase):
    """The content of a sealed file, read-only; reading a damaged block raises ``ValueError``."""

    def __init__(self, path: Path) -> None:
        """Open ``path`` and read its seal; a ``ValueError`` if there is none or it does not fit."""
        self._path = path
        self._position = 0
        self._cached: tuple[int, bytes] = (-1, b"")
        self._descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        self._table, self._length = self._read_seal()

    def __repr__(self) -> str:
        return f"SealedFile({str(self._path)!r})"

    def readinto(self, buffer: memoryview) -> int:
        """Fill ``buffer`` from the present position with checked bytes; return how many."""
        target = memoryview(buffer).cast("B")[: max(0, self._length - self._position)]
        filled = 0
        while filled < len(target):
            number, offset = divmod(self._position, BLOCK)
            whole = (len(target) - filled) // BLOCK * BLOCK
            if whole and not offset:
                self._read_blocks(number, target[filled : filled + whole])
                count = whole
            else:
                part = self._block(number)[offset : offset + len(target) - filled]
                target[filled : filled + len(part)] = part
                count = len(part)
            filled += count
            self._position += count
        return filled

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to ``offset`` from the content's start, the position or the content's end."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._length}[whence]
        self._position = base + offset
        return self._position

    def readable(self) -> bool:  # noqa: D102 - as in io
        return True

    def seekable(self) -> bool:  # noqa: D102 - as in io
        return True

    def close(self) -> None:  # noqa: D102 - as in io
        if not self.closed and hasattr(self, "_descriptor"):
            os.close(self._descriptor)
        super().close()

    def verify(self) -> None:
        """Read every block once; a ``ValueError`` for the first damaged one."""
        for number in range(self._table.size):
            self._block(number)

    def _read_seal(self) -> tuple[np.ndarray, int]:
        size = os.fstat(self._descriptor).st_size
        footer = self._bytes(max(0, size - FOOTER.size), FOOTER.size)
        if not footer.endswith(MARK) or len(footer) < FOOTER.size:
            raise ValueError(
                f"{self._path} is cut short or was changed after it was written (the seal at its "
                "end is missing): restore it or record it again"
            )
        length, check, _ = FOOTER.unpack(footer)
        n_blocks = -(-length // BLOCK)
        if size == length + 4 * n_blocks + FOOTER.size:
            table = self._bytes(length, 4 * n_blocks)
            if _check(table, length) == check:
                return np.frombuffer(table, "<u4"), length
        raise ValueError(
            f"{self._path} is damaged (the seal at its end does not fit): restore it or record it again"
        )

    def _block(self, number: int) -> bytes:
        if self._cached[0] != number:
            start = number * BLOCK
            content = self._bytes(start, min(BLOCK, self._length - start))
            self._check_block(number, content)
            self._cached = number, content
        return self._cached[1]

    def _read_blocks(self, number: int, target: memoryview) -> None:
        """Fill ``target`` with whole blocks from ``number`` on, without a copy between."""
        done = 0
        while done < len(target):
            count = os.preadv(self._descriptor, [target[done:]], number * BLOCK + done)
            if not count:
                break  # cut short since it was opened: the blocks that are missing do not fit
            done += count
        for place in range(0, len(target), BLOCK):
            self._check_block(number + place // BLOCK, target[place : min(place + BLOCK, done)])

    def _check_block(self, number: int, content: bytes | memoryview) -> None:
        if zlib.crc32(content) != self._table[number]:
            start = number * BLOCK
            raise ValueError(
                f"{self._path} is damaged between bytes {start} and {start + BLOCK}: "
                "restore it or record it again"
            )

    def _bytes(self, start: int, count: int) -> bytes:
        os.lseek(self._descriptor, start, os.SEEK_SET)
        parts = []
        while count > 0 and (part := os.read(self._descriptor, count)):
            parts.append(part)
            count -= len(part)
        return b"".join(parts)
