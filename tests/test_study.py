"""The study from end to end: small, killed again and again, and the same in the end."""

import json
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

from rote.inference.hypotheses import HYPOTHESES
from rote.validate.results import Results
from rote.validate.study import MODELS, Study, run_study

SMALL = ["--seeds", "2", "--hidden", "24", "24", "--draws", "500"]  # too small to memorize all
KILLED_AT = (1, 3, 2, 1, 2, 4)  # of the steps still to do, which to kill in, start after start


def reproduce(folder):
    command = [sys.executable, "-m", "rote", "reproduce", "--out", str(folder), *SMALL]
    return subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def run_and_kill(folder, step, delay):
    """Start a study and kill it ``delay`` seconds into the given one of its unfinished steps."""
    process = reproduce(folder)
    begun = 0
    for line in process.stderr:
        begun += "there already" not in line and line.startswith("[")
        if begun == step:
            time.sleep(delay)
            process.send_signal(signal.SIGKILL)
            break
    process.communicate()
    return process.returncode


@pytest.fixture(scope="module")
def studies(tmp_path_factory):
    """Two studies of equal settings: one left alone, one killed six times on its way."""
    whole, killed = tmp_path_factory.mktemp("whole"), tmp_path_factory.mktemp("killed")
    process = reproduce(whole)
    _, told = process.communicate()
    assert process.returncode == 0, told
    rng = np.random.default_rng(list(b"kills"))
    codes = [run_and_kill(killed, step, delay=rng.uniform(0, 0.6)) for step in KILLED_AT]
    assert codes == [-signal.SIGKILL] * len(KILLED_AT)
    process = reproduce(killed)
    _, told = process.communicate()
    assert process.returncode == 0, told
    assert "there already" in told
    return whole, killed


@pytest.mark.slow
def test_a_killed_study_ends_with_the_same_files(studies):
    whole, killed = studies
    names = {str(path.relative_to(whole)) for path in whole.rglob("*") if path.is_file()}
    assert names == {str(path.relative_to(killed)) for path in killed.rglob("*") if path.is_file()}
    assert {"report.html", "verdicts.json", "layers.csv", "population.csv"} <= names
    for name in sorted(names):
        if name.endswith(".pdf"):
            continue  # the solver of the layout may differ in the last digit of a coordinate
        if not name.startswith((".steps", "fits/")) or name.startswith("fits/H"):
            assert (whole / name).read_bytes() == (killed / name).read_bytes(), name


@pytest.mark.slow
def test_a_killed_study_ends_with_the_same_posteriors(studies):
    one, two = map(Results, studies)
    for kind in sum(MODELS.values(), ()):
        for layer in one.layer_names:
            mine, theirs = (results.posterior(kind, layer)["posterior"] for results in (one, two))
            for name in mine.data_vars:
                assert (mine[name].values == theirs[name].values).all(), (kind, layer, name)


@pytest.mark.slow
def test_what_the_study_says_follows_from_its_recordings(studies):
    """Tables against plain NumPy on the recorded bits, by other code than measured them."""
    results = Results(studies[0])
    chosen = results.layers.query("examples == 'training' and classes == 'label'")
    for row in chosen.itertuples():
        with results.recording(row.condition, row.seed) as recording:
            kept = ~np.asarray(recording.held_out)
            active = recording[row.layer].activation(None)[kept] > 0
            weight = np.asarray(recording[row.layer].weight_in)
        rate = active.mean(axis=0)
        eigenvalues = np.linalg.eigvalsh(np.cov(active.T, bias=True))
        assert row.mean_rate == pytest.approx(rate.mean())
        assert row.dead_units == (rate == 0).sum()
        assert row.participation_ratio == pytest.approx(eigenvalues.sum() ** 2 / (eigenvalues**2).sum())
        assert row.population_variance == pytest.approx(active.sum(axis=1).var())
        assert row.weight_l1_l2_ratio == pytest.approx(
            np.abs(weight).mean() / np.sqrt((weight**2).mean())
        )
    networks = results.networks
    assert ((networks.training_accuracy == 1) == (networks.reached == 1)).all()
    assert networks.query("condition == 'generalizing'").reached.all()


@pytest.mark.slow
def test_every_hypothesis_has_its_verdict_on_every_layer(studies):
    results = Results(studies[0])
    told = {(verdict.hypothesis, verdict.layer) for verdict in results.verdicts}
    assert told == {(h, layer) for h in HYPOTHESES for layer in results.layer_names}
    for verdict in results.verdicts:
        assert verdict.interval[0] <= verdict.estimate <= verdict.interval[1]
        assert 0 <= verdict.probability <= 1
    table = pd.read_csv(results.folder / "verdicts.csv")
    assert len(table) == len(results.verdicts)


def test_another_study_is_not_overwritten(tmp_path):
    (tmp_path / "study.json").write_text(json.dumps({"dataset": "digits", "seed": 5}))
    with pytest.raises(ValueError, match=r"holds a study with .*seed 5, .*choose another --out"):
        run_study(Study(), tmp_path)
    assert json.loads((tmp_path / "study.json").read_text()) == {"dataset": "digits", "seed": 5}


def test_a_folder_without_a_study_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"holds no study .*rote reproduce --out"):
        Results(tmp_path)
