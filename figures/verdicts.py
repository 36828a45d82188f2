"""Verdicts as a forest plot: what each condition's typical network shows, and how two of them differ."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..inference.verdict import Verdict
from .style import BAND_ALPHA, COLOR, INK, MARKER, keys, layer_title, legend, panels, present, styled

LOOK = {  # of a decision: marker, face; the word stands beside, so no meaning hangs on colour
    "supported": ("o", "#009E73"),
    "refuted": ("X", INK),
    "undecided": ("D", "white"),
}
SPREAD = 0.22  # between the conditions of one layer, of the distance between layers
CAPTION = """\
Verdicts on the hypotheses, layer by layer. Left: the quantity in a typical network of each condition,
the untrained (initialized) one as the baseline; right: posterior difference, memorizing minus
generalizing. Points are posterior medians, lines 90 % intervals of the typical network, from {n_seeds}
networks of each condition; every panel has the scale of its own quantity. P is the posterior
probability of the claim above the panel, which is called supported from 0.95 up and refuted from 0.05
down. Claims go by the direction of the difference alone, not by its size, but where a band marks the
differences that are called none. †: the mean difference of the networks' own estimates has the other
sign, so the answer leans on the assumed law."""


@styled
def draw_verdicts(verdicts: Sequence[Verdict]) -> Figure:
    """Draw a row of panels for each quantity, with a line for each layer and verdict."""
    if not verdicts:
        raise ValueError("verdicts must hold one at least, got none")
    groups: dict[tuple[str, str], list[Verdict]] = {}
    for verdict in verdicts:
        groups.setdefault((verdict.hypothesis, verdict.quantity), []).append(verdict)
    lines = [len(group) for group in groups.values()]
    figure, axes = panels(
        len(groups),
        2,
        height=0.6 + 0.68 * len(groups) + 0.25 * sum(lines),
        gridspec_kw={"height_ratios": [n + 0.4 for n in lines], "width_ratios": [1.15, 1]},
    )
    for (levels, difference), group in zip(axes, groups.values(), strict=True):
        _draw_levels(levels, group)
        _draw_differences(difference, group)
    points = [
        Line2D([], [], color=INK, marker=marker, mfc=face, mew=0.8, ms=5, ls="", label=decision)
        for decision, (marker, face) in LOOK.items()
    ]
    conditions = present({condition for verdict in verdicts for condition in verdict.levels})
    legend(figure, [*keys(conditions, kind="point"), *points])
    return figure


def _draw_levels(axes: Axes, group: Sequence[Verdict]) -> None:
    for place, verdict in enumerate(group):
        conditions = present(verdict.levels)
        for number, condition in enumerate(conditions):
            y = place + SPREAD * (number - (len(conditions) - 1) / 2)
            level = verdict.levels[condition]
            axes.plot(level.interval, [y, y], color=COLOR[condition], lw=1.2, solid_capstyle="butt")
            axes.plot([level.estimate], [y], color=COLOR[condition], marker=MARKER[condition], ms=3.5)
    axes.set_yticks(range(len(group)), [layer_title(verdict.layer) for verdict in group])
    axes.set_title(f"{group[0].hypothesis}: {group[0].claim}", loc="left")
    axes.set_xlabel(group[0].quantity)
    _tidy(axes, len(group))


def _draw_differences(axes: Axes, group: Sequence[Verdict]) -> None:
    axes.axvline(0, color=INK, lw=0.6, ls=":")
    if margin := group[0].margin:
        axes.axvspan(-margin, margin, color=INK, alpha=BAND_ALPHA, lw=0)
    for place, verdict in enumerate(group):
        marker, face = LOOK[verdict.decision]
        axes.plot(verdict.interval, [place, place], color=INK, lw=1.2, solid_capstyle="butt")
        axes.plot([verdict.estimate], [place], color=INK, marker=marker, mfc=face, mew=0.8, ms=5)
        told = f"{_probability(verdict.probability)}\n{verdict.decision}{' †' * opposed(verdict)}"
        axes.text(1.03, place, told, transform=axes.get_yaxis_transform(), va="center", fontsize=7)
    axes.set_yticks([])
    unit = group[0].unit.strip("()")
    axes.set_xlabel(f"difference ({unit})" if unit else "difference")
    _tidy(axes, len(group))


def opposed(verdict: Verdict) -> bool:
    """Return whether the plain statistics of the networks differ in the other direction."""
    return verdict.twin.statistic * verdict.estimate < 0


def _tidy(axes: Axes, n_lines: int) -> None:
    axes.set_ylim(n_lines - 0.4, -0.6)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.locator_params(axis="x", nbins=6)


def _probability(value: float) -> str:
    """Return a probability in words, never as the 0 or 1 that draws cannot tell."""
    return "P > 0.999" if value > 0.999 else "P < 0.001" if value < 0.001 else f"P = {value:.3f}"
