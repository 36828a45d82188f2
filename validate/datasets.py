"""Images to learn: scikit-learn's digits, and any data set in MNIST's file format.

An IDX file begins with two zero bytes, the kind of number (8: unsigned bytes), the number of axes, and
each axis's length in four bytes, the highest first; the numbers follow, the last axis running fastest
(Y. LeCun, C. Cortes, C. J. C. Burges, *The MNIST database of handwritten digits*). Digits: E. Alpaydin,
C. Kaynak (1998), UCI repository, doi 10.24432/C50P49.
"""

import gzip
import hashlib
import http.client
import math
import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from ..activity.arrays import Counts
from ..activity.checks import check_generator, check_probability
from ..record.writing import written_aside

IMAGES_AND_LABELS = (
    ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
)
MD5 = {
    "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
}
MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
TIMEOUT = 30  # seconds without an answer
PIECE = 1 << 18  # bytes between two calls of progress

type Progress = Callable[[str, int, int | None], None]
"""Called with a file's name, the bytes that have come, and the bytes in all where they are known."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dataset:
    """Images and their classes."""

    name: str
    images: NDArray[np.float32]  # (n_examples, n_inputs), in [0, 1]
    labels: Counts  # (n_examples,), in [0, n_classes)
    n_classes: int
    source: str  # where the data come from, in words

    def split(
        self, held_out_share: float, *, rng: np.random.Generator
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the examples to train on and those held out, each sorted.

        The share, in (0, 1), is drawn from each class and rounded to whole examples. Raises
        ``ValueError`` if that leaves a class without training examples or none held out at all.
        """
        check_probability("held_out_share", held_out_share)
        check_generator(rng)
        held_out = np.zeros(self.labels.size, dtype=np.bool_)
        for label in range(self.n_classes):
            members = np.flatnonzero(self.labels == label)
            n_held_out = round(held_out_share * members.size)
            if members.size and n_held_out == members.size:
                raise ValueError(
                    f"held_out_share={held_out_share} leaves no training example of class {label}, "
                    f"which has {members.size}: take a smaller share"
                )
            held_out[rng.permutation(members)[:n_held_out]] = True
        if not held_out.any():
            raise ValueError(f"held_out_share={held_out_share} holds out no example: take a larger one")
        return np.flatnonzero(~held_out), np.flatnonzero(held_out)


def digits() -> Dataset:
    """Return the 1,797 handwritten digits, 8 by 8 pixels, that come with scikit-learn."""
    bunch = load_digits()
    return Dataset(
        name="digits",
        images=(bunch.data / 16).astype(np.float32),  # pixels are whole numbers from 0 to 16
        labels=bunch.target.astype(np.int64),
        n_classes=10,
        source=f"scikit-learn digits, {bunch.target.size} images of 8x8 pixels",
    )


def mnist(
    folder: str | Path, *, urls: Sequence[str] = MIRRORS, progress: Progress | None = None
) -> Dataset:
    """Return the images in MNIST's file format in ``folder``, gzipped (``.gz``) or not.

    The training files are taken, else the test files (``t10k``); if neither pair is whole, MNIST's
    training files are downloaded into ``folder`` from the first of ``urls`` that gives them, and kept
    only if their checksum is right. Raises ``OSError`` if that fails and ``ValueError`` for a file that
    is damaged, of another format, or does not fit its partner.
    """
    folder = Path(folder)
    if (pair := _present(folder)) is None:
        for name in IMAGES_AND_LABELS[0]:
            if _find(folder, name) is None:
                _download(folder, f"{name}.gz", urls, progress)
        pair = _present(folder)
    images, labels = _read_idx(pair[0], n_axes=3), _read_idx(pair[1], n_axes=1)
    if len(images) != len(labels):
        raise ValueError(
            f"{pair[0]} holds {len(images)} images and {pair[1]} {len(labels)} labels: "
            "take files that belong together"
        )
    rows, columns = images.shape[1:]
    return Dataset(
        name="mnist",
        images=images.reshape(len(images), -1) / np.float32(255),
        labels=labels.astype(np.int64),
        n_classes=int(labels.max()) + 1,
        source=f"{pair[0].name}, {len(images)} images of {rows}x{columns} pixels",
    )


def _present(folder: Path) -> tuple[Path, Path] | None:
    """Return the first whole pair of files, images and labels."""
    for images, labels in IMAGES_AND_LABELS:
        pair = _find(folder, images), _find(folder, labels)
        if None not in pair:
            return pair
    return None


def _find(folder: Path, name: str) -> Path | None:
    return next((p for p in (folder / name, folder / f"{name}.gz") if p.is_file()), None)


def _read_idx(path: Path, *, n_axes: int) -> NDArray[np.uint8]:
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ValueError(f"{path} is not a whole gzip file ({error}): fetch it again") from error
    magic, head = bytes((0, 0, 8, n_axes)), 4 + 4 * n_axes
    if content[:4] != magic:
        raise ValueError(
            f"{path} must be an IDX file of unsigned bytes along {n_axes} axes, beginning with "
            f"{magic!r}; it begins with {content[:4]!r}"
        )
    shape = struct.unpack(f">{n_axes}I", content[4:head].ljust(4 * n_axes, b"\0"))
    due = head + math.prod(shape)
    if len(content) != due:
        raise ValueError(f"{path} must hold {due} bytes by its head, got {len(content)}: fetch it again")
    if 0 in shape:
        raise ValueError(f"{path} is empty: its axes have lengths {shape}")
    return np.frombuffer(content, np.uint8, offset=head).reshape(shape)


def _download(folder: Path, name: str, urls: Sequence[str], progress: Progress | None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    failures = []
    for url in urls:
        address = f"{url.rstrip('/')}/{name}"
        try:
            _fetch(address, folder / name, progress)
        except (OSError, http.client.HTTPException) as error:
            failures.append(f"{address}: {error or type(error).__name__}")
        else:
            return
    train, test = (" and ".join(pair) for pair in IMAGES_AND_LABELS)
    raise OSError(
        f"no MNIST files in {folder} and none could be downloaded ({'; '.join(failures)}): "
        f"put {train} there, or {test}, as they are or gzipped (.gz)"
    )


def _fetch(address: str, path: Path, progress: Progress | None) -> None:
    """Download ``address`` to ``path``; an ``OSError`` if it fails or the checksum is wrong."""
    digest, done = hashlib.md5(usedforsecurity=False), 0
    with urlopen(address, timeout=TIMEOUT) as answer, written_aside(path) as aside:
        total = answer.length
        with aside.open("wb") as file:
            while piece := answer.read(PIECE):
                digest.update(piece)
                done += file.write(piece)
                if progress:
                    progress(path.name, done, total)
        if digest.hexdigest() != MD5[path.name]:
            raise OSError(f"MD5 is {digest.hexdigest()}, not {MD5[path.name]}")
