"""Predictions held against networks, arm by arm: a line for each way of training, a point a network."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .style import COLOR, INK, MARKER, keys, layer_title, legend, panels, present, styled

SPREAD = 0.2  # between the conditions of one arm, of the distance between arms


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """What a column of panels shows."""

    column: str  # of the table
    name: str
    beside: str | None = None  # column drawn open beside it
    landmarks: tuple[float, ...] = ()


WEIGHTS = (
    Quantity(
        column="change_l1_l2_ratio",
        name="L1/L2 ratio of the change\n(open: predicted)",
        beside="due_l1_l2_ratio",
        landmarks=(0.5**0.5, 0.7978845608),
    ),
    Quantity(
        column="row_fit",
        name="agreement of row cosines\n(open: by joint activity alone)",
        beside="row_fit_activity",
        landmarks=(0, 1),
    ),
)
WEIGHTS_CAPTION = """\
Weights predicted from activity, for Adam without penalty (adam), plain gradient steps (sgd) and Adam
with L2 and L1 penalties; long: 1000 epochs, others to the first perfect epoch, or the last allowed. A
point is one of {n_seeds} networks. Left, L1/L2 ratio E|w| / √E w² of the change since initialization:
filled, as it is; open, predicted from joint activity, read-out and inputs with nothing fitted; dotted,
Laplace (.707) and Gaussian (.798). Right, correlation over pairs of units between the cosines of the
rows of the change and those predicted: filled, by joint activity times the read-out; open, by joint
activity alone."""
NORMS = (
    Quantity(column="coherence_exponent", name="coherence exponent", landmarks=(0, 0.5, 1)),
    Quantity(column="imbalance", name="imbalance of weights in and out", landmarks=(0,)),
    Quantity(column="erased", name="share of units erased", landmarks=(0,)),
)
NORMS_CAPTION = """\
Norms and penalties, arms as in the figure before. Left, coherence exponent: slope of the log-norm of
the change of a unit's weights against its log-rate; plain gradient steps should lie between ½ (changes
unrelated) and 1 (changes alike), Adam, whose steps have nearly one size for every weight, near 0.
Middle, mean of |in - out| / (in + out) over units, in and out being squared norms of a unit's weights
(with an L1 penalty, sums of absolute weights): 0 where loss and penalty balance. Right, share of units
of which all weights in, or all weights out, are exactly 0."""


@styled
def draw_arms(table: pd.DataFrame, quantities: Sequence[Quantity]) -> Figure:
    """Draw ``quantities`` of ``table``, the study's bridge: a row of panels for each layer."""
    layers, arms = (list(dict.fromkeys(table[name])) for name in ("layer", "arm"))
    conditions = present(table["condition"])
    figure, axes = panels(
        len(layers),
        len(quantities),
        height=0.9 + len(layers) * (0.45 + 0.24 * len(arms)),
        sharex="col",
        sharey=True,
    )
    for row, layer in zip(axes, layers, strict=True):
        here = table[table["layer"] == layer]
        for panel, quantity in zip(row, quantities, strict=True):
            _draw(panel, here, quantity, arms)
        row[0].set_title(layer_title(layer), loc="left")
        row[0].set_yticks(range(len(arms)), arms)
        row[0].set_ylim(len(arms) - 0.5, -0.5)
    for panel, quantity in zip(axes[-1], quantities, strict=True):
        panel.set_xlabel(quantity.name)
    legend(figure, keys(conditions, kind="point"))
    return figure


def _draw(axes: Axes, table: pd.DataFrame, quantity: Quantity, arms: Sequence[str]) -> None:
    for landmark in quantity.landmarks:
        axes.axvline(landmark, color=INK, lw=0.6, ls=":")
    conditions = present(table["condition"])
    for place, arm in enumerate(arms):
        for number, condition in enumerate(conditions):
            rows = table[(table["arm"] == arm) & (table["condition"] == condition)]
            y = [place + SPREAD * (2 * number - len(conditions) + 1)] * len(rows)
            look = {"color": COLOR[condition], "marker": MARKER[condition], "ls": "", "ms": 3.2}
            if quantity.beside:
                axes.plot(rows[quantity.beside], y, mfc="white", mew=0.7, **look)
            axes.plot(rows[quantity.column], y, mew=0.7, **look)
    axes.tick_params(axis="y", length=0)
    axes.set_axisbelow(True)
    axes.grid(axis="y", color="#EEEEEE", lw=0.6)
