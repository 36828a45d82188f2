"""What a penalty leaves of the read-out of drawn layers, memorizing and generalizing."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from .style import COLOR, INK, MARKER, keys, legend, panels, present, styled

STRENGTH = 30.0  # at which distributions are drawn
PANELS = (  # penalty, column, name
    ("l1", "survivors", "units left by L1 (share)"),
    ("l1", "norm_l2", "norm of weights under L1"),
    ("l2", "norm_l2", "norm of weights under L2"),
)
CAPTION = """\
Drawn layers, no network: 200 units and 5,000 examples, memorizing units independent with Beta(1, 199)
rates, generalizing ones with Beta(2, 10) rates and a common factor of loading .4; the target is a sum
over units with weights ±1. Above, against the strength λ of the penalty, the share of units that L1
leaves a weight and the L2 norm of the weights under either penalty: points, means of ten draws with
their standard deviation; dotted, expected of units active alone. Below, distribution of the sizes of
the weights at λ = 30 under L1 and under L2, pooled over draws; dotted, the law for units active alone,
whose step at 0 is what is erased or was never active."""


@styled
def draw_drawn_read_out(table: pd.DataFrame, weights: pd.DataFrame) -> Figure:
    """Draw ``table`` and ``weights``, the study's read-outs of drawn layers."""
    kinds = present(table["kind"])
    figure, axes = panels(2, len(PANELS), height=4.2)
    for panel, (penalty, column, name) in zip(axes[0], PANELS, strict=True):
        for kind in kinds:
            here = table[(table["penalty"] == penalty) & (table["kind"] == kind)]
            _draw_against_strength(panel, here, kind, column)
        panel.set(xscale="log", xlabel="strength λ of the penalty", ylabel=name)
        panel.set_ylim(bottom=0)
    for panel, penalty in zip(axes[1], ("l1", "l2"), strict=False):
        for kind in kinds:
            chosen = (weights["penalty"] == penalty) & (weights["strength"] == STRENGTH)
            here = weights[chosen & (weights["kind"] == kind)]
            panel.step(here["size"], here["share"], where="post", color=COLOR[kind])
            panel.step(here["size"], here["lone_share"], where="post", color=COLOR[kind], ls=":")
        panel.set(xlabel=f"size of the weight under {penalty.upper()}", ylim=(0, 1.03))
        panel.set_ylabel("share of units up to it")
    axes[1, -1].set_axis_off()
    alone = Line2D([], [], color=INK, ls=":", lw=0.9, label="units active alone")
    legend(figure, [*keys(kinds, kind="point"), alone])
    return figure


def _draw_against_strength(axes: Axes, table: pd.DataFrame, kind: str, column: str) -> None:
    of = table.groupby("strength")[[column, f"lone_{column}"]]
    mean, deviation = of.mean(), of.std()
    look = {"color": COLOR[kind], "marker": MARKER[kind], "ms": 3.2, "capsize": 2}
    axes.errorbar(mean.index, mean[column], deviation[column], **look)
    axes.plot(mean.index, mean[f"lone_{column}"], color=COLOR[kind], ls=":", lw=0.9)
