"""Recordings in, posteriors and verdicts out: from files, by the command line, and again."""

import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from rote.activity.words import CONDITIONS
from rote.cli import main
from rote.inference.pooling import PooledEffect
from rote.record.layers import LayerWeights
from rote.record.recording import Recording

N_EXAMPLES, N_UNITS = 400, 30


def save(folder, condition, seed, rng, *, weights=True, truth=True, random_share=None):
    rate = (
        rng.uniform(0.6, 0.9, N_UNITS) if condition == "generalizing" else rng.uniform(0.1, 0.4, N_UNITS)
    )
    if condition == "mixed":
        rate += 0.5 * (1 - random_share)
    label = rng.integers(2, size=N_EXAMPLES)
    scale = {"memorizing": 3.0, "mixed": 3.0 ** (random_share or 0)}.get(condition, 1.0)
    weight = scale * rng.normal(size=(N_UNITS, 8))
    path = folder / f"{condition}-{seed}.nc"
    Recording.from_arrays(
        {"hidden_1": rng.random((N_EXAMPLES, N_UNITS)) < rate},
        label=label,
        true_label=label if truth else None,
        condition=condition,
        seed=seed,
        epoch=0 if condition == "initialized" else 9,
        source="made up",
        attrs=None if random_share is None else {"random_share": random_share},
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
    assert progress.count("there already") == 4
    tree = xr.open_datatree(out / "fits" / "rates-hidden_1.nc", engine="h5netcdf")
    assert "condition_mean" in tree["posterior"]


@pytest.mark.slow
def test_mixed_networks_take_part_where_layers_are_pooled(tmp_path, rng, capsys):
    paths = [save(tmp_path, c, seed, rng) for c in CONDITIONS for seed in (0, 1, 2)]
    paths += [save(tmp_path, "mixed", seed, rng, random_share=0.5) for seed in (0, 1)]
    out = tmp_path / "told"
    command = ["test", *map(str, paths), "--hypotheses", "H6", "H7", "--out", str(out)]
    assert main([*command, "--draws", "500"]) == 2  # H7 needs activations, which are not there
    assert "H7 needs magnitudes of each layer, got none" in capsys.readouterr().err
    command.remove("H7")
    assert main([*command, "--draws", "500"]) == 0
    told, _ = capsys.readouterr()
    assert "H6, over 1 layer: that weights of memorizing networks are larger is supported" in told
    pooled = json.loads((out / "pooled.json").read_text())
    norms = pooled[0]
    assert norms["random_shares"] == [0.0, 0.5, 1.0]
    assert norms["n_networks"] == 8
    low, high = norms["effect"]["interval"]
    assert low < np.log(3) < high  # weights three times as large, on the logarithm
    numbers = pd.read_csv(out / "numbers.csv")
    assert len(numbers) == 4 * 8  # claims, trained networks
    assert PooledEffect.from_dict(norms).sentence == norms["sentence"]


@pytest.mark.slow
def test_a_model_is_fitted_to_a_file(tmp_path, rng, capsys):
    path = save(tmp_path, "generalizing", 0, rng)
    command = ["fit", str(path), "--out", str(tmp_path), "--draws", "500"]
    assert main(command) == 0
    told, _ = capsys.readouterr()
    assert "concentration" in told
    posterior = xr.open_datatree(tmp_path / "rates-hidden_1.nc", engine="h5netcdf")["posterior"]
    assert float(posterior["mean"].mean()) == pytest.approx(0.75, abs=0.05)
    summary = pd.read_csv(tmp_path / "summary.csv").set_index("variable")
    assert summary.loc["mean", "mean"] == pytest.approx(float(posterior["mean"].mean()))
    assert set(pd.read_csv(tmp_path / "checks.csv")["model"]) == {"rates"}
    assert main(command) == 0
    again, progress = capsys.readouterr()
    assert again == told
    assert "there already" in progress
    assert main([*command, "--seed", "1"]) == 0  # other settings, other results
    assert "there already" not in capsys.readouterr().err


@pytest.mark.slow
def test_models_are_compared_and_units_told_apart(tmp_path, rng, capsys):
    rate = np.where(np.arange(60) < 20, rng.beta(2, 200, 60), rng.beta(4, 6, 60))
    Recording.from_arrays(
        {"hidden_1": rng.random((2000, 60)) < rate},
        label=np.arange(2000) % 2,
        condition="memorizing",
        seed=0,
        epoch=1,
        source="made up",
    ).save(tmp_path / "two.nc")
    out = tmp_path / "fits"
    command = ["fit", str(tmp_path / "two.nc"), "--model", "rates", "rate_mixture", "--out", str(out)]
    assert main([*command, "--draws", "500"]) == 0
    assert "log_evidence" in capsys.readouterr().out
    comparison = pd.read_csv(out / "comparison.csv").set_index("model")
    assert comparison.loc["rate_mixture", "probability"] > 0.9
    assert comparison.loc["rates", "elpd_difference"] < 0
    units = pd.read_csv(out / "units.csv")
    assert ((units["rare"] > 0.5) == (units["unit"] < 20)).mean() > 0.9


def test_models_of_different_data_are_not_compared(tmp_path, rng, capsys):
    path, out = save(tmp_path, "generalizing", 0, rng), tmp_path / "fits"

    def complaint(*models):
        assert main(["fit", str(path), "--model", *models, "--out", str(out)]) == 2
        return capsys.readouterr().err

    assert "models must be of the same data, got likelihoods of active_count (rates)" in complaint(
        "rates", "factor"
    )
    assert "models must differ, got rates, rates" in complaint("rates", "rates")
    assert "models must be one of rates, rate_mixture" in complaint("rate")
    assert not out.exists()


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
