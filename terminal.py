"""Progress on the terminal: a bar that moves, or a line a step where nobody watches."""

import sys


class Teller:
    """Called with a step's title and the share of it that is done; used as a context."""

    def __init__(self) -> None:
        self._bar = None
        self._title = ""

    def __enter__(self) -> "Teller":
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

            columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
            self._bar = Progress(*columns, console=Console(stderr=True))
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, title: str, share: float) -> None:
        """Show that ``share`` of the step ``title`` is done."""
        new, self._title = title != self._title, title
        if self._bar is None:
            if new:
                print(title, file=sys.stderr, flush=True)
            return
        if new:
            self._task = self._bar.add_task(title, total=1.0)
        self._bar.update(self._task, completed=share)
