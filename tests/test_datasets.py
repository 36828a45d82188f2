"""Data sets: pixels and classes as published, files that fit or a sentence, checked downloads."""

import gzip
import hashlib
import os
import struct
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from rote.validate import datasets
from rote.validate.datasets import Dataset, digits, mnist

TRAIN, TEST = datasets.IMAGES_AND_LABELS
REAL = Path(os.environ.get("ROTE_MNIST", Path(__file__).parents[2] / "shared" / "data" / "mnist"))


def idx(array):
    """Return ``array`` of bytes in the IDX format."""
    head = bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.astype(np.uint8).tobytes()


IMAGES, LABELS = np.arange(6 * 2 * 3).reshape(6, 2, 3) * 7, np.arange(6) % 3


def put(folder, names, *, zipped=False, images=IMAGES, labels=LABELS):
    folder.mkdir(exist_ok=True)
    for name, array in zip(names, (images, labels), strict=True):
        content = idx(array)
        (folder / (f"{name}.gz" if zipped else name)).write_bytes(
            gzip.compress(content, mtime=0) if zipped else content
        )


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    """A server on this machine that has MNIST's two training files: its address and its folder."""
    folder = tmp_path / "mirror"
    put(folder, TRAIN, zipped=True)
    for file in folder.iterdir():
        monkeypatch.setitem(datasets.MD5, file.name, hashlib.md5(file.read_bytes()).hexdigest())
    handler = partial(SimpleHTTPRequestHandler, directory=folder)
    monkeypatch.setattr(SimpleHTTPRequestHandler, "log_message", lambda *_: None)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", folder
        server.shutdown()
        thread.join()


def test_digits_are_those_of_scikit_learn():
    data = digits()
    assert data.images.shape == (1797, 64)
    assert data.images.dtype == np.float32
    assert (data.images.min(), data.images.max()) == (0, 1)
    # class sizes of the UCI test set, as its description lists them
    assert np.bincount(data.labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert data.n_classes == 10


@pytest.mark.parametrize("share", [0.2, 0.5])
def test_a_split_takes_its_share_of_every_class(share, rng):
    data = digits()
    trained, held_out = data.split(share, rng=rng)
    assert np.array_equal(np.sort(np.concatenate([trained, held_out])), np.arange(1797))
    assert (np.diff(trained) > 0).all()
    assert (np.diff(held_out) > 0).all()
    due = share * np.bincount(data.labels)
    assert np.abs(np.bincount(data.labels[held_out]) - due).max() <= 0.5


def test_a_split_is_drawn_anew_from_its_generator(rng):
    data = digits()
    first, second = data.split(0.2, rng=rng)[1], data.split(0.2, rng=rng)[1]
    assert not np.array_equal(first, second)
    again = [data.split(0.2, rng=np.random.default_rng(5))[1] for _ in range(2)]
    assert np.array_equal(*again)


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0.0, r"held_out_share must lie in \(0, 1\), got 0.0"),
        (1.0, r"held_out_share must lie in \(0, 1\), got 1.0"),
        (0.9, r"held_out_share=0.9 leaves no training example of class 0, which has 2: take a smaller"),
        (0.1, r"held_out_share=0.1 holds out no example: take a larger one"),
    ],
)
def test_an_impossible_split_is_refused_in_words(share, words, rng):
    data = Dataset(
        name="few", images=np.zeros((4, 1), np.float32), labels=np.arange(4) // 2, n_classes=2, source=""
    )
    with pytest.raises(ValueError, match=words):
        data.split(share, rng=rng)
    with pytest.raises(TypeError, match=r"rng must be a numpy\.random\.Generator, got int"):
        data.split(0.5, rng=1)


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("names", [TRAIN, TEST])
def test_idx_files_are_read(tmp_path, names, zipped):
    put(tmp_path, names, zipped=zipped)
    data = mnist(tmp_path)
    np.testing.assert_allclose(data.images, IMAGES.reshape(6, 6) / 255, rtol=1e-6)
    assert data.images.dtype == np.float32
    assert (data.labels == LABELS).all()
    assert data.n_classes == 3
    assert data.source.startswith(names[0])
    assert data.source.endswith("6 images of 2x3 pixels")


def test_training_files_go_before_test_files(tmp_path):
    put(tmp_path, TEST)
    put(tmp_path, TRAIN, images=IMAGES[:4], labels=LABELS[:4])
    assert len(mnist(tmp_path).labels) == 4


WHOLE = idx(IMAGES)


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (b"", TRAIN[0], "must be an IDX file of unsigned bytes along 3 axes.* it begins with b''"),
        (b"\0\0\x09" + WHOLE[3:], TRAIN[0], r"must be an IDX file .* it begins with b'\\x00\\x00\\t"),
        (idx(LABELS), TRAIN[0], "must be an IDX file of unsigned bytes along 3 axes"),
        (WHOLE[:10], TRAIN[0], "must hold .* bytes by its head, got 10: fetch it again"),
        (WHOLE[:-1], TRAIN[0], "must hold 52 bytes by its head, got 51: fetch it again"),
        (WHOLE + b"\0", TRAIN[0], "must hold 52 bytes by its head, got 53"),
        (idx(IMAGES[:0]), TRAIN[0], r"is empty: its axes have lengths \(0, 2, 3\)"),
        (WHOLE, TRAIN[0] + ".gz", r"is not a whole gzip file \(Not a gzipped file"),
        (
            gzip.compress(WHOLE, mtime=0)[:-9],
            TRAIN[0] + ".gz",
            r"is not a whole gzip file \(Compressed file ended",
        ),
        (idx(IMAGES[:5]), TRAIN[0], "holds 5 images and .* 6 labels: take files that belong together"),
    ],
)
def test_a_file_that_does_not_fit_is_named(tmp_path, content, name, words):
    put(tmp_path, TRAIN)
    (tmp_path / TRAIN[0]).unlink()
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=f"{name}.* {words}"):
        mnist(tmp_path)


# --- downloads


def test_absent_files_are_downloaded_once(tmp_path, mirror):
    address, folder = mirror
    seen = []
    data = mnist(tmp_path / "new" / "data", urls=[address], progress=lambda *call: seen.append(call))
    assert (data.labels == LABELS).all()
    assert [call[0] for call in seen] == [f"{name}.gz" for name in TRAIN]
    assert all(done == total == (folder / name).stat().st_size for name, done, total in seen)
    again = mnist(tmp_path / "new" / "data", urls=[])
    assert (again.images == data.images).all()


def test_only_what_is_missing_is_downloaded(tmp_path, mirror):
    put(tmp_path / "half", TRAIN)
    (tmp_path / "half" / TRAIN[1]).unlink()
    mnist(tmp_path / "half", urls=[mirror[0]])
    assert {file.name for file in (tmp_path / "half").iterdir()} == {TRAIN[0], f"{TRAIN[1]}.gz"}


def test_a_mirror_that_fails_is_followed_by_the_next(tmp_path, mirror):
    address, _ = mirror
    data = mnist(tmp_path / "data", urls=[f"{address}/nothing", "http://127.0.0.1:9", address])
    assert (data.labels == LABELS).all()


def test_a_wrong_checksum_leaves_no_file(tmp_path, mirror):
    address, folder = mirror
    (folder / f"{TRAIN[0]}.gz").write_bytes(gzip.compress(idx(IMAGES + 1)))
    with pytest.raises(OSError, match=r"none could be downloaded \(http.*: MD5 is \w{32}, not \w{32}\)"):
        mnist(tmp_path / "data", urls=[address])
    assert list((tmp_path / "data").iterdir()) == []


def test_without_files_or_network_it_says_what_goes_where(tmp_path):
    with pytest.raises(OSError, match="no MNIST files in") as caught:
        mnist(tmp_path / "data", urls=["http://127.0.0.1:9"])
    for words in (*TRAIN, *TEST, str(tmp_path / "data"), "Connection refused"):
        assert words in str(caught.value)


def test_a_mirror_without_the_file_is_named(tmp_path, mirror):
    address = f"{mirror[0]}/nothing"
    with pytest.raises(OSError, match=rf"{address}/{TRAIN[0]}.gz: HTTP Error 404"):
        mnist(tmp_path / "data", urls=[address])


@pytest.mark.mnist
@pytest.mark.skipif(not REAL.is_dir(), reason="set ROTE_MNIST to a folder of MNIST's files")
def test_real_mnist_is_what_was_published():
    data = mnist(REAL)
    assert data.images.shape[1] == 784
    assert data.n_classes == 10
    assert data.images.max() == 1
    if len(data.labels) == 10_000:  # class sizes of the test set
        sizes = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
        assert np.bincount(data.labels).tolist() == sizes
        # mean and standard deviation of the test images' pixels as commonly quoted
        assert data.images.mean(dtype=float) == pytest.approx(0.1325, abs=5e-5)
        assert data.images.std(dtype=float) == pytest.approx(0.3105, abs=5e-5)
