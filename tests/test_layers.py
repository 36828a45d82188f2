"""Imports flow one way, heavy packages stay with their owner, and what is not asked for is not loaded.

activity <- simulate, record <- inference <- validate <- figures <- cli
"""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAY_IMPORT = {
    "activity": set(),
    "simulate": {"activity"},
    "record": {"activity"},
    "inference": {"activity", "simulate", "record"},
    "validate": {"activity", "simulate", "record", "inference"},
    "figures": {"activity", "simulate", "record", "inference", "validate"},
}
LAYERS = list(MAY_IMPORT)
OWNERS = {
    "xarray": {"record", "inference", "validate", "figures"},
    "pymc": {"inference"},
    "nutpie": {"inference"},
    "jax": {"validate"},
    "optax": {"validate"},
    "matplotlib": {"figures"},
    "torch": {"record"},
    "zarr": {"record"},
    "sklearn": {"record", "validate"},
}
GROUND = {"numpy", "scipy", "numba"}  # all that activity and simulate stand on
HEAVY = {"arviz", "jax", "matplotlib", "numba", "pandas", "pymc", "scipy", "sklearn", "torch", "xarray"}


def imported_names(source):
    """Yield (number of leading dots, dotted name) of all that a module of a layer imports."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((0, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            prefix = f"{node.module}." if node.module else ""
            yield from ((node.level, prefix + alias.name) for alias in node.names)


def siblings(source):
    """Yield what a module imports of ``rote`` outside its own layer: the first name below ``rote``."""
    for level, name in imported_names(source):
        first, *rest = name.split(".")
        if level == 2:
            yield first
        elif level == 0 and first == "rote":
            yield rest[0] if rest else first


def broken_rules(layer, source):
    """Yield imports that a module of ``layer`` must not make."""
    modules = {path.stem for path in ROOT.glob("*.py")}  # cli and whatever else lies on top
    for name in siblings(source):
        if name in {*LAYERS, *modules, "measure", "rote"} - MAY_IMPORT[layer] - {layer, "__init__"}:
            yield name
    for level, name in imported_names(source):
        package = name.split(".")[0]
        if level == 0 and layer not in OWNERS.get(package, {layer}):
            yield name
        outside = package not in sys.stdlib_module_names | GROUND | {"rote"}
        if level == 0 and layer in {"activity", "simulate"} and outside:
            yield name


def sources(layer):
    return [(path.name, path.read_text(encoding="utf-8")) for path in (ROOT / layer).rglob("*.py")]


@pytest.mark.parametrize("layer", LAYERS)
def test_no_layer_imports_what_it_must_not(layer):
    broken = {name: list(broken_rules(layer, source)) for name, source in sources(layer)}
    assert broken, f"no module found in {layer}"
    assert not {name: rules for name, rules in broken.items() if rules}


@pytest.mark.parametrize(
    ("layer", "line"),
    [
        ("simulate", "from ..figures.style import INK"),
        ("simulate", "from .. import figures"),
        ("simulate", "from .. import cli"),
        ("simulate", "from .. import measure"),
        ("simulate", "from rote.figures import style"),
        ("simulate", "from rote import figures"),
        ("simulate", "import rote.figures.style"),
        ("simulate", "import rote"),
        ("simulate", "from ..record import open"),
        ("record", "from ..simulate import IndependentBernoulli"),
        ("activity", "def later():\n    from ..simulate import rates"),
        ("activity", "import pandas as pd"),
        ("simulate", "from xarray import DataTree"),
        ("inference", "import matplotlib.pyplot as plt"),
        ("figures", "import pymc as pm"),
        ("validate", "from ..cli import main"),
    ],
)
def test_the_rules_can_be_broken(layer, line):
    assert list(broken_rules(layer, line))


@pytest.mark.parametrize(
    ("layer", "line"),
    [
        (
            "activity",
            "from .arrays import Activity\nimport numpy as np\nfrom collections.abc import Callable",
        ),
        ("simulate", "from ..activity.checks import as_floats\nfrom . import rates"),
        ("figures", "from ..inference.verdict import Verdict\nimport matplotlib"),
        ("inference", "from .. import __version__"),
    ],
)
def test_the_rules_forbid_no_more_than_they_say(layer, line):
    assert not list(broken_rules(layer, line))


def loaded_by(code, folder):
    """Heavy packages that a fresh interpreter has loaded after running ``code``."""
    report = f"import sys; sys.stderr.write(' '.join(sorted({HEAVY!r} & set(sys.modules))))"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stderr.split(), done.stdout


def test_import_loads_nothing_heavy(tmp_path):
    loaded, _ = loaded_by("import rote; rote.__version__; dir(rote)", tmp_path)
    assert loaded == []


def test_help_loads_nothing_heavy(tmp_path):
    code = (
        "import runpy, sys\n"
        "sys.argv = ['rote', '--help']\n"
        "try:\n"
        "    runpy.run_module('rote.cli', run_name='__main__')\n"
        "except SystemExit as end:\n"
        "    assert not end.code, end.code\n"
    )
    loaded, text = loaded_by(code, tmp_path)
    assert "reproduce" in text
    assert loaded == []


@pytest.mark.parametrize("layer", ["activity", "simulate"])
def test_ground_floors_load_no_more_than_they_stand_on(layer, tmp_path):
    code = f"import rote\nfor name in rote.{layer}.__all__: getattr(rote.{layer}, name)"
    loaded, _ = loaded_by(code, tmp_path)
    assert set(loaded) <= GROUND


def test_what_is_loaded_is_seen(tmp_path):
    loaded, _ = loaded_by("import rote; rote.activity.measure; import pandas", tmp_path)
    assert {"numba", "pandas"} <= set(loaded)


@pytest.mark.parametrize("layer", ["activity", "simulate"])
def test_public_names_are_there_and_lazy_ones_are_all_public(layer):
    package = importlib.import_module(f"rote.{layer}")
    assert sorted(package.__all__) == package.__all__ == dir(package)
    for name in package.__all__:
        assert getattr(package, name).__name__ == name
    modules = {path.stem for path in (ROOT / layer).glob("*.py")}
    assert not modules & set(package.__all__), "a module of that name would shadow the function"


def test_unknown_names_are_attribute_errors():
    rote = importlib.import_module("rote")
    with pytest.raises(AttributeError, match="module 'rote' has no attribute 'simulation'"):
        rote.simulation  # noqa: B018 - asking is the test
