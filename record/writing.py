"""Files and folders that are whole or not there: written aside, beside their place, then renamed.

A rename within a folder is one step for every reader, so a write that is killed at any moment leaves
the earlier file as it was. What it leaves besides is a hidden ``.NAME.TOKEN.part``, which nothing reads.
The token is drawn anew for each write and the place is taken by making it, so that writers of one path,
be they threads, processes or machines with a folder in common, never write to the same place: of files
the last one to end stays, of folders the first.
"""

import os
import secrets
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
    aside.touch(exist_ok=False)
    try:
        yield aside
        _reach_disk(aside)
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


@contextmanager
def folder_written_aside(path: str | Path) -> Iterator[Path]:
    """Yield a path beside ``path`` for a new folder; as :func:`written_aside` but never a replacement.

    A folder cannot take the place of another in one step, so there must be none, at the beginning and
    at the end: raises ``FileExistsError``, or ``FileNotFoundError`` if the folder around it does not
    exist.
    """
    path = _checked(path)
    if path.exists():
        raise _taken(path)
    aside = _aside(path)
    aside.mkdir()
    try:
        yield aside
        for written in filter(Path.is_file, aside.rglob("*")):
            _reach_disk(written)
        _into_place(aside, path)
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
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")


def _into_place(aside: Path, path: Path) -> None:
    try:
        os.rename(aside, path)
    except OSError as error:
        raise (_taken(path) if path.exists() else error) from None


def _taken(path: Path) -> FileExistsError:
    return FileExistsError(f"cannot write {path}: it exists; remove it first or choose another name")


def _reach_disk(written: Path) -> None:
    with written.open("rb+") as file:
        os.fsync(file.fileno())
