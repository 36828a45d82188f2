"""The way back held against networks: activity predicted from weights, beside activity recorded.

Each layer is predicted (:mod:`rote.simulate.rectified`) from its weights and the mean and covariance of
its input, which are either

    recorded     of the data for the first layer, of the recorded activations for a deeper one
    propagated   of the data alone, carried from layer to layer in closed form

and either over all examples or within each class, whose mixture the layer then is
(:mod:`rote.simulate.rectified_mixture`). It is compared with what was recorded on the same examples:

    rate_error            mean |predicted - recorded| rate;   rate_spread  standard deviation recorded
    correlation_slope     of recorded on predicted pair correlations, by least squares through the means
    correlation_error     root mean square of their difference;   correlation_spread  as above
    magnitude_error       mean |log(predicted / recorded)| of mean magnitudes
    population_shift      predicted less recorded mean of the population count, in standard deviations
    population_deviation  predicted over recorded standard deviation of the population count
    population_distance   greatest difference between the distribution functions of the population count
    independent_distance  the same for independent units of the predicted rates: what pairs are worth

Pairs are those of units that both vary, in the prediction and in the recording; magnitudes those of
units active on some example. The law of the count has no closed form: it is drawn.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ..activity.arrays import Counts, Floats
from ..activity.checks import as_floats, check_choice, check_count
from ..activity.covariance import correlation_matrix
from ..activity.measurement import measure
from ..activity.statistics import Statistics
from ..activity.words import CLASSES
from ..record.layers import RecordedLayer, chosen
from ..record.recording import Recording
from ..simulate.population import poisson_binomial_pmf
from ..simulate.process import Process
from ..simulate.rectified_mixture import RectifiedMixture, propagate_classes

MOMENTS = ("recorded", "propagated")
DRAWS = 50_000  # examples drawn for the law of the population count: it errs by less than .0074 (99 %)
_CELLS = 1 << 22  # of activity held at once


def prediction_errors(
    recording: Recording,
    inputs: ArrayLike,
    *,
    rng: np.random.Generator,
    held_out: bool | None = False,
    classes: str | None = None,
    n_draws: int = DRAWS,
) -> pd.DataFrame:
    """Return a row for each layer of ``recording`` and kind of moments; the columns are told above.

    ``inputs`` ``(n_examples, n_inputs)`` are what the network saw, in the order of the recording, which
    holds a perceptron's layers from the first on, with weights, biases and activations. ``held_out``
    chooses the examples as in :func:`rote.record.measure`; ``classes`` says which labels make the
    classes, "label" or "true_label", and ``None`` that all examples are one. Raises ``ValueError`` for
    a part that was not recorded, or shapes that do not fit.
    """
    seen = as_floats("inputs", inputs)
    if seen.ndim != 2 or len(seen) != recording.n_examples:
        raise ValueError(f"inputs must have shape ({recording.n_examples}, n_inputs), got {seen.shape}")
    n_draws, rows = check_count("n_draws", n_draws), []
    labels = _labels(recording, classes)
    chosen_ones = chosen(recording.tree, held_out)
    below = [recording[name].activation(held_out) for name in recording.layers[:-1]]
    predictions = _predictions(recording, [seen[chosen_ones], *below], labels[chosen_ones])
    for name, pair in zip(recording.layers, predictions, strict=True):
        layer = recording[name]
        recorded = measure(layer.active(held_out), activation=layer.activation(held_out))
        for moments, prediction in zip(MOMENTS, pair, strict=True):
            process = prediction.binary()
            covariance = process.predict().covariance
            rows.append(
                {"network": recording.network, "condition": recording.condition}
                | {"seed": recording.seed, "layer": name}
                | {"moments": moments, "classes": classes or "none"}
                | _rate_errors(prediction, recorded)
                | _pair_errors(covariance, recorded)
                | _moment_errors(prediction.rate, covariance, recorded)
                | _law_errors(process, prediction.rate, recorded, n_draws=n_draws, rng=rng)
            )
    return pd.DataFrame(rows)


def _labels(recording: Recording, classes: str | None) -> Counts:
    if classes is None:
        return np.zeros(recording.n_examples, dtype=np.int64)
    labels = getattr(recording, check_choice("classes", classes, CLASSES))
    if labels is None:
        raise ValueError(f"recording {recording.network} holds no true_label: take classes='label'")
    return labels


def _predictions(
    recording: Recording, inputs: Sequence[np.ndarray], labels: Counts
) -> Iterator[tuple[RectifiedMixture, RectifiedMixture]]:
    """Yield each layer's predictions, in the order of MOMENTS; ``inputs`` holds those of each layer."""
    weights = [_weights(recording[name]) for name in recording.layers]
    share, mean, covariance = _moments(inputs[0], labels)
    propagated = propagate_classes(weights, share=share, mean=mean, covariance=covariance)
    for layer, seen, carried in zip(weights, inputs, propagated, strict=True):
        share, mean, covariance = _moments(seen, labels)
        direct = propagate_classes([layer], share=share, mean=mean, covariance=covariance)
        yield direct[0], carried


def _moments(values: np.ndarray, labels: Counts) -> tuple[Floats, Floats, Floats]:
    """Return share, mean and covariance of each class: of these examples, not estimates for others."""
    present, count = np.unique(labels, return_counts=True)
    members = [values[labels == label].astype(np.float64) for label in present]
    mean = np.array([each.mean(axis=0) for each in members])
    centred = [each - middle for each, middle in zip(members, mean, strict=True)]
    covariance = np.array([each.T @ each / len(each) for each in centred])
    return count / labels.size, mean, covariance


def _weights(layer: RecordedLayer) -> tuple[np.ndarray, np.ndarray]:
    if missing := {"weight_in", "bias", "activation"} - set(layer.parts):
        raise ValueError(f"layer {layer.name!r} must hold {', '.join(sorted(missing))}: record them too")
    return layer.weight_in, layer.bias


def _rate_errors(prediction: RectifiedMixture, recorded: Statistics) -> dict[str, float]:
    loud = ~recorded.dead & (prediction.rate > 0)
    predicted = prediction.mean[loud] / prediction.rate[loud]  # of a constant unit too
    return {
        "rate_error": np.abs(prediction.rate - recorded.rate).mean(),
        "rate_spread": recorded.rate.std(),
        "magnitude_error": np.abs(np.log(predicted / recorded.mean_magnitude[loud])).mean()
        if loud.any()
        else np.nan,
    }


def _pair_errors(covariance: Floats, recorded: Statistics) -> dict[str, float]:
    pairs = np.triu_indices(recorded.n_units, k=1)
    predicted = correlation_matrix(covariance)[pairs]
    measured = recorded.correlation[pairs]
    both = np.isfinite(predicted) & np.isfinite(measured)
    predicted, measured = predicted[both], measured[both]
    if predicted.size < 2:
        return dict.fromkeys(("correlation_slope", "correlation_error", "correlation_spread"), np.nan)
    deviation = predicted - predicted.mean()
    square = np.square(deviation).sum()
    return {
        "correlation_slope": float(deviation @ measured / square) if square > 0 else np.nan,
        "correlation_error": np.sqrt(np.square(predicted - measured).mean()),
        "correlation_spread": measured.std(),
    }


def _moment_errors(rate: Floats, covariance: Floats, recorded: Statistics) -> dict[str, float]:
    counts = np.arange(recorded.n_units + 1)
    law = recorded.population_histogram / recorded.n_examples
    mean = law @ counts
    deviation = np.sqrt(law @ np.square(counts - mean))
    if deviation == 0:
        return dict.fromkeys(("population_shift", "population_deviation"), np.nan)
    return {
        "population_shift": (rate.sum() - mean) / deviation,
        "population_deviation": np.sqrt(covariance.sum()) / deviation,
    }


def _law_errors(
    process: Process, rate: Floats, recorded: Statistics, *, n_draws: int, rng: np.random.Generator
) -> dict[str, float]:
    drawn = np.zeros(recorded.n_units + 1)
    block = max(1, _CELLS // recorded.n_units)
    for active in process.blocks(n_draws, rng=rng, block=block):
        drawn += np.bincount(active.sum(axis=1), minlength=drawn.size)
    law = recorded.population_histogram / recorded.n_examples
    return {
        "population_distance": _distance(drawn / n_draws, law),
        "independent_distance": _distance(poisson_binomial_pmf(rate[None])[0], law),
    }


def _distance(one: Floats, other: Floats) -> float:
    """Return the Kolmogorov distance of two laws on the same numbers."""
    return float(np.abs(np.cumsum(one - other)).max())
