"""What the priors say of rates: of a layer's units, and of a unit in each class."""

import numpy as np
from scipy.special import betainc, betaln, logit

from ..activity.arrays import Floats
from ..inference.classes import LEAST, MOST
from .prior_views import EXAMPLES, RATE, USUAL, Curves, Draws, Spread, ninety_per_cent, normal_law

LOW_RATE = np.geomspace(1e-4, 0.999, 100)
SHARE = np.geomspace(1e-4, 0.99, 100)


def rate_law(draws: Draws) -> Floats:
    """Return the share of living units up to each of ``RATE``."""
    mean, concentration = draws["mean"][:, None], draws["concentration"][:, None]
    return betainc(mean * concentration, (1 - mean) * concentration, RATE)


def _rate_spread(draws: Draws) -> Floats:
    mean = draws["mean"]
    return np.sqrt(mean * (1 - mean) / (1 + draws["concentration"]))


def _never(a: Floats, b: Floats) -> Floats:
    """Return the probability that a unit of a Beta(a, b) rate is active on none of ``EXAMPLES``."""
    return np.exp(betaln(a, b + EXAMPLES) - betaln(a, b))


def _silent(draws: Draws) -> Floats:
    a = draws["mean"] * draws["concentration"]
    dead = draws["dead_fraction"]
    return dead + (1 - dead) * _never(a, draws["concentration"] - a)


def _two_kinds(draws: Draws) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
    """Return the shapes (a, b) of the rare and of the common law."""
    mean, shape = draws["common_mean"], draws["rare_shape"]
    a = mean * draws["common_concentration"]
    odds = mean / (1 - mean) * np.exp(-draws["gap"])
    return (shape, shape / odds), (a, draws["common_concentration"] - a)


def _mixed_law(draws: Draws) -> Floats:
    rare, common = (betainc(a[:, None], b[:, None], LOW_RATE) for a, b in _two_kinds(draws))
    share = draws["rare_fraction"][:, None]
    return share * rare + (1 - share) * common


def _rare_mean(draws: Draws) -> Floats:
    a, b = _two_kinds(draws)[0]
    return a / (a + b)


def _mixed_silent(draws: Draws) -> Floats:
    rare, common = (_never(a, b) for a, b in _two_kinds(draws))
    share, dead = draws["rare_fraction"], draws["dead_fraction"]
    return dead + (1 - dead) * (share * rare + (1 - share) * common)


def _class_law(draws: Draws) -> Floats:
    ends = (logit(LEAST), logit(MOST))
    return normal_law(logit(SHARE), logit(draws["class_share"]), draws["class_share_spread"], ends)


RATE_VIEWS = {
    "rates": (
        Curves(
            title="rates of living units",
            x_label="rate",
            y_label="share up to it",
            x=RATE,
            y=rate_law,
        ),
        Spread(title="mean rate", x_label="of living units", value=lambda draws: draws["mean"]),
        Spread(title="spread of rates", x_label="standard deviation", value=_rate_spread),
        Spread(
            title="silent units",
            x_label=f"share never active on\n{EXAMPLES:,} examples",
            value=_silent,
        ),
    ),
    "rate_mixture": (
        Curves(
            title="rates of living units",
            x_label="rate",
            y_label="share up to it",
            x=LOW_RATE,
            y=_mixed_law,
            logarithmic="x",
        ),
        Spread(title="rare units", x_label="share of the living", value=lambda d: d["rare_fraction"]),
        Spread(title="mean rate", x_label="of rare units", value=_rare_mean, logarithmic=True),
        Spread(
            title="silent units",
            x_label=f"share never active on\n{EXAMPLES:,} examples",
            value=_mixed_silent,
        ),
    ),
    "classes": (
        Curves(
            title="class share of units",
            x_label="class share",
            y_label="share up to it",
            x=SHARE,
            y=_class_law,
            logarithmic="x",
        ),
        Spread(
            title="typical class share",
            x_label="share of variance\nbetween classes",
            value=lambda draws: draws["class_share"],
            logarithmic=True,
        ),
        Spread(
            title="rates within classes",
            x_label=f"standard deviation\nover classes,\nunit of rate {USUAL:g}",
            value=lambda draws: np.sqrt(draws["class_share"] * USUAL * (1 - USUAL)),
        ),
        Spread(
            title="units differ",
            x_label="odds of the class share\nof a unit at 95 % over\nthose of one at 5 %",
            value=ninety_per_cent("class_share_spread"),
            logarithmic=True,
        ),
    ),
}
