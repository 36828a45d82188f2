"""Recordings measured in portions: the same as at once, in bounded memory, on several machines."""

import operator
import subprocess
import sys
from functools import partial, reduce
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rote.activity.measurement import measure as measure_activity
from rote.record import portions
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


@settings(max_examples=8)
@given(
    ordered=st.booleans(),
    held_out=st.sampled_from([True, False, None]),
    rows=st.sampled_from([7, 64, 1000]),
    gathered=st.sampled_from([1, 50, 10_000]),
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
        patch.setattr(portions, "ROWS", rows)
        patch.setattr(portions, "GATHERED", 16 * gathered)
        patch.setattr(portions, "READ", 4 * 70 * rows)
        assert_same(measure(opened, held_out=held_out, window=5)["a"], due)
        edges = sorted({0, chosen.size, *(cut % chosen.size for cut in cuts)})
        count = partial(tally, opened, "a", held_out=held_out, window=5)
        parts = [count(start=start, stop=stop) for start, stop in pairwise(edges)]
        assert_same(reduce(operator.add, parts).statistics(), due)


def test_a_random_order_is_the_same_for_all_layers_and_any_portions(monkeypatch):
    recording, found = recorded(), []
    for rows in (1000, 9):
        monkeypatch.setattr(portions, "ROWS", rows)
        monkeypatch.setattr(portions, "GATHERED", 8)
        found.append(measure(recording, rng=np.random.default_rng(8), window=5))
    for name in recording.layers:
        assert_same(found[0][name], found[1][name])
        assert found[0][name].n_windows[2] == found[0][name].n_windows[0]
    shuffled = np.random.default_rng(8).permutation(
        np.flatnonzero(~recording.held_out)[np.argsort(recording.order[~recording.held_out])]
    )
    due = measure_activity(recording["a"].active()[shuffled], window=5)
    np.testing.assert_array_equal(found[0]["a"].window_square[2], due.window_square[0])


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
        return tally(opened, "a", start=start, stop=stop)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_stretches_counted_on_a_dask_cluster_are_the_whole(tmp_path):
    distributed = pytest.importorskip("distributed", reason="pip install 'rote[dask]'")
    recorded().save(tmp_path / "a.nc")
    with Recording.open(tmp_path / "a.nc") as opened:
        due, n = measure(opened)["a"], int((~opened.held_out).sum())
    edges = [n * part // 5 for part in range(6)]
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        stretches = client.map(partial(count_on_worker, tmp_path / "a.nc"), edges[:-1], edges[1:])
        assert_same(reduce(operator.add, client.gather(stretches)).statistics(), due)


LARGE = """
import os, resource, sys
import numpy as np
import rote
path, n_units, n_batches, rows = sys.argv[1], 2048, 512, 16_384

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

def save(n_batches):
    rng = np.random.default_rng(0)
    words = rng.integers(2**64, size=(rows, n_units // 64), dtype=np.uint64)
    words &= rng.integers(2**64, size=words.shape, dtype=np.uint64)
    notes = dict(condition="unknown", seed=0, epoch=0, source="random bits")
    with rote.record.writer(path, {"a": n_units}, **notes) as out:
        for batch in range(n_batches):
            out.append({"a": np.roll(words, batch, axis=0)}, label=np.arange(rows) % 10)

save(1)
with rote.record.open(path) as recording:
    rote.measure(recording)
before = peak()
save(n_batches)
written = peak()
with rote.record.open(path) as recording:
    measured = rote.measure(recording)["a"]
size = os.path.getsize(path) / 2**20
once = np.bincount(np.arange(rows) % 10)
assert (measured.class_examples == n_batches * once).all()
assert measured.population_histogram.sum() == n_batches * rows
print(size, written - before, peak() - before)
"""


@pytest.mark.slow
def test_two_gigabytes_are_written_and_measured_in_a_fraction_of_their_memory(tmp_path):
    """Beyond what a small recording takes, memory holds a few numbers for each example."""
    command = [sys.executable, "-c", LARGE, str(tmp_path / "a.nc")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    (tmp_path / "a.nc").unlink(missing_ok=True)
    assert done.returncode == 0, done.stderr
    size, to_write, to_measure = map(float, done.stdout.split())
    assert size > 2000
    examples = 512 * 16_384 * 8 / 2**20  # MiB of one number for each example
    assert to_write < 6 * examples
    assert to_measure < 8 * examples
