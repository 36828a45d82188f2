"""Activity predicted from weights, held against activity recorded: a point a network."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from .style import COLOR, INK, MARKER, keys, layer_title, legend, panels, present, styled

ERRORS = {  # name, and the column it is to be small against
    "rate_error": ("error of the rate", "rate_spread"),
    "correlation_error": ("error of pair correlations", "correlation_spread"),
    "population_distance": ("distance of population counts", "independent_distance"),
}
MOMENTS = {"recorded": -0.18, "propagated": 0.18}
CAPTION = """\
Activity predicted from weights without a forward pass, a point a network. Each layer is taken for a
dichotomized Gaussian with the mean and covariance of its inputs: filled, those of what was recorded
below; open, those of the images alone, carried through the layers in closed form. Bars mark what the
error is to be small against, a mean over networks: for rates (mean absolute error) and correlations of
pairs (root mean square error) their standard deviation over units and pairs; for population counts
(greatest difference of distribution functions) the distance of independent units of the rates
predicted."""


@styled
def draw_way_back(table: pd.DataFrame) -> Figure:
    """Draw the errors in ``table``, the study's way back."""
    layers, conditions = list(dict.fromkeys(table["layer"])), present(table["condition"])
    figure, axes = panels(1, len(ERRORS), height=2.9)
    step = len(conditions) + 0.8
    for panel, (column, (name, scale)) in zip(axes[0], ERRORS.items(), strict=True):
        for place, layer in enumerate(layers):
            for number, condition in enumerate(conditions):
                here = table[(table["layer"] == layer) & (table["condition"] == condition)]
                middle = place * step + number
                panel.plot([middle - 0.38, middle + 0.38], [here[scale].mean()] * 2, color=INK, lw=1.4)
                for moments, side in MOMENTS.items():
                    values = here.loc[here["moments"] == moments, column]
                    look = {"color": COLOR[condition], "marker": MARKER[condition], "ls": "", "ms": 3.4}
                    face = {"mfc": "white"} if moments == "propagated" else {}
                    panel.plot(np.full(len(values), middle + side), values, mew=0.7, **look, **face)
        centers = [place * step + (len(conditions) - 1) / 2 for place in range(len(layers))]
        panel.set_xticks(centers, [layer_title(layer).removeprefix("hidden ") for layer in layers])
        panel.tick_params(axis="x", length=0)
        panel.set_ylim(bottom=0)
        panel.set_ylabel(name)
    look = {"color": INK, "ls": "", "marker": "o", "ms": 4}
    handles = [
        *keys(conditions, kind="point"),
        Line2D([], [], label="inputs recorded", **look),
        Line2D([], [], mfc="white", label="inputs propagated", **look),
        Line2D([], [], color=INK, lw=1.4, label="to compare with"),
    ]
    legend(figure, handles)
    return figure
