"""Recordings written batch by batch: whatever the batches, the file is the same, and whole or absent."""

import os
import re
import signal
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from rote.activity.packing import pack
from rote.record import files
from rote.record.appending import writer
from rote.record.layers import LayerWeights
from rote.record.recording import Recording
from rote.record.verification import verify

N_EXAMPLES = 90
NOTES = {"condition": "memorizing", "seed": 3, "epoch": 12, "source": "draws"}
SIZES = {"relu1": 70, "features.3": 5}


def arrays(seed=0):
    """Return activations, booleans and what is known of each example."""
    rng = np.random.default_rng(seed)
    activation = np.maximum(rng.normal(size=(N_EXAMPLES, 70)), 0).astype(np.float32)
    examples = {
        "label": rng.integers(4, size=N_EXAMPLES),
        "true_label": rng.integers(4, size=N_EXAMPLES),
        "order": rng.permutation(N_EXAMPLES),
        "held_out": rng.random(N_EXAMPLES) < 0.2,
    }
    return {"relu1": activation, "features.3": rng.random((N_EXAMPLES, 5)) < 0.3}, examples


def write(path, step, keep="float32", *, bits=False, stop=lambda: None):
    """Write the arrays in batches of ``step``; as bits if asked for."""
    activity, examples = arrays()
    weights = {"relu1": LayerWeights(bias=np.ones(70))}
    with writer(path, SIZES, **NOTES, weights=weights, keep_activation=keep, attrs={"note": 1}) as out:
        for start in range(0, N_EXAMPLES, step):
            rows = slice(start, start + step)
            batch = {name: values[rows] for name, values in activity.items()}
            if bits:
                batch = {name: pack(values > 0) for name, values in batch.items()}
            out.append(batch, **{name: values[rows] for name, values in examples.items()})
        assert out.n_examples == N_EXAMPLES
        stop()


def due(keep="float32"):
    """Return the recording of the same arrays, made at once."""
    activity, examples = arrays()
    weights = {"relu1": LayerWeights(bias=np.ones(70))}
    return Recording.from_arrays(
        activity, **examples, **NOTES, weights=weights, keep_activation=keep, attrs={"note": 1}
    )


@settings(max_examples=15)
@given(step=st.integers(1, 100), chunk=st.sampled_from([64, 1000, 1 << 20]), keep=st.booleans())
def test_any_batches_give_the_same_bytes_and_the_same_recording(tmp_path_factory, step, chunk, keep):
    folder, keep = tmp_path_factory.mktemp("batches"), "float32" if keep else False
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "CHUNK", chunk)
        write(folder / "a.nc", step, keep)
        write(folder / "b.nc", N_EXAMPLES, keep, bits=not keep)
    assert (folder / "a.nc").read_bytes() == (folder / "b.nc").read_bytes()
    verify(folder / "a.nc")
    with Recording.open(folder / "a.nc") as opened:
        assert opened.tree.load().identical(due(keep).tree)
    with xr.open_datatree(folder / "a.nc", engine="h5netcdf") as tree:
        assert Recording(tree).tree.load().identical(due(keep).tree)


def test_labels_may_come_at_another_time(tmp_path):
    activity, examples = arrays()
    with writer(tmp_path / "a.nc", {"relu1": 70}, **NOTES) as out:
        out.examples(order=examples["order"][:40])
        out.append({"relu1": activity["relu1"]})
        out.examples(order=examples["order"][40:], label=examples["label"])
    with Recording.open(tmp_path / "a.nc") as opened:
        assert (opened.label == examples["label"]).all()
        assert (opened.order == examples["order"]).all()
        assert opened.true_label is None
        assert not opened.held_out.any()
        assert opened["relu1"].parts == {"active_words": (N_EXAMPLES, 2)}


# --- whole or absent

KILLED = """
import os, signal, sys
import numpy as np
from rote.record import writer
with writer({path!r}, {{"a": 640}}, condition="unknown", seed=0, epoch=0, source="") as out:
    for batch in range(20):
        if batch == {batch}:
            os.kill(os.getpid(), signal.SIGKILL)
        out.append({{"a": np.ones((4096, 640), bool)}}, label=np.zeros(4096, int))
"""


@pytest.mark.parametrize("batch", [0, 10])
def test_a_killed_writer_leaves_the_earlier_file(tmp_path, batch):
    write(tmp_path / "a.nc", 50)
    before = (tmp_path / "a.nc").read_bytes()
    program = KILLED.format(path=str(tmp_path / "a.nc"), batch=batch)
    killed = subprocess.run([sys.executable, "-c", program], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert (tmp_path / "a.nc").read_bytes() == before


def test_a_block_that_raises_leaves_nothing_besides(tmp_path):
    write(tmp_path / "a.nc", 50)
    before = (tmp_path / "a.nc").read_bytes()
    with pytest.raises(ZeroDivisionError):
        write(tmp_path / "a.nc", 50, stop=lambda: 1 // 0)
    assert (tmp_path / "a.nc").read_bytes() == before
    assert os.listdir(tmp_path) == ["a.nc"]


FULL = """
import resource, signal, sys
import numpy as np
from rote.record import Recording, writer
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
words, notes = np.ones((4096, 10), np.uint64), dict(condition="unknown", seed=0, epoch=0, source="")
active, label = np.ones((40_960, 640), bool), np.zeros(40_960, int)
whole = Recording.from_arrays({{"a": active}}, label=label, **notes)
for limit in {limits}:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        whole.save({path!r})
        sys.exit("saved")
    except OSError as error:
        assert "File too large" in str(error) and ".a.nc" in str(error), error
    try:
        with writer({path!r}, {{"a": 640}}, **notes) as out:
            for batch in range(10):
                out.append({{"a": words}}, label=np.zeros(4096, int))
        sys.exit("written")
    except OSError as error:
        assert "File too large" in str(error), error
"""


def test_a_full_disk_is_an_error_and_nothing_is_left(tmp_path):
    """At any place of the file: its head, its bits, its labels and its seal."""
    write(tmp_path / "a.nc", 50)
    before = (tmp_path / "a.nc").read_bytes()
    limits = [0, 100, 5000, 700_000, 3_000_000, 3_300_000, 3_600_000]
    program = FULL.format(limits=limits, path=str(tmp_path / "a.nc"))
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert (tmp_path / "a.nc").read_bytes() == before
    assert os.listdir(tmp_path) == ["a.nc"]


def test_a_seal_that_cannot_be_written_is_an_error(tmp_path, monkeypatch):
    def fail(_):
        raise OSError("No space left on device")

    monkeypatch.setattr(files, "seal", fail)
    with pytest.raises(OSError, match="No space left"):
        write(tmp_path / "a.nc", 50)
    assert os.listdir(tmp_path) == []


# --- what cannot be written

ONES = np.ones((4, 70))
BOTH = {"relu1": ONES, "features.3": ONES[:, :5]}
LABEL = np.zeros(4, int)


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        ({"layers": ["a"]}, TypeError, "layers must map names to numbers of units, got list"),
        ({"layers": {}}, ValueError, "a recording must hold at least one layer, got none"),
        ({"layers": {"a": 0}}, ValueError, "n_units of layer 'a' must be at least 1, got 0"),
        ({"layers": {"a/b": 3}}, ValueError, "must begin with a letter, digit or underscore"),
        ({"condition": "asleep"}, ValueError, "condition must be one of"),
        ({"seed": -1}, ValueError, "seed must be at least 0, got -1"),
        ({"source": None}, TypeError, "source must be a text, got None"),
        ({"attrs": {"seed": 1}}, ValueError, "attrs must not set seed"),
        ({"keep_activation": True}, ValueError, "must be False, 'float16' or 'float32', got True"),
        (
            {"weights": {"b": LayerWeights()}},
            ValueError,
            "of recorded layers (relu1, features.3), got b",
        ),
        (
            {"weights": {"relu1": LayerWeights(bias=np.ones(3))}},
            ValueError,
            "with 70 units, got shape (3,)",
        ),
    ],
)
def test_what_cannot_begin_is_refused_before_anything_is_written(tmp_path, changes, kind, words):
    arguments = {"layers": SIZES, **NOTES, **changes}
    with pytest.raises(kind, match=re.escape(words)), writer(tmp_path / "a.nc", **arguments):
        pytest.fail("the block was entered")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("activity", "examples", "kind", "words"),
    [
        ([1], {}, TypeError, "activity must map layer names to arrays, got list"),
        ({"relu1": ONES}, {}, ValueError, "a batch must hold the layers relu1, features.3, got relu1"),
        ({}, {}, ValueError, "a batch must hold the layers relu1, features.3, got none"),
        (BOTH | {"relu1": ONES[:3]}, {}, ValueError, "equally many examples, got [3, 3, 4, 4]"),
        (BOTH | {"relu1": ONES[:, :69]}, {}, ValueError, "must have 70 units, got shape (4, 69)"),
        (
            BOTH | {"relu1": ONES * np.nan},
            {},
            ValueError,
            "must be finite, got nan at example 0, unit 0",
        ),
        (BOTH | {"relu1": ONES > 0}, {}, ValueError, "with activations in every batch or in none"),
        (
            BOTH | {"relu1": pack(ONES > 0)},
            {},
            TypeError,
            "needs activations of layer 'relu1', got bits",
        ),
        (BOTH, {"label": LABEL[:3]}, ValueError, "label must hold one value for each of the 4"),
        (BOTH, {"label": LABEL - 1}, ValueError, "label must be at least 0, got -1 at example 0"),
        (BOTH, {"label": LABEL * 0.5}, TypeError, "label must hold whole numbers, got dtype float64"),
        (BOTH, {"held_out": LABEL}, TypeError, "held_out must hold booleans, got dtype int64"),
        (
            BOTH,
            {"colour": LABEL},
            TypeError,
            "examples have label, order, held_out, true_label; got 'colo",
        ),
    ],
)
def test_a_refused_batch_is_not_taken(tmp_path, activity, examples, kind, words):
    with writer(tmp_path / "a.nc", SIZES, **NOTES, keep_activation="float32") as out:
        out.append(BOTH, label=LABEL)
        with pytest.raises(kind, match=re.escape(words)):
            out.append(activity, **examples)
        out.append(BOTH, label=LABEL + 1)
    with Recording.open(tmp_path / "a.nc") as opened:
        assert opened.label.tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
        assert opened["relu1"].active().all()


@pytest.mark.parametrize(
    ("activity", "examples", "words"),
    [
        ({}, {}, "a recording must hold at least one example: append a batch"),
        (BOTH, {}, "label must hold one value for each of the 4 examples appended, got 0"),
        (
            BOTH,
            {"label": LABEL[:2]},
            "label must hold one value for each of the 4 examples appended, got 2",
        ),
        (BOTH, {"label": LABEL, "order": LABEL}, "order must give each example a position of its own"),
        (BOTH, {"label": LABEL, "held_out": [True]}, "held_out must hold one value for each of the 4"),
    ],
)
def test_what_cannot_end_leaves_no_file(tmp_path, activity, examples, words):
    def end():
        with writer(tmp_path / "a.nc", SIZES, **NOTES) as out:
            if activity:
                out.append(activity)
            out.examples(**examples)

    with pytest.raises(ValueError, match=words):
        end()
    assert os.listdir(tmp_path) == []
