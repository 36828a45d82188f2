"""From activity to weights, held against trained networks: what theory says of a matrix and what it is.

The law of written weights (:mod:`rote.simulate.backpropagated_weights`) needs of a layer how often two
units are active together, P, its read-out G = W_outᵀ W_out, and the covariance C of its inputs; all
three are those of the trained network on its training examples. A change since initialization then has

    E[Δw_ia Δw_jb] ∝ (P ∘ G)_ij C_ab,

Gaussian weights given the sizes of units and inputs, if writing is not too rare. The law itself has
second moments for C; the mean of the inputs is left out because biases learn, too: what comes back to a
unit comes to sum to little over its active examples, and little is then written along the mean input
(``change_mean_share``). G takes errors of the outputs for unrelated and of one size, and in all but the
last hidden layer it leaves out that the layer above passes them back only where it is active. From that
follow, without a number fitted, the shape of the change (excess kurtosis, L1/L2 ratio, exponent q of
the generalized normal law), the cosines of its rows and the spread of its singular values. Columns of
the tables:

    change_*, due_*       of the change, and as predicted
    rates_only_kurtosis   predicted with rates in place of P ∘ G and of C: 3 c², c² of the rates
    row_fit               correlation, over pairs of units, of the cosines of rows with those predicted
    row_fit_activity      the same with P alone in place of P ∘ G
    row_fit_read_out      the same with G alone
    change_mean_share     share of the change's squares that lies along the mean of the inputs,
    inputs_mean_share     and of the inputs' squares
    coherence_exponent    slope of log-norm of the change against log-rate over living units
    imbalance             mean |in - out| / (in + out) of the penalized weights' L2 or L1 balance
    zero_weights, erased  share of weights that are 0; of units with no weight left in or out
"""

import numpy as np
import pandas as pd

from ..activity.arrays import Floats
from ..activity.covariance import correlation_matrix, participation_ratio
from ..activity.measurement import measure
from ..activity.statistics import Statistics
from ..activity.weights import weight_statistics
from ..inference.claims import COHERENCE, MeasuredLayer
from ..record.layers import RecordedLayer
from ..record.recording import Recording
from ..simulate.balance import Penalty, weight_balance
from ..simulate.weight_laws import GeneralizedNormal
from ..simulate.weight_prediction import WeightPrediction


def predicted_change(statistics: Statistics, weight_out: Floats, inputs: Floats) -> WeightPrediction:
    """Return the laws of a layer's change, up to its size.

    ``weight_out`` is ``(n_outputs, n_units)`` and ``inputs`` ``(n_examples, n_inputs)``.
    """
    together = statistics.coactive_count / statistics.n_examples
    rows = together * (weight_out.T @ weight_out)
    columns = np.cov(inputs, rowvar=False, bias=True)
    variance = np.outer(np.diag(rows), np.diag(columns))
    cumulants = np.zeros((4, *variance.shape))
    cumulants[1] = variance
    return WeightPrediction(
        n_inputs=len(columns),
        cumulants=cumulants,
        mean_size=np.sqrt(variance) * np.sqrt(2 / np.pi),
        terms=lambda: [(rows, float(np.trace(columns)), lambda: columns)],
        fourth_cumulants=lambda: (0.0, 0.0),
    )


def bridge_tables(
    recording: Recording, initial: Recording, images: Floats, *, arm: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return a row for each layer and one for each unit of a trained network.

    ``recording`` holds activations, ``initial`` is the same network untrained, ``images`` are those of
    the recorded examples. Everything is told of the training examples.
    """
    who = {"arm": arm, "condition": recording.condition, "seed": recording.seed}
    inputs, power = images[~recording.held_out], 1 if recording.attrs["penalty"] == "l1" else 2
    layers, units = [], []
    for name in recording.layers:
        layer = recording[name]
        weighed = MeasuredLayer(
            statistics=measure(layer.active(False)),
            weight=layer.weight_in.astype(np.float64),
            initial=initial[name].weight_in.astype(np.float64),
        )
        read_out = layer.weight_out.astype(np.float64)
        due = predicted_change(weighed.statistics, read_out, inputs.astype(np.float64))
        erased = ~layer.weight_in.any(axis=1) | ~layer.weight_out.any(axis=0)
        at = who | {"layer": name}
        layers.append(
            at
            | {"epochs": recording.epoch, "reached": recording.attrs["reached"]}
            | _shape(weighed, due)
            | _rows(weighed, due, read_out)
            | _mean_shares(weighed.change, inputs)
            | {"coherence_exponent": COHERENCE.plain(weighed), "imbalance": _imbalance(layer, power)}
            | {"zero_weights": (layer.weight_in == 0).mean(), "erased": erased.mean()}
        )
        rate, norm = weighed.statistics.rate, weight_statistics(weighed.change).norm_l2
        columns = {"unit": np.arange(rate.size), "rate": rate, "change_norm_l2": norm}
        columns["initial_rate"] = initial[name].active(False).mean(axis=0)
        units.append(pd.DataFrame(at | columns | {"erased": erased}))
        inputs = layer.activation(False)
    return pd.DataFrame(layers), pd.concat(units, ignore_index=True)


def _shape(layer: MeasuredLayer, due: WeightPrediction) -> dict[str, float]:
    seen, rate = weight_statistics(layer.change), layer.statistics.rate
    return {
        "change_excess_kurtosis": seen.excess_kurtosis,
        "due_excess_kurtosis": due.excess_kurtosis,
        "rates_only_kurtosis": 3 * rate.var() / rate.mean() ** 2,
        "change_l1_l2_ratio": seen.l1_l2_ratio,
        "due_l1_l2_ratio": due.l1_l2_ratio,
        "change_exponent": GeneralizedNormal.matching(l1_l2_ratio=seen.l1_l2_ratio).exponent,
        "due_exponent": due.exponent,
    }


def _rows(layer: MeasuredLayer, due: WeightPrediction, read_out: Floats) -> dict[str, float]:
    gram = layer.change @ layer.change.T
    cosine = _pairs(correlation_matrix(gram))
    together = layer.statistics.coactive_count.astype(np.float64)
    return {
        "row_fit": _agreement(cosine, _pairs(due.row_cosine)),
        "row_fit_activity": _agreement(cosine, _pairs(correlation_matrix(together))),
        "row_fit_read_out": _agreement(cosine, _pairs(correlation_matrix(read_out.T @ read_out))),
        "change_participation_ratio": participation_ratio(gram),
        "due_participation_ratio": due.participation_ratio,
    }


def _mean_shares(change: Floats, inputs: Floats) -> dict[str, float]:
    mean = inputs.mean(axis=0)
    square = mean @ mean
    along = np.square(change @ mean).sum() / square
    return {
        "change_mean_share": along / np.square(change).sum(),
        "inputs_mean_share": square / np.square(inputs).sum(axis=1).mean(),
    }


def _pairs(matrix: Floats) -> Floats:
    return matrix[np.triu_indices(len(matrix), k=1)]


def _agreement(one: Floats, other: Floats) -> float:
    known = np.isfinite(one) & np.isfinite(other)
    return float(np.corrcoef(one[known], other[known])[0, 1]) if known.sum() > 2 else np.nan


def _imbalance(layer: RecordedLayer, power: int) -> float:
    penalty = Penalty(power=power)
    balance = weight_balance(layer.weight_in, layer.bias, layer.weight_out, penalty=penalty)
    return float(np.nanmean(np.abs(balance.relative)))
