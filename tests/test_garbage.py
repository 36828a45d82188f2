"""Files that are no recordings: one clear sentence each, whatever they hold; nothing in them is run."""

import json
import pickle
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rote.cli import main
from rote.record.npz import open_npz
from rote.record.recording import Recording
from rote.record.seal import MARK, seal

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
    import zipfile

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
