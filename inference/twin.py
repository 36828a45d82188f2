"""The classical test beside a posterior difference: an exact permutation test over networks.

Networks of one seed share their first weights and the split of the data, so under the null (the
condition makes no difference) the two conditions may be swapped *within* a seed: 2ⁿ sign changes of n
differences, and the smallest two-sided p is 2/2ⁿ, that is .125 with four seeds and .031 with six. It is
exact whatever seeds share; swapping networks across seeds would be exact only if they shared nothing,
and is used only where they do: C(n + m, n) assignments, smallest two-sided p for n = m 2/C(2n, n).
"""

from collections.abc import Mapping
from math import comb

import numpy as np
from scipy.stats import permutation_test

from ..activity.arrays import Floats
from .networks import NetworkKey, Networks
from .verdict import Twin

MOST_PERMUTATIONS = 100_000  # enumerated; more would need random ones


def permutation_twin(
    values: Mapping[NetworkKey, float], *, first: str = "memorizing", second: str = "generalizing"
) -> Twin:
    """Test whether ``values`` of two conditions differ in mean, keyed by (condition, seed).

    Seeds of which both conditions have a network are compared within the seed; other networks are left
    out. Where no seed has both, all networks are compared. Raises ``ValueError`` for fewer than two
    seeds in common otherwise, or more networks than can be enumerated.
    """
    networks = Networks.ordered(values)
    for condition in (first, second):
        if condition not in networks.conditions:
            raise ValueError(f"values must hold {condition} networks, got {networks.conditions}")
    seeds = networks.shared_seeds(first, second)
    if len(seeds) == 1:
        raise ValueError(
            f"{first} and {second} networks must share no seed, or two at least, got seed {seeds[0]}"
        )
    if seeds:
        x, y = (np.array([values[c, seed] for seed in seeds]) for c in (first, second))
        name, kind, n_permutations = "Paired permutation test", "samples", 2**x.size
    else:
        x, y = (np.array([values[networks.keys[n]] for n in networks.of(c)]) for c in (first, second))
        name, kind, n_permutations = "Permutation test", "independent", comb(x.size + y.size, x.size)
    if n_permutations > MOST_PERMUTATIONS:
        raise ValueError(
            f"networks must allow at most {MOST_PERMUTATIONS} permutations, got {n_permutations}: "
            "compare fewer seeds"
        )
    result = permutation_test(
        (x, y), _mean_difference, permutation_type=kind, n_resamples=np.inf, vectorized=True
    )
    return Twin(
        name=name,
        statistic=float(result.statistic),
        p_value=float(result.pvalue),
        smallest_p=min(1.0, 2 / n_permutations),
        superiority=superiority(x, y),
    )


def superiority(x: Floats, y: Floats) -> float:
    """Return how often one of ``x`` exceeds one of ``y``, ties half."""
    return float(((x[:, None] > y) + 0.5 * (x[:, None] == y)).mean())


def _mean_difference(x: Floats, y: Floats, axis: int) -> Floats:
    return x.mean(axis=axis) - y.mean(axis=axis)
