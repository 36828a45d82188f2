"""Layer statistics at a glance: a point a network, on training and on held-out examples."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from .paired import draw_paired
from .style import INK, keys, layer_title, legend, panels, present, styled

STATISTICS = {
    "mean_rate": "mean rate",
    "rare_share": "share of units\nwith rate below 0.05",
    "class_excess_fano": "excess Fano factor,\nexamples by class",
    "class_share": "share of variance\nbetween classes",
    "sd_pair_correlation": "standard deviation of\npair correlations",
    "participation_ratio": "participation ratio",
}
GAP = 0.8  # between the points of two layers
CAPTION = """\
Layer statistics, a point a network: filled, on the {n_training} training examples, classes as trained
towards (memorizing networks: random labels); open, on the {n_held_out} held-out examples in their
true classes. Lines join networks of one seed. Rates and shares count dead units, the excess Fano
factor living ones. The two sets differ in size, which by itself moves the participation ratio, the
spread of correlations and the number of units that look rare or dead."""


@styled
def draw_summary(layers: pd.DataFrame) -> Figure:
    """Draw ``layers``, the study's table of layer statistics."""
    names, conditions = list(dict.fromkeys(layers["layer"])), present(layers["condition"])
    training = layers[(layers["examples"] == "training") & (layers["classes"] == "label")]
    held_out = layers[layers["examples"] == "held-out"]
    figure, axes = panels(2, 3, height=4.4)
    step = len(conditions) + GAP
    for panel, (column, name) in zip(axes.flat, STATISTICS.items(), strict=True):
        for place, layer in enumerate(names):
            for rows, side, filled in ((training, -0.13, True), (held_out, 0.13, False)):
                here = rows[rows["layer"] == layer]
                draw_paired(panel, here, column, at=place * step + side, filled=filled)
        centers = [place * step + (len(conditions) - 1) / 2 for place in range(len(names))]
        panel.set_xticks(centers, [layer_title(layer).removeprefix("hidden ") for layer in names])
        panel.tick_params(axis="x", length=0)
        panel.set_ylabel(name)
    look = {"color": INK, "ls": "", "marker": "o", "ms": 4}
    filled = Line2D([], [], label="training examples", **look)
    opened = Line2D([], [], mfc="white", label="held-out examples", **look)
    legend(figure, [*keys(conditions, kind="point"), filled, opened])
    return figure
