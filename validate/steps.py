"""Long work in steps, each of which leaves files and is skipped when they are there and whole.

A finished step is remembered by the SHA-256 of what it wrote and of what it was made from, so a
file that was cut short, changed or removed, or whose sources were, is made again and a whole one is
not. Files are written aside and renamed, hence work that is killed at any moment goes on with the
step it was in.
"""

import fcntl
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from ..record.writing import written_aside

type Progress = Callable[[str, float], object]
"""Called with the title of a step and the share of it that is done, 1 at its end."""

MEMORY = ".steps"  # folder of what finished steps wrote


def silent(_title: str, _share: float) -> None:
    """Report no progress."""


@dataclass(slots=True)
class Steps:
    """The steps of one piece of work in ``folder``, counted as they pass."""

    folder: Path
    total: int
    progress: Progress = silent
    passed: int = field(default=0, init=False)

    def run(
        self,
        title: str,
        outputs: list[str],
        work: Callable[[Callable[[float], object]], object],
        *,
        inputs: Sequence[str] = (),
    ) -> None:
        """Do ``work`` unless all ``outputs`` are there and whole, made from ``inputs`` as they are.

        Both are paths within the folder. ``work`` is given a function to call with the share done and
        must write every output.
        """
        self.passed += 1
        numbered = f"[{self.passed}/{self.total}] {title}"
        memory = self.folder / MEMORY / f"{title.replace(' ', '-')}.json"
        if _remembered(memory) == _digests(self.folder, [*inputs, *outputs]):
            self.progress(f"{numbered} (there already)", 1.0)
            return
        self.progress(numbered, 0.0)
        for output in outputs:
            (self.folder / output).parent.mkdir(parents=True, exist_ok=True)
        work(lambda share: self.progress(numbered, min(share, 0.999)))
        memory.parent.mkdir(exist_ok=True)
        write_json(memory, _digests(self.folder, [*inputs, *outputs]))
        self.progress(numbered, 1.0)


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Make ``folder`` and keep others out of it; the lock ends with the process, however it ends.

    Raises ``BlockingIOError`` if another process is at work there. Clears what killed writes left.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BlockingIOError(
                f"another rote is at work in {folder}: let it finish, or choose another --out"
            ) from error
        for left in folder.rglob(".*.part"):
            shutil.rmtree(left) if left.is_dir() else left.unlink()
        yield


def write_json(path: Path, content: object) -> None:
    """Write ``content`` to ``path``, whole or not at all."""
    with written_aside(path) as aside:
        aside.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write ``table`` as comma-separated text, every digit kept, whole or not at all."""
    with written_aside(path) as aside:
        table.to_csv(aside, index=False)


def _remembered(memory: Path) -> dict[str, str | None] | None:
    try:
        return json.loads(memory.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None


def _digests(folder: Path, outputs: list[str]) -> dict[str, str | None]:
    return {output: _digest(folder / output) for output in outputs}


def _digest(path: Path) -> str | None:
    if not path.is_file():
        return None
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
