"""H1 and H4: whether memorizing networks' layers differ from generalizing ones' as claimed.

For one layer of networks of the same architecture and data, memorizing - generalizing:

H1, rates: a lower mean rate, a more right-skewed law, a larger share of rare units. With the Beta law of
a typical network of each condition, a = mean·concentration, b = (1 - mean)·concentration,

    skewness = 2 (b - a) √(a + b + 1) / ((a + b + 2) √(a b)).

Rare units are counted, since a Beta law that fits the bulk of a layer may be wrong about its tail.

H4, correlation: a weaker latent correlation w² between units, and a higher participation ratio. The
latent correlation is that of the units' drives, freed of their rates: units that are active half of the
time show more of it in their binary correlations than units that are nearly always active.

Typical means at the center of the condition's networks, where all deviations are zero; the differences
are between conditions, over networks that might have been trained, not between those that were. A claim
is a direction that the posterior may contradict. Beside it stand the initialized networks and a
permutation test on plain statistics of each network.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy import stats

from ..activity.arrays import Floats
from ..activity.statistics import Statistics
from ..activity.words import CONDITIONS, RARE
from .factor import most_likely_loading
from .factor_comparison import FactorComparisonPrior, factor_comparison_model
from .networks import NetworkKey, Networks
from .posterior import Progress, sample
from .rate_comparison import RateComparisonPrior, rate_comparison_model
from .share_comparison import ShareComparisonPrior, share_comparison_model
from .twin import permutation_twin
from .value_comparison import ValueComparisonPrior, value_comparison_model
from .verdict import Level, Verdict

INTERVAL = (0.05, 0.95)
_NULL = "memorizing and generalizing networks do not differ in {quantity}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The verdicts of one hypothesis on one layer, and the posteriors behind them, by model."""

    verdicts: list[Verdict]
    posteriors: dict[str, xr.DataTree]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim:
    hypothesis: str
    quantity: str
    unit: str
    direction: str
    claim: str
    plain: Callable[[Statistics], float]  # the twin's statistic of a network


MEAN_RATE = _Claim(
    hypothesis="H1",
    quantity="mean rate of living units",
    unit="activations per example",
    direction="lower",
    claim="units of memorizing networks are active more rarely",
    plain=lambda layer: float(_living(layer).mean()),
)
SKEWNESS = _Claim(
    hypothesis="H1",
    quantity="skewness of the rates",
    unit="",
    direction="higher",
    claim="rates of memorizing networks are more right-skewed",
    plain=lambda layer: float(np.nan_to_num(stats.skew(_living(layer)))),
)
RARE_SHARE = _Claim(
    hypothesis="H1",
    quantity=f"share of units active on fewer than {RARE:.0%} of examples".replace("%", " %"),
    unit="of the living units",
    direction="higher",
    claim="memorizing networks have more rare units",
    plain=lambda layer: float(np.divide(*_rare_units(layer))),
)
CORRELATION = _Claim(
    hypothesis="H4",
    quantity="latent correlation",
    unit="",
    direction="lower",
    claim="units of memorizing networks are more weakly correlated",
    plain=lambda layer: most_likely_loading(layer) ** 2,
)
PARTICIPATION = _Claim(
    hypothesis="H4",
    quantity="participation ratio",
    unit="dimensions",
    direction="higher",
    claim="activity of memorizing networks spreads over more dimensions",
    plain=lambda layer: layer.participation_ratio,
)


def compare_rates(
    statistics: Mapping[NetworkKey, Statistics],
    *,
    layer: str,
    rng: np.random.Generator,
    prior: RateComparisonPrior | None = None,
    data: str = "",
    draws: int = 1000,
    progress: Progress | None = None,
) -> Finding:
    """State H1 on one layer; ``statistics`` maps (condition, seed) to the layer's statistics.

    All three conditions must be there, with two networks each at least; ``data`` says in words what was
    measured. Raises ``ValueError`` for networks that cannot be compared, and
    :class:`~rote.inference.posterior.ConvergenceError`.
    """
    _check_conditions(statistics)
    prior = RateComparisonPrior() if prior is None else prior
    model = rate_comparison_model(statistics, prior=prior)
    tree = sample(model, kind="rate comparison", prior=prior, rng=rng, draws=draws, progress=progress)
    mean, concentration = (
        _by_condition(tree, name) for name in ("condition_mean", "condition_concentration")
    )
    law = {c: stats.beta(mean[c] * concentration[c], (1 - mean[c]) * concentration[c]) for c in mean}
    share_prior = ShareComparisonPrior(spread=prior.spread)
    counted = {key: _rare_units(one) for key, one in statistics.items()}
    model = share_comparison_model(counted, prior=share_prior)
    share = sample(
        model, kind="share comparison", prior=share_prior, rng=rng, draws=draws, progress=progress
    )
    quantities = {
        MEAN_RATE: mean,
        SKEWNESS: {c: beta.stats(moments="s") for c, beta in law.items()},
        RARE_SHARE: _by_condition(share, "condition_share"),
    }
    verdicts = [_verdict(c, draws_, statistics, layer, data) for c, draws_ in quantities.items()]
    return Finding(verdicts=verdicts, posteriors={"rates": tree, "rare_share": share})


def compare_correlation(
    statistics: Mapping[NetworkKey, Statistics],
    *,
    layer: str,
    rng: np.random.Generator,
    prior: FactorComparisonPrior | None = None,
    data: str = "",
    draws: int = 1000,
    progress: Progress | None = None,
) -> Finding:
    """State H4 on one layer; arguments and errors as of :func:`compare_rates`.

    Give the statistics of units turned to fire together (:mod:`rote.activity.alignment`) where
    correlations of both signs matter: turning leaves the participation ratio as it is, which takes the
    priors of scales from ``prior`` too.
    """
    _check_conditions(statistics)
    prior = FactorComparisonPrior() if prior is None else prior
    ratio_prior = ValueComparisonPrior(spread=prior.spread)
    model = factor_comparison_model(statistics, prior=prior)
    factor = sample(
        model, kind="factor comparison", prior=prior, rng=rng, draws=draws, progress=progress
    )
    ratios = {key: layer_.participation_ratio for key, layer_ in statistics.items()}
    model = value_comparison_model(ratios, prior=ratio_prior)
    ratio = sample(
        model, kind="value comparison", prior=ratio_prior, rng=rng, draws=draws, progress=progress
    )
    quantities = {
        CORRELATION: _by_condition(factor, "condition_latent_correlation"),
        PARTICIPATION: _by_condition(ratio, "condition_value"),
    }
    verdicts = [_verdict(c, draws_, statistics, layer, data) for c, draws_ in quantities.items()]
    return Finding(verdicts=verdicts, posteriors={"factor": factor, "participation_ratio": ratio})


def _verdict(
    claim: _Claim,
    draws: dict[str, Floats],
    statistics: Mapping[NetworkKey, Statistics],
    layer: str,
    data: str,
) -> Verdict:
    difference = draws["memorizing"] - draws["generalizing"]
    below = float((difference < 0).mean())
    summary = _level(difference)
    levels = {condition: _level(values) for condition, values in draws.items()}
    return Verdict(
        hypothesis=claim.hypothesis,
        layer=layer,
        quantity=claim.quantity,
        unit=claim.unit,
        claim=claim.claim,
        direction=claim.direction,
        null=_NULL.format(quantity=claim.quantity),
        estimate=summary.estimate,
        interval=summary.interval,
        probability=below if claim.direction == "lower" else 1 - below,
        baseline=levels["initialized"].estimate,
        twin=permutation_twin({key: claim.plain(one) for key, one in statistics.items()}),
        n_networks=sum(condition != "initialized" for condition, _ in statistics),
        data=data,
        levels=levels,
        changes={c: _level(draws[c] - draws["initialized"]) for c in CONDITIONS[1:]},
    )


def _level(draws: Floats) -> Level:
    low, high = np.quantile(draws, INTERVAL)
    return Level(estimate=float(draws.mean()), interval=(float(low), float(high)))


def _by_condition(tree: xr.DataTree, name: str) -> dict[str, Floats]:
    values = tree["posterior"][name]
    return {c: values.sel(condition=c).to_numpy().ravel() for c in CONDITIONS}


def _living(layer: Statistics) -> Floats:
    return layer.rate[~layer.dead]


def _rare_units(layer: Statistics) -> tuple[int, int]:
    """Return how many living units are rare, and how many are living."""
    living = _living(layer)
    return int((living < RARE).sum()), living.size


def _check_conditions(statistics: Mapping[NetworkKey, Statistics]) -> None:
    present = Networks.ordered(statistics).conditions
    if present != CONDITIONS:
        raise ValueError(f"statistics must hold networks {', '.join(CONDITIONS)}, got {present}")
