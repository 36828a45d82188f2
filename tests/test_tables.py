"""The study's tables: columns against plain NumPy, and what is not known stays unknown."""

import numpy as np
import pytest

from rote.activity.measurement import measure
from rote.record import LayerWeights, Recording
from rote.simulate import ClassConditional
from rote.validate.tables import activity_columns, fano_factor_due, layer_rows, unit_rows

N_CLASSES, N_UNITS, WINDOW = 5, 8, 10


@pytest.fixture
def recordings(rng):
    """One small network, untrained and trained."""
    made = []
    for condition in ("initialized", "memorizing"):
        made.append(
            Recording.from_arrays(
                {"hidden_1": np.maximum(rng.normal(size=(300, N_UNITS)), 0)},
                label=rng.integers(0, 3, 300),
                true_label=rng.integers(0, 3, 300),
                held_out=np.arange(300) >= 200,
                condition=condition,
                seed=4,
                epoch=9,
                source="drawn",
                weights={"hidden_1": LayerWeights(weight_in=rng.normal(size=(N_UNITS, 6)))},
                keep_activation="float32",
            )
        )
    return made


def test_a_layer_has_a_row_for_each_set_of_examples_and_classes(recordings):
    initial, trained = recordings
    rows = layer_rows(trained, initial, window=WINDOW)
    told = [(row["examples"], row["classes"], row["n_examples"]) for row in rows]
    assert told == [
        ("training", "label", 200), ("training", "true_label", 200), ("held-out", "true_label", 100)
    ]  # fmt: skip
    layer, before = trained["hidden_1"], initial["hidden_1"]
    active = layer.activation(False) > 0
    assert rows[0]["mean_rate"] == pytest.approx(active.mean())
    change = np.asarray(layer.weight_in) - np.asarray(before.weight_in)
    assert rows[0]["change_norm_l2"] == pytest.approx(np.sqrt((change**2).sum()))
    assert rows[0]["class_share"] != rows[1]["class_share"]


def test_a_unit_has_a_row(recordings):
    initial, trained = recordings
    rows = unit_rows(trained, initial, window=WINDOW)
    loud = trained["hidden_1"].activation(False)
    assert rows["rate"].to_numpy() == pytest.approx((loud > 0).mean(axis=0))
    assert rows["mean_magnitude"].to_numpy() == pytest.approx(loud.sum(axis=0) / (loud > 0).sum(axis=0))
    assert rows["norm_l2"].to_numpy() == pytest.approx(
        np.linalg.norm(trained["hidden_1"].weight_in, axis=1)
    )


def test_without_labels_windows_or_activations_columns_are_unknown(rng):
    columns = activity_columns(measure(rng.random((15, 4)) < 0.5))
    unknown = {name for name, value in columns.items() if np.isnan(value)}
    assert unknown == {
        "fano_factor", "excess_fano", "class_fano_factor", "class_excess_fano", "class_share",
        "mean_magnitude",
    }  # fmt: skip


def test_fano_factor_due_is_unbiased_where_the_plug_in_is_not(rng):
    """Over 400 draws its mean is the law's; without the correction it lies far above.

    The mean of 400 draws is normal; with its own standard error, six of them are a false alarm of 2e-9
    for each of eight units.
    """
    rate = 0.3 + 0.1 * rng.standard_normal((N_CLASSES, N_UNITS)).clip(-2, 2)
    process = ClassConditional(class_probability=np.full(N_CLASSES, 1 / N_CLASSES), class_rate=rate)
    law = process.predict(window=WINDOW).fano_factor("class")
    labels = np.repeat(np.arange(N_CLASSES), 40)
    drawn = [
        measure(process.sample_given(labels, rng=rng), labels=labels, window=WINDOW) for _ in range(400)
    ]
    due = np.array([fano_factor_due(statistics) for statistics in drawn])
    error = due.std(axis=0) / np.sqrt(len(due))
    assert np.abs((due.mean(axis=0) - law) / error).max() < 6
    plug_in = np.array(
        [1 - s.rate + (WINDOW - 1) * np.var(s.class_rate, axis=0) / s.rate for s in drawn]
    )
    assert np.abs((plug_in.mean(axis=0) - law) / error).min() > 6


def test_a_dead_unit_is_due_nothing():
    active = np.zeros((40, 2), dtype=bool)
    active[::3, 0] = True
    due = fano_factor_due(measure(active, labels=np.arange(40) % 2, window=5))
    assert np.isfinite(due[0])
    assert np.isnan(due[1])
