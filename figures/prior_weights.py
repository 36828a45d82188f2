"""What the priors say of how loud units are, of their weights, and of how both go with the rate."""

import numpy as np
from scipy.special import gammaincinv, gammaln, ndtri

from ..activity.arrays import Floats
from ..simulate.positive_normals import positive_moments
from ..simulate.weight_laws import VarianceGamma, gamma_ratio
from .prior_views import USUAL, Curves, Draws, Spread, ninety_per_cent, normal_law

LOUDNESS = np.geomspace(1e-3, 1e3, 100)
SIZE = np.linspace(0.02, 5, 100)  # of a weight, in standard deviations
RATE = np.geomspace(0.001, 1, 31)
WIDE_RATE = np.geomspace(1e-5, 100, 100)
LOUD = 0.99  # quantile of a unit's magnitudes
USUAL_MAGNITUDE = float(positive_moments(ndtri(USUAL))[0])  # of a pre-activation of variance 1
DENSITY = (1e-4, 10.0)


def _loudness_law(draws: Draws) -> Floats:
    ends = (-np.inf, np.inf)
    return normal_law(np.log(LOUDNESS), draws["center"], draws["spread"], ends)


def _loud_one(draws: Draws) -> Floats:
    """Return the magnitude that 1 % of a unit's exceed, over their mean, under the gamma law."""
    shape = draws["variation"] ** -2
    return gammaincinv(shape, LOUD) / shape


def _powers(draws: Draws) -> Floats:
    return (RATE / USUAL) ** draws["exponent"][:, None]


def _rate_law(draws: Draws) -> Floats:
    ends = (-np.inf, np.inf)
    return normal_law(np.log(WIDE_RATE), draws["x_center"], draws["x_spread"], ends)


def _off_the_line(draws: Draws) -> Floats:
    return np.exp(draws["spread"])


def normal_density(draws: Draws) -> Floats:
    """Return densities of weights of standard deviation 1 at ``SIZE`` under generalized normal laws."""
    q = draws["exponent"][:, None]
    log_scale = (gammaln(1 / q) - gammaln(3 / q)) / 2
    log_peak = np.log(q / 2) - log_scale - gammaln(1 / q)
    return np.exp(log_peak - (SIZE / np.exp(log_scale)) ** q)


def normal_ratio(draws: Draws) -> Floats:
    """Return E|w| / √E w² of generalized normal weights."""
    one, two, three = (gammaln(order / draws["exponent"]) for order in (1, 2, 3))
    return np.exp(two - (one + three) / 2)


def normal_kurtosis(draws: Draws) -> Floats:
    """Return the fourth moment over the squared variance of generalized normal weights."""
    one, three, five = (gammaln(order / draws["exponent"]) for order in (1, 3, 5))
    return np.exp(one + five - 2 * three)


def gamma_density(draws: Draws) -> Floats:
    """Return densities of weights of standard deviation 1 at ``SIZE`` under variance-gamma laws."""
    return np.array([VarianceGamma(sd=1.0, shape=shape).pdf(SIZE) for shape in draws["shape"]])


EXPONENT = Spread(
    title="exponent",
    x_label="of a typical unit\n(Laplace 1, Gaussian 2)",
    value=lambda draws: draws["exponent"],
    logarithmic=True,
)
UNITS_DIFFER = Spread(
    title="units differ",
    x_label="magnitude of a unit\nat 95 % over that\nof one at 5 %",
    value=ninety_per_cent("spread"),
    logarithmic=True,
)
SCALES = Curves(
    title="scales of units",
    x_label="scale σ,\nunit of activations",
    y_label="share up to it",
    x=LOUDNESS,
    y=_loudness_law,
    logarithmic="x",
)
TYPICAL_SD = Spread(
    title="size of weights",
    x_label="standard deviation\nof weights other than 0",
    value=lambda draws: draws["sd"],
    logarithmic=True,
)
L1_L2 = "Laplace .707,\nGaussian .798"
KURTOSIS = "Laplace 6,\nGaussian 3"


def _weights(y: object) -> Curves:
    return Curves(
        title="sizes of weights",
        x_label="|weight|\nin standard deviations",
        y_label="density",
        x=SIZE,
        y=y,
        logarithmic="y",
        y_limits=DENSITY,
    )


def _line(what: str) -> tuple[Curves, Spread, Spread]:
    """Return what is said of a power law of ``what`` in the rate."""
    return (
        Curves(
            title=f"{what} and rate",
            x_label="rate",
            y_label=f"over that at rate {USUAL:g}",
            x=RATE,
            y=_powers,
            logarithmic="xy",
        ),
        Spread(title="exponent", x_label="slope in logarithms", value=lambda draws: draws["exponent"]),
        Spread(
            title="units off the line",
            x_label="factor at one\nstandard deviation",
            value=_off_the_line,
            logarithmic=True,
        ),
    )


WEIGHT_VIEWS = {
    "magnitudes": (
        SCALES,
        Spread(
            title="mean magnitude",
            x_label=f"of a typical unit\nof rate {USUAL:g}",
            value=lambda draws: np.exp(draws["center"]) * USUAL_MAGNITUDE,
            logarithmic=True,
        ),
        UNITS_DIFFER,
    ),
    "magnitudes, gamma": (
        Spread(
            title="mean magnitude",
            x_label="of a typical unit",
            value=lambda draws: np.exp(draws["center"]),
            logarithmic=True,
        ),
        UNITS_DIFFER,
        Spread(
            title="variation",
            x_label="of one unit's magnitudes:\nstandard deviation\nover mean",
            value=lambda draws: draws["variation"],
            logarithmic=True,
        ),
        Spread(
            title="loud activations",
            x_label="over the unit's mean;\n1 in 100 is louder",
            value=_loud_one,
            logarithmic=True,
        ),
    ),
    "magnitude_rate": (
        *_line("magnitude"),
        Spread(
            title="at rate 1",
            x_label="mean magnitude,\nunit of activations",
            value=lambda draws: np.exp(draws["intercept"]),
            logarithmic=True,
        ),
    ),
    "weights": (
        _weights(normal_density),
        EXPONENT,
        Spread(
            title="units differ",
            x_label="exponent of a unit\nat 95 % over that\nof one at 5 %",
            value=ninety_per_cent("exponent_spread"),
            logarithmic=True,
        ),
        Spread(
            title="zero weights", x_label="share of weights", value=lambda draws: draws["zero_fraction"]
        ),
    ),
    "pooled_weights": (
        _weights(normal_density),
        Spread(title="L1/L2 ratio", x_label=L1_L2, value=normal_ratio),
        Spread(title="kurtosis", x_label=KURTOSIS, value=normal_kurtosis, logarithmic=True),
        TYPICAL_SD,
    ),
    "pooled_weights, variance-gamma": (
        _weights(gamma_density),
        Spread(title="L1/L2 ratio", x_label=L1_L2, value=lambda draws: gamma_ratio(draws["shape"])),
        Spread(
            title="kurtosis",
            x_label=KURTOSIS,
            value=lambda draws: 3 + 3 / draws["shape"],
            logarithmic=True,
        ),
        TYPICAL_SD,
    ),
    "coherence": (
        *_line("change"),
        Curves(
            title="rates of units",
            x_label="rate (a normal law of its\nlogarithm: no bound at 1)",
            y_label="share up to it",
            x=WIDE_RATE,
            y=_rate_law,
            logarithmic="x",
        ),
    ),
}
