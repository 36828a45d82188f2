"""How every figure looks: one colour and one marker a condition, a layer a column, bytes that repeat.

Colours are Okabe and Ito's (2008), told apart with any colour vision and, by their lightness, in print.
Figures are made without pyplot, so they need no display and leave no state behind.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..activity.words import CONDITIONS
from ..record.writing import written_aside

COLOR = {"initialized": "#8C8C8C", "generalizing": "#0072B2", "memorizing": "#D55E00"}
MARKER = {"initialized": "o", "generalizing": "s", "memorizing": "^"}
INK = "#222222"
BAND_ALPHA = 0.25
WIDTH, NARROW = 7.0, 4.8  # inches: across two columns of a paper; a study of one layer
FOOT = 0.2  # inches kept free below for the footer
DPI = {"png": 200, "pdf": 300}  # of what is rasterized in a PDF: clouds of points

RC = {
    "font.family": "DejaVu Sans",  # comes with Matplotlib, so it is the same everywhere
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "axes.edgecolor": INK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "lines.linewidth": 1.0,
    "pdf.fonttype": 42,  # text stays text that editors can change
    "axes.unicode_minus": True,
}


def styled[**P](draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Make ``draw`` draw in this style, whatever the user's settings of Matplotlib."""

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with mpl.rc_context({**mpl.rcParamsDefault, **RC}):
            return draw(*args, **kwargs)

    return drawn


def panels(
    n_rows: int, n_columns: int, *, height: float, narrow: bool = False, **grid: object
) -> tuple[Figure, np.ndarray]:
    """Return a figure of ``height`` inches and its axes, ``(n_rows, n_columns)``.

    ``grid`` goes to :meth:`matplotlib.figure.Figure.subplots`.
    """
    figure = Figure(figsize=(NARROW if narrow else WIDTH, height))
    foot = FOOT / height
    figure.set_layout_engine("constrained", rect=(0, foot, 1, 1 - foot), w_pad=0.05, h_pad=0.04)
    return figure, figure.subplots(n_rows, n_columns, squeeze=False, **grid)


def layer_title(layer: str) -> str:
    """Return the name of a layer in words: ``hidden_1`` is hidden layer 1."""
    kind, _, number = layer.rpartition("_")
    return f"{kind} layer {number}" if kind and number.isdigit() else layer


def present(conditions: Iterable[str]) -> list[str]:
    """Return the conditions that occur, in their fixed order; a ``ValueError`` for an unknown one."""
    found = set(conditions)
    if unknown := sorted(found - set(CONDITIONS)):
        raise ValueError(f"condition must be one of {', '.join(CONDITIONS)}; got {', '.join(unknown)}")
    return [condition for condition in CONDITIONS if condition in found]


def keys(conditions: Sequence[str], *, kind: str = "line") -> list[Line2D]:
    """Return a legend key for each condition: a line, or a ``point``."""
    shape = {
        "line": lambda c: {"color": COLOR[c], "lw": 1.6},
        "point": lambda c: {"color": COLOR[c], "marker": MARKER[c], "ls": "", "ms": 4},
    }[kind]
    return [Line2D([], [], label=condition, **shape(condition)) for condition in conditions]


def legend(figure: Figure, handles: Sequence[Artist]) -> None:
    """Put one legend above all panels, where it covers no data: in one row, or two if narrow."""
    n_rows = 1 if figure.get_figwidth() >= WIDTH else 2
    figure.legend(handles=handles, loc="outside upper center", ncols=-(-len(handles) // n_rows))


def sign(figure: Figure, footer: str) -> Figure:
    """Write where the figure comes from below it."""
    height = figure.get_size_inches()[1]
    figure.text(0.008, 0.04 / height, footer, fontsize=7, color="#666666", ha="left", va="bottom")
    return figure


def save(figure: Figure, path: Path) -> None:
    """Write ``figure`` to ``path``, a .png or .pdf: whole or not at all, and the same bytes again."""
    kind = path.suffix[1:]
    metadata = {"png": {"Software": None}, "pdf": {"CreationDate": None}}[kind]
    with written_aside(path) as aside, mpl.rc_context({**mpl.rcParamsDefault, **RC}):
        figure.savefig(aside, format=kind, dpi=DPI[kind], metadata=metadata)
