"""Singular values of the change of weights, beside those predicted from activity."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from .style import COLOR, INK, keys, layer_title, legend, panels, present, styled

ARMS = ("adam", "sgd", "l2", "l1")
LEAST = 3e-4  # of the root of the sum of squares, drawn
CAPTION = """\
Singular values of the change since initialization, in units of the root of their sum of squares, the
greatest first; means over {n_seeds} networks, for Adam without penalty (adam), plain gradient steps
(sgd) and Adam with the strong L2 and L1 penalty. Full, as they are; dashed, predicted from joint
activity, read-out and the covariance of the inputs, with nothing fitted."""


@styled
def draw_spectra(spectra: pd.DataFrame) -> Figure:
    """Draw ``spectra``, the study's singular values."""
    arms = [arm for arm in ARMS if arm in set(spectra["arm"])]
    layers, conditions = list(dict.fromkeys(spectra["layer"])), present(spectra["condition"])
    figure, axes = panels(
        len(layers), len(arms), height=0.8 + 1.7 * len(layers), sharey=True, sharex="row"
    )
    for row, layer in zip(axes, layers, strict=True):
        for panel, arm in zip(row, arms, strict=True):
            here = spectra[(spectra["layer"] == layer) & (spectra["arm"] == arm)]
            for condition in present(here["condition"]):
                mean = here[here["condition"] == condition].groupby("rank")[["change", "due"]].mean()
                for column, ls in (("change", "-"), ("due", "--")):
                    shown = mean[column][mean[column] > LEAST / 10]
                    panel.plot(shown.index, shown, color=COLOR[condition], ls=ls)
            panel.set(xscale="log", yscale="log", ylim=(LEAST, 1.2))
            panel.set_xlabel("rank")
        row[0].set_ylabel(f"{layer_title(layer)}\nsingular value")
    for panel, arm in zip(axes[0], arms, strict=True):
        panel.set_title(arm)
    lines = (("seen", "-"), ("predicted", "--"))
    legend(figure, [*keys(conditions), *(Line2D([], [], color=INK, ls=ls, label=n) for n, ls in lines)])
    return figure
