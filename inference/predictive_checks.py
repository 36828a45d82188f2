"""Does a fitted model account for the layer? Statistics of replicated layers beside the one seen.

For each of some draws of the posterior a layer is drawn by the model's twin process, with as many units
and examples as the one that was fitted [1]_ (:mod:`rote.inference.replications`). Where a statistic T of
the layer lies among those of the replicates says whether the model accounts for it:

    p = 2 min( P(T(replicate) ≥ T(seen)), P(T(replicate) ≤ T(seen)) ),  at most 1.

The posterior was fitted to the same layer, so that T is drawn towards what was seen: p is not uniform
under the model but nearer to the middle, the more so the more the parameters follow T [2]_. A small p is
evidence against the model; a large one for a statistic that the fit matches, as the variance of the
population count in the factor model, says nothing. Each p stands for itself: of twenty statistics one
is below .05 by chance.

.. [1] Rubin (1984), Annals of Statistics 12, 1151-1172; Gelman, Meng, Stern (1996), Statistica
   Sinica 6, 733-760.
.. [2] Bayarri and Berger (2000), Journal of the American Statistical Association 95, 1127-1142.
"""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from ..activity.arrays import Floats
from ..activity.checks import check_choice, check_count, check_generator
from .claims import MeasuredLayer
from .models import MODELS
from .replications import REPLICATIONS

SMALL = 0.05  # p-value below which a sentence says that the model does not account for the layer


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictiveCheck:
    """One statistic of a layer beside those of replicates under the fitted model."""

    model: str
    statistic: str
    seen: float
    low: float  # 5 % of the replicates lie below
    high: float  # and 5 % above
    p_value: float  # two-sided, at least 2/(n_replicates + 1)
    n_replicates: int

    @property
    def sentence(self) -> str:
        """The check in words."""
        verdict = "does not account" if self.p_value < SMALL else "accounts"
        return (
            f"The {self.model} model {verdict} for the {self.statistic}: {self.seen:.3g} seen, "
            f"{self.low:.3g} to {self.high:.3g} in nine of ten replicates "
            f"(p = {self.p_value:.2g}, {self.n_replicates} replicates)."
        )


def check_model(
    data: object,
    posterior: xr.DataTree,
    *,
    rng: np.random.Generator,
    n_replicates: int = 200,
) -> tuple[PredictiveCheck, ...]:
    """Check the model that ``posterior`` was fitted with against ``data``, that it was fitted to.

    ``data`` are what the model takes or all that is known of the layer, as in
    :func:`rote.inference.fitting.fit`. Statistics that ``data`` do not have (pairs that were not
    counted) are left out. Raises ``ValueError`` for a model that is not among
    :data:`~rote.inference.replications.REPLICATIONS`, or fewer than 19 replicates, whose p-value cannot
    be small.
    """
    check_count("n_replicates", n_replicates, least=19)
    check_generator(rng)
    model = check_choice(
        "model of the posterior", posterior["posterior"].attrs["model"], (*REPLICATIONS,)
    )
    if isinstance(data, MeasuredLayer):
        data = MODELS[model].take(data)
    replication = REPLICATIONS[model]
    draws = posterior["posterior"].to_dataset().stack(sample=("chain", "draw"))
    chosen = rng.integers(draws.sizes["sample"], size=n_replicates)
    names = [name for name in draws.data_vars if draws[name].ndim == 1]
    columns = {name: draws[name].to_numpy()[chosen] for name in names}
    found = {
        words: statistic(replication.seen(data)) for words, statistic in replication.statistics.items()
    }
    known = [words for words, value in found.items() if np.isfinite(value)]
    replicates = np.empty((n_replicates, len(known)))
    for row in range(n_replicates):
        parameters = {name: float(column[row]) for name, column in columns.items()}
        layer = replication.draw(data, parameters, rng)
        replicates[row] = [replication.statistics[words](layer) for words in known]
    return tuple(
        _check(model, words, found[words], values)
        for words, values in zip(known, replicates.T, strict=True)
    )


def _check(model: str, words: str, seen: float, replicates: Floats) -> PredictiveCheck:
    replicates = replicates[np.isfinite(replicates)]  # a replicate may have no such statistic
    beyond = [1 + np.count_nonzero(side) for side in (replicates >= seen, replicates <= seen)]
    low, high = np.quantile(replicates, [0.05, 0.95])
    return PredictiveCheck(
        model=model,
        statistic=words,
        seen=float(seen),
        low=float(low),
        high=float(high),
        p_value=min(1.0, 2 * min(beyond) / (replicates.size + 1)),
        n_replicates=replicates.size,
    )
