"""scikit-learn's perceptrons: what is recorded is what the model computes, and nothing else passes."""

import warnings

import pytest
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.neural_network import MLPClassifier, MLPRegressor

import rote

NOTES = {"condition": "unknown", "seed": 0, "epoch": 2, "source": "drawn"}
N_EXAMPLES = 40


def fitted(model, rng, *, n_outputs=1):
    """A model that was fitted for a moment, and its inputs and labels."""
    inputs = rng.normal(size=(N_EXAMPLES, 5))
    labels = rng.integers(3, size=N_EXAMPLES)
    targets = {1: labels, 2: rng.integers(2, size=(N_EXAMPLES, 2))}[n_outputs]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return (
            model(hidden_layer_sizes=(7, 66), max_iter=2, random_state=1).fit(inputs, targets),
            inputs,
            labels,
        )


def test_activations_are_those_behind_each_hidden_layer(rng):
    model, inputs, labels = fitted(MLPClassifier, rng)
    recording = rote.record.sklearn(model, inputs, label=labels, keep_activation="float32", **NOTES)
    assert recording.layers == ("relu1", "relu2")
    for example, unit in rng.integers(7, size=(20, 2)):  # one unit of one example at a time
        due = sum(inputs[example] * model.coefs_[0][:, unit]) + model.intercepts_[0][unit]
        assert recording["relu1"].activation()[example, unit] == pytest.approx(max(0, due), abs=1e-6)
        assert recording["relu1"].active()[example, unit] == (due > 0)
    # the last layer's activations are those from which the model's own output follows
    score = recording["relu2"].activation() @ model.coefs_[2] + model.intercepts_[2]
    said = model.predict_log_proba(inputs)
    assert score - score[:, :1] == pytest.approx(said - said[:, :1], abs=1e-4)


def test_the_version_is_noted_beside_what_the_user_notes(rng):
    model, inputs, labels = fitted(MLPClassifier, rng)
    for given in ({}, {"attrs": None}, {"attrs": {"accuracy": 0.5}}):
        noted = rote.record.sklearn(model, inputs, label=labels, **NOTES, **given).attrs
        assert noted.pop("recorded_with").startswith("scikit-learn 1.")
        assert noted == (given.get("attrs") or {})


def test_weights_are_taken_along(rng):
    model, inputs, labels = fitted(MLPClassifier, rng)
    layer = rote.record.sklearn(model, inputs, label=labels, **NOTES)["relu2"]
    assert (layer.weight_in == model.coefs_[1].T).all()
    assert (layer.bias == model.intercepts_[1]).all()
    assert (layer.weight_out == model.coefs_[2].T).all()


@pytest.mark.parametrize(
    ("model", "n_outputs"), [(MLPRegressor, 1), (MLPRegressor, 2), (MLPClassifier, 2)]
)
def test_other_outputs_are_held_against_the_model_too(model, n_outputs, rng):
    model, inputs, labels = fitted(model, rng, n_outputs=n_outputs)
    assert rote.record.sklearn(model, inputs, label=labels, **NOTES).n_examples == N_EXAMPLES


def test_a_forward_pass_of_its_own_is_found_out(rng):
    class Doubled(MLPRegressor):
        def predict(self, X):
            return 2 * super().predict(X)

    model, inputs, labels = fitted(Doubled, rng)
    with pytest.raises(ValueError, match="must give the output that follows from its coefs_"):
        rote.record.sklearn(model, inputs, label=labels, **NOTES)


def test_what_cannot_be_recorded_is_named(rng):
    model, inputs, labels = fitted(MLPClassifier, rng)
    with pytest.raises(ValueError, match=r"inputs must have shape \(n_examples, 5\), got \(40, 4\)"):
        rote.record.sklearn(model, inputs[:, :4], label=labels, **NOTES)
    with pytest.raises(TypeError, match="model must be an MLPClassifier or MLPRegressor, got dict"):
        rote.record.sklearn({}, inputs, label=labels, **NOTES)
    with pytest.raises(NotFittedError):
        rote.record.sklearn(MLPClassifier(), inputs, label=labels, **NOTES)
    with pytest.raises(ValueError, match="model must have activation='relu', got 'tanh'"):
        rote.record.sklearn(MLPClassifier(activation="tanh"), inputs, label=labels, **NOTES)
    with pytest.raises(ValueError, match="label must"):
        rote.record.sklearn(model, inputs, label=labels[:, None], **NOTES)


def test_no_hidden_layer_is_named(rng):
    inputs, labels = rng.normal(size=(20, 2)), rng.integers(2, size=20)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = MLPClassifier(hidden_layer_sizes=(), max_iter=2).fit(inputs, labels)
    with pytest.raises(ValueError, match="model must have a hidden layer"):
        rote.record.sklearn(model, inputs, label=labels, **NOTES)
