"""What an L1 and an L2 penalty leave of a linear read-out of each layer's activity."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from .style import COLOR, INK, MARKER, keys, layer_title, legend, panels, present, styled

PANELS = (  # penalty, column, name, column for units active alone
    ("l1", "survivors", "units left by L1 (share)", "lone_survivors"),
    ("l2", "norm_l2", "norm of weights under L2", "lone_norm_l2"),
    ("l1", "unexplained", "unexplained under L1 (share)", None),
)
CAPTION = """\
Linear read-out, without intercept, of each class (of the labels trained towards; true ones of
initialized networks; targets of mean zero) from who is active, on the training examples, against the
strength λ of its penalty; means over classes and {n_seeds} networks. Left, share of units that L1
leaves a weight; middle, norm of the weights under L2; right, share of the target's squares that the L1
read-out does not explain. Dotted, units that were active alone, each as often and on the same targets:
weight ȳ - sign(ȳ) λ/k or 0 under L1, ȳ k/(k + λ) under L2, for k active examples of
mean target ȳ."""


@styled
def draw_read_out(table: pd.DataFrame) -> Figure:
    """Draw ``table``, the study's read-outs."""
    layers, conditions = list(dict.fromkeys(table["layer"])), present(table["condition"])
    figure, axes = panels(len(layers), len(PANELS), height=0.7 + 1.8 * len(layers), sharex=True)
    for row, layer in zip(axes, layers, strict=True):
        for panel, (penalty, column, name, alone) in zip(row, PANELS, strict=True):
            here = table[(table["layer"] == layer) & (table["penalty"] == penalty)]
            for condition in conditions:
                of = here[here["condition"] == condition].groupby("strength").mean(numeric_only=True)
                look = {"color": COLOR[condition], "marker": MARKER[condition], "ms": 3.2}
                panel.plot(of.index, of[column], **look)
                if alone:
                    panel.plot(of.index, of[alone], color=COLOR[condition], ls=":", lw=0.9)
            panel.set_xscale("log")
            panel.set_ylabel(name)
            panel.set_ylim(bottom=0, top=None if column == "norm_l2" else 1.03)
        row[0].set_title(layer_title(layer), loc="left")
    for panel in axes[-1]:
        panel.set_xlabel("strength λ of the penalty")
    alone = Line2D([], [], color=INK, ls=":", lw=0.9, label="units active alone")
    legend(figure, [*keys(conditions, kind="point"), alone])
    return figure
