"""The study's tables: a row for each layer of each network, and a row for each unit.

Every column is a statistic of :mod:`rote.activity`, under its own name. ``examples`` is ``training`` or
``held-out``; ``classes`` says whether the class order and the class share go by the labels a network
was trained towards (``label``) or by the true ones (``true_label``).
"""

import numpy as np
import pandas as pd
from scipy.stats import skew

from ..activity.statistics import Statistics
from ..activity.weights import weight_statistics
from ..activity.words import CLASSES, RARE
from ..record.layers import RecordedLayer
from ..record.measures import measure
from ..record.recording import Recording

EXAMPLES = {"training": False, "held-out": True}


def network_row(recording: Recording) -> dict[str, object]:
    """Return how one network was trained and how well: a row of ``networks.csv``."""
    told = ("training_accuracy", "held_out_accuracy", "loss", "reached")
    return _who(recording) | {"epochs": recording.epoch} | {name: recording.attrs[name] for name in told}


def layer_rows(recording: Recording, initial: Recording, *, window: int) -> list[dict[str, object]]:
    """Return the rows of one network in ``layers.csv``; ``initial`` is the same network untrained."""
    rows = []
    for examples, held_out in EXAMPLES.items():
        for classes in CLASSES[held_out:]:  # held-out examples were never given another label
            measured = measure(recording, held_out=held_out, classes=classes, window=window)
            for layer, statistics in measured.items():
                rows.append(
                    _who(recording)
                    | {"layer": layer, "examples": examples, "classes": classes}
                    | activity_columns(statistics)
                    | _weight_columns(recording[layer], initial[layer])
                )
    return rows


def unit_rows(recording: Recording, initial: Recording, *, window: int) -> pd.DataFrame:
    """Return a row for each unit of one network, measured on its training examples and labels."""
    frames = []
    for layer, statistics in measure(recording, held_out=False, window=window).items():
        weight = recording[layer].weight_in
        columns = {
            "unit": np.arange(statistics.n_units),
            "rate": statistics.rate,
            "fano_factor": statistics.fano_factor(),
            "class_fano_factor": statistics.fano_factor("class"),
            "class_fano_factor_due": fano_factor_due(statistics),
            "mean_magnitude": statistics.mean_magnitude,
            "norm_l2": weight_statistics(weight).norm_l2,
            "change_norm_l2": weight_statistics(weight - initial[layer].weight_in).norm_l2,
        }
        frames.append(pd.DataFrame(_who(recording) | {"layer": layer} | columns))
    return pd.concat(frames, ignore_index=True)


def fano_factor_due(statistics: Statistics) -> np.ndarray:
    """Return the Fano factor that class rates imply in class order: ``(n_units,)``.

    F_i = 1 - p_i + (W - 1) V_i / p_i with V_i the variance of the class rates under the class
    frequencies, freed of what sampling adds to it; nan for dead units.
    """
    present = statistics.class_examples > 0
    size, within = statistics.class_examples[present, None], statistics.class_rate[present]
    n, n_classes = size.sum(), present.sum()
    noise = (n_classes - 1) * (size * within * (1 - within)).sum(axis=0) / (n - n_classes)
    between = ((size * np.square(within - statistics.rate)).sum(axis=0) - noise) / n
    due = np.full(statistics.n_units, np.nan)
    np.divide(between, statistics.rate, out=due, where=~statistics.dead)
    return 1 - statistics.rate + (statistics.window - 1) * due


def activity_columns(statistics: Statistics) -> dict[str, float]:
    """Return the statistics of a layer that are one number each; means are over living units."""
    rate, living = statistics.rate, ~statistics.dead
    counts = np.arange(statistics.n_units + 1)
    population = statistics.population_histogram / statistics.n_examples
    pairs = statistics.pair_correlation
    return {
        "n_examples": statistics.n_examples,
        "n_units": statistics.n_units,
        "dead_units": int((~living).sum()),
        "mean_rate": rate.mean(),
        "median_rate": np.median(rate),
        "rate_skewness": skew(rate[living]) if living.sum() > 2 else np.nan,
        "rare_share": (rate < RARE).mean(),
        "population_mean": population @ counts,
        "population_variance": population @ counts**2 - (population @ counts) ** 2,
        "mean_pair_correlation": pairs.mean() if pairs.size else np.nan,
        "sd_pair_correlation": pairs.std() if pairs.size else np.nan,
        "participation_ratio": statistics.participation_ratio,
    } | _ordered_columns(statistics)


def _ordered_columns(statistics: Statistics) -> dict[str, float]:
    """Return what needs labels, windows or magnitudes; nan where the activity came without."""
    columns = dict.fromkeys(
        ("fano_factor", "excess_fano", "class_fano_factor", "class_excess_fano", "class_share"), np.nan
    )
    if statistics.n_windows[0] > 1:
        columns["fano_factor"] = _mean(statistics.fano_factor())
        columns["excess_fano"] = _mean(statistics.excess_fano())
    if statistics.n_windows[1] > 1:
        columns["class_fano_factor"] = _mean(statistics.fano_factor("class"))
        columns["class_excess_fano"] = _mean(statistics.excess_fano("class"))
        columns["class_share"] = statistics.class_share
    return columns | {"mean_magnitude": _mean(statistics.mean_magnitude)}


def _mean(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else np.nan


def _who(recording: Recording) -> dict[str, object]:
    return {"network": recording.network, "condition": recording.condition, "seed": recording.seed}


def _weight_columns(layer: RecordedLayer, initial: RecordedLayer) -> dict[str, float]:
    now, change = (
        weight_statistics(weight) for weight in (layer.weight_in, layer.weight_in - initial.weight_in)
    )
    return {
        "weight_norm_l1": now.norm_l1.sum(),
        "weight_norm_l2": np.linalg.norm(now.norm_l2),
        "weight_l1_l2_ratio": now.l1_l2_ratio,
        "weight_excess_kurtosis": now.excess_kurtosis,
        "change_norm_l2": np.linalg.norm(change.norm_l2),
        "change_l1_l2_ratio": change.l1_l2_ratio,
        "change_excess_kurtosis": change.excess_kurtosis,
    }
