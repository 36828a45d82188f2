"""H1 to H7: whether memorizing networks' layers differ from generalizing ones' as claimed.

For one layer of networks of the same architecture and data, each claim of :mod:`rote.inference.claims`
is answered by the posterior of the difference memorizing - generalizing between typical networks, those
at the center of their condition, where all deviations are zero: the differences are between conditions,
over networks that might have been trained, not between those that were. A claim is a direction, or for
H7 a least size, that the posterior may contradict. Beside it stand the initialized networks, the Bayes
factor of no difference (:mod:`rote.inference.difference`; of claims with a margin, the probability of a
smaller difference instead), and classical tests on each network's own estimate: a permutation test, a
mixed model and a comparison of ranks.

Most claims compare each network's own number (:mod:`rote.inference.value_comparison`). Where a law
fitted to a layer would be wrong about what is claimed, no verdict rests on it: the Beta law of H1,
which misses a layer's mean, skewness and tail, is fitted beside the verdicts as a description. The
share of rare units is counted, and the common factor of H4 is that of the exact law of the population
count.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from ..activity.checks import check_choice
from ..activity.statistics import Statistics
from ..activity.words import CONDITIONS
from .claims import (
    CLAIMS,
    FACTOR,
    MEAN_RATE,
    PAIRS,
    PARTICIPATION,
    RARE_SHARE,
    RELATIVE_PARTICIPATION,
    SKEWNESS,
    TRAINED_ONLY,
    Claim,
    MeasuredLayer,
)
from .compared import Compared, by_condition, compare_values, factor_of_draws
from .estimates import rare_units
from .factor_comparison import FactorComparisonPrior, factor_comparison_model
from .networks import NetworkKey, Networks, SpreadPrior
from .other_twins import other_twins
from .posterior import Progress, sample
from .rate_comparison import RateComparisonPrior, rate_comparison_model
from .share_comparison import ShareComparisonPrior, share_comparison_model
from .twin import permutation_twin
from .verdict import Verdict, claimed_probability, level

HYPOTHESES = ("H1", "H2", "H3", "H4", "H5", "H6", "H7")
NEEDS = {
    "H3": ("true_classes",),
    "H4": ("aligned",),
    "H5": ("true_classes",),
    "H6": ("weight", "initial"),
    "H7": ("weight", "initial", "magnitudes"),
}
_NULL = "memorizing and generalizing networks do not differ in {quantity}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The verdicts of one hypothesis on one layer, and the posteriors behind them, by model."""

    verdicts: list[Verdict]
    posteriors: dict[str, xr.DataTree]


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
    counted = {key: rare_units(one) for key, one in statistics.items()}
    how = {"rng": rng, "draws": draws, "progress": progress}
    law = sample(
        rate_comparison_model(statistics, prior=prior), kind="rate comparison", prior=prior, **how
    )
    model = share_comparison_model(counted, prior=share_prior)
    share = sample(model, kind="share comparison", prior=share_prior, **how)
    compared = {
        claim: compare_values(claim, statistics, spread=prior.spread, **how)
        for claim in (MEAN_RATE, SKEWNESS)
    }
    compared[RARE_SHARE] = Compared(
        draws=by_condition(share, "condition_share"),
        bayes_factor=factor_of_draws(share, "share", counted, share_prior.logit_share),
    )
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
    latent = Compared(
        draws=by_condition(factor, "condition_latent_correlation"),
        bayes_factor=factor_of_draws(factor, "loading", aligned, prior.logit_loading),
    )
    verdicts = [_verdict(FACTOR, latent, aligned, layer, data)]
    for claim in (PAIRS, PARTICIPATION, RELATIVE_PARTICIPATION):
        compared = compare_values(claim, statistics, spread=prior.spread, **how)
        verdicts.append(_verdict(claim, compared, statistics, layer, data))
    return Finding(verdicts=verdicts, posteriors={"factor": factor})


def answer(hypothesis: str, layers: Mapping[NetworkKey, MeasuredLayer], **how: object) -> Finding:
    """State any of ``HYPOTHESES`` on one layer, of networks keyed by (condition, seed).

    ``how`` and errors are those of :func:`compare_rates`; a ``ValueError`` also where a layer lacks what
    the hypothesis asks (:class:`~rote.inference.claims.MeasuredLayer`).
    """
    check_choice("hypothesis", hypothesis, HYPOTHESES)
    for part in NEEDS.get(hypothesis, ()):
        for (condition, seed), one in layers.items():
            if getattr(one, part) is None:
                raise ValueError(
                    f"{hypothesis} needs {part} of each layer, got none of {condition}-{seed}"
                )
    statistics = {key: one.statistics for key, one in layers.items()}
    if hypothesis == "H1":
        return compare_rates(statistics, **how)
    if hypothesis == "H4":
        aligned = {key: one.aligned for key, one in layers.items()}
        return compare_correlation(statistics, aligned=aligned, **how)
    return compare_layers(hypothesis, layers, **how)


def compare_layers(
    hypothesis: str,
    layers: Mapping[NetworkKey, MeasuredLayer],
    *,
    layer: str,
    rng: np.random.Generator,
    data: str = "",
    draws: int = 1000,
    progress: Progress | None = None,
) -> Finding:
    """State H2, H3, H5, H6 or H7 on one layer; arguments and errors as of :func:`compare_rates`.

    What untrained networks do not have, a change of weights or labels that they were trained towards, is
    compared without them.
    """
    claims = CLAIMS[check_choice("hypothesis", hypothesis, tuple(CLAIMS))]
    _check_conditions(layers)
    how = {"rng": rng, "draws": draws, "progress": progress}
    verdicts = []
    for claim in claims:
        compared = dict(layers)
        if claim in TRAINED_ONLY:
            compared = {key: one for key, one in layers.items() if key[0] != "initialized"}
        answered = compare_values(claim, compared, spread=SpreadPrior(), **how)
        verdicts.append(_verdict(claim, answered, compared, layer, data))
    return Finding(verdicts=verdicts, posteriors={})


def _verdict(
    claim: Claim,
    compared: Compared,
    layers: Mapping[NetworkKey, object],
    layer: str,
    data: str,
) -> Verdict:
    draws = compared.draws
    difference = draws["memorizing"] - draws["generalizing"]
    summary = level(difference)
    levels = {condition: level(values) for condition, values in draws.items()}
    untrained = draws.get("initialized")
    plain = {key: claim.plain(one) for key, one in layers.items()}
    return Verdict(
        hypothesis=claim.hypothesis,
        layer=layer,
        quantity=claim.quantity,
        unit=claim.unit,
        claim=claim.claim,
        direction=claim.direction,
        margin=claim.margin,
        null=_NULL.format(quantity=claim.quantity),
        estimate=summary.estimate,
        interval=summary.interval,
        probability=claimed_probability(difference, direction=claim.direction, margin=claim.margin),
        no_difference=float((np.abs(difference) <= claim.margin).mean()) if claim.margin else None,
        baseline=None if untrained is None else levels["initialized"].estimate,
        twin=permutation_twin(plain),
        others=other_twins(plain),
        bayes_factor=None if claim.margin else compared.bayes_factor,
        n_networks=sum(condition != "initialized" for condition, _ in layers),
        data=data,
        levels=levels,
        changes={} if untrained is None else {c: level(draws[c] - untrained) for c in CONDITIONS[1:]},
    )


def _check_conditions(statistics: Mapping[NetworkKey, object]) -> None:
    present = Networks.ordered(statistics).conditions
    if present != CONDITIONS:
        raise ValueError(f"statistics must hold networks {', '.join(CONDITIONS)}, got {present}")
