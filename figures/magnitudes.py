"""Magnitudes against rates, and the null model of a rectified Gaussian.

If a unit's pre-activation is normal with standard deviation σ and the unit is active at rate p, then

    E[a | a > 0] = σ (h + φ(h) / Φ(h)),    h = Φ⁻¹(p),

so a rarer unit is also quieter, with nothing learned. One σ is fitted to the units of a condition and
layer by least squares of the logarithm, log σ = mean of log(magnitude) - log(null at σ = 1).
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from scipy.special import ndtr, ndtri

from ..activity.arrays import Floats
from ..simulate.magnitudes import RectifiedMagnitude, loudness
from .style import COLOR, INK, MARKER, keys, layer_title, legend, panels, present, styled

TICKS = (0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999)
ENDS = (5e-4, 1 - 5e-4)  # of the axis; units beyond are drawn here
CAPTION = """\
Mean magnitude of a unit (mean activation over the training examples on which it is active) against
its rate: one point a living unit of the {n_seeds} networks of a condition. Line: rectified Gaussian
of one σ, E[a | a > 0] = σ(h + φ(h)/Φ(h)), h = Φ⁻¹(rate), σ fitted to the panel's units by least
squares of the logarithm; it is written in the panel with the standard deviation of the logarithms
about the line. The axis of rates is in standard deviations h; units beyond its ends are drawn at
them. Always active units (right edge) have no place on the line and are left out of the fit."""


def fit_sigma(rate: Floats, magnitude: Floats) -> tuple[float, float]:
    """Return σ and the standard deviation of log(magnitude) about the null; nan without such units."""
    distance = np.log(loudness(rate, magnitude, scale=1.0))
    if np.isnan(distance).all():
        return np.nan, np.nan
    return float(np.exp(np.nanmean(distance))), float(np.nanstd(distance))


@styled
def draw_magnitudes(units: pd.DataFrame) -> Figure:
    """Draw the magnitudes of ``units``: columns condition, layer, rate, mean_magnitude."""
    layers, conditions = list(dict.fromkeys(units["layer"])), present(units["condition"])
    figure, axes = panels(
        len(conditions),
        len(layers),
        height=0.8 + 1.55 * len(conditions),
        narrow=len(layers) == 1,
        sharex=True,
        sharey=True,
    )
    for column, layer in enumerate(layers):
        axes[0, column].set_title(layer_title(layer))
        axes[-1, column].set_xlabel("rate")
        for row, condition in enumerate(conditions):
            here = units[(units["layer"] == layer) & (units["condition"] == condition)]
            _draw_units(axes[row, column], here[here["rate"] > 0], condition)
    for row, condition in enumerate(conditions):
        axes[row, 0].set_ylabel(f"{condition}\nmean magnitude")
    axes[0, 0].set_xscale("function", functions=(ndtri, ndtr))
    axes[0, 0].set_xticks(TICKS, [f"{tick:g}" for tick in TICKS])
    axes[0, 0].set(xlim=(ENDS[0] * 0.8, 1 - 0.8 * (1 - ENDS[1])), yscale="log")
    legend(
        figure, [*keys(conditions, kind="point"), Line2D([], [], color=INK, label="rectified Gaussian")]
    )
    return figure


def _draw_units(axes: Axes, living: pd.DataFrame, condition: str) -> None:
    rate, magnitude = living["rate"].to_numpy(), living["mean_magnitude"].to_numpy()
    points = {
        "ls": "",
        "marker": MARKER[condition],
        "ms": 2.2,
        "mew": 0,
        "alpha": 0.45,
        "rasterized": True,
    }
    axes.plot(rate.clip(*ENDS), magnitude, mfc=COLOR[condition], **points)
    sigma, scatter = fit_sigma(rate, magnitude)
    grid = ndtr(np.linspace(*ndtri(ENDS), 400))
    null = RectifiedMagnitude.from_rate(grid, scale=1.0)
    axes.plot(grid, sigma * null.mean, color=INK, lw=1.2)
    told = f"σ = {sigma:.2g}, sd of log {scatter:.2f}"
    axes.text(0.97, 0.06, told, transform=axes.transAxes, ha="right", va="bottom", fontsize=7)
