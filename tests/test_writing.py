"""Files and folders written aside: writers of one path never meet, and what ends is whole."""

import os
import threading
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from rote.record import files, writer
from rote.record.recording import Recording
from rote.record.verification import verify
from rote.record.writing import folder_written_aside, written_aside

NOTES = {"condition": "unknown", "seed": 0, "source": "drawn"}


def write(path, epoch, turn):
    """Write 64 examples in 8 batches, each unit active in all or in none; wait for the other writer."""
    with writer(path, {"a": 64}, epoch=epoch, **NOTES) as out:
        for _ in range(8):
            turn.wait(20)
            out.append({"a": np.full((8, 64), epoch > 0)}, label=np.full(8, epoch))


@pytest.mark.parametrize("name", ["a.nc", "a.zarr"])
def test_two_threads_writing_one_path_leave_one_whole_recording(tmp_path, monkeypatch, name):
    monkeypatch.setattr(files, "CHUNK", 64)
    turn, refused = threading.Barrier(2), []

    def attempt(epoch):
        try:
            write(tmp_path / name, epoch, turn)
        except FileExistsError as error:  # a folder cannot be replaced
            refused.append(str(error))

    threads = [threading.Thread(target=attempt, args=(epoch,)) for epoch in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(refused) == (name == "a.zarr")
    assert all("it exists; remove it first" in words for words in refused)
    verify(tmp_path / name)
    with Recording.open(tmp_path / name) as opened:
        assert (opened.label == opened.epoch).all()
        assert (opened["a"].active() == (opened.epoch > 0)).all()
    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize("aside", [written_aside, folder_written_aside])
def test_each_writer_has_a_place_of_its_own(tmp_path, aside):
    """Even in one process: its number, or that of another container, says nothing."""

    def open_twenty():
        with ExitStack() as writers:
            places = [writers.enter_context(aside(tmp_path / "a")) for _ in range(20)]
            assert len(set(places)) == 20
            assert all(place.exists() and place.match(".a.*.part") for place in places)
            assert 1 / 0

    with pytest.raises(ZeroDivisionError):
        open_twenty()
    assert os.listdir(tmp_path) == []


def test_a_place_that_is_taken_is_not_shared(tmp_path, monkeypatch):
    monkeypatch.setattr("secrets.token_hex", lambda _: "0")
    for aside in (written_aside, folder_written_aside):
        with aside(tmp_path / "a") as mine, pytest.raises(FileExistsError), aside(tmp_path / "a"):
            pass
        assert not mine.exists()
        (tmp_path / "a").rmdir() if (tmp_path / "a").is_dir() else (tmp_path / "a").unlink()


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="the system lists no open files")
def test_what_is_renamed_has_reached_the_disk(tmp_path, monkeypatch):
    """Every file of a folder too: after a power failure there is a whole one or none."""
    synced, rename = [], os.rename
    monkeypatch.setattr(os, "fsync", lambda place: synced.append(os.readlink(f"/proc/self/fd/{place}")))

    def last(aside, path):
        assert sorted(map(Path, synced)) == sorted(p for p in Path(aside).rglob("*") if p.is_file())
        rename(aside, path)

    monkeypatch.setattr(os, "rename", last)
    with folder_written_aside(tmp_path / "a.zarr") as aside:
        for name in ("x", "y/z"):
            (aside / name).parent.mkdir(exist_ok=True)
            (aside / name).write_bytes(b"1")
    assert len(synced) == 2
