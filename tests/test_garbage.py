"""Files that are no recordings: one clear sentence each, whatever they hold; nothing in them is run."""

import json
import pickle
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rote.cli import main
from rote.record.description import describe
from rote.record.layers import LayerWeights
from rote.record.measures import measure
from rote.record.netcdf import NetcdfFile
from rote.record.npz import open_npz, save_npz
from rote.record.recording import Recording
from rote.record.seal import MARK, seal
from rote.record.verification import verify

HDF5 = b"\x89HDF\r\n\x1a\n"


class Bomb:
    """An object whose unpickling would be seen."""

    def __reduce__(self):
        return pytest.fail, ("a pickle was loaded",)


PICKLE = pickle.dumps(Bomb())
HEADS = st.sampled_from(
    [b"", HDF5, HDF5 + b"\0", b"PK\3\4", b"PK\5\6", b"CDF\1", b"\x93NUMPY\1\0", PICKLE]
)
TAILS = st.sampled_from([b"", MARK, bytes(12) + MARK, b"PK\5\6" + bytes(18), PICKLE])


def sentence(call, path):
    """Return the sentence with which ``call`` refuses ``path``."""
    with pytest.raises(ValueError, match=r"\w") as caught:
        call(path)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < 400
    return str(caught.value)


@settings(max_examples=150)
@given(HEADS, st.binary(max_size=600), TAILS, st.booleans())
def test_garbage_is_refused_in_one_sentence(tmp_path_factory, head, middle, tail, sealed):
    path = tmp_path_factory.mktemp("garbage") / "a.nc"
    path.write_bytes(head + middle + tail)
    assert sentence(open_npz, path)
    if sealed:
        seal(path)
    assert sentence(Recording.open, path)
    assert main(["info", str(path)]) == 2


@settings(max_examples=40)
@given(st.dictionaries(st.sampled_from(["label", "x", "seed"]), st.binary(max_size=80), min_size=1))
def test_an_npz_of_garbage_arrays_is_refused(tmp_path_factory, members):
    path = tmp_path_factory.mktemp("garbage") / "a.npz"
    for prefix in (b"", b"\x93NUMPY\1\0v\0", PICKLE):
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in members.items():
                archive.writestr(f"{name}.npy", prefix + content)
        assert sentence(open_npz, path)


def sealed_folder(folder, files):
    """Write ``files`` and their seal into ``folder``."""
    lines = [f"{len(content)} {zlib.crc32(content)} {name}\n" for name, content in files.items()]
    table = "".join(lines).encode()
    files = files | {"label/rote.seal": f"rote-seal-1 {zlib.crc32(table)}\n".encode() + table}
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


@settings(max_examples=40)
@given(
    st.one_of(
        st.binary(max_size=60),
        st.recursive(
            st.none() | st.integers() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner) | st.dictionaries(st.sampled_from(["codecs", "node_type"]), inner)
            ),
            max_leaves=6,
        ).map(lambda value: json.dumps(value).encode()),
    )
)
def test_a_zarr_folder_of_garbage_is_refused(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("garbage") / "a.zarr"
    root = b'{"zarr_format": 3, "node_type": "group", "attributes": {}}'
    sealed_folder(path, {"zarr.json": content})
    assert sentence(Recording.open, path)
    sealed_folder(path, {"zarr.json": root, "label/zarr.json": content})
    assert sentence(Recording.open, path)


@pytest.mark.parametrize("content", [b"", b"rote-seal-1 0\n", b"rote-seal-1 x\n", PICKLE])
def test_a_seal_of_garbage_is_refused(tmp_path, content):
    (tmp_path / "label").mkdir()
    (tmp_path / "label/rote.seal").write_bytes(content)
    assert sentence(Recording.open, tmp_path)


def test_zarr_arrays_of_pickles_are_refused_before_they_are_read(tmp_path):
    """In format 3 by its codec's name; in format 2, which unpickles such arrays, altogether."""
    array = {
        "zarr_format": 3,
        "node_type": "array",
        "shape": [1],
        "data_type": "int64",
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [1]}},
        "chunk_key_encoding": {"name": "default"},
        "fill_value": 0,
        "codecs": [{"name": "bytes"}, {"name": "numcodecs.pickle"}],
    }
    root = {"zarr_format": 3, "node_type": "group", "attributes": {"schema": "rote-recording"}}
    third = {"zarr.json": root, "label/zarr.json": array}
    files = {name: json.dumps(content).encode() for name, content in third.items()}
    sealed_folder(tmp_path / "three", files | {"label/c/0": PICKLE})
    words = sentence(Recording.open, tmp_path / "three")
    assert "packed by 'numcodecs.pickle' (label/zarr.json); allowed are bytes, zstd" in words
    second = {
        ".zgroup": {"zarr_format": 2},
        "label/.zarray": {
            "zarr_format": 2,
            "shape": [1],
            "chunks": [1],
            "dtype": "|O",
            "filters": [{"id": "pickle"}],
            "compressor": None,
            "fill_value": None,
            "order": "C",
        },
    }
    files = {name: json.dumps(content).encode() for name, content in second.items()}
    sealed_folder(tmp_path / "two", files | {"label/0": PICKLE})
    assert sentence(Recording.open, tmp_path / "two")


def test_an_array_file_is_no_npz(tmp_path):
    np.save(tmp_path / "a.npy", np.ones(3))
    assert sentence(open_npz, tmp_path / "a.npy")


# --- real files, changed inside and sealed again: not even the seal tells

NOTES = {"condition": "unknown", "seed": 0, "epoch": 0, "source": "drawn"}


def real():
    activity = np.random.default_rng(0).normal(size=(300, 70))
    weights = {"a": LayerWeights(bias=np.ones(70))}
    layers = {"a": activity, "b": activity[:, :3] > 0}
    return Recording.from_arrays(
        layers, label=np.arange(300) % 3, weights=weights, keep_activation="float32", **NOTES
    )


def use(path):
    """Do with a recording all that reads it."""
    with Recording.open(path) as opened:
        describe(opened)
        measure(opened)
        opened.save(path.with_name("copy.nc"))
    verify(path)


def outcome(call, path):
    """Return what is wrong about the way in which ``call`` refuses ``path``, if anything is."""
    try:
        call(path)
    except (ValueError, OSError) as error:
        words = str(error)
        good = str(path) in words and "\n" not in words and len(words) < 500
        return "" if good else f"{type(error).__name__}: {words}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


CHANGED = """
import sys
from pathlib import Path
import numpy as np
sys.path.insert(0, {tests!r})
from rote.record.seal import FOOTER
from test_garbage import outcome, real, seal, use
path = Path({path!r})
real().save(path)
whole = path.read_bytes()
content = whole[: FOOTER.unpack(whole[-FOOTER.size :])[0]]
rng = np.random.default_rng({seed})
for number in range({n}):
    damaged = bytearray(content)
    for place in rng.integers(len(content), size=rng.choice([1, 3, 30])):
        damaged[place] = rng.choice([0, 1, 255, rng.integers(256)])
    path.write_bytes(damaged)
    seal(path)
    if wrong := outcome(use, path):
        print(number, wrong)
"""


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_a_netcdf_file_changed_inside_and_sealed_again_gives_one_sentence(tmp_path, seed):
    """In a process of its own, which HDF5 might bring down."""
    path = str(tmp_path / "a.nc")
    program = CHANGED.format(tests=str(Path(__file__).parent), path=path, seed=seed, n=40)
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Object at .* is not recognized:UserWarning")
def test_a_zarr_folder_changed_inside_and_sealed_again_gives_one_sentence(tmp_path, rng):
    path = tmp_path / "a.zarr"
    real().save(path)
    listed = (path / "label/rote.seal").read_text().splitlines()[1:]
    files = {name: (path / name).read_bytes() for name in (line.split(" ", 2)[2] for line in listed)}
    for name, content in files.items():
        for _ in range(6 if name.endswith(".json") else 1):
            damaged = bytearray(content)
            for place in rng.integers(len(content), size=rng.choice([1, 3])):
                damaged[place] = rng.choice([0, 48, 57, 255, rng.integers(256)])
            sealed_folder(path, files | {name: bytes(damaged)})
            assert not outcome(use, path), (name, bytes(damaged))
        sealed_folder(path, {each: files[each] for each in files if each != name})
        assert not outcome(use, path), name


def test_an_npz_changed_inside_gives_one_sentence(tmp_path, rng):
    path = tmp_path / "a.npz"
    save_npz(real(), path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    for name, content in members.items():
        for _ in range(8):
            damaged = bytearray(content)
            for place in rng.integers(min(len(content), 200), size=3):  # the head says kind and shape
                damaged[place] = rng.choice([0, 32, 48, 57, 255, rng.integers(256)])
            with zipfile.ZipFile(path, "w") as archive:
                for each, whole in members.items():
                    archive.writestr(each, bytes(damaged) if each == name else whole)
            assert not outcome(open_npz, path), (name, bytes(damaged[:128]))


@pytest.mark.parametrize("shape", ["(10000000000000,)", "(3, 99999999999999999999)", "(-1,)"])
def test_an_npz_that_claims_numbers_without_end_is_refused(tmp_path, shape):
    path, head = tmp_path / "a.npz", f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}"
    member = b"\x93NUMPY\1\0v\0" + head.encode().ljust(117) + b"\n" + bytes(80)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("label.npy", member)
    assert "array 'label' of" in sentence(open_npz, path)


def test_a_file_that_claims_numbers_without_end_is_refused(tmp_path):
    """A few bytes of HDF5 can say that an array has any number of rows, all of them zero."""
    path = tmp_path / "a.nc"
    recording = real()
    with NetcdfFile(path) as file:
        file.write("", recording.tree.to_dataset().isel(example=[0, 1, 2]))
        for name in recording.layers:
            layer = recording.tree[name].to_dataset(inherit=False).isel(example=[0, 1, 2])
            file.write_rows(name, "active_words", 10**9, layer["active_words"].to_numpy())
    with h5py.File(path, "r+") as file:
        for name in ("label", "order", "held_out"):
            kind, attrs = file[name].dtype, dict(file[name].attrs)
            del file[name]
            file.create_dataset(name, (10**9 + 3,), kind, chunks=(1 << 20,)).attrs.update(attrs)
    seal(path)
    assert "claims" in sentence(Recording.open, path)
