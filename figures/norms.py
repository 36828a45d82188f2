"""How far a unit's weights have moved, against its rate; and which units an L1 penalty erased."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..activity.arrays import Floats
from ..simulate.read_out import critical_rate
from ..validate.arms import ARMS, MAIN
from .style import COLOR, INK, MARKER, keys, layer_title, legend, panels, present, styled

STEPS = (MAIN, "sgd")  # arms without a penalty
BINS = np.array([0.0, 0.002, 0.01, 0.05, 0.2, 0.5, 1.0])  # of the initial rate
LEAST = 5e-4  # rate at which units that were never active are drawn
TARGETS = (1.0, 0.1)  # mean targets between which a critical rate is shaded
LINES = {"l1 weak": ":", "l1": "--", "l1 sgd": "-.", "l1 long": "-"}
CAPTION = """\
Above, norm of the change of a unit's weights against its rate, a point a living unit of {n_seeds}
networks, for Adam and for plain gradient steps (sgd): s is the slope of the logarithms over the panel's
units of a condition; lines have the slopes ½ and 1. Below, share of units that an L1 penalty erased,
all weights in or all weights out being exactly 0, against the rate the unit had before training,
in six classes of rate: dotted, weak penalty; dashed, strong; dash-dotted, strong with plain steps; full,
strong and 1000 epochs. Shaded, rates λ/|ȳ| up to which the strong penalty would erase a unit that is
active alone, with magnitude 1, for mean targets |ȳ| of 1 down to .1."""


@styled
def draw_norms(units: pd.DataFrame) -> Figure:
    """Draw ``units``, the study's units of the bridge."""
    layers, conditions = list(dict.fromkeys(units["layer"])), present(units["condition"])
    steps = [arm for arm in STEPS if arm in set(units["arm"])]
    erasing = [arm for arm in LINES if arm in set(units["arm"])]
    n_rows = len(steps) + bool(erasing)
    figure, axes = panels(n_rows, len(layers), height=0.7 + 1.9 * n_rows, narrow=len(layers) == 1)
    for column, layer in enumerate(layers):
        here = units[units["layer"] == layer]
        for row, arm in enumerate(steps):
            _draw_norms(axes[row, column], here[here["arm"] == arm], conditions)
            axes[row, column].set_ylabel(f"{arm}\nnorm of the change" if column == 0 else "")
        axes[len(steps) - 1, column].set_xlabel("rate")
        axes[0, column].set_title(layer_title(layer))
        if erasing:
            _draw_erased(axes[-1, column], here, erasing, conditions)
            axes[-1, column].set_xlabel("rate before training")
            axes[-1, column].set_ylabel("share of units erased" if column == 0 else "")
    legend(figure, keys(conditions, kind="point"))
    return figure


def slope(rate: Floats, norm: Floats) -> float:
    """Return the least-squares slope of log norm against log rate."""
    return float(np.polyfit(np.log(rate), np.log(norm), 1)[0])


def _draw_norms(axes: Axes, units: pd.DataFrame, conditions: list[str]) -> None:
    moved = units[(units["rate"] > 0) & (units["change_norm_l2"] > 0)]
    for number, condition in enumerate(conditions):
        of = moved[moved["condition"] == condition]
        look = {"ls": "", "marker": MARKER[condition], "ms": 2.2, "mew": 0, "alpha": 0.45}
        axes.plot(of["rate"], of["change_norm_l2"], color=COLOR[condition], rasterized=True, **look)
        told = f"s = {slope(of['rate'].to_numpy(), of['change_norm_l2'].to_numpy()):.2f}"
        place = {"x": 0.03, "y": 0.04 + 0.11 * number, "transform": axes.transAxes}
        behind = {"facecolor": "white", "edgecolor": "none", "pad": 0.8, "alpha": 0.85}
        axes.text(s=told, color=COLOR[condition], fontsize=7, bbox=behind, **place)
    middle = np.exp(np.log(moved["change_norm_l2"]).mean())
    grid = np.array([moved["rate"].min(), 1.0])
    for exponent in (0.5, 1):
        axes.plot(grid, middle * (grid / 0.5) ** exponent, color=INK, lw=0.7, ls=":")
    axes.set(xscale="log", yscale="log")


def _draw_erased(axes: Axes, units: pd.DataFrame, arms: list[str], conditions: list[str]) -> None:
    middle = np.sqrt(np.maximum(BINS[:-1], LEAST**2 / BINS[1]) * BINS[1:])
    strength = float(ARMS["l1"]["strength"])
    critical = [float(critical_rate(one, strength=strength, n_examples=1)) for one in TARGETS]
    axes.axvspan(*critical, color="#DDDDDD", lw=0)
    for arm in arms:
        for condition in conditions:
            of = units[(units["arm"] == arm) & (units["condition"] == condition)]
            if of.empty:
                continue
            place = np.clip(np.digitize(of["initial_rate"], BINS) - 1, 0, BINS.size - 2)
            share = of.groupby(place)["erased"].mean()
            axes.plot(
                middle[share.index],
                share,
                color=COLOR[condition],
                marker=MARKER[condition],
                ls=LINES[arm],
                ms=3.2,
            )
    axes.set(xscale="log", xlim=(critical[0] / 1.3, 1.1), ylim=(-0.03, 1.03))
