"""Twins: processes drawn at the parameters fitted to a network's layer, and measured like it.

Each replicate takes one draw of the loading from the posterior and the units' own rates, and draws as
many examples as were counted: a posterior predictive check of the one-factor dichotomized Gaussian.
A turned unit (:mod:`rote.activity.alignment`) has the negative loading, so counts are compared twice:
of active units as recorded, and of aligned ones.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..activity.alignment import Alignment
from ..activity.arrays import Activity, Counts, Floats
from ..activity.checks import check_count
from ..activity.measurement import measure
from ..inference.factor import plug_in_rate
from ..simulate.dichotomized import DichotomizedGaussian
from .tables import activity_columns

N_REPLICATES = 20
BAND = (0.05, 0.95)  # quantiles over replicates


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Twins:
    """Replicates of one layer: their statistics, and their population counts beside the record."""

    statistics: pd.DataFrame  # a row for each replicate
    population: pd.DataFrame  # a row for each population count, of active and of aligned units


def draw_twins(
    layer: Alignment,
    loading: Floats,
    *,
    rng: np.random.Generator,
    n_replicates: int = N_REPLICATES,
) -> Twins:
    """Draw twins of ``layer``, whose ``loading`` has these posterior draws ``(n_draws,)``."""
    check_count("n_replicates", n_replicates)
    sign = np.where(layer.turned, -1.0, 1.0)
    turned_rate = plug_in_rate(layer.aligned)
    rate = np.where(layer.turned, 1 - turned_rate, turned_rate)
    drawn = [
        DichotomizedGaussian(rate=rate, loading=sign * size).sample(layer.recorded.n_examples, rng=rng)
        for size in rng.choice(loading, n_replicates)
    ]
    rows = [{"replicate": number} | activity_columns(measure(twin)) for number, twin in enumerate(drawn)]
    centre = DichotomizedGaussian(rate=rate, loading=sign * loading.mean()).predict().population_pmf
    turned_centre = DichotomizedGaussian(rate=turned_rate, loading=loading.mean()).predict()
    return Twins(
        statistics=pd.DataFrame(rows),
        population=pd.concat(
            [
                _population("active", layer.recorded.population_histogram, drawn, centre),
                _population(
                    "aligned",
                    layer.aligned.population_histogram,
                    [twin ^ layer.turned for twin in drawn],
                    turned_centre.population_pmf,
                ),
            ]
        ),
    )


def _population(counted: str, recorded: Counts, drawn: list[Activity], pmf: Floats) -> pd.DataFrame:
    """Return numbers of examples for each population count."""
    histograms = np.array([np.bincount(twin.sum(axis=1), minlength=pmf.size) for twin in drawn])
    low, high = np.quantile(histograms, BAND, axis=0)
    return pd.DataFrame(
        {
            "counted": counted,
            "population_count": np.arange(pmf.size),
            "recorded": recorded,
            "drawn": histograms[0],
            "drawn_low": low,
            "drawn_high": high,
            "predicted": recorded.sum() * pmf,
        }
    )
