"""The command line: help with examples, and one sentence for what goes wrong."""

import numpy as np
import pytest

from rote.cli import main
from rote.record import Recording


@pytest.mark.parametrize("command", [[], ["reproduce"], ["figures"], ["info"]])
def test_help_shows_an_example(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([*command, "--help"])
    assert stop.value.code == 0
    assert "example" in capsys.readouterr().out


def test_info_without_a_file_names_versions(capsys):
    assert main(["info"]) == 0
    assert "\npymc " in capsys.readouterr().out


def test_info_tells_what_is_in_a_recording(tmp_path, capsys, rng):
    recording = Recording.from_arrays(
        {"hidden_1": rng.random((12, 5)) < 0.5},
        label=np.arange(12) % 3,
        condition="memorizing",
        seed=7,
        epoch=3,
        source="drawn",
    )
    recording.save(tmp_path / "a.nc")
    assert main(["info", str(tmp_path / "a.nc")]) == 0
    out = capsys.readouterr().out
    assert "memorizing-7" in out
    assert "hidden_1" in out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["info", "none.nc"], "none.nc"),
        (["figures", "--out", "none"], "none holds no study"),
        (["reproduce", "--dataset", "cifar"], "dataset must be one of digits, mnist; got 'cifar'"),
        (["reproduce", "--dataset", "mnist"], "give data (--data DIR)"),
        (["reproduce", "--seeds", "1"], "seeds must be at least 2, got 1"),
        (["reproduce", "--seed", "-1"], "seed must be at least 0, got -1"),
        (["reproduce", "--hidden", "0"], "hidden must be at least 1, got 0"),
    ],
)
def test_what_is_wrong_is_told_in_one_sentence(arguments, sentence, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    told = capsys.readouterr().err
    assert told.startswith("rote: ")
    assert sentence in told
    assert "Traceback" not in told
    assert not list(tmp_path.iterdir())  # nothing was begun


def test_an_unknown_option_is_refused(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["reproduce", "--seads", "3"])
    assert stop.value.code == 2
    assert "--seads" in capsys.readouterr().err
