"""The examples of docs/recording.md, run as they stand: JAX, scikit-learn, PyTorch, large files."""

import functools
import operator
import re
import warnings
from collections import OrderedDict
from itertools import pairwise
from pathlib import Path

import jax
import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

import rote

DOC = (Path(__file__).parents[1] / "docs" / "recording.md").read_text(encoding="utf-8")
SIZES = (5, 70, 8, 3)
CLEAR = 1e-3  # activations farther from zero are above it in single precision as in double


def example(heading, number=0):
    """A block of Python below ``heading``, by default the first."""
    return re.findall(r"```python\n(.*?)```", DOC.split(f"\n## {heading}\n")[1], re.S)[number]


def run(heading, **names):
    """The recording that the example below ``heading`` makes of ``names``."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        exec(example(heading), names := names | {"rote": rote})
    return names["recording"]


@pytest.fixture
def network(rng):
    """Weights ``(n_inputs, n_units)`` and biases of each layer, inputs and labels."""
    layers = [
        (rng.normal(size=shape).astype(np.float32), rng.normal(size=shape[1]).astype(np.float32))
        for shape in pairwise(SIZES)
    ]
    return layers, rng.normal(size=(40, 5)).astype(np.float32), rng.integers(3, size=40)


def check(recording, names, layers, inputs, labels):
    """Assert that the hidden layers ``names`` hold what NumPy computes in double precision."""
    due = inputs.astype(np.float64)
    for name, (weight, bias) in zip(names, layers, strict=False):
        before = due @ weight + bias
        due = np.maximum(before, 0)
        assert (recording[name].active() == (due > 0))[np.abs(before) > CLEAR].all()
    assert recording.layers == tuple(names)
    assert (recording.label == labels).all()


def test_jax(network):
    layers, inputs, labels = network

    def hidden(parameters, inputs):
        activity = {}
        for number, (weight, bias) in enumerate(parameters[:-1], start=1):
            inputs = activity[f"relu{number}"] = jax.nn.relu(inputs @ weight + bias)
        return activity

    recording = run(
        "JAX, Flax, Equinox", hidden=jax.jit(hidden), parameters=layers, inputs=inputs, labels=labels
    )
    check(recording, ["relu1", "relu2"], *network)


def test_sklearn(network):
    _, inputs, labels = network
    names = {"MLPClassifier": MLPClassifier, "inputs": inputs, "labels": labels}
    recording = run("scikit-learn", **names)
    assert recording.layers == ("relu1", "relu2")


@pytest.mark.torch
def test_pytorch(network):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: make test-torch")
    layers, inputs, labels = network
    parts = {}
    for number, (weight, bias) in enumerate(layers, start=1):
        parts[f"linear{number}"] = linear = torch.nn.Linear(*weight.shape)
        linear.load_state_dict({"weight": torch.tensor(weight.T), "bias": torch.tensor(bias)})
        parts[f"relu{number}"] = torch.nn.ReLU(inplace=True)
    model = torch.nn.Sequential(OrderedDict(parts))
    recording = run("PyTorch", model=model, inputs=torch.tensor(inputs), labels=labels)
    check(recording, ["relu1", "relu2", "relu3"], *network)


@pytest.mark.parametrize("heading", ["PyTorch", "JAX, Flax, Equinox", "Keras", "scikit-learn"])
def test_each_example_has_five_lines_at_most(heading):
    assert len(example(heading).splitlines()) <= 5


class Client:
    """What the example asks of a Dask client, here and now."""

    def map(self, function, *iterables):
        return list(map(function, *iterables))

    def gather(self, results):
        return results


def test_larger_than_memory(tmp_path, rng):
    activations, labels = rng.normal(size=(300, 512)), rng.integers(3, size=300)
    batches = [(activations[k : k + 70], labels[k : k + 70]) for k in range(0, 300, 70)]
    names = {"rote": rote, "functools": functools, "operator": operator, "client": Client()}
    names |= {"path": tmp_path / "a.nc", "batches": batches}
    exec(example("Larger than memory"), names)
    whole = rote.measure(activations > 0, labels=labels)
    assert (names["statistics"].coactive_count == whole.coactive_count).all()
    assert (names["statistics"].window_square == whole.window_square).all()
    names |= {"starts": [0, 33], "stops": [33, 300]}
    exec(example("Larger than memory", 1), names)
    assert (names["statistics"].coactive_count == whole.coactive_count).all()
    assert (names["statistics"].window_square == whole.window_square).all()
