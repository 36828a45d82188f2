"""Recordings measured in portions: the same as at once, in bounded memory, on several machines."""

import operator
import shutil
import subprocess
import sys
from dataclasses import replace
from functools import partial, reduce
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rote.activity.measurement import measure as measure_activity
from rote.record import portions
from rote.record.layers import RecordedLayer
from rote.record.measures import measure, tally
from rote.record.recording import Recording

N_EXAMPLES = 200


def recorded(seed=0, *, ordered=False, n_units=70):
    rng = np.random.default_rng(seed)
    activation = np.maximum(rng.normal(size=(N_EXAMPLES, n_units)), 0)
    return Recording.from_arrays(
        {"a": activation, "b": activation[:, :3] > 1},
        label=rng.integers(4, size=N_EXAMPLES),
        order=np.arange(N_EXAMPLES) * 3 if ordered else rng.permutation(N_EXAMPLES),
        held_out=rng.random(N_EXAMPLES) < 0.2,
        condition="memorizing",
        seed=3,
        epoch=12,
        source="draws",
        keep_activation="float32",
    )


def assert_same(left, right):
    for field in type(left).__slots__:
        np.testing.assert_array_equal(getattr(left, field), getattr(right, field), err_msg=field)


def random(seed):
    return None if seed is None else np.random.default_rng(seed)


def with_shuffled(statistics, recording, chosen):
    """Put in the windows of the order drawn from seed 8, measured in memory."""
    presented = chosen[np.argsort(recording.order[chosen])]
    shuffled = recording["a"].active()[random(8).permutation(presented)]
    histogram = statistics.window_histogram.copy()
    histogram[2] = measure_activity(shuffled, window=5).window_histogram[0]
    return replace(statistics, window_histogram=histogram)


@settings(max_examples=8)
@given(
    ordered=st.booleans(),
    held_out=st.sampled_from([True, False, None]),
    rows=st.sampled_from([1, 64, 1000]),
    gathered=st.sampled_from([1, 7, 50, 10_000]),
    cuts=st.lists(st.integers(1, 199), max_size=4),
)
def test_portions_and_stretches_do_not_matter(tmp_path_factory, ordered, held_out, rows, gathered, cuts):
    """Against activity in memory, put in order and measured at once."""
    recording = recorded(ordered=ordered)
    path = tmp_path_factory.mktemp("stream") / "a.nc"
    recording.save(path)
    chosen = np.flatnonzero([held_out in (None, each) for each in recording.held_out])
    due = measure_activity(
        recording["a"].active()[chosen],
        labels=recording.label[chosen],
        n_classes=4,
        order=recording.order[chosen],
        activation=recording["a"].activation()[chosen],
        window=5,
    )
    with pytest.MonkeyPatch.context() as patch, Recording.open(path) as opened:
        patch.setattr(portions, "MOST_ROWS", rows)
        patch.setattr(portions, "GATHERED", 16 * gathered)
        assert_same(measure(opened, held_out=held_out, window=5)["a"], due)
        edges = sorted({0, chosen.size, *(cut % chosen.size for cut in cuts)})
        for seed, whole in ((None, due), (8, with_shuffled(due, opened, chosen))):
            parts = [
                tally(opened, "a", start=start, stop=stop, held_out=held_out, window=5, rng=random(seed))
                for start, stop in pairwise(edges)
            ]
            assert_same(reduce(operator.add, parts).statistics(), whole)


def test_a_random_order_is_the_same_for_all_layers_and_any_portions(monkeypatch):
    recording, found = recorded(), []
    for rows in (1000, 9):
        monkeypatch.setattr(portions, "MOST_ROWS", rows)
        monkeypatch.setattr(portions, "GATHERED", 16 * rows)
        found.append(measure(recording, rng=np.random.default_rng(8), window=5))
    for name in recording.layers:
        assert_same(found[0][name], found[1][name])
        assert found[0][name].n_windows[2] == found[0][name].n_windows[0]
    shuffled = np.random.default_rng(8).permutation(
        np.flatnonzero(~recording.held_out)[np.argsort(recording.order[~recording.held_out])]
    )
    due = measure_activity(recording["a"].active()[shuffled], window=5)
    np.testing.assert_array_equal(found[0]["a"].window_square[2], due.window_square[0])


@pytest.mark.parametrize("ordered", [True, False])
def test_the_file_is_read_once_in_any_order_and_however_large(tmp_path, monkeypatch, ordered):
    """Bits once; out of order a second time beside the activations that they belong to."""
    recorded(ordered=ordered).save(tmp_path / "a.nc")
    monkeypatch.setattr(portions, "MOST_ROWS", 64)
    monkeypatch.setattr(portions, "GATHERED", 16 * 10)  # twenty portions
    read = []
    for part in ("words", "activation"):
        between = getattr(RecordedLayer, f"{part}_between")

        def noted(layer, start, stop, part=part, between=between):
            read.extend((layer.name, part, row) for row in range(start, stop))
            return between(layer, start, stop)

        monkeypatch.setattr(RecordedLayer, f"{part}_between", noted)
    with Recording.open(tmp_path / "a.nc") as opened:
        measure(opened, held_out=None)
    once = {(layer, part, row) for layer, part in PARTS for row in range(N_EXAMPLES)}
    again = [] if ordered else [("a", "words", row) for row in range(N_EXAMPLES)]
    assert sorted(read) == sorted([*once, *again])


PARTS = [("a", "words"), ("a", "activation"), ("b", "words")]


def test_no_space_to_put_bits_in_order_is_said(monkeypatch):
    monkeypatch.setattr(portions, "GATHERED", 16 * 10)

    class Full:
        """A temporary file on a full disk."""

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def seek(self, place):
            pass

        def write(self, words):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.TemporaryFile", Full)
    with pytest.raises(OSError, match="no space for a layer's bits in another order"):
        measure(recorded())


def test_a_stretch_that_is_not_there_is_named():
    n = int((~recorded().held_out).sum())
    for start, stop in ((5, 5), (0, n + 1), (n, None)):
        with pytest.raises(ValueError, match=f"must follow 0 <= start < stop <= {n}, got {start} and"):
            tally(recorded(), "a", start=start, stop=stop)
    with pytest.raises(KeyError, match="no layer 'x'; this recording holds a, b"):
        tally(recorded(), "x")


def test_what_another_program_wrote_is_checked_when_it_is_counted():
    for part, value, words in (("activation", np.nan, "finite"), ("active_words", 2**63, "bits behind")):
        tree = recorded().tree.copy(deep=True)
        layer = tree["a"].to_dataset(inherit=False)
        values = layer[part].to_numpy().copy()
        values[1, -1] = value
        tree["a"] = layer.assign({part: (layer[part].dims, values)})
        with pytest.raises(ValueError, match=f"layer 'a' of recording memorizing-3: .*{words}"):
            measure(Recording(tree), held_out=None)


def count_on_worker(path, start, stop):
    """Count a stretch where the file is read anew, as on another machine."""
    with Recording.open(path) as opened:
        return tally(opened, "a", start=start, stop=stop, rng=random(8))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_stretches_counted_on_a_dask_cluster_are_the_whole(tmp_path):
    distributed = pytest.importorskip("distributed", reason="pip install 'rote[dask]'")
    recorded().save(tmp_path / "a.nc")
    with Recording.open(tmp_path / "a.nc") as opened:
        due, n = measure(opened, rng=random(8))["a"], int((~opened.held_out).sum())
    edges = [n * part // 5 for part in range(6)]
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        stretches = client.map(partial(count_on_worker, tmp_path / "a.nc"), edges[:-1], edges[1:])
        assert_same(reduce(operator.add, client.gather(stretches)).statistics(), due)


LARGE = """
import os, sys
import numpy as np
import rote
from rote.record.keepers import Running
path, kind, n_units, n_batches = *sys.argv[1:3], *map(int, sys.argv[3:])
rows = 4096 if kind == "activations" else 16_384  # a batch of 16 MiB

def peak():
    # of this process alone: what getrusage tells begins with the peak of the one that started it
    with open("/proc/self/status") as status:
        return float(status.read().partition("VmHWM:")[2].split()[0]) / 2**10

def batches(n_batches):
    rng = np.random.default_rng(0)
    words = rng.integers(2**64, size=(rows, n_units // 64), dtype=np.uint64)
    words &= rng.integers(2**64, size=words.shape, dtype=np.uint64)
    if kind == "activations":
        steps = (np.arange(rows, dtype=np.float32) % 16 + 1) / 8
        words = rote.activity.unpack(words, n_units) * steps[:, None]
    for batch in range(n_batches):
        yield np.roll(words, batch, axis=0), np.arange(rows) % 10

def save(n_batches):
    notes = dict(condition="unknown", seed=0, epoch=0, source="random bits")
    if kind == "activations":
        notes["keep_activation"] = "float32"
    with rote.record.writer(path, {"a": n_units}, **notes) as out:
        for values, label in batches(n_batches):
            out.append({"a": values}, label=label)
        if kind == "shuffled":
            out.examples(order=np.random.default_rng(1).permutation(n_batches * rows))

def count(n_batches):
    if kind == "statistics":
        running = Running(n_classes=10, pairs=False)
        running.begin({"a": n_units}, {}, {})
        for values, label in batches(n_batches):
            running.label(label)
            running.add({"a": values})
        return running.statistics()["a"]
    with rote.record.open(path) as recording:
        return rote.measure(recording, pairs=False)["a"]

if kind != "statistics":
    save(1)
count(1)
before = peak()
if kind != "statistics":
    save(n_batches)
written = peak()
measured = count(n_batches)
once = np.bincount(np.arange(rows) % 10)
assert (measured.class_examples == n_batches * once).all()
assert measured.population_histogram.sum() == n_batches * rows
size = os.path.getsize(path) if kind != "statistics" else n_batches * rows * n_units // 8
print(size / 2**20, written - before, peak() - before)
"""
GIGABYTE = 10**9


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system does not tell the peak")
@pytest.mark.parametrize(
    ("kind", "n_units", "n_batches", "least"),
    [
        ("bits", 8192, 256, 4.2),
        ("shuffled", 8192, 32, 0.5),
        ("activations", 1024, 64, 0.1),  # a gigabyte of them, compressed
        ("statistics", 8192, 64, 1.0),
    ],
)
def test_gigabytes_are_written_and_measured_in_a_fraction_of_their_memory(
    tmp_path, kind, n_units, n_batches, least
):
    """Beyond what a small recording takes, memory holds a few numbers for each example, and portions."""
    if (free := shutil.disk_usage(tmp_path).free) < 10 * GIGABYTE:
        pytest.skip(f"needs 10 GB on the disk, {free / GIGABYTE:.1f} GB are free")
    command = [sys.executable, "-c", LARGE, str(tmp_path / "a.nc"), kind, str(n_units), str(n_batches)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    (tmp_path / "a.nc").unlink(missing_ok=True)
    assert done.returncode == 0, done.stderr
    size, to_write, to_measure = map(float, done.stdout.split())
    assert size > least * GIGABYTE / 2**20
    examples = n_batches * 16_384 * 8 / 2**20  # MiB of one number for each example, at most
    portions = 320 if kind == "shuffled" else 96  # MiB at hand: one that is counted, one that is read
    assert to_write < 8 * examples + 64
    assert to_measure < 8 * examples + portions
