"""Weights: which law the incoming weights of a layer obey, and the change that training wrote into them.

Against the Gaussian and the Laplace law of the same mean and variance: the priors of an L2 and of an L1
penalty, with excess kurtosis 0 and 3 and L1/L2 ratios √(2/π) = .798 and 1/√2 = .707.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from scipy.stats import laplace, norm

from ..activity.arrays import Floats
from ..activity.weights import GAUSSIAN_RATIO, LAPLACE_RATIO
from .paired import draw_paired, tick_conditions
from .style import COLOR, INK, keys, layer_title, legend, panels, present, styled

REACH = 8.0  # standard deviations drawn to either side
EDGES = np.linspace(-REACH, REACH, 81)
LANDMARKS = {"excess_kurtosis": (0.0, 3.0), "l1_l2_ratio": (GAUSSIAN_RATIO, LAPLACE_RATIO)}
NAMES = {"excess_kurtosis": "excess kurtosis", "l1_l2_ratio": "L1/L2 ratio"}
CAPTION = """\
Weights into each layer (top) and their change since initialization (second row): density in standard
deviations, each network standardized by itself, pooled over the {n_seeds} networks of a condition
(logarithmic; weights beyond {reach:g} standard deviations are not drawn), with the Gaussian (dashed)
and the Laplace law (dotted) of the same variance. Below: excess kurtosis and L1/L2 ratio, E|w|/√E w²,
of all entries of the matrix, a point a network: filled, the weights; open, their change; lines join
networks of one seed. Dashed and dotted lines: Gaussian (0, 0.798) and Laplace (3, 0.707). Initialized
weights are Gaussian by construction and have no change."""


def standardized(weights: Floats) -> Floats:
    """Return all entries of a matrix less their mean, in standard deviations: flat."""
    flat = np.ravel(weights).astype(np.float64)
    deviation = flat.std()
    if deviation == 0:
        raise ValueError("weights must differ to be standardized, got a constant matrix")
    return (flat - flat.mean()) / deviation


@styled
def draw_weights(
    weight: Mapping[tuple[str, str], Floats],
    change: Mapping[tuple[str, str], Floats],
    table: pd.DataFrame,
) -> Figure:
    """Draw weights, their change, and what is said of their tails.

    ``weight`` and ``change`` map (condition, layer) to standardized entries pooled over networks;
    conditions without a change are left out of ``change``. ``table`` holds condition, seed, layer,
    weight_excess_kurtosis, change_excess_kurtosis, weight_l1_l2_ratio and change_l1_l2_ratio.
    """
    layers, conditions = list(dict.fromkeys(table["layer"])), present(table["condition"])
    figure, axes = panels(4, len(layers), height=7.6, narrow=len(layers) == 1, sharey="row")
    for column, layer in enumerate(layers):
        axes[0, column].set_title(layer_title(layer))
        for panel, what, pools in zip(
            axes[:2, column], ("weight", "change of weight"), (weight, change), strict=True
        ):
            for condition in conditions:
                if (condition, layer) in pools:
                    _draw_density(panel, pools[condition, layer], condition)
            _draw_laws(panel)
            panel.set_xlabel(f"{what} (standard deviations)")
        here = table[table["layer"] == layer]
        for panel, statistic in zip(axes[2:, column], LANDMARKS, strict=True):
            _draw_statistic(panel, here, statistic)
            tick_conditions(panel, conditions)
    for panel, name in zip(axes[:, 0], ("density", "density", *NAMES.values()), strict=True):
        panel.set_ylabel(name)
    laws = [
        Line2D([], [], color=INK, lw=0.9, ls=ls, label=law)
        for law, ls in (("Gaussian", "--"), ("Laplace", ":"))
    ]
    look = {"color": INK, "ls": "", "marker": "o", "ms": 4}
    filled, opened = (
        Line2D([], [], label="weights", **look),
        Line2D([], [], mfc="white", label="change", **look),
    )
    legend(figure, [*keys(conditions), *laws, filled, opened])
    return figure


def _draw_density(axes: Axes, entries: Floats, condition: str) -> None:
    number, _ = np.histogram(entries, EDGES)
    density = number / (entries.size * np.diff(EDGES))  # of all entries, those not drawn included
    axes.stairs(
        np.where(density > 0, density, np.nan), EDGES, color=COLOR[condition], lw=1.1, baseline=None
    )
    axes.set(yscale="log", xlim=(-REACH, REACH), ylim=(1e-5, 2))


def _draw_laws(axes: Axes) -> None:
    x = np.linspace(-REACH, REACH, 401)
    axes.plot(x, norm.pdf(x), color=INK, lw=0.9, ls="--")
    axes.plot(x, laplace.pdf(x, scale=np.sqrt(0.5)), color=INK, lw=0.9, ls=":")


def _draw_statistic(axes: Axes, table: pd.DataFrame, statistic: str) -> None:
    for value, style in zip(LANDMARKS[statistic], ("--", ":"), strict=True):
        axes.axhline(value, color=INK, lw=0.7, ls=style, zorder=0)
    draw_paired(axes, table, f"weight_{statistic}", at=-0.12)
    draw_paired(axes, table, f"change_{statistic}", at=0.12, filled=False)
