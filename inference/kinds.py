"""Which units are rare: each unit's probability of being dead, rare or common.

At one draw of the posterior of :mod:`rote.inference.rate_mixture`, Bayes' rule gives a unit that is
active on k of T examples the probabilities

    P(rare | k)   ∝ (1 - dead_fraction) rare_fraction B(k + α, T - k + β) / B(α, β),
    P(common | k) ∝ (1 - dead_fraction) (1 - rare_fraction) B(k + a, T - k + b) / B(a, b),
    P(dead | k)   ∝ dead_fraction [k = 0],

and their means over draws are those given all that is known of the layer. A unit that was ever active is
not dead; a silent one may be any of the three.
"""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy.special import betaln, logsumexp

from ..activity.arrays import Floats
from ..activity.checks import check_choice
from ..activity.statistics import Statistics

BLOCK = 64  # counts at a time: 4,000 draws of them are 2 MB


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UnitKinds:
    """Probabilities of each unit's kind, each ``(n_units,)``; their sum is one."""

    dead: Floats
    rare: Floats
    common: Floats


def unit_kinds(statistics: Statistics, posterior: xr.DataTree) -> UnitKinds:
    """Return the kinds of the units of the layer that ``posterior`` was fitted to.

    Raises ``ValueError`` for the posterior of another model than ``rate_mixture``.
    """
    check_choice("model of the posterior", posterior["posterior"].attrs["model"], ("rate_mixture",))
    draws = {name: np.ravel(values) for name, values in posterior["posterior"].data_vars.items()}
    count, unit = np.unique(statistics.active_count, return_inverse=True)
    blocks = np.split(count, np.arange(BLOCK, count.size, BLOCK))
    kinds = np.hstack([_kinds(block[:, None], statistics.n_examples, draws) for block in blocks])
    dead, rare, common = kinds[:, unit]
    return UnitKinds(dead=dead, rare=rare, common=common)


def _kinds(count: np.ndarray, n_examples: int, draws: dict[str, Floats]) -> Floats:
    """Return the three probabilities at each of ``count`` ``(n_counts, 1)``: ``(3, n_counts)``."""
    rare, dead, mean = draws["rare_fraction"], draws["dead_fraction"], draws["rare_mean"]
    shape, concentration = draws["rare_shape"], draws["common_concentration"]
    odds = (1 - mean) / mean
    a, b = draws["common_mean"] * concentration, (1 - draws["common_mean"]) * concentration
    with np.errstate(divide="ignore"):  # of fractions that are 0 or 1 to rounding
        terms = np.stack(
            [
                np.where(count == 0, np.log(dead), -np.inf),
                np.log1p(-dead) + np.log(rare) + _log_law(count, n_examples, shape, shape * odds),
                np.log1p(-dead) + np.log1p(-rare) + _log_law(count, n_examples, a, b),
            ]
        )
    return np.exp(terms - logsumexp(terms, axis=0)).mean(axis=-1)


def _log_law(count: np.ndarray, n_examples: int, a: Floats, b: Floats) -> Floats:
    """Return log P(k; a, b) less log C(T, k), which is 0 at k = 0 and the same for all but the dead."""
    return betaln(count + a, n_examples - count + b) - betaln(a, b)
