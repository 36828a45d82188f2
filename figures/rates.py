"""Rates: how often the units of a layer are active, and the Beta law fitted to them.

The law of a typical network of a condition is rate ~ Beta(mean·concentration, (1 - mean)·concentration),
one for each draw of the posterior; what is drawn is the share of living units it puts into a bin.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from scipy.special import betainc

from ..activity.arrays import Floats
from .style import BAND_ALPHA, COLOR, INK, keys, layer_title, legend, panels, present, styled

EDGES = np.linspace(0, 1, 21)  # of the bins of rates
CAPTION = """\
Activation rates on the {n_training} training examples. Top: share of living units with at most that
rate, a thin line for each of the {n_seeds} networks of a condition, a thick one for all their units.
Below: share of living units in bins of {bin_width:.2f}; bars: all units of the condition; line and
band: the fitted Beta law of a typical network, posterior mean and 90 % interval of the law itself (it
does not include the scatter of {n_units} units around it). Units that were never active (dead) have
no rate under the law; their share of all units is written in the panel."""


def beta_law(posterior: xr.Dataset, condition: str, edges: Floats = EDGES) -> pd.DataFrame:
    """Return mean, low and high (5 and 95 %) of the share of units between successive ``edges``.

    ``posterior`` holds ``condition_mean`` and ``condition_concentration`` over draws and ``condition``.
    """
    mean, concentration = (
        posterior[name].sel(condition=condition).to_numpy().reshape(-1, 1)
        for name in ("condition_mean", "condition_concentration")
    )
    share = np.diff(betainc(mean * concentration, (1 - mean) * concentration, edges), axis=1)
    low, high = np.quantile(share, [0.05, 0.95], axis=0)
    return pd.DataFrame({"mean": share.mean(axis=0), "low": low, "high": high})


@styled
def draw_rates(units: pd.DataFrame, law: Mapping[tuple[str, str], pd.DataFrame]) -> Figure:
    """Draw the rates of ``units`` (columns condition, seed, layer, rate) and the laws fitted to them.

    ``law`` maps (condition, layer) to what :func:`beta_law` returns.
    """
    layers, conditions = list(dict.fromkeys(units["layer"])), present(units["condition"])
    figure, axes = panels(
        1 + len(conditions),
        len(layers),
        height=2.2 + 1.25 * len(conditions),
        narrow=len(layers) == 1,
        sharex=True,
        sharey="row",
        gridspec_kw={"height_ratios": [1.7] + [1] * len(conditions)},
    )
    for column, layer in enumerate(layers):
        axes[0, column].set_title(layer_title(layer))
        axes[-1, column].set_xlabel("rate (share of examples on which a unit is active)")
        for row, condition in enumerate(conditions):
            here = units[(units["layer"] == layer) & (units["condition"] == condition)]
            _draw_distribution(axes[0, column], here, condition)
            _draw_bins(axes[1 + row, column], here, condition, law[condition, layer])
    axes[0, 0].set_ylabel("share of living\nunits up to rate")
    for row, condition in enumerate(conditions):
        axes[1 + row, 0].set_ylabel(f"{condition}\nshare of units")
    axes[0, 0].set(xlim=(0, 1), ylim=(0, 1))
    law_key = (Patch(color=INK, alpha=BAND_ALPHA, label="its 90 % interval"),)
    legend(
        figure, [*keys(conditions), Line2D([], [], color=INK, lw=1.2, label="fitted Beta law"), *law_key]
    )
    return figure


def _draw_distribution(axes: Axes, units: pd.DataFrame, condition: str) -> None:
    living = units[units["rate"] > 0]
    for _, network in living.groupby("seed"):
        axes.ecdf(network["rate"], color=COLOR[condition], lw=0.5, alpha=0.6)
    axes.ecdf(living["rate"], color=COLOR[condition], lw=1.6)


def _draw_bins(axes: Axes, units: pd.DataFrame, condition: str, law: pd.DataFrame) -> None:
    living = units[units["rate"] > 0]
    axes.stairs(_shares(living["rate"]), EDGES, fill=True, color=COLOR[condition], alpha=0.35, lw=0)
    axes.stairs(law["high"], EDGES, baseline=law["low"], fill=True, color=INK, alpha=BAND_ALPHA, lw=0)
    axes.stairs(law["mean"], EDGES, baseline=None, color=INK, lw=1.2)
    told = f"dead: {(units['rate'] == 0).sum()} of {len(units)} units"
    axes.text(0.5, 0.93, told, transform=axes.transAxes, ha="center", va="top", fontsize=7)


def _shares(rates: pd.Series) -> Floats:
    return np.histogram(rates, EDGES)[0] / max(len(rates), 1)
