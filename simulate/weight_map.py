"""From the rates of a layer to the norm that its weights obey: a map over rate laws and correlations.

At each point units get rates from a law and correlations from a common factor, their weights are
predicted and drawn, and the exponent q of the generalized normal law is read off in three ways: from the
predicted L1/L2 ratio, from the drawn one, and as the most likely one. With many presentations and Beta
rates of mean m and concentration c, nearly Gamma of shape k = mc where m is small, equal rates (k → ∞)
are written into Gaussian weights, q = 2, and exponential ones (k = 1) into Laplace weights, q = 1.
Correlation does not move q, since a weight is written by its own unit's activity alone; it moves the
singular values, where units share errors or a mean change.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import ArrayLike

from ..activity.arrays import Floats
from ..activity.checks import as_floats
from ..activity.covariance import participation_ratio
from .backpropagated_weights import BackpropagatedWeights
from .dichotomized import DichotomizedGaussian
from .rates import BetaRates
from .weight_laws import GeneralizedNormal
from .weight_prediction import WeightPrediction
from .writing_kernels import Weights
from .written_weights import WrittenWeights


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WeightMap:
    """Shapes of weight matrices over rate laws and loadings: arrays ``(n_rate_laws, n_loadings)``."""

    heterogeneity: Floats  # squared coefficient of variation of the units' rates
    exponent: Floats  # q of the predicted L1/L2 ratio
    drawn_exponent: Floats  # q of the drawn L1/L2 ratio
    likely_exponent: Floats  # most likely q of the drawn weights
    excess_kurtosis: Floats  # predicted, of all weights together
    drawn_excess_kurtosis: Floats
    participation_ratio: Floats  # predicted effective number of singular values; nan for a mean change
    drawn_participation_ratio: Floats


def weight_sweep(
    writing: WrittenWeights | BackpropagatedWeights,
    *,
    rates: Sequence[BetaRates],
    loading: ArrayLike,
    n_examples: int,
    rng: np.random.Generator,
) -> WeightMap:
    """Predict and draw the weights of ``writing`` with other activity: every rate law and loading.

    ``loading`` ``(n_loadings,)`` lies in [-1, 1], its square being the correlation of the units' latent
    variables in a :class:`DichotomizedGaussian`. The rates of a law are drawn once, for all loadings.
    Raises ``ValueError`` where so many units were never active that no exponent fits their zeros;
    initial weights or more examples help.
    """
    loading = np.atleast_1d(as_floats("loading", loading))
    points = []
    for law in rates:
        if law.n_units != writing.process.n_units:
            wanted = f"n_units of writing's process, {writing.process.n_units}"
            raise ValueError(f"rates must be laws of the {wanted}, got {law.n_units}")
        rate = law.sample(rng=rng)
        for one in loading:
            written = replace(writing, process=DichotomizedGaussian(rate=rate, loading=float(one)))
            predicted, drawn = written.predict(n_examples), written.sample(n_examples, rng=rng)
            points.append(_point(rate, predicted, drawn))
    names = [field.name for field in fields(WeightMap)]
    table = np.reshape(points, (len(rates), loading.size, len(names)))
    return WeightMap(**{name: table[..., column] for column, name in enumerate(names)})


def _point(rate: Floats, predicted: WeightPrediction, drawn: Weights) -> list[float]:
    """Return the fields of a :class:`WeightMap` at one point, in their order."""
    weight = drawn.astype(np.float64)
    square = np.square(weight).mean()
    ratio = float(np.abs(weight).mean() / np.sqrt(square))
    away = weight - weight.mean()
    coherent = predicted.cumulants[0].any()
    return [
        float(rate.var() / rate.mean() ** 2),
        predicted.exponent,
        GeneralizedNormal.matching(l1_l2_ratio=ratio).exponent,
        GeneralizedNormal.fit(weight).exponent,
        predicted.excess_kurtosis,
        float((away**4).mean() / np.square(away).mean() ** 2 - 3),
        np.nan if coherent else predicted.participation_ratio,
        participation_ratio(weight @ weight.T),
    ]
