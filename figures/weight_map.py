"""What rates that differ do to the shape of written weights, in theory and in draws."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from .style import INK, legend, panels, styled

SHADES = ("#000000", "#0072B2", "#D55E00", "#009E73")
MARKERS = ("o", "s", "^", "D")
PANELS = {
    "exponent": ("exponent q", "drawn_exponent"),
    "excess_kurtosis": ("excess kurtosis", "drawn_excess_kurtosis"),
    "participation_ratio": ("participation ratio", "drawn_participation_ratio"),
}
LAPLACE, GAUSSIAN = {"exponent": 1, "excess_kurtosis": 3}, {"exponent": 2, "excess_kurtosis": 0}
CAPTION = """\
Weights written by activity alone, without a network: 256 units of mean rate .02 and 128 inputs, 20,000
examples, each presentation adding an unrelated normal number to every weight of an active unit. Left to
right, the exponent q of the generalized normal law with the L1/L2 ratio of the weights (1 Laplace, the
law that an L1 penalty expects; 2 Gaussian, that of L2), their excess kurtosis, and the effective number
of singular values, against how much rates differ (squared coefficient of variation; 1 for exponential
rates). Lines, predicted; points, of one drawn matrix. Correlation between units, by a common
factor of the loading given, moves none of them."""


@styled
def draw_weight_map(table: pd.DataFrame) -> Figure:
    """Draw ``table``, the study's weight map."""
    figure, axes = panels(1, len(PANELS), height=2.6)
    loadings = sorted(table["loading"].unique())
    for panel, (column, (name, drawn)) in zip(axes[0], PANELS.items(), strict=True):
        for landmarks in (LAPLACE, GAUSSIAN):
            if column in landmarks:
                panel.axhline(landmarks[column], color=INK, lw=0.6, ls=":")
        for loading, color, marker in zip(loadings, SHADES, MARKERS, strict=False):
            rows = table[table["loading"] == loading].sort_values("heterogeneity")
            panel.plot(rows["heterogeneity"], rows[column], color=color)
            look = {"color": color, "marker": marker, "ls": "", "ms": 3.4, "mfc": "white", "mew": 0.8}
            panel.plot(rows["heterogeneity"], rows[drawn], **look)
        panel.set(xscale="log", xlabel="squared coefficient of\nvariation of the rates", ylabel=name)
    look = {"ls": "-", "mfc": "white", "ms": 4}
    handles = [
        Line2D([], [], color=color, marker=marker, label=f"loading {loading:g}", **look)
        for loading, color, marker in zip(loadings, SHADES, MARKERS, strict=False)
    ]
    legend(figure, [*handles, Line2D([], [], color=INK, ls=":", lw=0.6, label="Laplace, Gaussian")])
    return figure
