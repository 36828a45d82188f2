"""What the priors say of counts: how many units are active at once, and how often one is in a window."""

import numpy as np
from scipy import stats
from scipy.special import betainc

from ..activity.arrays import Floats
from ..inference.dispersion import DispersionPrior
from ..simulate.bivariate import binary_covariance
from ..simulate.dispersions import LEAST, MOST
from .prior_views import CROWD, RATE, USUAL, WINDOW, Curves, Draws, Spread, ninety_per_cent, normal_law

COUNT = np.arange(CROWD + 1)
RATIO = np.geomspace(1.01, 99, 100)  # of Fano factors
MEAN_COUNT = USUAL * WINDOW


def pair_correlation(draws: Draws, rate: Floats) -> Floats:
    """Return the correlation of two units of each of ``rate`` (...): ``(n_draws, ...)``."""
    latent = np.reshape(draws["loading"] ** 2, (-1, *[1] * np.ndim(rate)))
    return binary_covariance(rate, rate, latent) / (rate * (1 - rate))


def usual_correlation(draws: Draws) -> Floats:
    """Return the correlation of two units of the rate ``USUAL``."""
    return pair_correlation(draws, np.float64(USUAL))


def crowd_spread(correlation: Floats) -> Floats:
    """Return the standard deviation of the population count over that of independent units."""
    return np.sqrt(1 + (CROWD - 1) * correlation)


def _population(draws: Draws) -> Floats:
    """Return the probability of each of ``COUNT`` active units."""
    size = 1 / draws["correlation"] - 1
    a, b = draws["rate"] * size, (1 - draws["rate"]) * size
    return stats.betabinom.pmf(COUNT, CROWD, a[:, None], b[:, None])


def _fano_ratio(dispersion: Floats) -> Floats:
    return 1 + (WINDOW - 1) * dispersion / (1 + dispersion)


def _dispersion_law(x: Floats, draws: Draws) -> Floats:
    center = np.log(draws["dispersion"])
    return normal_law(np.log(x), center, draws["dispersion_spread"], (np.log(LEAST), np.log(MOST)))


def _unit_rates(draws: Draws) -> Floats:
    law = betainc(*DispersionPrior().rate, RATE)
    return np.broadcast_to(law, (draws["dispersion"].size, RATE.size))


DISPERSED = (
    Spread(
        title="units differ",
        x_label="dispersion of a unit\nat 95 % over that\nof one at 5 %",
        value=ninety_per_cent("dispersion_spread"),
        logarithmic=True,
    ),
    Curves(
        title="rates of units",
        x_label="rate",
        y_label="share up to it",
        x=RATE,
        y=_unit_rates,
    ),
)
COUNT_VIEWS = {
    "exchangeable": (
        Curves(
            title="population count",
            x_label=f"active ones of {CROWD} units",
            y_label="share up to it",
            x=COUNT,
            y=lambda draws: np.cumsum(_population(draws), axis=1),
        ),
        Spread(title="rate", x_label="of all units", value=lambda draws: draws["rate"]),
        Spread(title="correlation", x_label="of two units", value=lambda draws: draws["correlation"]),
        Spread(
            title="population count",
            x_label=f"standard deviation,\n{CROWD} units\n(1 if independent)",
            value=lambda draws: crowd_spread(draws["correlation"]),
        ),
    ),
    "factor": (
        Curves(
            title="correlation of two units",
            x_label="rate of both",
            y_label="correlation",
            x=RATE,
            y=lambda draws: pair_correlation(draws, RATE),
        ),
        Spread(
            title="latent correlation",
            x_label="squared loading",
            value=lambda draws: draws["loading"] ** 2,
        ),
        Spread(
            title="correlation",
            x_label=f"of two units of rate {USUAL:g}",
            value=usual_correlation,
        ),
        Spread(
            title="population count",
            x_label=f"standard deviation,\n{CROWD} units of rate {USUAL:g}\n(1 if independent)",
            value=lambda draws: crowd_spread(usual_correlation(draws)),
        ),
    ),
    "dispersion": (
        Curves(
            title="Fano factors of units",
            x_label=f"over binomial,\nwindows of {WINDOW} examples",
            y_label="share up to it",
            x=RATIO,
            y=lambda draws: _dispersion_law((RATIO - 1) / (WINDOW - RATIO), draws),
            logarithmic="x",
        ),
        Spread(
            title="Fano factor",
            x_label=f"of a typical unit,\nover binomial,\nwindows of {WINDOW} examples",
            value=lambda draws: _fano_ratio(draws["dispersion"]),
            logarithmic=True,
        ),
        *DISPERSED,
    ),
    "gamma_poisson": (
        Curves(
            title="Fano factors of units",
            x_label=f"windows of\nmean count {MEAN_COUNT:g}",
            y_label="share up to it",
            x=RATIO,
            y=lambda draws: _dispersion_law((RATIO - 1) / MEAN_COUNT, draws),
            logarithmic="x",
        ),
        Spread(
            title="Fano factor",
            x_label=f"of a typical unit,\nmean count {MEAN_COUNT:g}",
            value=lambda draws: 1 + draws["dispersion"] * MEAN_COUNT,
            logarithmic=True,
        ),
        *DISPERSED,
    ),
}
