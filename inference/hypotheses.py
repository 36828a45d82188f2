"""H1 and H4: whether memorizing networks' layers differ from generalizing ones' as claimed.

For one layer of networks of the same architecture and data, memorizing - generalizing:

H1, rates: a lower mean rate of the living units, rates more skewed to the right, a larger share of rare
units. All three are taken of each network's own units and compared over networks: a Beta law that fits
the bulk of a layer may be wrong about its mean, skewness and tail. The Beta law of a typical network is
fitted beside them, as a description.

H4, correlation: a weaker latent factor w² common to the units, free of their rates (units that are
active half of the time show more of it in their binary correlations than units that are nearly always
active); weaker correlations of pairs, as their root mean square freed of sampling noise; a higher
participation ratio, and a higher one in proportion to (Σ v_i)² / Σ v_i², v_i = p_i (1 - p_i), which
independent units of the same rates would have.

Typical means at the center of the condition's networks, where all deviations are zero; the differences
are between conditions, over networks that might have been trained, not between those that were. A claim
is a direction that the posterior may contradict. Beside it stand the initialized networks and a
permutation test on each network's own estimate.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy import stats
from scipy.special import expit, logit

from ..activity.arrays import Floats
from ..activity.covariance import participation_ratio
from ..activity.statistics import Statistics
from ..activity.words import CONDITIONS, RARE
from .factor import most_likely_loading
from .factor_comparison import FactorComparisonPrior, factor_comparison_model
from .networks import NetworkKey, Networks, SpreadPrior
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
    plain: Callable[[Statistics], float]  # a network's own estimate
    scale: str = "log"  # unbounded, on which networks are compared; see _SCALES


def _itself(value: Floats) -> Floats:
    return value


_SCALES = {"log": (np.log, np.exp), "logit": (logit, expit), "identity": (_itself, _itself)}

MEAN_RATE = _Claim(
    hypothesis="H1",
    quantity="mean rate of living units",
    unit="activations per example",
    direction="lower",
    claim="units of memorizing networks are active more rarely",
    plain=lambda layer: float(_living(layer).mean()),
    scale="logit",
)
SKEWNESS = _Claim(
    hypothesis="H1",
    quantity="skewness of the rates",
    unit="",
    direction="higher",
    claim="rates of memorizing networks are more right-skewed",
    plain=lambda layer: float(np.nan_to_num(stats.skew(_living(layer)))),
    scale="identity",
)
RARE_SHARE = _Claim(
    hypothesis="H1",
    quantity=f"share of units active on fewer than {RARE:.0%} of examples".replace("%", " %"),
    unit="of the living units",
    direction="higher",
    claim="memorizing networks have more rare units",
    plain=lambda layer: float(np.divide(*_rare_units(layer))),
)
FACTOR = _Claim(
    hypothesis="H4",
    quantity="latent correlation by a common factor",
    unit="",
    direction="lower",
    claim="units of memorizing networks share a weaker common factor",
    plain=lambda layer: most_likely_loading(layer) ** 2,
)
PAIRS = _Claim(
    hypothesis="H4",
    quantity="correlation of pairs (root mean square)",
    unit="",
    direction="lower",
    claim="pairs of units of memorizing networks are more weakly correlated",
    plain=lambda layer: _pair_spread(layer),
)
PARTICIPATION = _Claim(
    hypothesis="H4",
    quantity="participation ratio",
    unit="dimensions",
    direction="higher",
    claim="activity of memorizing networks spreads over more dimensions",
    plain=lambda layer: layer.participation_ratio,
)


RELATIVE_PARTICIPATION = _Claim(
    hypothesis="H4",
    quantity="participation ratio over that of independent units",
    unit="",
    direction="higher",
    claim="activity of memorizing networks spreads over more dimensions than their rates account for",
    plain=lambda layer: layer.participation_ratio / participation_ratio(np.diag(_variance(layer))),
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
    share_prior = ShareComparisonPrior(spread=prior.spread)
    counted = {key: _rare_units(one) for key, one in statistics.items()}
    how = {"rng": rng, "draws": draws, "progress": progress}
    law = sample(
        rate_comparison_model(statistics, prior=prior), kind="rate comparison", prior=prior, **how
    )
    model = share_comparison_model(counted, prior=share_prior)
    share = sample(model, kind="share comparison", prior=share_prior, **how)
    compared = {
        claim: _compare_values(claim, statistics, spread=prior.spread, **how)
        for claim in (MEAN_RATE, SKEWNESS)
    }
    compared[RARE_SHARE] = _by_condition(share, "condition_share")
    verdicts = [_verdict(claim, by, statistics, layer, data) for claim, by in compared.items()]
    return Finding(verdicts=verdicts, posteriors={"rates": law, "rare_share": share})


def compare_correlation(
    statistics: Mapping[NetworkKey, Statistics],
    *,
    layer: str,
    rng: np.random.Generator,
    aligned: Mapping[NetworkKey, Statistics] | None = None,
    prior: FactorComparisonPrior | None = None,
    data: str = "",
    draws: int = 1000,
    progress: Progress | None = None,
) -> Finding:
    """State H4 on one layer; arguments and errors as of :func:`compare_rates`.

    ``aligned`` holds the statistics of units turned to fire together (:mod:`rote.activity.alignment`),
    from whose population counts the common factor is told; without it ``statistics`` serve.
    """
    aligned = statistics if aligned is None else aligned
    _check_conditions(statistics)
    _check_conditions(aligned)
    prior = FactorComparisonPrior() if prior is None else prior
    how = {"rng": rng, "draws": draws, "progress": progress}
    model = factor_comparison_model(aligned, prior=prior)
    factor = sample(model, kind="factor comparison", prior=prior, **how)
    latent = _by_condition(factor, "condition_latent_correlation")
    verdicts = [_verdict(FACTOR, latent, aligned, layer, data)]
    for claim in (PAIRS, PARTICIPATION, RELATIVE_PARTICIPATION):
        by_condition = _compare_values(claim, statistics, spread=prior.spread, **how)
        verdicts.append(_verdict(claim, by_condition, statistics, layer, data))
    return Finding(verdicts=verdicts, posteriors={"factor": factor})


def _compare_values(
    claim: _Claim,
    statistics: Mapping[NetworkKey, Statistics],
    *,
    spread: SpreadPrior,
    rng: np.random.Generator,
    draws: int,
    progress: Progress | None,
) -> dict[str, Floats]:
    """Return posterior draws of a typical network's value in each condition."""
    there, back = _SCALES[claim.scale]
    values = {key: float(there(claim.plain(one))) for key, one in statistics.items()}
    prior = ValueComparisonPrior(spread=spread)
    model = value_comparison_model(values, prior=prior)
    tree = sample(model, kind="value comparison", prior=prior, rng=rng, draws=draws, progress=progress)
    return {
        condition: back(value) for condition, value in _by_condition(tree, "condition_value").items()
    }


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


def _variance(layer: Statistics) -> Floats:
    return layer.rate * (1 - layer.rate)


def _pair_spread(layer: Statistics) -> float:
    """Return the root mean square of the pairs' correlations, freed of the noise of so many examples."""
    square = np.square(layer.pair_correlation).mean() - 1 / (layer.n_examples - 1)
    return float(np.sqrt(max(square, 1 / layer.n_examples**2)))


def _rare_units(layer: Statistics) -> tuple[int, int]:
    """Return how many living units are rare, and how many are living."""
    living = _living(layer)
    return int((living < RARE).sum()), living.size


def _check_conditions(statistics: Mapping[NetworkKey, Statistics]) -> None:
    present = Networks.ordered(statistics).conditions
    if present != CONDITIONS:
        raise ValueError(f"statistics must hold networks {', '.join(CONDITIONS)}, got {present}")
