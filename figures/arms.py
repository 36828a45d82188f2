"""Predictions held against networks, arm by arm: a line for each way of training, a point a network."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from .style import COLOR, INK, MARKER, keys, layer_title, legend, panels, present, styled

SPREAD = 0.2  # between the conditions of one arm, of the distance between arms
NARROWEST = 0.2  # axis, where all points are one


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """What a column of panels shows."""

    column: str  # of the table
    name: str
    beside: str | None = None  # column drawn open beside it
    third: str | None = None  # column drawn as a cross
    landmarks: tuple[float, ...] = ()
    log_from: float | None = None  # from which the axis is logarithmic


RATIOS = (0.5**0.5, 0.7978845608)  # Laplace, Gaussian
WEIGHTS = (
    Quantity(
        column="change_l1_l2_ratio",
        name="L1/L2 ratio of the change\n(open: predicted, ×: by rates alone)",
        beside="due_l1_l2_ratio",
        third="rates_only_l1_l2_ratio",
        landmarks=RATIOS,
    ),
    Quantity(
        column="change_excess_kurtosis",
        name="excess kurtosis of the change\n(open: predicted, ×: by rates alone)",
        beside="due_excess_kurtosis",
        third="rates_only_kurtosis",
        landmarks=(0, 3),
        log_from=5.0,
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
point is one of {n_seeds} networks. Left, L1/L2 ratio E|w| / √E w² of the change since initialization,
and middle, its excess kurtosis (linear to 5, then logarithmic): filled, as it is; open, predicted from
joint activity, read-out and inputs with nothing fitted; crosses, predicted from the rates alone;
dotted, Laplace (.707 and 3) and Gaussian (.798 and 0). Right, correlation over pairs of units between
the cosines of the rows of the change and those predicted: filled, by joint activity times the read-out;
open, by joint activity alone."""
SHAPES = (
    Quantity(
        column="weight_l1_l2_ratio",
        name="L1/L2 ratio of the weights\n(open: predicted, ×: if all written)",
        beside="due_weight_l1_l2_ratio",
        third="due_l1_l2_ratio",
        landmarks=RATIOS,
    ),
    Quantity(
        column="weight_excess_kurtosis",
        name="excess kurtosis of the weights\n(open: predicted, ×: if all written)",
        beside="due_weight_excess_kurtosis",
        third="due_excess_kurtosis",
        landmarks=(0, 3),
        log_from=5.0,
    ),
    Quantity(
        column="weight_exponent",
        name="exponent q of the weights\n(open: predicted, ×: if all written)",
        beside="due_weight_exponent",
        third="due_exponent",
        landmarks=(1, 2),
    ),
)
SHAPES_CAPTION = """\
The weights themselves, zeros included, arms as in the figure of predicted changes; grey, initialized
networks. Left, L1/L2 ratio E|w| / √E w²; middle, excess kurtosis (linear to 5, then logarithmic); right,
exponent q of the generalized normal law exp(-|w/α|^q) that has the ratio; dotted, Laplace and Gaussian.
Open: predicted for normal initial weights and a change of the predicted shape and the size that was
seen. Crosses: predicted for written weights alone, the initial ones forgotten, as a penalty has it."""
DIRECTIONS = (
    Quantity(column="column_exponent", name="exponent of the inputs'\neigenvalues", landmarks=(0, 1)),
    Quantity(
        column="change_participation_ratio",
        name="participation ratio\n(open: predicted, ×: corrected)",
        beside="due_participation_ratio",
        third="corrected_participation_ratio",
    ),
    Quantity(
        column="change_top_share",
        name="squares in the greatest singular\nvalue (share; open: predicted)",
        beside="due_top_share",
        landmarks=(0,),
    ),
)
DIRECTIONS_CAPTION = """\
Along which directions of the inputs weights change, arms as before. Left, slope of the log-power of the
change along the eigenvectors of the inputs' covariance against the log of their eigenvalues: 1 by the
law of written weights, 0 where all directions are written alike. Middle, effective number of singular
values of the change: filled, as it is; open, predicted; crosses, predicted with the eigenvalues raised
to the exponent on the left. Right, share of the change's squares in its greatest singular value."""
NORMS = (
    Quantity(column="coherence_exponent", name="coherence exponent", landmarks=(0, 0.5, 1)),
    Quantity(column="imbalance", name="imbalance of weights in and out", landmarks=(0,)),
    Quantity(column="erased", name="share of units erased", landmarks=(0,)),
)
NORMS_CAPTION = """\
Norms and penalties, arms as before. Left, coherence exponent: slope of the log-norm of the change of a
unit's weights against its log-rate; plain gradient steps should lie between ½ (changes unrelated) and 1
(changes alike), Adam, whose steps have nearly one size for every weight, near 0. Middle, mean of |in -
out| / (in + out) over units, in and out being squared norms of a unit's weights (with an L1 penalty,
sums of absolute weights): 0 where loss and penalty balance; living units. Right, share of units of
which all weights in, or all weights out, are exactly 0."""


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
        row[0].set_ylim(len(arms) - 0.4, -0.6)
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
            if quantity.third:
                axes.plot(rows[quantity.third], y, mew=0.8, **look | {"marker": "x"})
            axes.plot(rows[quantity.column], y, mew=0.7, **look)
    if quantity.log_from:
        axes.set_xscale("symlog", linthresh=quantity.log_from)
        ticks = [0, 3, 10, 30, 100, 300]
        most = np.nanmax(table[[c for c in (quantity.column, quantity.beside) if c]].to_numpy())
        axes.set_xticks([t for t in ticks if t <= max(most, 3)], minor=False)
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_locator(NullLocator())
    low, high = axes.get_xlim()
    if high - low < NARROWEST:
        axes.set_xlim((low + high - NARROWEST) / 2, (low + high + NARROWEST) / 2)
    axes.tick_params(axis="y", length=0)
    axes.set_axisbelow(True)
    axes.grid(axis="y", color="#EEEEEE", lw=0.6)
