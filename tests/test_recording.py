"""Recordings in memory: what goes in comes out, is measured, is described, or is refused in words."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from rote.activity.measurement import measure as measure_activity
from rote.record.description import describe
from rote.record.layers import LayerWeights
from rote.record.measures import measure
from rote.record.recording import Recording

N_EXAMPLES, N_UNITS = 120, 70


def recorded(activity=None, **changes):
    """Return a recording of two layers, with some arguments changed."""
    rng = np.random.default_rng(0)
    arguments = {
        "label": np.arange(N_EXAMPLES) % 3,
        "true_label": np.arange(N_EXAMPLES) % 4,
        "held_out": np.arange(N_EXAMPLES) % 5 == 1,
        "order": rng.permutation(N_EXAMPLES),
        "condition": "memorizing",
        "seed": 3,
        "epoch": 12,
        "source": "draws of a normal law",
    }
    if activity is None:
        hidden = np.maximum(rng.normal(size=(N_EXAMPLES, N_UNITS)), 0)
        activity = {"hidden_1": hidden, "features.3": rng.random((N_EXAMPLES, 5)) < 0.3}
    return Recording.from_arrays(activity, **(arguments | changes))


@given(
    n_units=st.sampled_from([1, 2, 63, 64, 65, 128, 129]),
    n_examples=st.integers(1, 40),
    seed=st.integers(0, 99),
)
def test_bits_come_out_as_they_went_in(n_units, n_examples, seed):
    active = np.random.default_rng(seed).random((n_examples, n_units)) < 0.4
    for given_as in (active, active.astype(np.float32), np.where(active, 1e-300, -1.0), active * 3):
        recording = recorded(
            {"a": given_as}, label=np.zeros(n_examples, int), true_label=None, held_out=None, order=None
        )
        assert (recording["a"].active() == active).all()
        assert recording["a"].n_units == n_units


def test_what_was_given_is_there():
    weights = LayerWeights(weight_in=np.ones((5, 2), np.float16), bias=np.arange(5))
    recording = recorded(
        weights={"features.3": weights}, attrs={"accuracy": np.float32(1), "reached": True}
    )
    layer = recording["features.3"]
    assert recording.layers == ("hidden_1", "features.3")
    assert (recording.network, recording.epoch, recording.n_examples) == ("memorizing-3", 12, N_EXAMPLES)
    assert recording.attrs == {"accuracy": 1.0, "reached": 1}
    assert layer.weight_in.dtype == np.float32
    assert layer.bias.tolist() == [0, 1, 2, 3, 4]
    assert layer.weight_out is None
    assert recording["hidden_1"].weight_in is None
    assert recording["hidden_1"].activation() is None


def test_held_out_examples_are_told_apart():
    recording = recorded()
    layer, held_out = recording["hidden_1"], recording.held_out
    assert (layer.active(True) == layer.active()[held_out]).all()
    assert (layer.active(False) == layer.active()[~held_out]).all()


def test_defaults_are_the_order_given_and_none_held_out():
    recording = recorded(order=None, held_out=None, true_label=None)
    assert (recording.order == np.arange(N_EXAMPLES)).all()
    assert not recording.held_out.any()
    assert recording.true_label is None


def test_a_recording_is_no_window_on_the_callers_arrays():
    label, bias = np.zeros(4, int), np.zeros(2)
    recording = recorded(
        {"a": np.ones((4, 2))},
        label=label,
        true_label=None,
        held_out=None,
        order=None,
        weights={"a": LayerWeights(bias=bias)},
        keep_activation="float32",
    )
    label[0], bias[0] = 7, 7
    assert recording.label[0] == recording["a"].bias[0] == 0
    with pytest.raises(ValueError, match="read-only"):
        recording["a"].activation()[0, 0] = 2


@pytest.mark.parametrize("precision", ["float16", "float32"])
def test_kept_activations_are_rounded_and_agree_with_the_bits(precision, rng):
    faint = np.array([[1e-30, 1e-9, 0.0, -1e-9, -2.0]])
    activation = np.vstack([rng.normal(size=(50, 5)), faint, np.array([[1e-300, 3, 4, 5, 6]])])
    n = len(activation)
    layer = recorded(
        {"a": activation},
        label=np.zeros(n, int),
        true_label=None,
        held_out=None,
        order=None,
        keep_activation=precision,
    )["a"]
    kept = layer.activation()
    assert kept.dtype == np.float32
    np.testing.assert_allclose(kept, activation, rtol=np.finfo(precision).eps, atol=1e-7)
    assert ((kept > 0) == layer.active()).all()
    assert ((kept > 0) == (activation > 0)).all()


@pytest.mark.parametrize("held_out", [False, True, None])
@pytest.mark.parametrize("classes", ["label", "true_label"])
def test_measuring_a_recording_is_measuring_its_arrays(held_out, classes, rng):
    activation = np.maximum(rng.normal(size=(N_EXAMPLES, 9)), 0)
    recording = recorded({"a": activation}, keep_activation="float32")
    rows = slice(None) if held_out is None else recording.held_out == held_out
    kept = activation.astype(np.float32)
    found = measure(recording, held_out=held_out, classes=classes, window=5)["a"]
    due = measure_activity(
        kept[rows] > 0,
        labels=getattr(recording, classes)[rows],
        n_classes=4,
        order=recording.order[rows],
        activation=kept[rows],
        window=5,
    )
    for field in type(due).__slots__:
        np.testing.assert_array_equal(getattr(found, field), getattr(due, field))


def test_parts_of_a_recording_add_up_though_a_class_is_missing_from_one():
    held_out = np.arange(N_EXAMPLES) % 4 == 0  # true class 0, and no other
    recording = recorded(held_out=held_out)
    parts = [measure(recording, held_out=part, classes="true_label") for part in (True, False)]
    whole = measure(recording, held_out=None, classes="true_label")
    for name in recording.layers:
        total = parts[0][name] + parts[1][name]
        assert (total.class_active == whole[name].class_active).all()
        assert (total.coactive_count == whole[name].coactive_count).all()


def test_dead_layers_are_recorded_and_measured():
    statistics = measure(recorded({"a": np.zeros((N_EXAMPLES, 3))}))["a"]
    assert statistics.dead.all()


def test_what_cannot_be_measured_is_said():
    with pytest.raises(ValueError, match="recording memorizing-3 holds no held-out examples"):
        measure(recorded(held_out=None), held_out=True)
    with pytest.raises(ValueError, match="holds no true_label: give true_label"):
        measure(recorded(true_label=None), classes="true_label")
    with pytest.raises(ValueError, match="classes must be one of label, true_label; got 'x'"):
        measure(recorded(), classes="x")
    with pytest.raises(TypeError, match="held_out must be True, False or None, got 1"):
        recorded()["hidden_1"].active(1)


def test_description_says_what_is_there():
    activity = {"relu": np.eye(N_EXAMPLES, 4)[:, [0, 1, 2, 2]] * [1, 1, 1, 0]}
    weights = {"relu": LayerWeights(bias=np.zeros(4))}
    lines = describe(
        recorded(activity, weights=weights, held_out=None, attrs={"training_accuracy": 0.5})
    ).splitlines()
    facts = dict(line.split(maxsplit=1) for line in lines[: lines.index("")])
    assert facts["condition"] == "memorizing"
    assert facts["training_accuracy"] == "0.5"
    assert facts["examples"] == "120 trained on, 0 held out, 3 classes"
    assert facts["written"].startswith("by")
    assert lines[-1].split(maxsplit=4) == ["relu", "4", "0.006", "1", "bits, bias 4"]


NAN, INFINITE = np.ones((N_EXAMPLES, 3)), np.ones((N_EXAMPLES, 3))
NAN[4, 2], INFINITE[7, 0] = np.nan, -np.inf
ONE = {"a": np.ones((N_EXAMPLES, 3))}


@pytest.mark.parametrize(
    ("activity", "changes", "kind", "words"),
    [
        ([1], {}, TypeError, "activity must map layer names to arrays, got list"),
        ({}, {}, ValueError, "a recording must hold at least one layer, got none"),
        ({"a": NAN}, {}, ValueError, "layer 'a' must be finite, got nan at example 4, unit 2"),
        ({"a": INFINITE}, {}, ValueError, "layer 'a' must be finite, got -inf at example 7, unit 0"),
        ({"a": NAN[:, :0]}, {}, ValueError, "neither empty, got (120, 0): flatten channels"),
        ({"a": np.ones((N_EXAMPLES, 2, 2))}, {}, ValueError, "got (120, 2, 2): flatten channels"),
        ({"a": NAN.astype(str)}, {}, TypeError, "layer 'a' must hold booleans or real numbers, got"),
        ({"a": NAN + 1j}, {}, TypeError, "booleans or real numbers, got dtype complex128"),
        ({"a": np.array([[None]])}, {}, TypeError, "got dtype object"),
        ({"a": np.ones((9, 2))}, {}, ValueError, "as many examples as label, 120, got 9"),
        ({"a/b": NAN}, {}, ValueError, "must begin with a letter, digit or underscore"),
        ({"": NAN}, {}, ValueError, "a layer's name must begin with"),
        ({3: NAN}, {}, ValueError, "a layer's name must begin with"),
        ({"label": NAN}, {}, ValueError, "a layer must not be named 'label'"),
        (ONE, {"condition": "asleep"}, ValueError, "condition must be one of initialized, general"),
        (ONE, {"seed": -1}, ValueError, "seed must be at least 0, got -1"),
        (ONE, {"epoch": 1.5}, TypeError, "epoch must be a whole number, got 1.5"),
        (ONE, {"source": None}, TypeError, "source must be a text, got None"),
        (ONE, {"label": []}, ValueError, "label must have shape (n_examples,), not empty, got (0,)"),
        (ONE, {"label": 3}, ValueError, "label must have shape (n_examples,), not empty, got ()"),
        (ONE, {"label": np.ones(N_EXAMPLES)}, TypeError, "label must hold whole numbers, got dtype f"),
        (ONE, {"label": -np.arange(N_EXAMPLES)}, ValueError, "at least 0, got -119 at example 119"),
        (ONE, {"true_label": [1]}, ValueError, "true_label must hold one value for each of the 120"),
        (ONE, {"held_out": np.ones(N_EXAMPLES, int)}, TypeError, "held_out must hold booleans, got"),
        (ONE, {"held_out": [True]}, ValueError, "held_out must hold one value for each of the 120"),
        (ONE, {"order": np.arange(N_EXAMPLES) // 2}, ValueError, "got position 0 2 times"),
        (ONE, {"order": np.ones(N_EXAMPLES)}, TypeError, "order must hold whole numbers"),
        (ONE, {"attrs": [1]}, TypeError, "attrs must map names to texts and numbers, got list"),
        (ONE, {"attrs": {"seed": 1}}, ValueError, "attrs must not set seed"),
        (ONE, {"attrs": {"x": None}}, TypeError, "attrs['x'] must be a text or a number, got None"),
        (ONE, {"keep_activation": True}, ValueError, "must be False, 'float16' or 'float32', got True"),
        ({"a": NAN > 0}, {"keep_activation": "float16"}, TypeError, "needs activations, got booleans"),
        ({"a": 1e5 * ONE["a"]}, {"keep_activation": "float16"}, ValueError, "within 65504 of zero"),
        (ONE, {"weights": {"b": LayerWeights()}}, ValueError, "of recorded layers (a), got b"),
        (ONE, {"weights": {"a": {}}}, TypeError, "weights of layer 'a' must be LayerWeights, got dict"),
        (
            ONE,
            {"weights": {"a": LayerWeights(weight_in=np.ones((2, 3)))}},
            ValueError,
            "weight_in of layer 'a' must have axes ('unit', 'input') with 3 units, got shape (2, 3)",
        ),
        (
            ONE,
            {"weights": {"a": LayerWeights(weight_out=np.array([[1, 2, np.nan]]))}},
            ValueError,
            "weight_out of layer 'a' must be finite, got nan at (0, 2)",
        ),
        (
            ONE,
            {"weights": {"a": LayerWeights(bias=["x", "y", "z"])}},
            TypeError,
            "bias of layer 'a' must hold numbers",
        ),
    ],
)
def test_what_cannot_be_recorded_is_refused_in_words(activity, changes, kind, words):
    with pytest.raises(kind) as caught:
        recorded(activity, **changes)
    assert words in str(caught.value)


def test_an_unknown_layer_names_those_there():
    with pytest.raises(KeyError, match=r"no layer 'b'; this recording holds hidden_1, features.3"):
        recorded()["b"]


def without_attribute(root, name):
    return root.drop_attrs().assign_attrs({k: v for k, v in root.attrs.items() if k != name})


def spoiled(spoil):
    """Return the tree of a recording after ``spoil(root, layer)``, two datasets."""
    tree = recorded(ONE, weights={"a": LayerWeights(bias=np.ones(3))}).tree
    root, layer = tree.to_dataset(), tree["a"].to_dataset(inherit=False)
    return xr.DataTree.from_dict(dict(zip(("/", "/a"), spoil(root, layer), strict=True)))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda r, a: (r.assign_attrs(schema="x"), a), "not a rote recording (its schema is 'x')"),
        (
            lambda r, a: (xr.Dataset(), xr.Dataset()),
            "its schema is None): expected schema='rote-recording'",
        ),
        (
            lambda r, a: (r.assign_attrs(schema_version=9), a),
            "has schema_version 9, this rote reads 1: read it with the version that wrote it (rote ",
        ),
        (
            lambda r, a: (r.drop_attrs().assign_attrs(schema="rote-recording", schema_version=1), a),
            "lacks the",
        ),
        (lambda r, a: (r.drop_vars("label"), a), "recording lacks label, one for each example"),
        (lambda r, a: (r.assign(order=r.order * 0.5), a), "order must hold whole numbers along"),
        (lambda r, a: (r, a.drop_vars("active_words")), "layer 'a' lacks active_words"),
        (
            lambda r, a: (r, a.assign(active_words=a.active_words.astype("i8"))),
            "must be uint64 of shape",
        ),
        (lambda r, a: (r, a.assign_attrs(n_units=65)), "must be uint64 of shape (120, 2)"),
        (lambda r, a: (r, a.assign_attrs(n_units=4)), "has 4 units by its bits and 3 by its other"),
        (lambda r, a: (r, a.assign_attrs(n_units=0)), "n_units of layer 'a' must be at least 1"),
        (lambda r, a: (r, a.assign(x=1)), "layer 'a' holds 'x'; allowed are active_words, activation"),
        (lambda r, a: (r, a.assign(bias=("input", [1.0]))), "must have axes ('unit',), got ('input',)"),
    ],
)
def test_a_tree_of_another_shape_is_refused_in_words(spoil, words):
    with pytest.raises((ValueError, TypeError)) as caught:
        Recording(spoiled(spoil))
    assert words in str(caught.value)


def test_the_trees_above_can_be_right():
    assert Recording(spoiled(lambda root, layer: (root, layer))).layers == ("a",)
