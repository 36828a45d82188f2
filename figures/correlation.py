"""Correlation between units: of every pair, its spectrum, and how many dimensions it leaves.

The spectrum holds the eigenvalues of the covariance matrix of activity over examples, each as a share
of their sum, largest first. Its baseline is drawn: independent units with the rates of the recorded
ones, on as many examples, so that it carries the scatter that a finite sample alone gives a spectrum.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..activity.arrays import Floats
from ..activity.measurement import measure
from ..activity.statistics import Statistics
from ..simulate.independent import IndependentBernoulli
from .paired import draw_paired, tick_conditions
from .style import COLOR, INK, keys, layer_title, legend, panels, present, styled

EDGES = np.linspace(-1, 1, 101)  # of the bins of correlations
SOLID, DASHED = {"lw": 1.0}, {"lw": 0.6, "ls": "--", "alpha": 0.8}
CAPTION = """\
Correlation between units on the {n_training} training examples. Top: density of the Pearson
correlations of all pairs of units whose activity varies, pooled over the {n_seeds} networks of a
condition (logarithmic). Middle: eigenvalues of the covariance matrix as shares of the total variance,
a line a network. Dashed in both: independent units of the same rates, drawn once for each network on
as many examples; what they show is owed to the finite sample. Bottom: participation ratio (tr C)²/tr
C², the effective number of dimensions, a point a network of {n_units} units; lines join networks of
one seed, which share initial weights and split of the data."""


def spectrum(statistics: Statistics) -> Floats:
    """Return the shares of variance along the principal axes, largest first: ``(n_units,)``.

    All nan for a layer that never changes.
    """
    eigenvalues = np.linalg.eigvalsh(statistics.covariance)[::-1].clip(0)
    total = eigenvalues.sum()
    return eigenvalues / total if total > 0 else np.full(eigenvalues.size, np.nan)


def independent_twin(statistics: Statistics, *, rng: np.random.Generator) -> Statistics:
    """Return the statistics of independent units of the same rates, drawn on as many examples."""
    return measure(IndependentBernoulli(rate=statistics.rate).sample(statistics.n_examples, rng=rng))


@styled
def draw_correlation(
    recorded: Mapping[tuple[str, str], Sequence[Statistics]],
    independent: Mapping[tuple[str, str], Sequence[Statistics]],
    table: pd.DataFrame,
) -> Figure:
    """Draw pair correlations, spectra and participation ratios.

    ``recorded`` and ``independent`` map (condition, layer) to the statistics of its networks.
    ``table`` holds condition, seed, layer and participation_ratio, a row for each network and layer.
    """
    layers, conditions = list(dict.fromkeys(table["layer"])), present(table["condition"])
    figure, axes = panels(3, len(layers), height=6.6, narrow=len(layers) == 1, sharey="row")
    for column, layer in enumerate(layers):
        axes[0, column].set_title(layer_title(layer))
        for condition in conditions:
            for networks, line in ((independent, DASHED), (recorded, SOLID)):
                _draw_density(axes[0, column], networks[condition, layer], condition, line)
                _draw_spectra(axes[1, column], networks[condition, layer], condition, line)
        draw_paired(axes[2, column], table[table["layer"] == layer], "participation_ratio")
        axes[0, column].set(xlabel="correlation of a pair of units", xlim=(-1, 1), yscale="log")
        axes[1, column].set(xlabel="principal axis (rank)", xscale="log", yscale="log")
        tick_conditions(axes[2, column], conditions)
    axes[0, 0].set_ylim(1e-3)
    axes[1, 0].set_ylim(1e-4, 1)
    axes[2, 0].set_ylim(0)
    for panel, name in zip(
        axes[:, 0], ("density of pairs", "share of variance", "participation ratio"), strict=True
    ):
        panel.set_ylabel(name)
    dashed = Line2D([], [], color=INK, lw=0.8, ls="--", label="independent units of the same rates")
    legend(figure, [*keys(conditions), dashed])
    return figure


def _draw_density(axes: Axes, networks: Sequence[Statistics], condition: str, line: dict) -> None:
    correlations = np.concatenate([statistics.pair_correlation for statistics in networks])
    if correlations.size:
        density, _ = np.histogram(correlations, EDGES, density=True)
        shown = np.where(density > 0, density, np.nan)
        axes.stairs(shown, EDGES, color=COLOR[condition], baseline=None, **line)


def _draw_spectra(axes: Axes, networks: Sequence[Statistics], condition: str, line: dict) -> None:
    for statistics in networks:
        rank = np.arange(1, statistics.n_units + 1)
        axes.plot(rank, spectrum(statistics), color=COLOR[condition], **line)
