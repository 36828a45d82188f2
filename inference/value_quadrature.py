"""The posterior of :mod:`rote.inference.value_comparison` without a sampler, by quadrature.

All but the three or four scales is integrated by hand (:mod:`rote.inference.centers`). Their
logarithms, standardized by the normal prior, are summed over a grid: the trapezoidal rule, whose error
for so smooth a law falls faster than any power of the step (Trefethen and Weideman, SIAM Review 56,
2014). A scale that n networks tell of has a precision of 2n + 1 at most, and with steps of 1.2 standard
deviations the probability of a sign is good to 1e-4, the logarithm of a Bayes factor to .005. A coarse
grid, its steps halved where the posterior lies, finds the nodes that matter: .02 s for two conditions,
.3 s for three.

The exponent is quadratic in the values, with coefficients that are the same for any values of equal
networks: many sets of values cost little more than a product of matrices.
"""

from collections.abc import Mapping

import numpy as np

from ..activity.arrays import Floats
from ..activity.checks import as_floats
from .centers import Centers, SeedSums
from .difference import Difference
from .networks import NetworkKey, Networks
from .value_comparison import ValueComparisonPrior

STEP = 1.2  # of the grid, in standard deviations of the narrowest scale that there could be
COARSE = 1.6  # of the first grid, about, in standard deviations of a scale's prior
REACH = 8.0  # of the first grid, as well
NEAR, KEPT = 25.0, 20.0  # nats below the largest weight: what is halved once more, and what is kept


def value_quadrature(
    values: Mapping[NetworkKey, float],
    *,
    prior: ValueComparisonPrior | None = None,
    first: str = "memorizing",
    second: str = "generalizing",
) -> Difference:
    """Return the posterior of the difference ``first`` - ``second`` of two conditions' typical networks.

    ``values`` are finite numbers of networks keyed by (condition, seed); errors as of
    :func:`~rote.inference.value_comparison.value_comparison_model`.
    """
    networks = Networks.ordered(values)
    known = np.array([values[key] for key in networks.keys])
    return compare_sets(known, networks, prior=prior, first=first, second=second)


def compare_sets(
    values: Floats,
    networks: Networks,
    *,
    prior: ValueComparisonPrior | None = None,
    first: str = "memorizing",
    second: str = "generalizing",
) -> Difference:
    """Return the same of many sets of values at once, ``(..., n_networks)``.

    They stand in the order of ``networks``, which :meth:`Networks.ordered` gives.
    """
    prior = ValueComparisonPrior() if prior is None else prior
    contrast = networks.contrast(first, second)
    values = as_floats("values", values)
    if values.shape[-1:] != (len(networks.keys),):
        raise ValueError(f"values must be of {len(networks.keys)} networks, got shape {values.shape}")
    sums = SeedSums.of(values.reshape(-1, values.shape[-1]) - prior.center[0], networks)
    nodes = _nodes(sums, networks, prior)
    log_weight = _log_weight(nodes, sums, prior)
    log_weight -= log_weight.max(axis=1)[:, None]
    kept = (log_weight > -KEPT).any(axis=0)
    log_weight = log_weight[:, kept] - np.log(np.exp(log_weight[:, kept]).sum(axis=1))[:, None]
    to_mean, sd, unit = _centers(nodes[kept], sums, prior).difference(contrast)
    shape = (*values.shape[:-1], -1)
    return Difference(
        mean=(sums.total @ to_mean.T).reshape(shape),
        sd=sd,
        unit=unit,
        prior_sd=prior.center[1] * np.sqrt(2),
        log_weight=log_weight.reshape(shape),
    )


def _nodes(sums: SeedSums, networks: Networks, prior: ValueComparisonPrior) -> Floats:
    """Return the nodes that carry the posterior of any set, ``(n_scales, n_dims)``, standardized.

    A step is halved only around nodes that are near the best one; where steps are wide, near is far.
    """
    n_dims = len(networks.conditions) + networks.blocked
    step = STEP / np.sqrt(1 + 2 * np.bincount(networks.condition_index).max())
    n_halvings = round(np.log2(COARSE / step))
    step, reach = step * 2**n_halvings, REACH
    while True:
        nodes = _grid(np.arange(-reach, reach + step, step), n_dims)
        log_weight = _log_weight(nodes, sums, prior)
        kept = (log_weight > log_weight.max(axis=1)[:, None] - KEPT).any(axis=0)
        if np.abs(nodes[kept]).max() < reach:
            break
        reach *= 1.5  # scales far from what the prior expects, as of values that are all equal
    for level in reversed(range(n_halvings)):
        best = log_weight.max(axis=1)[:, None]
        near = nodes[(log_weight > best - NEAR * 2**level).any(axis=0)]
        step /= 2
        nodes = (near[:, None] + _grid(np.array([-step / 2, step / 2]), n_dims)).reshape(-1, n_dims)
        log_weight = _log_weight(nodes, sums, prior)
    return nodes


def _log_weight(nodes: Floats, sums: SeedSums, prior: ValueComparisonPrior) -> Floats:
    return _centers(nodes, sums, prior).log_likelihood(sums) - np.square(nodes).sum(axis=1) / 2


def _centers(nodes: Floats, sums: SeedSums, prior: ValueComparisonPrior) -> Centers:
    n_conditions = sums.present.shape[1]
    network_sd = _scale(nodes[:, :n_conditions], prior.spread.network)
    blocked = nodes.shape[1] > n_conditions
    seed_sd = _scale(nodes[:, -1], prior.spread.seed) if blocked else None
    return Centers.given(network_sd, seed_sd, sums, prior.center[1])


def _scale(standard: Floats, prior: tuple[float, float]) -> Floats:
    median, log_sd = prior
    return median * np.exp(log_sd * standard)


def _grid(axis: Floats, n_dims: int) -> Floats:
    return np.stack([side.ravel() for side in np.meshgrid(*[axis] * n_dims, indexing="ij")], axis=1)
