"""How layers are drawn under a fitted model, and which statistics of theirs are looked at.

- rates, rate_mixture: counts of independent units at rates drawn anew from the layer's law.
- factor: activity of the one-factor dichotomized Gaussian, at the plugged-in rates. The spread of the
  pairs' correlations, where pairs were counted, tells whether one loading serves all.
- exchangeable: activity of the exchangeable process.
- classes: counts in each class, of class rates drawn anew, at the plugged-in law of the rates.
- dispersion, gamma_poisson: counts in windows, of dispersions drawn anew, at each unit's own rate. Units
  that do not change are left out of what is seen and of replicates.
- pooled_weights: as many weights as were seen, drawn from the law that was fitted.

Models of units' own curves (weights, magnitudes) and of lines (magnitude_rate, coherence) have none.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from ..activity.arrays import Counts, Floats
from ..activity.measurement import measure
from ..activity.statistics import Statistics
from ..activity.weights import weight_statistics
from ..activity.words import RARE
from ..simulate.dichotomized import DichotomizedGaussian
from ..simulate.dispersions import LogNormalDispersions
from ..simulate.exchangeable import ExchangeableBernoulli
from ..simulate.mixed_rates import MixedRates
from ..simulate.rates import BetaRates
from ..simulate.selective_rates import SelectiveRates
from ..simulate.weight_laws import GeneralizedNormal, VarianceGamma
from .classes import class_counts, plug_in_law
from .factor import plug_in_rate
from .window_counts import WindowCounts

type Parameters = Mapping[str, float]
"""One draw of a posterior, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replication:
    """How layers are replicated under a model, and what of them is compared."""

    seen: Callable[[object], object]  # what of the data statistics are taken of
    draw: Callable[[object, Parameters, np.random.Generator], object]  # the same, drawn
    statistics: Mapping[str, Callable[[object], float]]  # in words; nan where one cannot be had


def _itself(data: object) -> object:
    return data


def _draw_rates(
    law: type, *names: str
) -> Callable[[Statistics, Parameters, np.random.Generator], Floats]:
    """Return what draws the rates seen of units of a law of rates: ``(n_units,)``."""

    def draw(data: Statistics, parameters: Parameters, rng: np.random.Generator) -> Floats:
        rates = law(n_units=data.n_units, **{name: parameters[name] for name in names})
        return rng.binomial(data.n_examples, rates.sample(rng=rng)) / data.n_examples

    return draw


def _draw_factor(data: Statistics, parameters: Parameters, rng: np.random.Generator) -> Statistics:
    process = DichotomizedGaussian(rate=plug_in_rate(data), loading=parameters["loading"])
    pairs = data.coactive_count.size > 0
    return measure(process.sample(data.n_examples, rng=rng), pairs=pairs, window=data.window)


def _draw_exchangeable(data: Statistics, parameters: Parameters, rng: np.random.Generator) -> Statistics:
    process = ExchangeableBernoulli(
        n_units=data.n_units,
        rate=parameters["rate"],
        correlation=parameters["correlation"],
        mixing="beta",
    )
    return measure(process.sample(data.n_examples, rng=rng), pairs=False)


def _draw_classes(data: Statistics, parameters: Parameters, rng: np.random.Generator) -> Statistics:
    count, n = class_counts(data)
    a, b = plug_in_law(count, n, data.n_units)
    rates = SelectiveRates(
        n_units=len(count),
        n_classes=n.size,
        mean=a / (a + b),
        concentration=a + b,
        class_share=parameters["class_share"],
        class_share_spread=parameters["class_share_spread"],
    )
    return _of_classes(data, rng.binomial(n.astype(np.int64)[:, None], rates.sample(rng=rng)), n)


def _living_classes(data: Statistics) -> Statistics:
    count, n = class_counts(data)
    return _of_classes(data, count.T.astype(np.int64), n)


def _of_classes(data: Statistics, class_active: Counts, n: Floats) -> Statistics:
    """Return the statistics with other counts in classes."""
    return replace(
        data,
        class_active=class_active,
        active_count=class_active.sum(axis=0),
        class_examples=n.astype(np.int64),
    )


def _unit_class_spread(data: Statistics) -> float:
    """Return the standard deviation over units of their raw shares of variance between classes."""
    n = data.class_examples[:, None]
    rate = data.class_active / n
    mean = data.class_active.sum(axis=0) / n.sum()
    living = (mean > 0) & (mean < 1)
    between = (n * np.square(rate - mean)).sum(axis=0)[living]
    return float((between / (n.sum() * mean * (1 - mean))[living]).std())


def _windows(draw: Callable[[Floats, Floats, int, np.random.Generator], Floats]) -> Callable:
    """Return what draws windows of the units that change; ``draw`` draws ``(n_units, n_windows)``."""

    def layer(data: WindowCounts, parameters: Parameters, rng: np.random.Generator) -> Counts:
        rate = data.total[data.changing] / (data.n_windows * data.window)
        law = LogNormalDispersions(
            n_units=rate.size,
            dispersion=parameters["dispersion"],
            dispersion_spread=parameters["dispersion_spread"],
        )
        shape = rate.size, data.n_windows
        return draw(
            np.broadcast_to(rate[:, None], shape), law.sample(rng=rng)[:, None], data.window, rng
        )

    return layer


def _beta_binomial(rate: Floats, theta: Floats, window: int, rng: np.random.Generator) -> Counts:
    return rng.binomial(window, rng.beta(np.maximum(rate / theta, 1e-280), (1 - rate) / theta))


def _negative_binomial(rate: Floats, phi: Floats, window: int, rng: np.random.Generator) -> Counts:
    return rng.poisson(rate * window * rng.gamma(1 / phi, phi, size=rate.shape))


def _each_window(data: WindowCounts) -> Counts:
    """Return the counts of the units that change, in no order: ``(n_units, n_windows)``."""
    histogram = data.histogram[data.changing]
    return np.array([np.repeat(np.arange(row.size), row) for row in histogram])


def _fano(count: Counts) -> Floats:
    count = count[count.any(axis=1)]
    return count.var(axis=1, ddof=1) / count.mean(axis=1)


def _draw_weights(data: Floats, parameters: Parameters, rng: np.random.Generator) -> Floats:
    kind = GeneralizedNormal if "exponent" in parameters else VarianceGamma
    name = "exponent" if "exponent" in parameters else "shape"
    law = kind(sd=parameters["sd"], **{name: parameters[name]})
    n = np.count_nonzero(data)
    return law.sample((n,), rng=rng)[None]


def _count_moment(moment: Callable[[Floats, Floats], float]) -> Callable[[Statistics], float]:
    """Return a statistic of the population count from its values and their shares."""

    def statistic(data: Statistics) -> float:
        seen = data.population_histogram
        return float(moment(np.arange(seen.size, dtype=np.float64), seen / seen.sum()))

    return statistic


def _variance(count: Floats, share: Floats) -> float:
    return share @ np.square(count - share @ count)


def _skewness(count: Floats, share: Floats) -> float:
    variance = _variance(count, share)
    return share @ (count - share @ count) ** 3 / variance**1.5 if variance > 0 else np.nan


def _rate_skewness(rate: Floats) -> float:
    return float(_skewness(rate, np.full(rate.size, 1 / rate.size)))


def _pair_spread(data: Statistics) -> float:
    if data.coactive_count.size == 0 or (pairs := data.pair_correlation).size < 2:
        return np.nan
    return float(pairs.std())


OF_RATES = {
    "share of silent units": lambda rate: float((rate == 0).mean()),
    f"share of units rarer than {RARE:g}": lambda rate: float((rate < RARE).mean()),
    "mean rate": lambda rate: float(rate.mean()),
    "standard deviation of the rates": lambda rate: float(rate.std()),
    "skewness of the rates": _rate_skewness,
    "highest rate": lambda rate: float(rate.max()),
}
OF_POPULATION = {
    "variance of the population count": _count_moment(_variance),
    "skewness of the population count": _count_moment(_skewness),
    "share of examples without an active unit": _count_moment(lambda count, share: share[0]),
    "highest population count": _count_moment(lambda count, share: count[share > 0].max()),
}
OF_WINDOWS = {
    "mean Fano factor": lambda count: float(_fano(count).mean()),
    "standard deviation of the Fano factors": lambda count: float(_fano(count).std()),
    "highest count in a window": lambda count: float(count.max()),
    "share of windows without an activation": lambda count: float((count == 0).mean()),
}
REPLICATIONS = {
    "rates": Replication(
        seen=lambda data: data.rate,
        draw=_draw_rates(BetaRates, "mean", "concentration", "dead_fraction"),
        statistics=OF_RATES,
    ),
    "rate_mixture": Replication(
        seen=lambda data: data.rate,
        draw=_draw_rates(
            MixedRates,
            *("rare_fraction", "rare_mean", "rare_shape"),
            *("common_mean", "common_concentration", "dead_fraction"),
        ),
        statistics=OF_RATES,
    ),
    "factor": Replication(
        seen=_itself,
        draw=_draw_factor,
        statistics=OF_POPULATION | {"spread of the correlations of pairs": _pair_spread},
    ),
    "exchangeable": Replication(seen=_itself, draw=_draw_exchangeable, statistics=OF_POPULATION),
    "classes": Replication(
        seen=_living_classes,
        draw=_draw_classes,
        statistics={
            "share of variance between classes": lambda data: data.class_share,
            "spread of the units' shares between classes": _unit_class_spread,
            "highest rate in a class": lambda data: float(data.class_rate.max()),
            "share of classes in which a unit is silent": lambda data: float(
                (data.class_active == 0).mean()
            ),
        },
    ),
    "dispersion": Replication(seen=_each_window, draw=_windows(_beta_binomial), statistics=OF_WINDOWS),
    "gamma_poisson": Replication(
        seen=_each_window, draw=_windows(_negative_binomial), statistics=OF_WINDOWS
    ),
    "pooled_weights": Replication(
        seen=lambda weight: weight[weight != 0][None],
        draw=_draw_weights,
        statistics={
            "excess kurtosis": lambda weight: weight_statistics(weight).excess_kurtosis,
            "L1/L2 ratio": lambda weight: weight_statistics(weight).l1_l2_ratio,
            "standard deviation": lambda weight: float(weight.std()),
            "largest size": lambda weight: float(np.abs(weight).max()),
        },
    ),
}
