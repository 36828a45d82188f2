"""The whole of a file looked at: every byte against its seal, and every number."""

from pathlib import Path

from .contents import ROWS, check_contents, checked_rows
from .files import chunk_rows, verify_seal
from .reading import naming
from .recording import Recording

_CHUNKS = 8  # looked at together: finding one in the file takes as long as looking at it


def verify(path: str | Path) -> None:
    """Read the whole recording at ``path``.

    Raises as :meth:`Recording.open` does, for any damaged byte, for numbers not finite, for bits
    behind the last unit and for activations that do not agree with the bits.
    """
    verify_seal(path)
    with Recording.open(path) as recording, naming(path, ValueError):
        check_contents(recording.tree, all_weights=True)
        for node in recording.tree.children.values():
            for part in (part for part in ROWS if part in node.dataset):
                step = _CHUNKS * chunk_rows(node[part])
                for start in range(0, len(node[part]), step):
                    checked_rows(node, part, start, start + step)
