"""Steps: skipped when whole, made again when not, and never two at once."""

import pytest

from rote.validate.steps import Steps, alone_in


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "study"


def run_once(folder, written):
    """Run the one step of a study; return what was told of it."""
    told = []
    steps = Steps(folder, 1, lambda title, share: told.append((title, share)))

    def work(tell):
        tell(0.5)
        (folder / "deep").mkdir(exist_ok=True)
        (folder / "deep/a.txt").write_text("whole")
        written.append(1)

    with alone_in(folder):
        steps.run("make a", ["deep/a.txt"], work)
    return told


def test_a_whole_step_is_skipped(folder):
    written = []
    first, second = run_once(folder, written), run_once(folder, written)
    assert len(written) == 1
    assert first == [("[1/1] make a", 0.0), ("[1/1] make a", 0.5), ("[1/1] make a", 1.0)]
    assert second == [("[1/1] make a (there already)", 1.0)]


@pytest.mark.parametrize("harm", ["cut", "removed", "memory"])
def test_a_harmed_step_is_made_again(folder, harm):
    written = []
    run_once(folder, written)
    if harm == "cut":
        (folder / "deep/a.txt").write_text("who")
    elif harm == "removed":
        (folder / "deep/a.txt").unlink()
    else:
        (folder / ".steps/make-a.json").write_text("{")
    run_once(folder, written)
    assert len(written) == 2
    assert (folder / "deep/a.txt").read_text() == "whole"


def test_a_step_is_made_again_when_its_source_changed(folder):
    made = []
    for source in ("one", "one", "two"):
        with alone_in(folder):
            (folder / "source.txt").write_text(source)

            def work(_tell, source=source):
                made.append(source)
                (folder / "b.txt").write_text("b")

            Steps(folder, 1).run("make b", ["b.txt"], work, inputs=["source.txt"])
    assert made == ["one", "two"]


def test_a_step_that_fails_is_not_remembered(folder):
    def fail(_tell):
        raise OSError("disk full")

    with alone_in(folder), pytest.raises(OSError, match="disk full"):
        Steps(folder, 1).run("make a", ["a.txt"], fail)
    assert not (folder / ".steps/make-a.json").exists()


def test_two_at_once_are_refused(folder):
    with (
        alone_in(folder),
        pytest.raises(BlockingIOError, match="another rote is at work"),
        alone_in(folder),
    ):
        pass


def test_leftovers_of_a_killed_write_are_cleared(folder):
    folder.mkdir()
    left = folder / ".a.txt.123.part"
    left.write_text("half")
    with alone_in(folder):
        assert not left.exists()
