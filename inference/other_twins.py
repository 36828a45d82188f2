"""Classical tests that stand beside the permutation test, with other assumptions and other faults.

Mixed model: values are normal about the mean of their condition plus a random intercept of their seed,
of one variance in both conditions, by restricted maximum likelihood (Laird and Ware, Biometrics 38,
1982). Wald's ratio is held against t with N - S - 1 degrees of freedom, N networks of S seeds: where
each seed has both conditions this is the paired t-test. The normal law that statsmodels takes would find
differences too often among a handful of networks. Where the variance of seeds is estimated at its bound,
0, or no seed has both conditions, it is least squares without seeds.

Ranks: the probability that a network of one condition exceeds one of the other, by Brunner and Munzel
(Biometrical Journal 42, 2000). It knows nothing of seeds and loses what their pairing tells, and with
fewer than ten networks of a condition its p-values are too small. Where all networks of one condition
exceed all of the other its variance cannot be told; p is then that of the exact rank test,
2 / C(n + m, n), and there is no interval.

Neither decides anything, and neither is corrected for the number of tests.
"""

import warnings
from collections.abc import Mapping
from math import comb

import numpy as np
from scipy import stats
from statsmodels.regression.linear_model import OLS
from statsmodels.regression.mixed_linear_model import MixedLM
from statsmodels.stats.nonparametric import rank_compare_2indep
from statsmodels.tools.sm_exceptions import ConvergenceWarning, SingularMatrixWarning

from ..activity.arrays import Counts, Floats
from .networks import NetworkKey, Networks
from .twin import superiority
from .verdict import Twin

LEVEL = 0.9  # of the intervals
LEAST_SHARE = 1e-3  # variance of seeds over that of networks: less is the optimizer's 0


def other_twins(values: Mapping[NetworkKey, float], **conditions: str) -> dict[str, Twin]:
    """Return both tests of this file by name; arguments and errors as of :func:`mixed_model_twin`."""
    return {
        "mixed_model": mixed_model_twin(values, **conditions),
        "ranks": rank_twin(values, **conditions),
    }


def mixed_model_twin(
    values: Mapping[NetworkKey, float], *, first: str = "memorizing", second: str = "generalizing"
) -> Twin:
    """Compare the means of two conditions' ``values``, keyed by (condition, seed).

    The name of the test says which model it was. Raises ``ValueError`` for fewer than two networks of a
    condition, or where too few seeds are shared to tell seeds from networks (N ≤ S + 1).
    """
    networks = _two_conditions(values, first, second)
    y = np.array([values[key] for key in networks.keys])
    is_first = np.array([condition == first for condition, _ in networks.keys])
    design = np.column_stack([np.ones(y.size), is_first])
    n_seeds = len(networks.seeds)
    fitted, name, freedom = OLS(y, design).fit(), "Linear model", y.size - 2
    slope, error = fitted.params[1], fitted.bse[1]
    if networks.blocked:
        freedom = y.size - n_seeds - 1
        if freedom < 1:
            raise ValueError(f"networks must share two seeds at least, got {y.size - n_seeds}")
        (slope, error), name = _random_intercept(y, networks.seed_index, design, (slope, error))
    if np.ptp(y[is_first]) == np.ptp(y[~is_first]) == 0:  # else rounding would pass for variance
        slope, error = y[is_first][0] - y[~is_first][0], 0.0
    ratio = abs(slope) / error if error > 0 else np.inf if slope else 0.0
    reach = stats.t.ppf((1 + LEVEL) / 2, freedom) * error
    return Twin(
        name=name,
        statistic=float(slope),
        p_value=float(2 * stats.t.sf(ratio, freedom)),
        smallest_p=0.0,
        superiority=superiority(y[is_first], y[~is_first]),
        interval=(float(slope - reach), float(slope + reach)),
    )


def rank_twin(
    values: Mapping[NetworkKey, float], *, first: str = "memorizing", second: str = "generalizing"
) -> Twin:
    """Test whether networks of two conditions exceed each other equally often.

    The statistic is how often one of ``first`` exceeds one of ``second``, ties half. Arguments as of
    :func:`mixed_model_twin`; a ``ValueError`` for fewer than two networks of a condition.
    """
    networks = _two_conditions(values, first, second)
    x, y = (np.array([values[networks.keys[n]] for n in networks.of(c)]) for c in (first, second))
    exceeds = superiority(x, y)
    if np.ptp([*x, *y]) == 0:
        p_value, interval = 1.0, None
    elif exceeds in (0.0, 1.0):
        p_value, interval = 2 / comb(x.size + y.size, x.size), None
    else:
        compared = rank_compare_2indep(x, y, use_t=True)
        p_value = compared.pvalue
        interval = tuple(float(np.clip(end, 0, 1)) for end in compared.conf_int(alpha=1 - LEVEL))
    return Twin(
        name="Brunner-Munzel test",
        statistic=exceeds,
        p_value=float(p_value),
        smallest_p=0.0,
        superiority=exceeds,
        interval=interval,
    )


def _two_conditions(values: Mapping[NetworkKey, float], first: str, second: str) -> Networks:
    networks = Networks.ordered(key for key in values if key[0] in (first, second))
    networks.contrast(first, second)  # names what is missing
    return networks


def _random_intercept(
    y: Floats, seed: Counts, design: Floats, least_squares: tuple[float, float]
) -> tuple[tuple[float, float], str]:
    """Return slope and standard error, and what the model is called.

    Powell's method takes no derivatives: statsmodels' other optimizers fail or stop short at the bound.
    """
    unit = np.ptp(y)
    if unit == 0:
        return least_squares, "Mixed model without variance"
    with warnings.catch_warnings():
        for kind in (ConvergenceWarning, SingularMatrixWarning):  # at the bound, which is looked for
            warnings.simplefilter("ignore", kind)
        model = MixedLM(y / unit, design, groups=seed)
        fitted = model.fit(reml=True, method=["powell"])
    if not fitted.converged:
        return least_squares, "Linear model, as the mixed one did not converge"
    if fitted.cov_re[0, 0] < LEAST_SHARE * fitted.scale:
        return least_squares, "Mixed model with variance of seeds 0"
    return (fitted.params[1] * unit, fitted.bse[1] * unit), "Mixed model"
