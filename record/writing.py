"""Files and folders that are whole or not there: written aside, beside their place, then renamed.

A rename within a folder is one step for every reader, so a write that is killed at any moment leaves
the earlier file as it was. What it leaves besides is a hidden ``.NAME.PID.part``, which nothing reads.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written_aside(path: str | Path) -> Iterator[Path]:
    """Yield a path beside ``path`` to write to; it becomes ``path`` if the block ends without error.

    Raises ``FileNotFoundError`` if the folder does not exist and ``IsADirectoryError`` if ``path`` is
    a folder, both before anything is written.
    """
    path = _checked(path)
    if path.is_dir():
        raise IsADirectoryError(f"cannot write {path}: it is a folder; give the name of a file")
    aside = _aside(path)
    try:
        yield aside
        with aside.open("rb+") as written:
            os.fsync(written.fileno())
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


@contextmanager
def folder_written_aside(path: str | Path) -> Iterator[Path]:
    """Yield a path beside ``path`` for a new folder; as :func:`written_aside` but never a replacement.

    A folder cannot take the place of another in one step, so there must be none: raises
    ``FileExistsError``, or ``FileNotFoundError`` if the folder around it does not exist.
    """
    path = _checked(path)
    if path.exists():
        raise FileExistsError(f"cannot write {path}: it exists; remove it first or choose another name")
    aside = _aside(path)
    shutil.rmtree(aside, ignore_errors=True)  # of a process that had the same number and was killed
    try:
        yield aside
        os.rename(aside, path)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _checked(path: str | Path) -> Path:
    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"cannot write {path}: the folder {path.parent} does not exist; make it first"
        )
    return path


def _aside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.part")
