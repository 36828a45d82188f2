"""The README: its Python runs as written, its commands are the Makefile's, its links lead somewhere."""

import re
import shlex
from pathlib import Path

import pytest

import rote
from rote.cli import _parser
from rote.record import Recording

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_five_lines_of_python_run(capsys):
    code, _ = re.findall(r"```python\n(.*?)```", README, re.S)
    names = {}
    exec(code, names)
    measured, predicted = map(float, capsys.readouterr().out.split())
    assert measured == pytest.approx(predicted, rel=0.05)
    loading = names["posterior"]["posterior"]["loading"]
    assert float(loading.mean()) == pytest.approx(0.3, abs=0.02)  # the layer's own; se about .005


def test_commands_are_known():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"^make ([\w-]+)|`make ([\w-]+)", README, re.M)):
        assert f"\n{max(target)}:" in makefile, target
    for line in re.findall(r"^rote (.*)$", README, re.M):
        _parser().parse_args(shlex.split(line, comments=True))


def test_links_lead_somewhere():
    links = re.findall(r"\]\(([^)]+)\)", README)
    assert len(links) > 8
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_measure_takes_activity_and_recordings(rng):
    active = rng.random((30, 4)) < 0.4
    recording = Recording.from_arrays(
        {"a": active}, label=[0] * 30, condition="memorizing", seed=0, epoch=1, source="drawn"
    )
    array, layers = rote.measure(active, window=5), rote.measure(recording, window=5)
    assert (layers["a"].coactive_count == array.coactive_count).all()


def test_what_records_a_network_is_what_the_docs_say():
    """The docs' lines are run by the tests that record PyTorch networks."""
    _, code = re.findall(r"```python\n(.*?)```", README, re.S)
    assert code in (ROOT / "docs" / "recording.md").read_text(encoding="utf-8")
