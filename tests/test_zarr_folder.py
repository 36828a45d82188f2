"""Recordings in Zarr folders: the same numbers come back, or a sentence does."""

import os
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr

from rote import measure
from rote.cli import main
from rote.record import files
from rote.record.appending import writer
from rote.record.layers import LayerWeights
from rote.record.recording import Recording
from rote.record.verification import verify

NOTES = {"condition": "memorizing", "seed": 3, "epoch": 12, "source": "draws, ±1"}
N_EXAMPLES = 100


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    """Let the arrays of these tests have several chunks."""
    monkeypatch.setattr(files, "CHUNK", 4096)


def arrays():
    rng = np.random.default_rng(0)
    activation = np.maximum(rng.normal(size=(N_EXAMPLES, 70)), 0).astype(np.float32)
    return {"z": activation, "a.3": activation[:, :5]}, rng.integers(4, size=N_EXAMPLES)


def recorded():
    activity, label = arrays()
    weights = {"z": LayerWeights(weight_in=np.ones((70, 4)), bias=np.arange(70))}
    return Recording.from_arrays(
        activity, label=label, **NOTES, weights=weights, keep_activation="float32", attrs={"note": "x"}
    )


@pytest.fixture
def path(tmp_path):
    """The Zarr folder of a small recording."""
    recorded().save(tmp_path / "a.zarr")
    return tmp_path / "a.zarr"


def contents(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_what_is_saved_is_what_is_opened(path):
    with Recording.open(path) as opened:
        assert opened.layers == ("z", "a.3")
        assert opened.tree.load().identical(recorded().tree)
    with xr.open_datatree(path, engine="zarr", consolidated=False) as tree:
        assert Recording(tree).tree.load().identical(recorded().tree)
    assert verify(path) is None


def test_from_one_kind_of_file_to_the_other_and_back(path):
    with Recording.open(path) as opened:
        opened.save(path.with_name("b.nc"))
    with Recording.open(path.with_name("b.nc")) as opened:
        opened.save(path.with_name("c.zarr"))
    assert contents(path.with_name("c.zarr")) == contents(path)


@pytest.mark.parametrize("step", [1, 33, 100])
def test_any_batches_give_the_same_folder(path, step):
    activity, label = arrays()
    weights = {"z": LayerWeights(weight_in=np.ones((70, 4)), bias=np.arange(70))}
    options = {"weights": weights, "keep_activation": "float32", "attrs": {"note": "x"}}
    with writer(path.with_name("b.zarr"), {"z": 70, "a.3": 5}, **NOTES, **options) as out:
        for start in range(0, N_EXAMPLES, step):
            rows = slice(start, start + step)
            out.append({name: values[rows] for name, values in activity.items()}, label=label[rows])
    assert contents(path.with_name("b.zarr")) == contents(path)


def test_measures_are_those_of_the_recording_in_memory(path):
    with Recording.open(path) as opened:
        for name, measured in measure(opened).items():
            due = measure(recorded())[name]
            for field in type(due).__slots__:
                np.testing.assert_array_equal(getattr(measured, field), getattr(due, field))


def test_info_reads_a_folder(path, capsys):
    assert main(["info", str(path)]) == 0
    assert "100 trained on, 0 held out, 4 classes" in capsys.readouterr().out


def test_opening_reads_labels_and_weights_alone(path, monkeypatch):
    from rote.record.zarr_folder import SealedStore

    read, content = [], SealedStore._content
    monkeypatch.setattr(SealedStore, "_content", lambda self, n: read.append(n) or content(self, n))
    with Recording.open(path) as opened:
        at_first = {name for name in read if "/c/" in name}
        assert at_first == {"label/c/0", "order/c/0", "z/weight_in/c/0/0", "z/bias/c/0"}
        opened["a.3"].words_between(0, 10)
        assert {name for name in read if "/c/" in name} - at_first == {"a.3/active_words/c/0/0"}


# --- damage


def test_a_folder_with_any_file_missing_or_cut_short_is_refused(path):
    whole = contents(path)
    for name, content in whole.items():
        for damage in (None, content[:-1], content[: len(content) // 2]):
            if damage is None:
                (path / name).unlink()
            elif damage != content:
                (path / name).write_bytes(damage)
            else:
                continue
            with pytest.raises(
                (ValueError, OSError), match=r"is cut short or was ch|is damaged|is a folder"
            ):
                Recording.open(path)
            (path / name).write_bytes(content)
    assert Recording.open(path).tree.load().identical(recorded().tree)


def test_a_flipped_bit_is_found_when_it_is_read_and_by_verify(path, rng):
    for name, content in contents(path).items():
        damaged = bytearray(content)
        damaged[rng.integers(len(content))] ^= 1 << rng.integers(8)
        (path / name).write_bytes(damaged)
        with pytest.raises(ValueError, match=r"a\.zarr is damaged in .*: restore it or record it again"):
            Recording.open(path).tree.load()
        with pytest.raises(ValueError, match=r"a\.zarr is damaged in "):
            verify(path)
        (path / name).write_bytes(content)
    verify(path)


def test_a_folder_changed_by_another_program_is_refused_until_taken_in_again(path):
    with xr.open_datatree(path, engine="zarr", consolidated=False) as tree:
        xr.Dataset(attrs=tree.attrs | {"epoch": 99}).to_zarr(path, mode="a", consolidated=False)
    with pytest.raises(ValueError, match=r"a\.zarr is (damaged|cut short or was changed)"):
        Recording.open(path)
    with xr.open_datatree(path, engine="zarr", consolidated=False) as tree:
        Recording(tree).save(path.with_name("b.zarr"))
    with Recording.open(path.with_name("b.zarr")) as opened:
        assert opened.epoch == 99


def test_a_closed_recording_says_so(path):
    with Recording.open(path) as opened:
        pass
    with pytest.raises(ValueError, match="Closed"):
        opened["z"].words()


def test_a_zarr_folder_of_another_kind_is_refused(tmp_path):
    xr.Dataset({"label": ("x", [1.0])}).to_zarr(tmp_path / "a.zarr", consolidated=False)
    with pytest.raises(
        IsADirectoryError, match=r"a folder without label/rote\.seal: name one file in it"
    ):
        Recording.open(tmp_path / "a.zarr")


# --- whole or absent


FULL = """
import resource, signal, sys
import numpy as np
from rote.record import LayerWeights, Recording, files, writer
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
files.CHUNK = 1 << 16
rng = np.random.default_rng(0)
activity, label = rng.normal(size=(4096, 640)).astype(np.float32), np.zeros(4096, int)
notes = dict(condition="unknown", seed=0, epoch=0, source="")
weights = {{"a": LayerWeights(weight_in=rng.normal(size=(640, 3000)))}}  # several chunks at once
whole = Recording.from_arrays(
    {{"a": activity}}, label=label, **notes, weights=weights, keep_activation="float32"
)
for limit in {limits}:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        whole.save({path!r})
        sys.exit("saved")
    except OSError as error:
        assert "File too large" in str(error) and ".a.zarr" in str(error), error
    if limit > 60_000:
        continue  # only the weights are larger
    try:
        with writer({path!r}, {{"a": 640}}, **notes) as out:
            for batch in range(4):
                out.append({{"a": activity}}, label=label)
        sys.exit("written")
    except OSError as error:
        assert "File too large" in str(error), error
"""


def test_a_full_disk_is_an_error_and_nothing_is_left(tmp_path):
    """At any file: a group's or an array's attributes, bits, activations and weights."""
    limits = [0, 100, 400, 5000, 40_000, 60_000, 200_000]
    program = FULL.format(limits=limits, path=str(tmp_path / "a.zarr"))
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert os.listdir(tmp_path) == []


KILLED = """
import os, signal
import numpy as np
from rote.record import writer
with writer({path!r}, {{"a": 640}}, condition="unknown", seed=0, epoch=0, source="") as out:
    out.append({{"a": np.ones((40960, 640), bool)}}, label=np.zeros(40960, int))
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_writer_leaves_no_folder_of_that_name(tmp_path):
    program = KILLED.format(path=str(tmp_path / "a.zarr"))
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == -signal.SIGKILL
    assert not (tmp_path / "a.zarr").exists()


def test_a_folder_that_is_there_is_kept_and_a_failed_one_leaves_nothing(path, monkeypatch):
    before = contents(path)
    with pytest.raises(FileExistsError, match=r"cannot write .*a\.zarr: it exists; remove it first"):
        recorded().save(path)
    assert contents(path) == before

    def full(*_):
        raise OSError(28, "No space left on device")

    shutil.rmtree(path)
    monkeypatch.setattr("rote.record.zarr_writing.ZarrFolder.seal", full)
    with pytest.raises(OSError, match="No space left"):
        recorded().save(path)
    assert os.listdir(path.parent) == []
