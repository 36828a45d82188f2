"""Error rates and power of verdicts, against the number of networks and the size of a difference."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .style import INK, panels, styled

NOMINAL = 0.05  # on each side, where the prior of a verdict holds
LOOK = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#8C8C8C")  # Okabe and Ito (2008)
MARKERS = ("o", "^", "s", "D", "v", "P")
CAPTION = """\
Left: share of comparisons of networks that nothing distinguishes in which a verdict calls a direction,
supported or refuted, with 95 % intervals; the dotted line is where it lies if the prior of the scales
holds. Simulated networks differ by the given multiple of what a claim expects. Right: probability that a
true difference, in standard deviations between networks, is called supported, by networks of each
condition; the dotted line is the threshold of a false one."""


@styled
def draw_error_rates(null: pd.DataFrame, power: pd.DataFrame) -> Figure:
    """Draw both panels, of tables of :func:`rote.validate.error_rates.rates`.

    ``null`` has the columns ``source``, ``n_networks``, ``share``, ``low`` and ``high`` of either
    direction; ``power`` the columns ``n_networks``, ``difference`` and ``share`` of supported ones.
    """
    for name, table in (("null", null), ("power", power)):
        if table.empty:
            raise ValueError(f"{name} must hold a row at least, got none")
    figure, ((errors, powers),) = panels(1, 2, height=3.6)
    _draw_errors(errors, null)
    _draw_power(powers, power)
    return figure


def _draw_errors(axes: Axes, null: pd.DataFrame) -> None:
    axes.axhline(2 * NOMINAL, color=INK, lw=0.6, ls=":")
    sources = list(dict.fromkeys(null["source"]))
    for place, source in enumerate(sources):
        rows = null[null["source"] == source].sort_values("n_networks")
        x = rows["n_networks"] * 1.03 ** (place - (len(sources) - 1) / 2)  # apart, to be told apart
        reach = [rows["share"] - rows["low"], rows["high"] - rows["share"]]
        look = {"color": LOOK[place % len(LOOK)], "marker": MARKERS[place % len(MARKERS)], "ms": 4}
        axes.errorbar(x, rows["share"], yerr=reach, lw=1, elinewidth=0.8, label=source, **look)
    _count_networks(axes, null)
    axes.set_ylim(bottom=0)
    axes.set_ylabel("share of false directions called")
    axes.set_title("Nothing distinguishes the networks", loc="left")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)


def _draw_power(axes: Axes, power: pd.DataFrame) -> None:
    axes.axhline(NOMINAL, color=INK, lw=0.6, ls=":")
    for place, (n_networks, rows) in enumerate(power.groupby("n_networks")):
        shown = rows.sort_values("difference")
        look = {"color": LOOK[place % len(LOOK)], "marker": MARKERS[place % len(MARKERS)], "ms": 3.5}
        axes.plot(shown["difference"], shown["share"], label=f"{n_networks} of each kind", **look)
    axes.set_ylim(0, 1.02)
    axes.set_xlabel("difference (standard deviations between networks)")
    axes.set_ylabel("probability of “supported”")
    axes.set_title("The claim is true", loc="left")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=3)


def _count_networks(axes: Axes, table: pd.DataFrame) -> None:
    numbers = sorted(set(table["n_networks"]))
    axes.set_xscale("log", base=2)
    axes.set_xticks(numbers, [str(n) for n in numbers])
    axes.minorticks_off()
    axes.set_xlabel("networks of each condition")
