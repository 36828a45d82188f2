"""Activity predicted from weights, held against networks: with normal inputs, and trained on digits."""

import numpy as np
import pytest

from rote.activity.words import CLASSES, CONDITIONS
from rote.record.layers import LayerWeights
from rote.record.recording import Recording
from rote.validate.datasets import digits
from rote.validate.networks import record_network
from rote.validate.training import Training
from rote.validate.way_back import prediction_errors


def recorded_layer(inputs, weight, bias, **told):
    """A recording of one layer's forward pass on ``inputs``, told to be of these weights."""
    weights = LayerWeights(**({"weight_in": weight, "bias": bias} | told))
    return Recording.from_arrays(
        {"hidden_1": np.maximum(inputs @ weight.T + bias, 0)},
        label=np.zeros(len(inputs), dtype=np.int64),
        condition="initialized",
        seed=0,
        epoch=0,
        source="drawn",
        weights={"hidden_1": weights},
        keep_activation="float32",
    )


@pytest.fixture
def normal_layer(rng):
    inputs = rng.normal(size=12) + rng.normal(size=(20_000, 12)) @ rng.normal(size=(12, 12)) / 2
    return inputs, rng.normal(size=(30, 12)) + rng.normal(size=12), rng.normal(size=30) / 2


def test_inputs_that_are_normal_leave_no_error_but_sampling(normal_layer, rng):
    inputs, weight, bias = normal_layer
    table = prediction_errors(recorded_layer(inputs, weight, bias), inputs, rng=rng)
    assert table["moments"].tolist() == ["recorded", "propagated"]
    row = table.iloc[0]
    # standard errors of rates and correlations of 20,000 examples are at most .0035 and .007
    assert row["rate_error"] < 0.004
    assert row["correlation_error"] < 0.01
    assert row["correlation_slope"] == pytest.approx(1, abs=0.01)
    assert row["magnitude_error"] < 0.02
    assert row["population_deviation"] == pytest.approx(1, abs=0.02)
    assert abs(row["population_shift"]) < 0.04
    # the .9999995 quantile of Kolmogorov's law for 20,000 recorded and 50,000 drawn examples
    assert row["population_distance"] < 2.8 * np.sqrt(1 / 20_000 + 1 / 50_000)
    assert row["independent_distance"] > 0.1


def test_other_weights_than_those_recorded_are_far_off(normal_layer, rng):
    inputs, weight, bias = normal_layer
    other = recorded_layer(inputs, weight, bias, weight_in=np.roll(weight, 1, axis=1))
    row = prediction_errors(other, inputs, rng=rng).iloc[0]
    assert row["rate_error"] > 0.05
    assert row["correlation_slope"] < 0.5


@pytest.fixture(scope="module")
def tables():
    data = digits()
    training = Training(hidden=(48, 32), max_epochs=150)
    rows = []
    for condition in CONDITIONS:
        recording = record_network(
            data, condition=condition, seed=3, training=training, keep_activation="float32"
        )
        rows.append(
            {
                classes: prediction_errors(
                    recording,
                    data.images,
                    rng=np.random.default_rng(0),
                    classes=classes,
                    n_draws=10_000,
                )
                for classes in (None, *CLASSES)
                if classes != "label" or condition == "memorizing"  # elsewhere they are the true ones
            }
        )
    return rows


@pytest.mark.parametrize("number", range(3), ids=CONDITIONS)
def test_trained_networks_are_predicted_from_their_weights(tables, number):
    """Bounds with room for another processor's training; docs/bridge.md gives what was measured."""
    rows = tables[number][None]
    assert (rows["condition"] == CONDITIONS[number]).all()
    assert rows["layer"].tolist() == ["hidden_1"] * 2 + ["hidden_2"] * 2
    assert (rows["rate_error"] < 0.05).all()
    assert (rows["rate_error"] < 0.2 * rows["rate_spread"]).all()
    assert rows["correlation_slope"].between(0.85, 1.15).all()
    assert (rows["correlation_error"] < 0.65 * rows["correlation_spread"]).all()
    assert (rows["magnitude_error"] < 0.25).all()
    assert rows["population_deviation"].between(0.8, 1.25).all()


def test_classes_halve_the_error_where_they_are_clouds_of_the_input(tables):
    """Labels dealt out at random are no clouds: the negative control, on a memorizing network."""
    for by_classes in tables:
        blind, seeing = by_classes[None], by_classes["true_label"]
        assert (seeing["classes"] == "true_label").all()
        for error in ("rate_error", "correlation_error"):
            assert (seeing[error] < 0.75 * blind[error]).all()
    dealt = tables[2]["label"]
    for error in ("rate_error", "correlation_error"):
        assert (dealt[error] > 0.85 * tables[2][None][error]).all()


def test_the_first_layer_has_nothing_to_propagate(tables):
    for rows in tables[0].values():
        first = rows[rows["layer"] == "hidden_1"].drop(columns="population_distance")
        numbers = first.select_dtypes("number").to_numpy()
        assert numbers[0] == pytest.approx(numbers[1])


def test_classes_need_labels(normal_layer, rng):
    inputs, weight, bias = normal_layer
    recording = recorded_layer(inputs, weight, bias)
    with pytest.raises(ValueError, match="initialized-0 holds no true_label: take classes='label'"):
        prediction_errors(recording, inputs, rng=rng, classes="true_label")
    with pytest.raises(ValueError, match="classes must be one of label, true_label; got 'digit'"):
        prediction_errors(recording, inputs, rng=rng, classes="digit")


def test_what_is_missing_is_named(normal_layer, rng):
    inputs, weight, bias = normal_layer
    blind = recorded_layer(inputs, weight, bias, weight_in=None)
    with pytest.raises(ValueError, match="layer 'hidden_1' must hold weight_in: record them too"):
        prediction_errors(blind, inputs, rng=rng)
    with pytest.raises(ValueError, match=r"inputs must have shape \(20000, n_inputs\), got \(10, 12\)"):
        prediction_errors(recorded_layer(inputs, weight, bias), inputs[:10], rng=rng)
