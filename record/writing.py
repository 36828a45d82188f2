"""Files that are whole or not there: written aside in the same folder, then renamed into place.

A rename within a folder is one step for every reader, so a write that is killed at any moment leaves
the earlier file as it was. What it leaves besides is a hidden ``.NAME.PID.part``, which nothing reads.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written_aside(path: str | Path) -> Iterator[Path]:
    """Yield a path beside ``path`` to write to; it becomes ``path`` if the block ends without error.

    Raises ``FileNotFoundError`` if the folder does not exist and ``IsADirectoryError`` if ``path`` is
    a folder, both before anything is written.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"cannot write {path}: the folder {path.parent} does not exist; make it first"
        )
    if path.is_dir():
        raise IsADirectoryError(f"cannot write {path}: it is a folder; give the name of a file")
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield aside
        with aside.open("rb+") as written:
            os.fsync(written.fileno())
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)
