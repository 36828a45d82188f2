"""How far the indicator may be believed: judgements of networks of which the truth is known.

Of networks that were not in the reference, and are judged whether or not they are like it,

    Brier score   mean of (probability - outcome)²    ¼ for a coin
    log score     mean of -ln probability of the outcome    ln 2 for a coin

the outcome being whether more than half of the labels were random. A probability is *calibrated* if of
the networks it is given to that share does memorize, an interval of 90 % if it holds nine true shares of
ten. Both can only be had for networks like the reference's; on others they tell what is lost.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy import stats

from ..activity.arrays import Floats
from ..inference.indicator import Indicator, learn_indicator
from ..inference.judgement import CELLS, ENDS, UNLIKE
from ..inference.signature import FEATURES, LABELLED

BINS = np.array([0.0, 0.05, 0.2, 0.4, 0.6, 0.8, 0.95, 1.0])  # of probabilities, closed at the top
SURE = 0.95  # probability that a judgement is called sure from


def judge_rows(networks: pd.DataFrame, indicator: Indicator, *, labels: bool = True) -> pd.DataFrame:
    """Judge each row of a table like a reference's; a row for each.

    Columns: ``random_share`` and ``memorizes`` are the truth, ``probability`` (that more than half is
    random), ``estimate``, ``low`` and ``high`` (mean and 90 % interval of the share), ``covered`` and
    ``likeness`` the judgement, as if the reference held for every network.
    """
    features = [name for name in FEATURES if labels or LABELLED not in name]
    rows = []
    for truth, values in zip(networks["random_share"], networks[features].to_numpy(), strict=True):
        judged = indicator.judge(dict(zip(features, values, strict=True)))
        low, high = judged.span
        rows.append(
            {
                "random_share": truth,
                "memorizes": truth > 0.5,
                "probability": judged.more_than_half,
                "estimate": judged.mean_share,
                "low": low,
                "high": high,
                "covered": low - 0.5 / CELLS <= truth <= high + 0.5 / CELLS,
                "likeness": judged.likeness,
            }
        )
    return pd.DataFrame(rows, index=networks.index)


def leave_out(networks: pd.DataFrame, group: str, *, labels: bool = True) -> pd.DataFrame:
    """Judge each network by those whose ``group`` (a column) is another, as :func:`judge_rows` does."""
    parts = []
    for value in networks[group].unique():
        own = networks[group] == value
        indicator = learn_indicator(
            networks.loc[~own, list(FEATURES)].to_numpy(), networks.loc[~own, "random_share"].to_numpy()
        )
        parts.append(judge_rows(networks[own], indicator, labels=labels))
    return pd.concat(parts)


def scores(judged: pd.DataFrame) -> dict[str, float]:
    """Return how good the judgements are."""
    told, true = judged["probability"].to_numpy(), judged["memorizes"].to_numpy()
    right = np.where(true, told, 1 - told)
    return {
        "networks": len(judged),
        "brier": float(np.square(told - true).mean()),
        "log": float(-np.log(np.maximum(right, np.finfo(float).tiny)).mean()),
        "wrong_side": float((right < 0.5).mean()),
        "surely_wrong": float((right < 1 - SURE).mean()),
        "share_error": float((judged["estimate"] - judged["random_share"]).abs().mean()),
        "coverage": float(judged["covered"].mean()),
        "unlike": float((judged["likeness"] < UNLIKE).mean()),
    }


def reliability_table(judged: pd.DataFrame, *, bins: Floats = BINS) -> pd.DataFrame:
    """Return the share of networks that memorize among those of like probability.

    A row for each of ``bins`` with networks in it: mean ``probability``, ``memorizes`` (share), its 90 %
    interval ``low`` to ``high`` (Jeffreys'), ``networks``.
    """
    which = np.clip(np.searchsorted(bins, judged["probability"], side="left"), 1, bins.size - 1)
    rows = []
    for number in np.unique(which):
        part = judged[which == number]
        hits, misses = part["memorizes"].sum(), (~part["memorizes"]).sum()
        low, high = stats.beta(hits + 0.5, misses + 0.5).ppf(ENDS)
        rows.append(
            {
                "probability": part["probability"].mean(),
                "memorizes": part["memorizes"].mean(),
                "low": low if hits else 0.0,
                "high": high if misses else 1.0,
                "networks": len(part),
            }
        )
    return pd.DataFrame(rows)


def surprise(judged: pd.DataFrame) -> float:
    """Return the two-sided p-value of as many memorizing networks as there are, given the probabilities.

    Spiegelhalter's test (1986, Statistics in Medicine 5, 421-433) that probabilities are calibrated:
    z = Σ (y - p)(1 - 2p) / √Σ (1 - 2p)² p (1 - p) is standard normal if they are.
    """
    told, true = judged["probability"].to_numpy(), judged["memorizes"].to_numpy()
    variance = (np.square(1 - 2 * told) * told * (1 - told)).sum()
    if variance == 0:
        raise ValueError("probability must lie within (0, 1) for some network, got none that does")
    z = ((true - told) * (1 - 2 * told)).sum() / np.sqrt(variance)
    return float(2 * stats.norm.sf(abs(z)))


def score_table(judged: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the scores of several sets of judgements, a row for each."""
    return pd.DataFrame({name: scores(rows) for name, rows in judged.items()}).T
