"""Which law magnitudes follow: the rectified Gaussian against rivals that ignore the rate."""

import pandas as pd
from matplotlib.figure import Figure

from .style import COLOR, INK, MARKER, keys, layer_title, legend, panels, present, styled

SPREAD = 0.2  # between the conditions of one law, of the distance between laws
CAPTION = """\
Mean log density of held-out magnitudes under each law, per unit and in nats above that of the rectified
Gaussian, whose shape a unit's rate fixes; a point a network. Laws are fitted to each unit's magnitudes
on the training examples by moments: the rectified Gaussian's scale, its shape being the unit's rate;
half-normal and exponential by their scale; gamma, log-normal and Weibull by scale and shape. Left of the
line the rectified Gaussian is better. Fits by likelihood would serve the last three better."""


@styled
def draw_magnitude_laws(table: pd.DataFrame) -> Figure:
    """Draw ``table``, the study's laws of magnitudes."""
    layers, laws = (list(dict.fromkeys(table[name])) for name in ("layer", "law"))
    conditions = present(table["condition"])
    figure, axes = panels(
        1, len(layers), height=1.3 + 0.28 * len(laws), narrow=len(layers) == 1, sharey=True
    )
    for panel, layer in zip(axes[0], layers, strict=True):
        panel.axvline(0, color=INK, lw=0.6, ls=":")
        for place, law in enumerate(laws):
            for number, condition in enumerate(conditions):
                rows = table[(table["layer"] == layer) & (table["law"] == law)]
                values = rows.loc[rows["condition"] == condition, "log_density"]
                y = place + SPREAD * (number - (len(conditions) - 1) / 2)
                look = {"color": COLOR[condition], "marker": MARKER[condition], "ls": "", "ms": 3.2}
                panel.plot(values, [y] * len(values), **look)
        panel.set_xscale("symlog", linthresh=0.02)
        panel.set_yticks(range(len(laws)), laws)
        panel.set(ylim=(len(laws) - 0.5, -0.5), xlabel="log density above the null (nats)")
        panel.set_title(layer_title(layer), loc="left")
        panel.tick_params(axis="y", length=0)
    legend(figure, keys(conditions, kind="point"))
    return figure
