"""Recordings in, posteriors and verdicts out: from files, by the command line, and again."""

import json

import pytest
import xarray as xr

from rote.activity.words import CONDITIONS
from rote.cli import main
from rote.record.layers import LayerWeights
from rote.record.recording import Recording

N_EXAMPLES, N_UNITS = 400, 30


def save(folder, condition, seed, rng, *, weights=True, truth=True):
    rate = (
        rng.uniform(0.6, 0.9, N_UNITS) if condition == "generalizing" else rng.uniform(0.1, 0.4, N_UNITS)
    )
    label = rng.integers(2, size=N_EXAMPLES)
    weight = rng.normal(size=(N_UNITS, 8)) * (3 if condition == "memorizing" else 1)
    path = folder / f"{condition}-{seed}.nc"
    Recording.from_arrays(
        {"hidden_1": rng.random((N_EXAMPLES, N_UNITS)) < rate},
        label=label,
        true_label=label if truth else None,
        condition=condition,
        seed=seed,
        epoch=0 if condition == "initialized" else 9,
        source="made up",
        weights={"hidden_1": LayerWeights(weight_in=weight)} if weights else None,
    ).save(path)
    return path


@pytest.mark.slow
def test_hypotheses_are_asked_of_files_and_kept(tmp_path, rng, capsys):
    paths = [str(save(tmp_path, c, seed, rng)) for c in CONDITIONS for seed in (0, 1, 2)]
    out = tmp_path / "told"
    command = ["test", *paths, "--hypotheses", "H1", "H6", "--out", str(out), "--draws", "500"]
    assert main(command) == 0
    told, _ = capsys.readouterr()
    assert "H1, hidden_1: that units of memorizing networks are active more rarely is supported" in told
    assert "H6, hidden_1: that weights of memorizing networks are larger is supported" in told
    verdicts = json.loads((out / "verdicts.json").read_text())
    assert [one["hypothesis"] for one in verdicts] == ["H1"] * 3 + ["H6"] * 4
    assert verdicts[0]["twin"]["p_corrected"] is not None
    assert main(command) == 0
    again, progress = capsys.readouterr()
    assert again == told
    assert progress.count("there already") == 2
    tree = xr.open_datatree(out / "fits" / "rates-hidden_1.nc", engine="h5netcdf")
    assert "condition_mean" in tree["posterior"]


@pytest.mark.slow
def test_a_model_is_fitted_to_a_file(tmp_path, rng, capsys):
    path = save(tmp_path, "generalizing", 0, rng)
    assert main(["fit", str(path), "--out", str(tmp_path), "--draws", "500"]) == 0
    told, _ = capsys.readouterr()
    assert "concentration" in told
    posterior = xr.open_datatree(tmp_path / "rates-hidden_1.nc", engine="h5netcdf")["posterior"]
    assert float(posterior["mean"].mean()) == pytest.approx(0.75, abs=0.05)


def test_recordings_that_cannot_be_asked_are_named(tmp_path, rng, capsys):
    one = save(tmp_path, "memorizing", 0, rng, weights=False, truth=False)

    def complaint(*arguments):
        assert main(["test", *map(str, arguments), "--out", str(tmp_path / "told")]) == 2
        return capsys.readouterr().err

    assert "recordings must differ in condition or seed" in complaint(one, one)
    assert "memorizing needs two networks" in complaint(one, "--hypotheses", "H2")
    assert "H6 needs weight of each layer, got none of memorizing-0" in complaint(
        one, "--hypotheses", "H6"
    )
    assert "H5 needs true_classes of each layer" in complaint(one, "--hypotheses", "H5")
    assert "hypothesis must be one of H1, H2" in complaint(one, "--hypotheses", "H9")
    assert main(["fit", str(one), "--layers", "hidden_9"]) == 2
    assert "layers must be one of hidden_1; got 'hidden_9'" in capsys.readouterr().err
