"""Whether posteriors hold what they promise: ranks of the truth, held against uniform ones."""

import numpy as np
import pandas as pd
from arviz_stats.ecdf_utils import ecdf_pit
from matplotlib.figure import Figure

from .style import BAND_ALPHA, INK, panels, styled

SHADES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", INK)
STYLES = ("-", "--", "-.", ":", "-", "--")
COLUMNS = 2
TIGHT = {"handlelength": 1.8, "handletextpad": 0.4, "columnspacing": 0.8, "borderpad": 0}
TOP = 0.42  # of the panels: room for the legend above the lines
N_SIMULATIONS = 2000  # for the band
CAPTION = """\
Simulation-based calibration. Parameters were drawn from a model's prior, layers from its twin process,
and each layer was fitted; given are, for every parameter, the share of runs in which the posterior
probability of a value below the true one was at most the abscissa, less the abscissa. Of calibrated
posteriors it is 0 but for chance: 95 % of such lines stay wholly within the grey band. A line above it
on the left and below on the right is that of posteriors too narrow."""


@styled
def draw_calibration(ranks: pd.DataFrame, *, n_ranks: int) -> Figure:
    """Draw ``ranks``, 0 to ``n_ranks`` - 1, with columns model, layers, parameter and rank."""
    scenarios = list(ranks.groupby(["model", "layers"], sort=False))
    n_rows = -(-len(scenarios) // COLUMNS)
    figure, axes = panels(n_rows, COLUMNS, height=0.4 + 2.0 * n_rows, sharex=True, sharey=True)
    rng = np.random.default_rng(list(b"band of uniform ranks"))
    for panel, ((model, layers), rows) in zip(axes.flat, scenarios, strict=False):
        for number, (parameter, one) in enumerate(rows.groupby("parameter", sort=False)):
            share = (one["rank"].to_numpy() + 0.5) / n_ranks
            at, below, low, high = ecdf_pit(share, 0.95, N_SIMULATIONS, rng=rng)
            difference = below - at
            if number == 0:
                panel.fill_between(at, low - at, high - at, color=INK, alpha=BAND_ALPHA / 2, lw=0)
            look = {"color": SHADES[number % len(SHADES)], "ls": STYLES[number % len(STYLES)]}
            panel.plot(at, difference, label=str(parameter).replace("_", " "), **look)
        panel.axhline(0, color=INK, lw=0.5)
        panel.set_title(f"{model}\n{layers}", fontsize=7, loc="left")
        panel.set_ylim(-0.25, TOP)
        panel.legend(loc="upper center", ncols=3, fontsize=6, **TIGHT)
    for panel in axes.flat[len(scenarios) :]:
        panel.set_axis_off()
    for panel in axes.flat[max(0, len(scenarios) - COLUMNS) : len(scenarios)]:
        panel.set_xlabel("posterior probability\nbelow the truth")
        panel.tick_params(labelbottom=True)
    for panel in axes[:, 0]:
        panel.set_ylabel("share of runs,\nless uniform")
    return figure
