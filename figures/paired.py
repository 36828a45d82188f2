"""Networks side by side: a point each, joined where they share a seed."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes

from .style import COLOR, INK, MARKER, present


def draw_paired(
    axes: Axes, table: pd.DataFrame, column: str, *, filled: bool = True, at: float = 0.0
) -> None:
    """Draw ``column`` of ``table`` (columns condition and seed: a row a network) over conditions.

    Thin lines join the networks of one seed, which share initial weights and split of the data.
    ``at`` shifts the points sideways; values that are nan are left out.
    """
    known = table.dropna(subset=column)
    conditions = present(table["condition"])
    place = {condition: at + number for number, condition in enumerate(conditions)}
    for _, network in known.groupby("seed"):
        ranked = network.assign(x=network["condition"].map(place)).sort_values("x")
        axes.plot(ranked["x"], ranked[column], color=INK, lw=0.4, alpha=0.5, zorder=1)
    for condition, rows in known.groupby("condition"):
        axes.plot(
            [place[condition]] * len(rows),
            rows[column],
            ls="",
            marker=MARKER[condition],
            ms=3.5,
            mec=COLOR[condition],
            mfc=COLOR[condition] if filled else "white",
            mew=0.9,
            zorder=2,
        )


def tick_conditions(axes: Axes, conditions: Sequence[str]) -> None:
    """Name the conditions below the points of :func:`draw_paired`."""
    axes.set_xticks(range(len(conditions)), conditions)
    axes.set_xlim(-0.4, len(conditions) - 0.6)
