"""What the default priors say, in quantities that people know: a row of panels for each model.

:data:`VIEWS` lists what is shown (:mod:`rote.figures.prior_views`), :data:`PAGES` which rows stand
together. A row is a model of :data:`rote.inference.models.MODELS`, one of them with another law
("magnitudes, gamma"), or a model of networks.
"""

from collections.abc import Callable, Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from ..activity.arrays import Floats
from ..inference.claims import MeasuredLayer
from ..inference.models import MODELS
from ..inference.priors import prior_draws
from .prior_counts import COUNT_VIEWS
from .prior_networks import NETWORK_DRAWS, NETWORK_VIEWS
from .prior_rates import RATE_VIEWS
from .prior_views import Curves, Draws, Spread
from .prior_weights import WEIGHT_VIEWS
from .style import BAND_ALPHA, INK, panels, styled

SHOWN = 40  # draws whose curves are drawn
BINS = 40
COLUMNS = 4
LEFT = -46  # points from a row's axes to its name
TAIL = 0.01  # of the draws, left out on either side
PLAIN = (1e-4, 1e5)  # numbers that are told without powers of ten
COLOR = "#0072B2"
VIEWS: dict[str, tuple[Curves | Spread, ...]] = RATE_VIEWS | COUNT_VIEWS | WEIGHT_VIEWS | NETWORK_VIEWS
PAGES = {
    "rates": ("rates", "rate_mixture", "classes"),
    "counts": ("exchangeable", "factor", "dispersion", "gamma_poisson"),
    "magnitudes": ("magnitudes", "magnitudes, gamma", "magnitude_rate"),
    "weights": ("weights", "pooled_weights", "pooled_weights, variance-gamma", "coherence"),
    "networks": ("rate comparison", "factor comparison", "share comparison", "value comparison"),
    "labels": ("effect", "indicator"),
}
CAPTION = """\
What the default priors say before any data. Curves: a law, thin lines for {shown} draws of the prior, a
thick one the median of all draws at each point; laws of units are told by the share of units up to each
value. Filled: a quantity of single draws; line and band are its median and 90 % interval, written above
it."""


def row_draws(
    row: str, layer: MeasuredLayer, *, rng: np.random.Generator, n_draws: int
) -> dict[str, Floats]:
    """Return draws of a row's parameters, and what follows from them, from the default prior.

    Each is ``(n_draws,)``. Priors do not depend on ``layer``, but a model is built for one.
    """
    if row in NETWORK_DRAWS:
        return NETWORK_DRAWS[row](rng, n_draws)
    name, _, law = row.partition(", ")
    chosen = MODELS[name]
    prior = chosen.prior(law=law) if law else chosen.prior()
    model = chosen.build(chosen.take(layer), prior=prior)
    draws = prior_draws(model, rng=rng, n_draws=n_draws)
    follow = [variable for variable in model.deterministics if variable.ndim == 0]
    if follow:
        free = [model[name] for name in draws]
        how = {"mode": "FAST_COMPILE", "point_fn": False, "on_unused_input": "ignore"}
        function = model.compile_fn(follow, inputs=free, **how)
        values = np.array([function(*point) for point in zip(*draws.values(), strict=True)])
        draws |= {variable.name: value for variable, value in zip(follow, values.T, strict=True)}
    return draws


@styled
def draw_priors(draws: Mapping[str, Draws]) -> Figure:
    """Draw what the priors of models say: a row for each of ``draws``, by the names of ``VIEWS``."""
    figure, axes = panels(len(draws), COLUMNS, height=0.4 + 1.75 * len(draws))
    for row, (name, drawn) in zip(axes, draws.items(), strict=True):
        views = VIEWS[name]
        for panel, view in zip(row[: len(views)], views, strict=True):
            draw = _draw_curves if isinstance(view, Curves) else _draw_spread
            draw(panel, view, drawn)
        for panel in row[len(views) :]:
            panel.set_axis_off()
        words = name.replace("_", " ").replace(", ", ",\n")
        row[0].annotate(
            words,
            (0, 0.5),
            xytext=(LEFT, 0),
            xycoords="axes fraction",
            textcoords="offset points",
            fontweight="bold",
            rotation=90,
            ha="right",
            va="center",
            multialignment="center",
        )
    return figure


def _draw_curves(axes: Axes, view: Curves, draws: Draws) -> None:
    curves = view.y(draws)
    axes.plot(view.x, curves[:SHOWN].T, color=COLOR, lw=0.5, alpha=0.5)
    axes.plot(view.x, np.median(curves, axis=0), color=INK, lw=1.4)
    told = f"{SHOWN} draws, median" if np.ptp(curves, axis=0).any() else "the same in all draws"
    axes.set_title(f"{view.title}\n{told}", loc="left")
    axes.set(xlabel=view.x_label, ylabel=view.y_label, xlim=(view.x[0], view.x[-1]))
    if view.y_limits:
        axes.set_ylim(view.y_limits)
    if "x" in view.logarithmic:
        _logarithmic(axes.set_xscale, axes.xaxis)
    if "y" in view.logarithmic:
        _logarithmic(axes.set_yscale, axes.yaxis)


def _draw_spread(axes: Axes, view: Spread, draws: Draws) -> None:
    value = view.value(draws)
    ends = np.quantile(value, [TAIL, 1 - TAIL])
    edges = np.geomspace(*ends, BINS + 1) if view.logarithmic else np.linspace(*ends, BINS + 1)
    share = np.histogram(value, edges)[0] / value.size
    axes.stairs(share, edges, fill=True, color=COLOR, alpha=0.35, lw=0)
    low, middle, high = np.quantile(value, [0.05, 0.5, 0.95])
    axes.axvspan(low, high, color=INK, alpha=BAND_ALPHA / 2, lw=0)
    axes.axvline(middle, color=INK, lw=1.2)
    if view.logarithmic:
        _logarithmic(axes.set_xscale, axes.xaxis)
    axes.set_title(f"{view.title}\n{_told(middle)} ({_told(low)} to {_told(high)})", loc="left")
    axes.set(xlabel=view.x_label, yticks=[])


def _logarithmic(set_scale: Callable[[str], None], axis: Axis) -> None:
    """Make an axis logarithmic, with few numbers: the shorter, the more of each decade."""
    set_scale("log")
    low, high = axis.get_view_interval()
    decades = np.log10(high) - np.log10(low)
    subs = (1.0, 2.0, 5.0) if decades < 1.3 else (1.0, 3.0) if decades < 2.3 else (1.0,)
    axis.set_major_locator(LogLocator(subs=subs, numticks=5 if decades < 6 else 4))
    axis.set_major_formatter(FuncFormatter(lambda value, _: _told(value)))
    axis.set_minor_formatter(NullFormatter())


def _told(value: float) -> str:
    """Return a number in two digits, without a power of ten where that is short."""
    rounded = float(f"{value:.2g}")
    if rounded == 0 or PLAIN[0] <= abs(rounded) < PLAIN[1]:
        return f"{rounded:.6g}" if abs(rounded) < 1000 else f"{rounded:,.0f}"
    return f"{rounded:.0e}".replace("e-0", "e-").replace("e+0", "e")
