"""Population counts: how many units of a layer are active on one example.

Recorded, drawn from the one-factor dichotomized Gaussian at the fitted parameters, and as its law
predicts; for units as they are (active) and for units turned to fire together (aligned).
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from .style import BAND_ALPHA, COLOR, INK, layer_title, legend, panels, present, styled

COUNTED = {"active": "active units", "aligned": "aligned units"}
MARGIN = 0.03  # of the units, left free beside the counts that occur
CAPTION = """\
Population counts of the networks of seed {first_seed}: number of the {n_counted} counted training
examples (every other one in order of presentation; the rest chose which units to turn) on which so
many of the layer's units are active. Points: recorded; line: law of the one-factor dichotomized
Gaussian with the units' rates as estimated on these examples (shrunk a little towards their mean), at
the posterior mean of the loading; band: 5 to 95 % over {n_replicates} replicates drawn at draws of
the posterior, count by count (so one point in ten lies outside even under the right model). Aligned:
units with a negative entry in the leading eigenvector are read as active when they are not, so that
correlations of either sign add up. The loading was fitted to the aligned counts."""


@styled
def draw_population(population: pd.DataFrame) -> Figure:
    """Draw the population counts of one network of each condition.

    Columns: condition, layer, counted (active or aligned), population_count, and numbers of examples:
    recorded, drawn_low, drawn_high, predicted.
    """
    layers, conditions = list(dict.fromkeys(population["layer"])), present(population["condition"])
    figure, axes = panels(
        len(conditions),
        len(layers) * len(COUNTED),
        height=0.8 + 1.35 * len(conditions),
        narrow=len(layers) == 1,
        sharex="col",
    )
    for column, (layer, counted) in enumerate((y, c) for y in layers for c in COUNTED):
        there = population[(population["layer"] == layer) & (population["counted"] == counted)]
        axes[0, column].set_title(f"{layer_title(layer)}\n{COUNTED[counted]}")
        axes[-1, column].set_xlabel("count of units")
        for row, condition in enumerate(conditions):
            _draw_counts(axes[row, column], there[there["condition"] == condition], condition)
        axes[0, column].set_xlim(*_reach(there))
    for row, condition in enumerate(conditions):
        axes[row, 0].set_ylabel(f"{condition}\nexamples")
    recorded = Line2D([], [], color=INK, marker="o", ls="", ms=2.5, label="recorded")
    predicted = Line2D([], [], color=INK, lw=1.2, label="law of the fitted process")
    drawn = Patch(color=INK, alpha=BAND_ALPHA, label="drawn from it (5 to 95 %)")
    legend(figure, [recorded, predicted, drawn])
    return figure


def _draw_counts(axes: Axes, rows: pd.DataFrame, condition: str) -> None:
    count = rows["population_count"]
    axes.fill_between(
        count,
        rows["drawn_low"],
        rows["drawn_high"],
        color=COLOR[condition],
        alpha=BAND_ALPHA,
        lw=0,
        step="mid",
    )
    axes.plot(count, rows["predicted"], color=INK, lw=1.2)
    occurs = count[rows["recorded"] > 0]
    seen = rows[count.between(occurs.min(), occurs.max())]  # zeros in the tails would hide the axis
    axes.plot(
        seen["population_count"],
        seen["recorded"],
        ls="",
        marker="o",
        ms=2,
        mew=0,
        color=COLOR[condition],
    )
    axes.set_ylim(0)


def _reach(rows: pd.DataFrame) -> tuple[float, float]:
    """Return the range of counts that occur at all, with a margin."""
    n_units = rows["population_count"].max()
    occurs = rows["population_count"][(rows["recorded"] > 0) | (rows["drawn_high"] > 0)]
    margin = np.ceil(MARGIN * n_units)
    return max(-1, occurs.min() - margin), min(n_units + 1, occurs.max() + margin)
