"""Recordings in files: the same numbers come back, or a sentence does."""

import io
import os
import pickle
import re
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import h5netcdf
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from rote.cli import main
from rote.record import files
from rote.record.layers import LayerWeights
from rote.record.npz import open_npz, save_npz
from rote.record.recording import Recording
from rote.record.seal import BLOCK, FOOTER, SealedFile, seal
from rote.record.verification import verify

N_EXAMPLES = 60


def recorded(n_examples=N_EXAMPLES, n_units=5, *, epoch=12, keep="float32", seed=0):
    rng = np.random.default_rng(seed)
    activation = np.maximum(rng.normal(size=(n_examples, n_units)), 0)
    weights = LayerWeights(
        weight_in=rng.normal(size=(n_units, 4)).astype(np.float32), bias=np.ones(n_units)
    )
    return Recording.from_arrays(
        {"hidden_1": activation, "features.3": activation[:, :1] > 0},
        label=rng.integers(10, size=n_examples),
        true_label=rng.integers(10, size=n_examples),
        held_out=rng.random(n_examples) < 0.2,
        order=rng.permutation(n_examples),
        condition="memorizing",
        seed=3,
        epoch=epoch,
        source="normal draws, ±1",
        weights={"hidden_1": weights},
        keep_activation=keep,
        attrs={"training_accuracy": 1.0, "reached": True, "note": ""},
    )


def same(left, right):
    """Whether two recordings hold the same arrays, names and attributes."""
    return left.tree.load().identical(right.tree.load())


@pytest.fixture
def path(tmp_path):
    """The file of a small recording."""
    recorded().save(tmp_path / "a.nc")
    return tmp_path / "a.nc"


@settings(max_examples=40)
@given(
    n_examples=st.integers(1, 30),
    n_units=st.sampled_from([1, 2, 63, 64, 65, 130]),
    keep=st.sampled_from([False, "float16", "float32"]),
    seed=st.integers(0, 99),
)
def test_what_is_saved_is_what_is_opened(tmp_path_factory, n_examples, n_units, keep, seed):
    folder = tmp_path_factory.mktemp("round")
    recording = recorded(n_examples, n_units, keep=keep, seed=seed)
    recording.save(folder / "a.nc")
    save_npz(recording, folder / "a.npz")
    with Recording.open(folder / "a.nc") as opened:
        assert same(opened, recording)
        assert opened.attrs == recording.attrs
    assert same(open_npz(folder / "a.npz"), recording)


def test_the_same_recording_is_the_same_bytes(path):
    with Recording.open(path) as opened:
        opened.save(path.with_name("b.nc"))
        assert path.with_name("b.nc").read_bytes() == path.read_bytes()
        opened.save(path)  # over the file it is read from
        assert same(opened, recorded())


@pytest.mark.parametrize("engine", ["h5netcdf", "netcdf4"])
def test_other_programs_open_the_file(path, engine):
    if engine == "netcdf4":
        pytest.importorskip("netCDF4", exc_type=ImportError)
    with xr.open_datatree(path, engine=engine) as tree:
        words, n_units = tree["hidden_1/active_words"], tree["hidden_1"].attrs["n_units"]
        how = words.attrs["unpack"].partition(": ")[2]  # as the file itself says
        known = {"numpy": np, "words": words.to_numpy(), "n_units": n_units}
        assert (eval(how, known) == recorded()["hidden_1"].active()).all()
        assert same(Recording(tree), recorded())


def test_opening_reads_no_array_and_an_array_is_read_alone(tmp_path, monkeypatch):
    recorded(20_000, 200).save(tmp_path / "a.nc")
    size = (tmp_path / "a.nc").stat().st_size
    read, block = set(), SealedFile._block
    monkeypatch.setattr(SealedFile, "_block", lambda self, n: read.add(n) or block(self, n))
    with Recording.open(tmp_path / "a.nc") as recording:
        assert recording["hidden_1"].parts["activation"] == (20_000, 200)
        assert len(read) * BLOCK < 0.1 * size
        recording["hidden_1"].words()
        assert len(read) * BLOCK < 0.2 * size


def test_an_open_recording_still_reads_what_it_opened_when_the_file_is_replaced(path):
    with Recording.open(path) as opened:
        recorded(epoch=13).save(path)
        assert same(opened, recorded())


def test_a_closed_recording_says_so(path):
    with Recording.open(path) as opened:
        pass
    with pytest.raises(ValueError, match="Closed"):
        opened["hidden_1"].words()


def test_python_ends_well_with_a_recording_left_open(path):
    program = f"from rote.record import open\nkept = open({str(path)!r}); kept['hidden_1'].words()"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, b"")


# --- damage: an error that names the file, or the very same numbers


def outcome(opener, path, recording):
    """Return "same", "refused" or "WRONG" for the file at ``path``."""
    try:
        opened = opener(path)
        right = same(opened, recording)
        opened.close()
    except (ValueError, OSError) as error:
        return "refused" if str(path) in str(error) else f"WRONG: {error}"
    return "same" if right else "WRONG"


@pytest.mark.parametrize(("opener", "suffix"), [(Recording.open, "nc"), (open_npz, "npz")])
def test_a_file_cut_short_is_refused(tmp_path, rng, opener, suffix):
    path, recording = tmp_path / f"a.{suffix}", recorded()
    recording.save(path) if suffix == "nc" else save_npz(recording, path)
    content = path.read_bytes()
    anywhere = rng.choice(len(content), size=60, replace=False)
    for length in {*range(12), *range(len(content) - 60, len(content)), *anywhere.tolist()}:
        path.write_bytes(content[:length])
        assert outcome(opener, path, recording) == "refused", length
    path.write_bytes(content)
    assert outcome(opener, path, recording) == "same"


@pytest.mark.parametrize(
    ("opener", "suffix", "allowed"),
    [(Recording.open, "nc", {"refused"}), (open_npz, "npz", {"refused", "same"})],
)
def test_a_flipped_bit_is_refused_or_harmless(tmp_path, rng, opener, suffix, allowed):
    path, recording = tmp_path / f"a.{suffix}", recorded()
    recording.save(path) if suffix == "nc" else save_npz(recording, path)
    content = path.read_bytes()
    anywhere = rng.choice(len(content), size=200, replace=False)
    for place in {*range(8), *range(len(content) - 40, len(content)), *anywhere.tolist()}:
        damaged = bytearray(content)
        damaged[place] ^= 1 << rng.integers(8)
        path.write_bytes(damaged)
        assert outcome(opener, path, recording) in allowed, place


def test_damage_is_found_when_it_is_read_and_by_verify(tmp_path):
    path = tmp_path / "a.nc"
    recorded(40_000, 64, keep=False).save(path)
    content = bytearray(path.read_bytes())
    words = recorded(40_000, 64, keep=False)["hidden_1"].words()[20_000:20_004].tobytes()
    content[content.index(words)] ^= 4
    path.write_bytes(content)
    with Recording.open(path) as recording:
        assert recording["hidden_1"].bias.tolist() == [1] * 64  # lies elsewhere
        with pytest.raises(ValueError, match=r"a.nc is damaged between bytes \d+ and \d+: restore it"):
            recording["hidden_1"].active()
    with pytest.raises(ValueError, match=r"a.nc is damaged between bytes"):
        verify(path)


def test_verify_says_nothing_of_a_whole_file(path):
    assert verify(path) is None


# --- writing: the earlier file or the new one, never a part of either

KILLED = """
import os, signal, sys
import rote.record.{module} as module
from rote.record import Recording
with Recording.open({source!r}) as recording:
    module.{name} = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
    recording.save({target!r})
"""


@pytest.mark.parametrize(
    ("module", "name"), [("files", "seal"), ("writing", "os.fsync"), ("writing", "os.replace")]
)
@pytest.mark.parametrize("earlier", [True, False])
def test_a_killed_write_leaves_the_earlier_file(path, module, name, earlier):
    target = path.with_name("target.nc")
    if earlier:
        recorded(epoch=1).save(target)
    program = KILLED.format(module=module, name=name, source=str(path), target=str(target))
    killed = subprocess.run([sys.executable, "-c", program], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert target.exists() == earlier
    if earlier:
        with Recording.open(target) as opened:
            assert opened.epoch == 1
    recorded(epoch=2).save(target)
    verify(target)


NPZ_KILLED = """
import os, signal
import numpy as np
from rote.record import Recording, save_npz
with Recording.open({source!r}) as recording:
    save = np.savez_compressed
    def killed(file, **arrays):
        save(file, **arrays)
        file.flush()
        file.truncate({kept})
        os.kill(os.getpid(), signal.SIGKILL)
    np.savez_compressed = killed
    save_npz(recording, {target!r})
"""


@pytest.mark.parametrize("kept", [0, 1000, 10**6])
def test_a_killed_write_of_an_npz_leaves_the_earlier_one(path, kept):
    target = path.with_name("target.npz")
    save_npz(recorded(epoch=1), target)
    program = NPZ_KILLED.format(source=str(path), target=str(target), kept=kept)
    killed = subprocess.run([sys.executable, "-c", program], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert open_npz(target).epoch == 1
    save_npz(recorded(epoch=2), target)
    assert open_npz(target).epoch == 2


NPZ_FULL = """
import resource, signal, sys
from rote.record import Recording, save_npz
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with Recording.open({source!r}) as recording:
    for limit in {limits}:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        try:
            save_npz(recording, {target!r})
            sys.exit("saved")
        except OSError as error:
            assert "File too large" in str(error), error
"""


def test_a_full_disk_is_an_error_and_the_earlier_npz_stays(path):
    """At any place of the file: its arrays and the list of them at its end."""
    target = path.with_name("target.npz")
    save_npz(recorded(), target)
    before = target.read_bytes()
    limits = [0, 100, len(before) // 2, len(before) - 600, len(before) - 1]
    program = NPZ_FULL.format(source=str(path), target=str(target), limits=limits)
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert target.read_bytes() == before
    assert sorted(os.listdir(path.parent)) == [path.name, target.name]


def test_a_failed_write_leaves_nothing_besides(path, monkeypatch):
    before = path.read_bytes()

    def fail(_):
        raise OSError("No space left on device")

    monkeypatch.setattr(files, "seal", fail)
    with pytest.raises(OSError, match="No space left"):
        recorded(epoch=1).save(path)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    for save in (Recording.save, save_npz):
        with pytest.raises(FileNotFoundError, match=r"the folder .*nowhere does not exist; make it"):
            save(recorded(), tmp_path / "nowhere" / "a.nc")
        with pytest.raises(IsADirectoryError, match="it is a folder; give the name of a file"):
            save(recorded(), tmp_path)


# --- files of other kinds


def npz_bytes(**arrays):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def netcdf_bytes(folder: Path, **attrs):
    xr.Dataset({"t": ("x", np.arange(3))}, attrs=attrs).to_netcdf(folder / "x.nc", engine="h5netcdf")
    return (folder / "x.nc").read_bytes()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty: recordings are written by Recording.save"),
        (b"# a text", "is not a netCDF-4 file (it begins with b'# a text')"),
        (b"CDF\x01" + bytes(99), "is not a netCDF-4 file (it begins with b'CDF"),
        (npz_bytes(a=np.ones(3)), "is an npz or zip file: read it with rote.record.open_npz"),
    ],
)
def test_files_of_another_kind_are_named(tmp_path, content, words):
    path = tmp_path / "a.nc"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=re.escape(words)) as caught:
        Recording.open(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"recording .*b.nc does not exist: check the name"):
        Recording.open(tmp_path / "b.nc")
    with pytest.raises(IsADirectoryError, match=r"is a folder without label/rote\.seal: name one"):
        Recording.open(tmp_path)


def test_netcdf_of_another_kind_says_what_was_expected(tmp_path):
    (tmp_path / "a.nc").write_bytes(netcdf_bytes(tmp_path))
    with pytest.raises(ValueError, match=r"a.nc is netCDF or HDF5 of another kind.*active_words"):
        Recording.open(tmp_path / "a.nc")


def test_a_recording_changed_by_another_program_is_refused_until_taken_in_again(path):
    with h5netcdf.File(path, "a") as file:
        file.attrs["epoch"] = 99
    with pytest.raises(ValueError, match=r"a.nc is cut short or was changed after it was written"):
        Recording.open(path)
    with xr.open_datatree(path, engine="h5netcdf") as tree:
        Recording(tree).save(path)
    with Recording.open(path) as opened:
        assert opened.epoch == 99


def test_a_file_with_bytes_taken_out_of_its_middle_is_refused(path):
    content = path.read_bytes()
    path.write_bytes(content[:100] + content[200:])
    with pytest.raises(ValueError, match=r"a.nc is damaged \(the seal at its end does not fit\)"):
        Recording.open(path)
    assert len(content) > 200 + FOOTER.size


def test_another_version_of_the_schema_is_named_with_its_file(path, monkeypatch):
    monkeypatch.setattr("rote.record.schema.SCHEMA_VERSION", 2)
    with pytest.raises(ValueError, match=r"a.nc: recording has schema_version 1, this rote reads 2"):
        Recording.open(path)


# --- npz

MINE = {
    "relu1": np.array([[0.0, 1.5], [2.0, -3.0]]),
    "label": np.array([0, 1]),
    "condition": "unknown",
    "seed": 0,
    "epoch": 9,
    "source": "mine",
}


class Bomb:
    """An object whose unpickling would be seen."""

    def __reduce__(self):
        return pytest.fail, ("a pickle was loaded",)


def test_an_npz_of_ones_own_is_read(tmp_path):
    np.savez(tmp_path / "a.npz", **MINE)
    recording = open_npz(tmp_path / "a.npz")
    assert recording["relu1"].active().tolist() == [[False, True], [True, False]]
    assert recording["relu1"].activation()[1].tolist() == [2.0, -3.0]
    assert (recording.condition, recording.epoch, recording.true_label) == ("unknown", 9, None)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is not an npz file"),
        (pickle.dumps(Bomb()), "is not an npz file"),
        (
            npz_bytes(**{k: v for k, v in MINE.items() if k not in ("label", "seed")}),
            "lacks seed, label: an",
        ),
        (
            npz_bytes(**MINE, extra=np.array([Bomb()])),
            "array 'extra' of PATH is not a plain array (pickled",
        ),
        (
            npz_bytes(**MINE | {"seed": np.array([1, 2])}),
            "seed of PATH must be one value, got shape (2,)",
        ),
        (npz_bytes(**MINE | {"label": np.array([0.5, 1])}), "PATH: label must hold whole numbers, got"),
        (
            npz_bytes(**MINE | {"relu1": np.array([[np.nan]])}),
            "PATH: activation of layer 'relu1' must be",
        ),
        (
            npz_bytes(**MINE, **{"relu1/x": 1}),
            "PATH: array 'relu1/x' is not LAYER/ and one of weight_in",
        ),
        (npz_bytes(**MINE, attrs="{"), "PATH: attrs must be a JSON text, got '{'"),
        (npz_bytes(**MINE, attrs="[]"), "PATH: attrs must map names to texts and numbers, got list"),
    ],
)
def test_an_npz_that_cannot_be_read_is_refused_in_words(tmp_path, content, words):
    path = tmp_path / "a.npz"
    path.write_bytes(content)
    words = words.replace("PATH", str(path))
    with pytest.raises(ValueError, match=re.escape(words)) as caught:
        open_npz(path)
    assert str(path) in str(caught.value)


def test_info_reads_an_npz(tmp_path, capsys):
    save_npz(recorded(), tmp_path / "a.npz")
    assert main(["info", str(tmp_path / "a.npz")]) == 0
    assert "memorizing-3" in capsys.readouterr().out


def test_a_zip_and_nothing_are_no_npz(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.txt", "a")
    with pytest.raises(ValueError, match=r"is a zip file but not an npz file: it holds 'a.txt'"):
        open_npz(tmp_path / "a.zip")
    with pytest.raises(FileNotFoundError, match=r"npz file .*b.npz does not exist"):
        open_npz(tmp_path / "b.npz")


@given(st.lists(st.tuples(st.integers(0, 5 * BLOCK), st.integers(0, 4 * BLOCK)), max_size=5))
def test_any_stretch_of_a_sealed_file_is_its_content(tmp_path_factory, stretches):
    path = tmp_path_factory.mktemp("sealed") / "file"
    content = np.random.default_rng(0).bytes(4 * BLOCK + 1000)
    path.write_bytes(content)
    seal(path)
    with SealedFile(path) as sealed:
        for start, length in stretches:
            sealed.seek(start)
            assert sealed.read(length) == content[start : start + length]
            assert sealed.tell() == start + len(content[start : start + length])


@pytest.mark.parametrize("left", [0, BLOCK, 2 * BLOCK - 1])
def test_a_file_cut_short_while_it_is_open_is_damaged(tmp_path, left):
    path = tmp_path / "file"
    path.write_bytes(np.random.default_rng(0).bytes(3 * BLOCK))
    seal(path)
    with SealedFile(path) as sealed:
        os.truncate(path, left)
        place = left // BLOCK * BLOCK
        with pytest.raises(ValueError, match=f"is damaged between bytes {place} and {place + BLOCK}"):
            sealed.read(3 * BLOCK)
