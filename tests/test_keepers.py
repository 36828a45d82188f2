"""Where a recorder's batches go: memory, file and running statistics hold the same activity."""

import numpy as np
import pytest

import rote
from rote.activity.packing import pack
from rote.record import LayerWeights, Recording
from rote.record.keepers import InFile, InMemory, Running

NOTES = {"condition": "unknown", "seed": 0, "epoch": 0, "source": "drawn"}
SIZES = {"a": 70, "b": 3}
BATCHES = (11, 1, 20)
UNKNOWN = dict.fromkeys(("true_label", "order", "held_out"))


@pytest.fixture
def activity(rng):
    """Activations of each layer, some of them below zero."""
    return {name: rng.normal(size=(sum(BATCHES), n)).astype(np.float32) for name, n in SIZES.items()}


@pytest.fixture
def weights(rng):
    return {"a": LayerWeights(bias=rng.normal(size=70)), "b": LayerWeights()}


def fill(keeper, activity, weights, *, bits=False):
    """Let ``keeper`` take ``activity`` in batches, as bits or as it is."""
    keeper.begin(SIZES, weights, {"recorded_with": "NumPy"})
    for rows in np.split(np.arange(sum(BATCHES)), np.cumsum(BATCHES)[:-1]):
        taken = {name: values[rows] for name, values in activity.items()}
        keeper.add({name: pack(values > 0) for name, values in taken.items()} if bits else taken)
    return keeper


@pytest.mark.parametrize("precision", [False, "float16", "float32"])
def test_memory_and_file_hold_what_arrays_do(precision, activity, weights, tmp_path):
    label = np.arange(sum(BATCHES)) % 3
    due = Recording.from_arrays(
        activity,
        label=label,
        weights=weights,
        keep_activation=precision,
        attrs={"recorded_with": "NumPy"},
        **NOTES,
    )
    memory = fill(InMemory(precision), activity, weights, bits=not precision)
    assert memory.recording({"label": label} | UNKNOWN, **NOTES).tree.identical(due.tree)
    file = fill(InFile(tmp_path / "a.nc", precision, NOTES), activity, weights, bits=not precision)
    with file.recording({"label": label} | UNKNOWN) as recording:
        assert recording.tree.load().identical(due.tree)


@pytest.mark.parametrize("n_classes", [0, 3])
def test_running_statistics_are_those_of_all_examples_at_once(n_classes, activity, weights):
    labels = np.arange(sum(BATCHES)) % 3
    keeper = Running(n_classes=n_classes, window=4, magnitudes=True)
    if n_classes:
        keeper.label(labels[:5])  # labels and batches need not come in the same portions
        keeper.label(labels[5:])
    measured = fill(keeper, activity, weights).statistics()
    for name, values in activity.items():
        options = {"labels": labels, "n_classes": 3} if n_classes else {}
        due = rote.measure(values > 0, activation=values, window=4, **options)
        for field in ("coactive_count", "class_active", "window_square", "magnitude_sum"):
            assert (getattr(measured[name], field) == getattr(due, field)).all(), field


@pytest.mark.parametrize("bits", [False, True])
def test_running_statistics_count_pairs_and_magnitudes_as_asked(bits, activity, weights):
    """Bits are enough unless magnitudes are measured."""
    due = fill(Running(magnitudes=True), activity, weights).statistics()["a"]
    found = fill(Running(pairs=False), activity, weights, bits=bits).statistics()["a"]
    assert found.n_magnitudes == 0
    assert found.coactive_count.size == 0
    assert (found.window_histogram == due.window_histogram).all()
    assert (found.population_histogram == due.population_histogram).all()


def test_pairs_that_no_memory_holds_are_refused_with_what_they_take(weights):
    keeper = Running()
    with pytest.raises(
        ValueError, match=r"layer 'a': counts of all pairs of 10,000,000 units take 800,0"
    ):
        keeper.begin({"a": 10_000_000}, {}, {})
    with pytest.raises(ValueError, match="window must be at least 2, got 1"):
        Running(window=1)


def test_missing_and_superfluous_labels_are_named(activity, weights):
    with pytest.raises(ValueError, match="n_classes=3 needs labels of each batch"):
        fill(Running(n_classes=3), activity, weights)
    keeper = Running(n_classes=3)
    keeper.label(np.zeros(sum(BATCHES) + 1, dtype=np.int64))
    with pytest.raises(ValueError, match="one value for each example recorded, got too many"):
        fill(keeper, activity, weights).statistics()


def test_pytorch_is_asked_for_where_it_is_absent(monkeypatch):
    monkeypatch.setattr("rote.record.pytorch.find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match="recording PyTorch models needs PyTorch: pip install"):
        rote.record.torch(None)
