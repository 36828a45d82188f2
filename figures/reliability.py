"""Reliability: how far judgements of networks agree with what is known of them, and from when on.

A network memorizes, here, if more than half of its labels are random.
"""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..inference.judgement import UNLIKE
from ..validate.reliability import reliability_table
from .style import COLOR, INK, legend, panels, styled

WITH, WITHOUT = "labels known", "labels unknown"
SHARE_COLORS = {0.0: COLOR["generalizing"], 0.5: "#7F7F7F", 1.0: COLOR["memorizing"]}
CAPTION = """\
Judgements of networks that are not in the reference, above by activity and labels, below by activity
alone. Left: share of networks that memorize (more than half of their labels random) against the
probability they were given, in bins, with 90 % intervals and the number of networks; on the diagonal
probabilities are what they say. Middle: random share of the labels, estimated (mean and 90 %
interval) against the truth. Right: probability along training, judged by a reference of fully trained
networks; a line for each network, dotted where it is unlike the reference."""


@styled
def draw_reliability(judged: Mapping[str, pd.DataFrame], along: Mapping[str, pd.DataFrame]) -> Figure:
    """Draw what was judged, and what was told along training: a row of panels for each way to judge.

    Both map names of these ways to rows of :func:`~rote.validate.reliability.judge_rows`; those along
    training have the columns ``network`` and ``epoch`` besides, and shares among ``SHARE_COLORS``.
    """
    figure, axes = panels(len(judged), 3, height=0.4 + 2.3 * len(judged))
    for name, (diagram, shares, training) in zip(judged, axes, strict=True):
        _draw_diagram(diagram, judged[name])
        _draw_shares(shares, judged[name])
        _draw_training(training, along[name])
        shares.set_title(name)
    handles = [
        Line2D([], [], color=color, lw=1.6, label=f"{100 * share:.0f} % of labels random")
        for share, color in SHARE_COLORS.items()
    ]
    legend(figure, handles)
    return figure


def _draw_diagram(axes: Axes, judged: pd.DataFrame) -> None:
    table = reliability_table(judged)
    axes.plot([0, 1], [0, 1], color="#BBBBBB", lw=0.8, zorder=0)
    axes.vlines(table["probability"], table["low"], table["high"], color=INK, lw=0.8)
    axes.plot(table["probability"], table["memorizes"], "o", color=INK, ms=4)
    for row in table.itertuples():
        up = row.memorizes < 0.5
        axes.annotate(
            str(row.networks),
            (row.probability, row.high if up else row.low),
            xytext=(0, 3 if up else -3),
            textcoords="offset points",
            ha="center",
            va="bottom" if up else "top",
            fontsize=6,
        )
    axes.set(xlim=(-0.06, 1.06), ylim=(-0.06, 1.06))
    axes.set(xlabel="probability told", ylabel="share that memorizes")


def _draw_shares(axes: Axes, judged: pd.DataFrame) -> None:
    axes.plot([0, 1], [0, 1], color="#BBBBBB", lw=0.8, zorder=0)
    axes.vlines(judged["random_share"], judged["low"], judged["high"], color=INK, lw=0.5, alpha=0.5)
    axes.plot(judged["random_share"], judged["estimate"], "o", color=INK, ms=2)
    axes.set(xlim=(-0.06, 1.06), ylim=(-0.06, 1.06))
    axes.set(xlabel="random share of the labels", ylabel="estimate")


def _draw_training(axes: Axes, along: pd.DataFrame) -> None:
    for _, rows in along.groupby("network"):
        rows = rows.sort_values("epoch")
        color = SHARE_COLORS[rows["random_share"].iloc[0]]
        axes.plot(rows["epoch"] + 1, rows["probability"], color=color, lw=0.6, ls=":")
        like = rows["probability"].where(rows["likeness"] >= UNLIKE)
        axes.plot(rows["epoch"] + 1, like, color=color, lw=1.2, marker="o", ms=2)
    axes.set(xscale="log", ylim=(-0.05, 1.05), xlabel="epoch + 1", ylabel="probability told")
