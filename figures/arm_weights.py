"""Weights of networks trained without penalty, with L2 and with L1, beside laws that they may obey."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from scipy.stats import laplace, norm

from .style import COLOR, INK, keys, layer_title, legend, panels, present, styled

ARMS = ("adam", "sgd", "l2", "l2 long", "l1", "l1 long")
CAPTION = """\
Weights into each layer, a row for each way of training: none (adam, sgd), an L2 and an L1 penalty, to
the first perfect epoch or (long) for 1000 epochs. Densities in standard deviations, each network
standardized by itself, means over {n_seeds} networks (logarithmic). Thin, coloured: predicted for
normal initial weights and a change whose shape follows from joint activity, read-out and inputs;
dashed, Gaussian; dotted, Laplace. Weights that L1 has set to exactly 0 stand in the middle step."""


@styled
def draw_arm_weights(densities: pd.DataFrame) -> Figure:
    """Draw ``densities``, the study's densities of weights; rows on changes are left out."""
    table = densities[densities["what"] == "weight"]
    arms = [arm for arm in ARMS if arm in set(table["arm"])]
    layers, conditions = list(dict.fromkeys(table["layer"])), present(table["condition"])
    height = 0.8 + 1.25 * len(arms)
    grid = {"sharex": True, "sharey": True, "narrow": len(layers) == 1}
    figure, axes = panels(len(arms), len(layers), height=height, **grid)
    for row, arm in zip(axes, arms, strict=True):
        for panel, layer in zip(row, layers, strict=True):
            here = table[(table["arm"] == arm) & (table["layer"] == layer)]
            for condition in present(here["condition"]):
                _draw_density(panel, here[here["condition"] == condition], COLOR[condition])
            _draw_laws(panel, here["low"].min())
        row[0].set_ylabel(f"{arm}\ndensity")
    for panel, layer in zip(axes[0], layers, strict=True):
        panel.set_title(layer_title(layer))
    for panel in axes[-1]:
        panel.set_xlabel("weight (standard deviations)")
    laws = [("predicted", "-", 0.7), ("Gaussian", "--", 0.9), ("Laplace", ":", 0.9)]
    lines = [Line2D([], [], color=INK, lw=lw, ls=ls, label=law) for law, ls, lw in laws]
    legend(figure, [*keys(conditions), *lines])
    return figure


def _draw_density(axes: Axes, table: pd.DataFrame, color: str) -> None:
    mean = table.groupby("low")[["share", "due_share"]].mean()
    low = mean.index.to_numpy()
    step = low[1] - low[0]
    edges = np.append(low, low[-1] + step)
    density = mean["share"].to_numpy() / step
    axes.stairs(np.where(density > 0, density, np.nan), edges, color=color, lw=1.4, baseline=None)
    if mean["due_share"].notna().any():
        axes.plot(low + step / 2, mean["due_share"] / step, color=color, lw=0.7)
    axes.set(yscale="log", xlim=(low[0], edges[-1]), ylim=(1e-5, 9))


def _draw_laws(axes: Axes, low: float) -> None:
    x = np.linspace(low, -low, 401)
    axes.plot(x, norm.pdf(x), color=INK, lw=0.9, ls="--")
    axes.plot(x, laplace.pdf(x, scale=np.sqrt(0.5)), color=INK, lw=0.9, ls=":")
