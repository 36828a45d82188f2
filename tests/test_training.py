"""Perceptrons and their training, against NumPy and against what a seed promises."""

import hashlib
import os
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from rote.validate import training as training_module
from rote.validate.perceptron import Dense, forward, hidden_activations, initialize
from rote.validate.training import Training, stream, train

N_EXAMPLES, N_INPUTS, N_CLASSES = 26, 5, 3
SMALL = Training(hidden=(7, 6), batch_size=8, learning_rate=0.01, final_epoch=2)


@pytest.fixture
def images(rng):
    return rng.random((N_EXAMPLES, N_INPUTS), dtype=np.float32)


@pytest.fixture
def labels(rng):
    return rng.integers(N_CLASSES, size=N_EXAMPLES)


def trained(images, labels, *, seed=3, training=SMALL, progress=None):
    return train(images, labels, n_classes=N_CLASSES, training=training, seed=seed, progress=progress)


def digest(network):
    """Return a number that changes with any bit of the parameters."""
    content = b"".join(array.tobytes() for layer in network.parameters for array in layer)
    return hashlib.sha256(content).hexdigest()


def numpy_outputs(parameters, images):
    layers = [np.asarray(images, dtype=np.float64)]
    for depth, (weight, bias) in enumerate(parameters, start=1):
        drive = layers[-1] @ weight.T + bias
        layers.append(drive if depth == len(parameters) else np.maximum(drive, 0))
    return layers


def numpy_gradient(parameters, images, labels):
    """Back-propagate the mean cross-entropy by hand; one (weight, bias) a layer."""
    *below, logits = numpy_outputs(parameters, images)
    chance = np.exp(logits - logits.max(axis=1, keepdims=True))
    blame = (chance / chance.sum(axis=1, keepdims=True) - np.eye(N_CLASSES)[labels]) / len(images)
    slopes = []
    for layer, output in zip(parameters[::-1], below[::-1], strict=True):
        slopes.append((blame.T @ output, blame.sum(axis=0)))
        blame = (blame @ layer[0]) * (output > 0)
    return slopes[::-1]


def numpy_training(images, labels, *, seed, training, keep_remainder=True):
    """Train as the papers say, in float64, with batches cut from each epoch's order."""
    sizes = (N_INPUTS, *training.hidden, N_CLASSES)
    drawn = initialize(sizes, rng=stream(seed, "weights"))
    values = [array.astype(np.float64) for layer in drawn for array in layer]
    mean, square = ([np.zeros_like(value) for value in values] for _ in range(2))
    orders, step = stream(seed, "order"), 0
    rates = np.full(training.final_epoch, training.learning_rate)
    if training.falls_from is not None:
        n_falling = rates.size - training.falls_from
        rates[training.falls_from :] *= np.arange(n_falling, 0, -1) / (n_falling + 1)
    for epoch in range(training.final_epoch):
        order = orders.permutation(N_EXAMPLES)
        for start in range(0, N_EXAMPLES, training.batch_size):
            batch = order[start : start + training.batch_size]
            if batch.size < training.batch_size and not keep_remainder:
                continue
            step += 1
            parameters = [(w, b) for w, b in zip(values[::2], values[1::2], strict=True)]
            slopes = numpy_gradient(parameters, images[batch], labels[batch])
            for i, slope in enumerate(array for layer in slopes for array in layer):
                weights, way, rate = i % 2 == 0, slope, rates[epoch]
                if weights and training.penalty == "l2":
                    way = slope = slope + training.strength * values[i]
                if training.optimizer == "adam":
                    mean[i] = 0.9 * mean[i] + 0.1 * slope
                    square[i] = 0.999 * square[i] + 0.001 * slope**2
                    root = np.sqrt(square[i] / (1 - 0.999**step))
                    if weights and training.penalty == "l1":
                        root = np.maximum(root, 0.1 * np.sqrt((root**2).mean()))
                    rate = rate / (root + 1e-8)
                    way = mean[i] / (1 - 0.9**step)
                values[i] = values[i] - rate * way
                if weights and training.penalty == "l1":
                    shrunk = np.abs(values[i]) - rate * training.strength
                    values[i] = np.sign(values[i]) * np.maximum(shrunk, 0)
    return values


def farthest(network, values):
    """Return the largest difference of a parameter from its twin, in learning rates."""
    arrays = [array for layer in network.parameters for array in layer]
    gaps = [np.abs(mine - twin).max() for mine, twin in zip(arrays, values, strict=True)]
    return max(gaps) / SMALL.learning_rate


def test_two_epochs_are_those_of_back_propagation_and_adam(images, labels):
    network = trained(images, labels)
    twin = numpy_training(images, labels, seed=3, training=SMALL)
    other = numpy_training(images, labels, seed=3, training=SMALL, keep_remainder=False)
    assert farthest(network, twin) < 0.1  # over 8 steps; float32 against float64
    assert farthest(network, other) > 0.5  # the two examples left over do count


STEADY = {"falls_from": None}
PULLED = {
    "sgd": {"optimizer": "sgd", "learning_rate": 0.1},
    "sgd l2": {"optimizer": "sgd", "learning_rate": 0.1, "penalty": "l2", "strength": 0.3},
    "sgd l1": {"optimizer": "sgd", "learning_rate": 0.1, "penalty": "l1", "strength": 0.1},
    "adam l2": {"penalty": "l2", "strength": 0.3},
    "adam l1": {"penalty": "l1", "strength": 0.03},
    "adam falling": {"falls_from": 1},
    "sgd falling": {"optimizer": "sgd", "learning_rate": 0.1, "falls_from": 0},
}


@pytest.mark.parametrize("changed", PULLED.values(), ids=PULLED)
def test_every_step_is_its_papers(images, labels, changed):
    training = Training(**settings(**changed))
    network = trained(images, labels, training=training)
    twin = numpy_training(images, labels, seed=3, training=training)
    assert farthest(network, twin) < 0.1
    if training.penalty != "none":
        weaker = Training(**settings(**changed | {"strength": 0.5 * training.strength}))
        other = numpy_training(images, labels, seed=3, training=weaker)
        assert farthest(network, other) > 0.1  # the penalty's strength does count
    if training.falls_from is not None:
        other = numpy_training(images, labels, seed=3, training=Training(**settings(**changed | STEADY)))
        assert farthest(network, other) > 0.1


def test_the_learning_rate_falls_on_a_line_from_where_it_is_told():
    falling = Training(learning_rate=0.8, final_epoch=6, falls_from=3)
    rates = [falling.rate_in(epoch) for epoch in range(1, 7)]
    assert rates == pytest.approx([0.8, 0.8, 0.8, 0.6, 0.4, 0.2])
    assert Training(learning_rate=0.8, final_epoch=6).rate_in(6) == 0.8


def test_l1_makes_weights_exactly_zero_and_no_other_penalty_does(images, labels):
    def zeros(**changed):
        network = trained(images, labels, training=Training(**settings(**changed)))
        return [int((layer.weight == 0).sum()) for layer in network.parameters]

    assert min(zeros(**PULLED["sgd l1"])) > 0
    assert min(zeros(**PULLED["adam l1"])) > 0
    assert zeros(**PULLED["adam l2"]) == [0, 0, 0]


def test_outputs_are_those_of_numpy(images, labels):
    parameters = trained(images, labels).parameters
    _, *hidden, logits = numpy_outputs(parameters, images)
    seen = hidden_activations(parameters, images)
    assert list(seen) == ["hidden_1", "hidden_2"]
    for mine, twin in zip([*seen.values(), forward(parameters, images)], [*hidden, logits], strict=True):
        assert mine.dtype == np.float32
        np.testing.assert_allclose(mine, twin, atol=1e-5)


def test_history_tells_loss_and_accuracy_from_the_untrained_network_on(images, labels):
    for epoch in (0, 2):
        stopped = trained(images, labels, training=Training(**settings(final_epoch=epoch)))
        logits = numpy_outputs(stopped.parameters, images)[-1]
        share = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        loss = -np.log(share[np.arange(N_EXAMPLES), labels]).mean()
        whole = trained(images, labels)
        assert stopped.epochs == epoch
        assert whole.loss[epoch] == stopped.loss[-1] == pytest.approx(loss, rel=1e-5)
        assert whole.accuracy[epoch] == (logits.argmax(axis=1) == labels).mean()


def settings(**changed):
    return {name: getattr(SMALL, name) for name in SMALL.__slots__} | changed


@pytest.mark.parametrize("n_examples", [1, 7, 8, 9, 16, 26])
def test_each_example_is_in_one_batch_of_an_epoch(n_examples):
    order = np.random.default_rng(0).permutation(n_examples)
    batches = training_module._batches(order, 8)
    assert (batches[batches >= 0] == order).all()
    assert batches.size - n_examples < batches.shape[1]


def test_order_ranks_the_examples_of_the_last_epoch(images, labels):
    orders = stream(3, "order")
    first, second = (orders.permutation(N_EXAMPLES) for _ in range(2))
    untrained = trained(images, labels, training=Training(**settings(final_epoch=0)))
    assert (untrained.order[first] == np.arange(N_EXAMPLES)).all()
    assert (trained(images, labels).order[second] == np.arange(N_EXAMPLES)).all()


def test_labels_change_neither_start_nor_order(images, labels):
    untrained = Training(**settings(final_epoch=0))
    mine, theirs = (trained(images, y, training=untrained) for y in (labels, labels[::-1]))
    drawn = initialize((N_INPUTS, 7, 6, N_CLASSES), rng=stream(3, "weights"))
    for layer, other, start in zip(mine.parameters, theirs.parameters, drawn, strict=True):
        for one, two, three in zip(layer, other, start, strict=True):
            assert (one == two).all()
            assert (one == three).all()
    mine, theirs = trained(images, labels), trained(images, labels[::-1])
    assert (mine.order == theirs.order).all()
    assert digest(mine) != digest(theirs)
    assert digest(mine) != digest(trained(images, labels, seed=4))


SCRIPT = """
import hashlib, numpy as np
from rote.validate.training import Training, train
images, labels = np.linspace(0, 1, 60).reshape(12, 5) ** 2, np.arange(12) % 3
network = train(images, labels, n_classes=3, training=Training(final_epoch=20), seed=3)
content = b"".join(array.tobytes() for layer in network.parameters for array in layer)
print(hashlib.sha256(content).hexdigest())
"""


def another_process(script):
    """Run a script where another library has asked JAX for float64."""
    command = [sys.executable, "-W", "error", "-c", script]
    environment = os.environ | {"JAX_ENABLE_X64": "1"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def test_another_process_gives_the_same_bits():
    other = another_process(SCRIPT)
    images, labels = np.linspace(0, 1, 60).reshape(12, 5) ** 2, np.arange(12) % 3
    mine = trained(images, labels, training=Training(final_epoch=20))
    assert other.stdout == digest(mine) + "\n", other.stderr


def test_import_is_silent():
    done = another_process("import rote.validate.training")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_training_stops_at_the_first_perfect_epoch(images, labels):
    network = trained(images, labels, training=Training(batch_size=8, learning_rate=0.01))
    assert network.reached
    assert (network.accuracy[1:-1] < 1).all()
    longer = trained(
        images,
        labels,
        training=Training(batch_size=8, learning_rate=0.01, final_epoch=network.epochs + 5),
    )
    assert longer.epochs == network.epochs + 5
    assert (longer.accuracy[: network.epochs + 1] == network.accuracy).all()


def test_a_network_that_cannot_learn_its_labels_says_so(labels):
    alike = np.ones((N_EXAMPLES, N_INPUTS))
    network = trained(alike, labels, training=Training(max_epochs=4))
    assert (network.epochs, network.reached) == (4, False)
    assert network.training_accuracy == np.bincount(labels).max() / N_EXAMPLES


def test_even_a_lucky_untrained_network_is_trained():
    lucky = trained(np.ones((1, N_INPUTS)), [0], training=Training(hidden=(4,), final_epoch=0))
    label = forward(lucky.parameters, np.ones((1, N_INPUTS))).argmax(axis=1)
    network = trained(np.ones((1, N_INPUTS)), label, training=Training(hidden=(4,)))
    assert (network.accuracy[0], network.epochs) == (1, 1)


def test_progress_is_told_sparingly_and_in_the_end(images, labels, monkeypatch):
    told = []
    network = trained(images, labels, progress=lambda *news: told.append(news))
    assert told[-1] == (2, network.training_accuracy)
    told.clear()
    monkeypatch.setattr(training_module, "PROGRESS_SECONDS", -1)
    trained(images, labels, progress=lambda *news: told.append(news))
    assert [epoch for epoch, _ in told] == [0, 1, 2]
    told.clear()
    monkeypatch.setattr(training_module, "PROGRESS_SECONDS", np.inf)
    trained(images, labels, progress=lambda *news: told.append(news))
    assert [epoch for epoch, _ in told] == [2]


def test_initial_weights_have_the_variance_of_he_and_no_other(rng, agrees, rejects):
    sizes = (40, 300, 200, 10)
    layers = initialize(sizes, rng=rng)
    for (n_inputs, n_units), layer in zip(pairwise(sizes), layers, strict=True):
        assert layer.weight.shape == (n_units, n_inputs)
        assert not layer.bias.any()

    def fit(gain):
        laws = [stats.norm(scale=np.sqrt(gain / n_inputs)) for n_inputs in sizes[:-1]]
        pairs = zip(layers, laws, strict=True)
        return [stats.kstest(layer.weight.ravel(), law.cdf).pvalue for layer, law in pairs]

    assert agrees(fit(gain=2))
    assert rejects(fit(gain=1.5))


@pytest.mark.parametrize(
    ("images", "error", "sentence"),
    [
        (np.zeros((0, 5)), ValueError, r"images must have shape \(n_examples, n_inputs\), got \(0, 5\)"),
        (np.zeros((3, 0)), ValueError, r"images must have shape .* got \(3, 0\)"),
        (np.zeros((3, 2, 2)), ValueError, r"images must have shape .* got \(3, 2, 2\)"),
        ([["a"]], TypeError, "images must hold numbers, got dtype <U1"),
        ([[1.0, np.nan]], ValueError, "images must be finite, got nan at example 0, input 1"),
        ([[1.0], [1e300]], ValueError, "images must be finite, got inf at example 1, input 0"),
    ],
)
def test_impossible_images_are_named(images, error, sentence):
    with pytest.raises(error, match=sentence):
        trained(images, np.zeros(len(images), dtype=int))
    with pytest.raises(error, match=sentence):
        forward((Dense(np.zeros((3, 1)), np.zeros(3)),), images)


@pytest.mark.parametrize(
    ("labels", "error", "sentence"),
    [
        ([0, 3], ValueError, r"labels must lie in \[0, 2\], got \[0, 3\]"),
        ([-1, 0], ValueError, r"labels must lie in \[0, 2\], got \[-1, 0\]"),
        ([0], ValueError, r"labels must have shape \(2,\), got \(1,\)"),
        ([0.0, 1.0], TypeError, "labels must be whole numbers, got dtype float64"),
    ],
)
def test_impossible_labels_are_named(labels, error, sentence):
    with pytest.raises(error, match=sentence):
        trained(np.zeros((2, 5)), labels)


@pytest.mark.parametrize(
    ("changed", "error", "sentence"),
    [
        ({"hidden": ()}, TypeError, r"hidden must be a tuple of numbers of units, got \(\)"),
        ({"hidden": [4]}, TypeError, r"hidden must be a tuple .* got \[4\]"),
        ({"hidden": (4, 0)}, ValueError, "hidden must be at least 1, got 0"),
        ({"learning_rate": 0.0}, ValueError, "learning_rate must be above 0, got 0.0"),
        ({"learning_rate": np.inf}, ValueError, "learning_rate must be finite, got inf"),
        ({"optimizer": "lion"}, ValueError, "optimizer must be one of adam, sgd; got 'lion'"),
        ({"penalty": "l0"}, ValueError, "penalty must be one of none, l2, l1; got 'l0'"),
        ({"strength": 0.1}, ValueError, "strength must be 0 without a penalty, got 0.1"),
        ({"penalty": "l1"}, ValueError, "strength must be above 0 with penalty l1, got 0.0"),
        ({"penalty": "l2", "strength": np.nan}, ValueError, "strength must be finite, got nan"),
        ({"batch_size": 0}, ValueError, "batch_size must be at least 1, got 0"),
        ({"max_epochs": 0}, ValueError, "max_epochs must be at least 1, got 0"),
        ({"final_epoch": -1}, ValueError, "final_epoch must be at least 0, got -1"),
        ({"final_epoch": 1.5}, TypeError, "final_epoch must be a whole number, got 1.5"),
        ({"falls_from": 3}, ValueError, "falls_from must lie before final_epoch 0, got 3"),
        (
            {"falls_from": 9, "final_epoch": 9},
            ValueError,
            "falls_from must lie before final_epoch 9, got 9",
        ),
        ({"held_out_share": 1.0}, ValueError, r"held_out_share must lie in \(0, 1\), got 1.0"),
    ],
)
def test_impossible_settings_are_named(changed, error, sentence):
    with pytest.raises(error, match=sentence):
        Training(**changed)


def test_impossible_seeds_and_sizes_are_named(images, labels):
    with pytest.raises(ValueError, match="seed must be at least 0, got -1"):
        trained(images, labels, seed=-1)
    with pytest.raises(TypeError, match=r"seed must be a whole number, got 0\.5"):
        trained(images, labels, seed=0.5)
    with pytest.raises(ValueError, match="n_classes must be at least 2, got 1"):
        train(images, labels, n_classes=1, training=SMALL, seed=0)
    with pytest.raises(ValueError, match="images must have the network's 5 inputs, got 4"):
        forward(trained(images, labels).parameters, images[:, :4])


def test_overflow_is_an_error_not_a_result(images, labels):
    wild = Training(**settings(learning_rate=3e38))  # twice that overflows 32-bit floats
    with pytest.raises(ValueError, match=r"the loss must stay finite, got (nan|inf): take a smaller"):
        trained(images, labels, training=wild)
