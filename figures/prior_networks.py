"""What the priors say of networks: how they differ within a condition, and between conditions.

The variables of these models' graphs are made for the sampler (:mod:`rote.inference.networks`), so draws
of what they stand for are made here, from the same priors.
"""

from collections.abc import Callable
from dataclasses import fields

import numpy as np
from scipy.special import expit

from ..activity.arrays import Floats
from ..inference.effect import EffectPrior
from ..inference.factor_comparison import FactorComparisonPrior
from ..inference.indicator import N_TERMS, IndicatorPrior
from ..inference.judgement import SHARES
from ..inference.networks import SpreadPrior
from ..inference.rate_comparison import RateComparisonPrior
from ..inference.share_comparison import ShareComparisonPrior
from ..inference.value_comparison import ValueComparisonPrior
from .prior_counts import usual_correlation
from .prior_rates import rate_law
from .prior_views import RATE, USUAL, Curves, Draws, Spread

OTHER = "other_"  # begins the names of a second condition's centers
DEGREES = 3  # of a feature's variance in the indicator: ν₀ - d + 1, whatever the number d of features

type NetworkDraws = Callable[[np.random.Generator, int], dict[str, Floats]]


def network_draws(prior: object) -> NetworkDraws:
    """Return what draws two conditions' centers and the scales of the hierarchy over networks."""

    def draw(rng: np.random.Generator, n_draws: int) -> dict[str, Floats]:
        draws = {"standard": rng.standard_normal(n_draws)}
        for field in fields(prior):
            value = getattr(prior, field.name)
            if isinstance(value, SpreadPrior):
                for name in ("network", "seed"):
                    draws[f"{name}_sd"] = _log_normal(getattr(value, name), rng, n_draws)
            elif field.name != "dead_fraction":  # of each network, as in a single layer's model
                for start in ("", OTHER):
                    draws[start + field.name] = rng.normal(*value, n_draws)
        return draws

    return draw


def effect_draws(rng: np.random.Generator, n_draws: int) -> dict[str, Floats]:
    """Draw the effect of random labels, in a typical layer and in one of several, and the scales."""
    prior = EffectPrior()
    scales = ("layer_sd", "seed_sd", "network_sd")
    draws = {name: _log_normal(getattr(prior, name), rng, n_draws) for name in scales}
    effect = rng.normal(0, prior.effect, n_draws)
    layer_effect = effect + draws["layer_sd"] * rng.standard_normal(n_draws)
    return draws | {"effect": effect, "layer_effect": layer_effect}


def indicator_draws(rng: np.random.Generator, n_draws: int) -> dict[str, Floats]:
    """Draw a share of random labels and one feature's regression on it, in its expected spread."""
    prior = IndicatorPrior()
    sd = np.sqrt(0.5 / rng.standard_gamma(DEGREES / 2, n_draws))  # the margin of an inverse Wishart law
    draws = {"random_share": rng.choice(SHARES, n_draws, p=prior.weight), "sd": sd}
    for power in range(N_TERMS):
        draws[f"coefficient_{power}"] = prior.coefficient * sd * rng.standard_normal(n_draws)
    return draws


def _log_normal(prior: tuple[float, float], rng: np.random.Generator, n_draws: int) -> Floats:
    median, log_sd = prior
    return median * np.exp(log_sd * rng.standard_normal(n_draws))


def _typical_rates(draws: Draws) -> Floats:
    mean, concentration = expit(draws["logit_mean"]), np.exp(draws["log_concentration"])
    return rate_law({"mean": mean, "concentration": concentration})


def _difference(name: str, back: Callable[[Floats], Floats] = expit) -> Callable[[Draws], Floats]:
    return lambda draws: back(draws[name]) - back(draws[OTHER + name])


def _expected_ratio(draws: Draws) -> Floats:
    """Return the ratio of two conditions that the Bayes factor expects where they do differ."""
    return np.exp(np.sqrt(2) * draws["network_sd"] * draws["standard"])


def _along_share(draws: Draws) -> Floats:
    coefficient = np.stack([draws[f"coefficient_{power}"] for power in range(N_TERMS)], axis=1)
    return coefficient @ np.vander(SHARES, N_TERMS, increasing=True).T


def _whole_change(draws: Draws) -> Floats:
    return np.abs(sum(draws[f"coefficient_{power}"] for power in range(1, N_TERMS)))


def _apart(what: str, name: str = "network_sd") -> Spread:
    """Return by which factor networks lie off their condition's center, or layers off the effect."""
    return Spread(
        title=f"{what} differ",
        x_label="factor at one\nstandard deviation",
        value=lambda draws: np.exp(draws[name]),
        logarithmic=True,
    )


NETWORK_DRAWS = {
    "rate comparison": network_draws(RateComparisonPrior()),
    "factor comparison": network_draws(FactorComparisonPrior()),
    "share comparison": network_draws(ShareComparisonPrior()),
    "value comparison": network_draws(ValueComparisonPrior()),
    "effect": effect_draws,
    "indicator": indicator_draws,
}
NETWORK_VIEWS = {
    "rate comparison": (
        Curves(
            title="rates of living units",
            x_label="rate",
            y_label="share up to it",
            x=RATE,
            y=_typical_rates,
        ),
        Spread(
            title="mean rate",
            x_label="in a typical network",
            value=lambda draws: expit(draws["logit_mean"]),
        ),
        Spread(
            title="conditions differ",
            x_label="difference in mean rate",
            value=_difference("logit_mean"),
        ),
        _apart("odds of networks"),
    ),
    "factor comparison": (
        Spread(
            title="latent correlation",
            x_label="in a typical network",
            value=lambda draws: expit(draws["logit_loading"]) ** 2,
        ),
        Spread(
            title="correlation",
            x_label=f"of two units of rate {USUAL:g}",
            value=lambda draws: usual_correlation({"loading": expit(draws["logit_loading"])}),
        ),
        Spread(
            title="conditions differ",
            x_label="difference in latent\ncorrelation",
            value=_difference("logit_loading", lambda x: expit(x) ** 2),
        ),
    ),
    "share comparison": (
        Spread(
            title="rare units",
            x_label="share of living units\nin a typical network",
            value=lambda draws: expit(draws["logit_share"]),
        ),
        Spread(
            title="conditions differ", x_label="difference in share", value=_difference("logit_share")
        ),
    ),
    "value comparison": (
        Spread(
            title="conditions differ",
            x_label="ratio of two typical\nnetworks: prior of\nthe posterior",
            value=lambda draws: np.exp(draws["center"] - draws[OTHER + "center"]),
            logarithmic=True,
        ),
        Spread(
            title="conditions differ",
            x_label="ratio of two typical\nnetworks: prior of\nthe Bayes factor",
            value=_expected_ratio,
            logarithmic=True,
        ),
        _apart("networks"),
        _apart("seeds", "seed_sd"),
    ),
    "effect": (
        Spread(
            title="effect in a layer",
            x_label="ratio, all labels\nrandom to none",
            value=lambda draws: np.exp(draws["layer_effect"]),
            logarithmic=True,
        ),
        _apart("layers", "layer_sd"),
        _apart("networks"),
    ),
    "indicator": (
        Curves(
            title="a feature",
            x_label="share of random labels",
            y_label="in expected spreads",
            x=SHARES,
            y=_along_share,
            y_limits=(-100, 100),
        ),
        Spread(
            title="change of a feature",
            x_label="from none to all\nrandom, in expected\nspreads",
            value=_whole_change,
            logarithmic=True,
        ),
        Spread(
            title="spread of a feature",
            x_label="over networks of one\nshare, over that expected",
            value=lambda draws: draws["sd"],
            logarithmic=True,
        ),
        Spread(
            title="random labels",
            x_label="share in a network\nthat is to be judged",
            value=lambda draws: draws["random_share"],
        ),
    ),
}
