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
the generalized normal law), the cosines of its rows and its singular values. The weights themselves are
predicted as the initial ones, normal, and a change of that shape and of the size that was seen.

Along the inputs the law says that the change has power in proportion to the eigenvalues of C. Of
trained networks that holds for plain gradient steps at most: ``column_exponent`` γ is the slope of the
logarithms, and 1 by the law. Where γ is taken from the network, C^γ in place of C gives the
``corrected_*`` columns, in which one number a layer is fitted. Columns of the tables:

    weight_*, change_*    of the weights, and of their change
    due_weight_*, due_*   as predicted
    rates_only_*          predicted with rates in place of P ∘ G and of C: kurtosis 3 c² of the rates
    row_fit               correlation, over pairs of units, of the cosines of rows with those predicted
    row_fit_activity      the same with P alone in place of P ∘ G
    row_fit_read_out      the same with G alone
    change_mean_share     share of the change's squares that lies along the mean of the inputs,
    inputs_mean_share     and of the inputs' squares
    column_exponent       slope of the log-power of the change along the eigenvectors of C against the
                          log of their eigenvalues, over those above 1e-4 of the greatest
    *_participation_ratio effective number of singular values
    *_top_share           share of the squares in the greatest singular value
    spectrum_error        mean |log(seen / predicted)| over the greatest singular values, which hold 99 %
                          of the squares
    coherence_exponent    slope of log-norm of the change against log-rate over living units
    imbalance             mean |in - out| / (in + out) of the penalized weights' L2 or L1 balance, over
                          living units: in dead ones nothing but the penalty moves either
    zero_weights, erased  share of weights that are 0; of units with no weight left in or out

Networks that were not trained have weights and no change.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtr

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

EDGES = np.linspace(-8, 8, 81)  # of densities, in standard deviations
_LEAST = 1e-4  # eigenvalue of the inputs, of the greatest, from which its exponent is told
_MOST = 0.99  # of the squares, in singular values that are compared


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BridgeTables:
    """What a trained network has to say of the bridge."""

    layers: pd.DataFrame  # a row for each layer
    units: pd.DataFrame | None  # a row for each unit of a trained network
    spectra: pd.DataFrame | None  # one for each singular value of a change, squares summing to 1
    densities: pd.DataFrame  # a row for each step of ``EDGES``: shares of all entries, and as predicted


def predicted_change(
    statistics: Statistics, weight_out: Floats, inputs: Floats, *, column_exponent: float = 1.0
) -> WeightPrediction:
    """Return the laws of a layer's change, up to its size.

    ``weight_out`` is ``(n_outputs, n_units)`` and ``inputs`` ``(n_examples, n_inputs)``; the covariance
    of the inputs is raised to ``column_exponent``, 1 by the law.
    """
    together = statistics.coactive_count / statistics.n_examples
    rows = together * (weight_out.T @ weight_out)
    columns = np.cov(inputs, rowvar=False, bias=True)
    if column_exponent != 1:
        values, vectors = np.linalg.eigh(columns)
        used = values > _LEAST * values[-1]
        powered = np.where(used, np.maximum(values, 1e-300) ** column_exponent, 0.0)
        columns = (vectors * powered) @ vectors.T
    return normal_weights(rows, columns)


def normal_weights(rows: Floats, columns: Floats) -> WeightPrediction:
    """Return the laws of normal weights with E[w_ia w_jb] = ``rows``_ij ``columns``_ab."""
    variance = np.outer(np.diag(rows), np.diag(columns))
    cumulants = np.zeros((4, *variance.shape))
    cumulants[1] = variance
    return WeightPrediction(
        n_inputs=len(columns),
        cumulants=cumulants,
        mean_size=np.sqrt(variance) * np.sqrt(2 / np.pi),
        terms=lambda: [(rows, float(np.trace(columns)), lambda: columns)],
        fourth_cumulants=lambda: (0.0, 0.0),
        characteristic=lambda theta: np.array(
            [np.exp(-(one**2) / 2 * variance).mean() for one in theta], dtype=np.complex128
        ),
        zero_share=float((variance == 0).mean()),
        square_variances=lambda: 2 * np.diag(rows) ** 2 * np.square(columns).sum(),
    )


def bridge_tables(recording: Recording, initial: Recording, images: Floats, *, arm: str) -> BridgeTables:
    """Return what is predicted of a network's weights beside what they are.

    ``recording`` holds activations, ``initial`` is the same network untrained, ``images`` are those of
    the recorded examples. Everything is told of the training examples.
    """
    who = {"arm": arm, "condition": recording.condition, "seed": recording.seed}
    inputs = images[~recording.held_out].astype(np.float64)
    power = 1 if recording.attrs["penalty"] == "l1" else 2
    layers, units, spectra, densities = [], [], [], []
    for name in recording.layers:
        layer, at = recording[name], who | {"layer": name}
        weighed = MeasuredLayer(
            statistics=measure(layer.active(False)),
            weight=layer.weight_in.astype(np.float64),
            initial=initial[name].weight_in.astype(np.float64),
        )
        erased = ~layer.weight_in.any(axis=1) | ~layer.weight_out.any(axis=0)
        row = at | {"epochs": recording.epoch, "reached": recording.attrs["reached"]}
        row |= _weight_shape(weighed.weight)
        row |= {"imbalance": _imbalance(layer, weighed.statistics.rate > 0, power)}
        row |= {"zero_weights": (layer.weight_in == 0).mean(), "erased": erased.mean()}
        laws: dict[str, Floats | None] = {"weight": None, "change": None}
        if weighed.change.any():
            read_out = layer.weight_out.astype(np.float64)
            due = predicted_change(weighed.statistics, read_out, inputs)
            laws = {"weight": _weight_variance(weighed, due), "change": due.cumulants[1]}
            row |= (
                _due_weight_shape(laws["weight"]) | _shape(weighed, due) | _rows(weighed, due, read_out)
            )
            row |= _columns(weighed, read_out, inputs) | _mean_shares(weighed.change, inputs)
            row["coherence_exponent"] = COHERENCE.plain(weighed)
            told, spectrum = _spectrum(weighed.change, due)
            row |= told
            spectra.append(spectrum.assign(**at))
            rate, norm = weighed.statistics.rate, weight_statistics(weighed.change).norm_l2
            columns = {"unit": np.arange(rate.size), "rate": rate, "change_norm_l2": norm}
            columns["initial_rate"] = initial[name].active(False).mean(axis=0)
            units.append(pd.DataFrame(at | columns | {"erased": erased}))
        for what, variance in laws.items():
            entries = getattr(weighed, what)
            if entries.any():
                densities.append(_density(entries, variance).assign(what=what, **at))
        layers.append(row)
        inputs = layer.activation(False).astype(np.float64)
    joined = [pd.concat(each, ignore_index=True) if each else None for each in (units, spectra)]
    return BridgeTables(
        layers=pd.DataFrame(layers),
        units=joined[0],
        spectra=joined[1],
        densities=pd.concat(densities, ignore_index=True),
    )


def _weight_shape(weight: Floats) -> dict[str, float]:
    seen = weight_statistics(weight)
    return {
        "weight_excess_kurtosis": seen.excess_kurtosis,
        "weight_l1_l2_ratio": seen.l1_l2_ratio,
        "weight_exponent": _exponent(seen.l1_l2_ratio),
    }


def _weight_variance(layer: MeasuredLayer, due: WeightPrediction) -> Floats:
    """Return variances of initial weights and a change of the predicted shape and the size as seen."""
    change = due.cumulants[1] * (np.square(layer.change).mean() / due.cumulants[1].mean())
    return np.square(layer.initial).mean() + change


def _due_weight_shape(variance: Floats) -> dict[str, float]:
    ratio = float(np.sqrt(2 / np.pi) * np.sqrt(variance).mean() / np.sqrt(variance.mean()))
    return {
        "due_weight_excess_kurtosis": float(3 * variance.var() / variance.mean() ** 2),
        "due_weight_l1_l2_ratio": ratio,
        "due_weight_exponent": _exponent(ratio),
    }


def _exponent(ratio: float) -> float:
    """Return the q of an L1/L2 ratio; nan where no generalized normal law has it."""
    try:
        return GeneralizedNormal.matching(l1_l2_ratio=ratio).exponent
    except ValueError:
        return np.nan


def _density(entries: Floats, variance: Floats | None) -> pd.DataFrame:
    """Return the shares of entries between ``EDGES``, and those of normal weights of ``variance``."""
    flat = entries.ravel()
    number, _ = np.histogram((flat - flat.mean()) / flat.std(), EDGES)
    frame = pd.DataFrame({"low": EDGES[:-1], "share": number / flat.size})
    if variance is not None:
        sd = np.sqrt(variance.ravel() / variance.mean())
        sd = sd[sd > 0]
        below = [ndtr(edge / sd).sum() for edge in EDGES]
        frame["due_share"] = np.diff(below) / variance.size
    return frame


def _shape(layer: MeasuredLayer, due: WeightPrediction) -> dict[str, float]:
    seen, rate = weight_statistics(layer.change), layer.statistics.rate
    of_rates = np.sqrt(2 / np.pi) * np.sqrt(rate).mean() / np.sqrt(rate.mean())
    return {
        "change_excess_kurtosis": seen.excess_kurtosis,
        "due_excess_kurtosis": due.excess_kurtosis,
        "rates_only_kurtosis": 3 * rate.var() / rate.mean() ** 2,
        "change_l1_l2_ratio": seen.l1_l2_ratio,
        "due_l1_l2_ratio": due.l1_l2_ratio,
        "rates_only_l1_l2_ratio": float(of_rates),
        "change_exponent": _exponent(seen.l1_l2_ratio),
        "due_exponent": _exponent(due.l1_l2_ratio),
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


def _columns(layer: MeasuredLayer, read_out: Floats, inputs: Floats) -> dict[str, float]:
    """Return the exponent of the inputs' eigenvalues in the change, and what follows from it."""
    values, vectors = np.linalg.eigh(np.cov(inputs, rowvar=False, bias=True))
    used = values > _LEAST * values[-1]
    seen = np.square(layer.change @ vectors[:, used]).sum(axis=0)
    exponent = float(np.polyfit(np.log(values[used]), np.log(seen), 1)[0]) if used.sum() > 1 else np.nan
    told = {"column_exponent": exponent}
    if not np.isfinite(exponent):
        return told | dict.fromkeys(("corrected_l1_l2_ratio", "corrected_participation_ratio"), np.nan)
    corrected = predicted_change(layer.statistics, read_out, inputs, column_exponent=exponent)
    return told | {
        "corrected_l1_l2_ratio": corrected.l1_l2_ratio,
        "corrected_participation_ratio": corrected.participation_ratio,
    }


def _spectrum(change: Floats, due: WeightPrediction) -> tuple[dict[str, float], pd.DataFrame]:
    """Return how singular values compare, and both spectra: of squares that sum to 1."""
    seen, told = np.linalg.svd(change, compute_uv=False), due.singular_values
    seen, told = seen / np.linalg.norm(seen), told / max(np.linalg.norm(told), 1e-300)
    most = np.cumsum(seen**2) < _MOST
    most[0] = True
    both = most & (told > 0)
    error = np.abs(np.log(seen[both] / told[both])).mean() if both.any() else np.nan
    frame = pd.DataFrame({"rank": np.arange(1, seen.size + 1), "change": seen, "due": told})
    columns = {"change_top_share": seen[0] ** 2, "due_top_share": told[0] ** 2, "spectrum_error": error}
    return columns, frame


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


def _imbalance(layer: RecordedLayer, living: np.ndarray, power: int) -> float:
    penalty = Penalty(power=power)
    balance = weight_balance(layer.weight_in, layer.bias, layer.weight_out, penalty=penalty)
    known = np.abs(balance.relative[living])
    known = known[np.isfinite(known)]
    return float(known.mean()) if known.size else np.nan
