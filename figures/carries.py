"""Where theory carries between activity and weights, and where it fails: sentences from the tables."""

import numpy as np
import pandas as pd

from ..validate.arms import MAIN
from .style import layer_title

NEAR = 0.05  # of an L1/L2 ratio, as far as a prediction may be off
UNIT = 0.25  # from 1, as far as an exponent of the inputs may be off
PLAIN = (MAIN, "sgd")  # arms without a penalty
PLACE = ["arm", "condition", "layer"]


def carries(bridge: pd.DataFrame, way_back: pd.DataFrame) -> list[str]:
    """Return sentences on what holds and what does not, each with its numbers."""
    means = bridge[bridge["condition"] != "initialized"].groupby(PLACE, sort=False)
    rows = means.mean(numeric_only=True).reset_index()
    plain, pulled = rows[rows["arm"].isin(PLAIN)], rows[~rows["arm"].isin(PLAIN)]
    told = [_shape(plain, "Without a penalty")]
    if len(pulled):
        told.append(_shape(pulled, "With one"))
    told += [_rates_only(plain), _columns(rows), _rows(rows), _spectra(rows), _norms(rows)]
    return [*told, *_balance(rows), *_erased(rows), *_back(way_back)]


def _where(row: pd.Series) -> str:
    return f"{row['arm']}, {row['condition']}, {layer_title(row['layer'])}"


def _farthest(rows: pd.DataFrame, gap: pd.Series) -> str:
    known = gap.abs().dropna()
    if known.empty:
        return "nowhere"
    return f"{_signed(gap[known.idxmax()])} in {_where(rows.loc[known.idxmax()])}"


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


def _range(values: pd.Series, form: str = ".2f") -> str:
    known = values.dropna()
    if known.empty:
        return "unknown"
    return f"{known.min():{form}} to {known.max():{form}}".replace("-", "−")


def _shape(rows: pd.DataFrame, opening: str) -> str:
    gap = rows["due_l1_l2_ratio"] - rows["change_l1_l2_ratio"]
    near = int((gap.abs() <= NEAR).sum())
    return (
        f"Shape of the change. {opening} the L1/L2 ratio is predicted to {NEAR:g} in {near} of "
        f"{len(rows)} arms, conditions and layers; predicted less seen is farthest off, "
        f"{_farthest(rows, gap)}."
    )


def _rates_only(rows: pd.DataFrame) -> str:
    whole = (rows["due_l1_l2_ratio"] - rows["change_l1_l2_ratio"]).abs().mean()
    alone = (rows["rates_only_l1_l2_ratio"] - rows["change_l1_l2_ratio"]).abs().mean()
    return (
        f"From the rates alone the same ratio is off by {alone:.2f} in the mean, from joint "
        f"activity, read-out and inputs by {whole:.2f}."
    )


def _columns(rows: pd.DataFrame) -> str:
    exponent = rows["column_exponent"]
    near = int(((exponent - 1).abs() <= UNIT).sum())
    parts = [
        f"{arm} {_range(rows.loc[rows['arm'] == arm, 'column_exponent'])}"
        for arm in dict.fromkeys(rows["arm"])
    ]
    verdict = "holds" if near == len(rows) else "does not hold" if near == 0 else "holds in part"
    return (
        f"Inputs. That the change follows the inputs' covariance {verdict}: its power along "
        f"their eigenvectors goes with the eigenvalues to an exponent of 1 ± {UNIT:g} in {near} of "
        f"{len(rows)} (by arm: {'; '.join(parts)})."
    )


def _rows(rows: pd.DataFrame) -> str:
    better = int((rows["row_fit"] > rows[["row_fit_activity", "row_fit_read_out"]].max(axis=1)).sum())
    return (
        f"Units. Cosines of rows agree with joint activity times read-out at a correlation of "
        f"{_range(rows['row_fit'])}, and better than with either alone in {better} of {len(rows)}."
    )


def _spectra(rows: pd.DataFrame) -> str:
    ratio = rows["change_participation_ratio"] / rows["due_participation_ratio"]
    mended = rows["change_participation_ratio"] / rows["corrected_participation_ratio"]
    return (
        f"Singular values. The effective number seen is {_range(ratio, '.1f')} times the one "
        f"predicted, and {_range(mended, '.1f')} times with the inputs' eigenvalues raised to their own "
        f"exponent; single values are off by {_range(100 * np.expm1(rows['spectrum_error']), '.0f')} % "
        f"in the mean."
    )


def _norms(rows: pd.DataFrame) -> str:
    of = {
        arm: _range(rows.loc[rows["arm"] == arm, "coherence_exponent"])
        for arm in PLAIN
        if arm in set(rows["arm"])
    }
    told = "; ".join(f"{arm} {values}" for arm, values in of.items())
    return f"Norm against rate. Exponents, ½ to 1 by the law for plain gradient steps: {told}."


def _balance(rows: pd.DataFrame) -> list[str]:
    told = []
    for penalty in ("l2", "l1"):
        long, short = (rows.loc[rows["arm"] == arm, "imbalance"] for arm in (f"{penalty} long", penalty))
        if len(long) and len(short):
            told.append(
                f"Balance under {penalty.upper()}. Mean |in − out| / (in + out) of {_range(short)} at "
                f"the first perfect epoch and of {_range(long)} after the long training."
            )
    return told


def _erased(rows: pd.DataFrame) -> list[str]:
    arms = [arm for arm in dict.fromkeys(rows["arm"]) if arm.startswith("l1")]
    parts = []
    for arm in arms:
        of = rows[rows["arm"] == arm].groupby("condition", sort=False)["erased"].mean()
        parts.append(f"{arm} " + ", ".join(f"{share:.0%} {c}" for c, share in of.items()))
    return [f"Units erased by L1: {'; '.join(parts).replace('%', ' %')}."] if parts else []


def _back(way_back: pd.DataFrame) -> list[str]:
    rows = way_back[way_back["moments"] == "recorded"]
    means = rows.groupby(PLACE, sort=False).mean(numeric_only=True).reset_index()
    told = []
    for opening, here in (
        ("Activity from weights, networks above", means[means["arm"] == MAIN]),
        ("Activity from weights, other arms", means[means["arm"] != MAIN]),
    ):
        if len(here):
            rate, slope = _range(here["rate_error"], ".3f"), _range(here["correlation_slope"])
            count = _range(here["population_distance"])
            alone = _range(here["independent_distance"])
            told.append(
                f"{opening}. Rates are off by {rate} in the mean; slopes of recorded on predicted "
                f"correlations are {slope}, farthest from 1 by "
                f"{_farthest(here, here['correlation_slope'] - 1)}; population counts are {count} away, "
                f"independent units of the same rates {alone}."
            )
    return told
