"""The wheel: holds the package and nothing else, and works in an environment of its own."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LAYERS = ("activity", "simulate", "record", "inference", "validate", "figures")


def run(*command, folder):
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--outdir", str(folder), str(ROOT), folder=folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.mark.slow
def test_the_wheel_holds_every_module_and_nothing_else(wheel):
    due = {f"rote/{name}.py" for name in ("__init__", "__main__", "cli", "terminal")}
    for layer in LAYERS:
        due |= {f"rote/{path.relative_to(ROOT)}" for path in (ROOT / layer).glob("*.py")}
        for kind in ("*.jinja", "*.csv"):
            due |= {f"rote/{path.relative_to(ROOT)}" for path in (ROOT / layer).glob(kind)}
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert held == due


@pytest.mark.slow
def test_the_wheel_works_in_an_empty_environment(wheel, tmp_path):
    run(sys.executable, "-m", "venv", str(tmp_path / "empty"), folder=tmp_path)
    python = tmp_path / "empty/bin/python"
    constraints = ROOT / "constraints.txt"
    run(python, "-m", "pip", "install", "-q", "-c", str(constraints), str(wheel), folder=tmp_path)
    told = run(tmp_path / "empty/bin/rote", "info", folder=tmp_path)
    assert told.startswith("rote 0.1.0\n")
    assert "\npymc " in told
    run(python, "-c", "import rote; rote.figures.report_study, rote.inference.fit", folder=tmp_path)
