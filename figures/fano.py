"""Fano factors in two orders: examples as they were presented, and class after class.

    presented     F = 1 - p                      whatever the unit responds to
    by class      F = 1 - p + (W - 1) V / p      V the variance of its class rates, W examples a window

Over n windows of independent examples the sample value scatters about as (1 - p) χ²_{n-1} / (n - 1), the
law of the binomial dispersion test. For units with less than some fifty activations, or inactive on
less than so many examples, its band holds more than it says.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from scipy.stats import chi2

from ..activity.arrays import Floats
from .style import BAND_ALPHA, COLOR, INK, MARKER, keys, layer_title, legend, panels, present, styled

LEAST = 1e-2  # Fano factors below are drawn here on logarithmic axes
CAPTION = """\
Fano factor (variance over mean of a unit's count in windows of {window} training examples) against
rate: one point a living unit of the {n_seeds} networks of a condition. Top: examples in the order of
the last epoch, which is random; line: the law 1 − rate, band: 90 % of sample values about it over
{n_windows} windows. Middle: examples ordered by the class trained towards (memorizing networks: the
random label), with the same line. Bottom: the same values against those that the units' class rates,
estimated on the same examples, imply, 1 − p + (W − 1)·Var(class rates)/p; on the line both are equal
(both axes logarithmic, values below {least:g} drawn at the edge)."""


def sampling_band(rate: Floats, n_windows: int) -> tuple[Floats, Floats]:
    """Return the 5 and 95 % quantiles of the sample Fano factor under F = 1 - rate."""
    low, high = chi2.ppf([0.05, 0.95], n_windows - 1) / (n_windows - 1)
    return (1 - rate) * low, (1 - rate) * high


@styled
def draw_fano(units: pd.DataFrame, *, n_windows: int) -> Figure:
    """Draw the Fano factors of ``units``.

    Columns: condition, layer, rate, fano_factor, class_fano_factor, class_fano_factor_due.
    ``n_windows`` is the number of windows in the order of presentation.
    """
    layers, conditions = list(dict.fromkeys(units["layer"])), present(units["condition"])
    living = units[units["rate"] > 0]
    narrow = len(layers) == 1
    figure, axes = panels(3, len(layers), height=6.6, narrow=narrow, sharey="row")
    for column, layer in enumerate(layers):
        here = living[living["layer"] == layer]
        axes[0, column].set_title(layer_title(layer))
        _draw_law(axes[0, column], n_windows)
        _draw_law(axes[1, column])
        for condition in conditions:
            unit = here[here["condition"] == condition]
            _draw_units(axes[0, column], unit["rate"], unit["fano_factor"], condition)
            _draw_units(axes[1, column], unit["rate"], unit["class_fano_factor"], condition)
            due = unit["class_fano_factor_due"]
            _draw_units(axes[2, column], due, unit["class_fano_factor"], condition, least=LEAST)
        _draw_identity(axes[2, column])
    for panel in axes[:2].flat:
        panel.set(xlabel="rate", xlim=(0, 1.01), ylim=0)
    for panel, order in zip(axes[:, 0], ("as presented", "by class", "by class"), strict=True):
        panel.set_ylabel(f"Fano factor,\nexamples {order}")
    band = Patch(color=INK, alpha=BAND_ALPHA, label="90 % of samples")
    law = Line2D([], [], color=INK, lw=1, label="1 − rate; equality (bottom)")
    legend(figure, [*keys(conditions, kind="point"), law, band])
    return figure


def _draw_law(axes: Axes, n_windows: int | None = None) -> None:
    rate = np.linspace(0, 1, 101)
    axes.plot(rate, 1 - rate, color=INK, lw=1, zorder=3)
    if n_windows is not None:
        axes.fill_between(
            rate, *sampling_band(rate, n_windows), color=INK, alpha=BAND_ALPHA, lw=0, zorder=0
        )


def _draw_units(axes: Axes, x: pd.Series, y: pd.Series, condition: str, least: float = 0.0) -> None:
    axes.plot(
        x.clip(lower=least),
        y.clip(lower=least),
        ls="",
        marker=MARKER[condition],
        ms=2.2,
        mew=0,
        mfc=COLOR[condition],
        alpha=0.45,
        rasterized=True,
    )


def _draw_identity(axes: Axes) -> None:
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="Fano factor that class rates imply",
        xlim=LEAST * 0.9,
        ylim=LEAST * 0.9,
    )
    ends = np.array([LEAST, max(axes.get_xlim()[1], axes.get_ylim()[1])])
    axes.plot(ends, ends, color=INK, lw=1, zorder=3)
    axes.set(xlim=(LEAST * 0.9, ends[1]), ylim=(LEAST * 0.9, ends[1]))
