"""The networks that are compared: initialized, generalizing, memorizing and mixed, from one seed.

A seed decides which examples are held out, the initial weights and the order of presentation, for
all conditions alike. They differ in the labels that the training examples carry:

    initialized    not trained at all: what images and architecture alone make the units do
    generalizing   the true labels
    memorizing     the true labels, dealt out anew at random among the training examples
    mixed          the true labels, of which a random share is dealt out anew among its examples

Dealing out rather than drawing uniformly leaves every class its size. Both tasks then ask for the
same number of examples of each class, windows of one class are as many, and nothing but the bond
between image and label is cut. By chance, an example may get its own label back: on average a share
Σ_c (n_c / n)² of them, a tenth for ten equal classes. Of one seed's mixed networks, examples whose
labels are dealt out at a smaller share are among those at a larger one. Held-out examples keep their
true labels.
"""

from dataclasses import asdict, replace
from itertools import pairwise

import jax
import numpy as np
import optax
from numpy.typing import NDArray

from ..activity.arrays import Counts
from ..activity.checks import check_choice, check_probability, one_number
from ..activity.words import CONDITIONS
from ..record.recording import LayerWeights, Recording
from .datasets import Dataset
from .perceptron import Parameters, forward, hidden_activations
from .training import Progress, TrainedNetwork, Training, stream, train

MIXED = "mixed"  # not among the CONDITIONS, which hypotheses compare


def training_labels(
    labels: Counts, *, condition: str, seed: int, random_share: float | None = None
) -> Counts:
    """Return what a network of ``condition`` is trained towards, given true ``labels`` ``(n,)``.

    ``random_share``, in (0, 1), is the share of labels that is dealt out anew where the condition is
    mixed, rounded to whole examples, and goes with no other condition. Raises ``ValueError`` for a
    condition that is neither mixed nor in ``CONDITIONS``.
    """
    share = _random_share(condition, random_share)
    if condition == "memorizing":
        return stream(seed, "labels").permutation(labels)
    learned = np.array(labels)
    if condition == MIXED:
        dealt = stream(seed, "mixed").permutation(learned.size)[: round(share * learned.size)]
        learned[dealt] = learned[stream(seed, "labels").permutation(dealt)]
    return learned


def record_network(
    dataset: Dataset,
    *,
    condition: str,
    seed: int,
    training: Training,
    random_share: float | None = None,
    keep_activation: bool | str = False,
    progress: Progress | None = None,
) -> Recording:
    """Train a network as ``condition`` asks and record its hidden layers on the whole data set.

    The examples stand in the order of the data set; ``held_out`` marks those that were kept from
    training, and ``order`` ranks the others as the last epoch presented them. Whether training
    succeeded is told by the attributes ``training_accuracy`` (of the labels trained towards),
    ``held_out_accuracy`` (of the true ones), ``loss`` and ``reached`` (1 if training accuracy is
    100 %, else 0); how many of the labels are random, for a trained network, by ``random_share``, which
    must be given where the condition is mixed. ``keep_activation`` is that of
    :meth:`rote.record.Recording.from_arrays`. Raises what :func:`~rote.validate.training.train` raises.
    """
    share = _random_share(condition, random_share)
    learned, held_out = dataset.split(training.held_out_share, rng=stream(seed, "split"))
    labels = dataset.labels.copy()
    labels[learned] = training_labels(
        labels[learned], condition=condition, seed=seed, random_share=random_share
    )
    network = train(
        dataset.images[learned],
        labels[learned],
        n_classes=dataset.n_classes,
        training=replace(training, final_epoch=0) if condition == "initialized" else training,
        seed=seed,
        progress=progress,
    )
    activations = hidden_activations(network.parameters, dataset.images)
    order = np.empty_like(labels)
    order[learned] = network.order
    order[held_out] = np.arange(learned.size, labels.size)
    return Recording.from_arrays(
        activations,
        label=labels,
        true_label=dataset.labels,
        order=order,
        held_out=np.isin(np.arange(labels.size), held_out),
        condition=condition,
        seed=seed,
        epoch=network.epochs,
        source=_source(dataset, training),
        weights=dict(zip(activations, _weights(network.parameters), strict=True)),
        keep_activation=keep_activation,
        attrs=_account(network, training)
        | {"held_out_accuracy": _accuracy(network.parameters, dataset, held_out)}
        | ({} if condition == "initialized" else {"random_share": share}),
    )


def _random_share(condition: str, random_share: float | None) -> float:
    """Return the share of labels that ``condition`` deals out anew; raise unless the two agree."""
    if check_choice("condition", condition, (*CONDITIONS, MIXED)) == MIXED:
        if random_share is None:
            raise ValueError("random_share must be given, in (0, 1), with condition 'mixed', got None")
        return one_number("random_share", check_probability("random_share", random_share))
    if random_share is not None:
        raise ValueError(
            f"random_share must be left out with condition {condition!r}, got {random_share}: "
            "it goes with 'mixed'"
        )
    return float(condition == "memorizing")


def _weights(parameters: Parameters) -> list[LayerWeights]:
    """Return each hidden layer's weights from below and to above."""
    return [
        LayerWeights(weight_in=layer.weight, bias=layer.bias, weight_out=above.weight)
        for layer, above in pairwise(parameters)
    ]


def _source(dataset: Dataset, training: Training) -> str:
    sizes = (dataset.images.shape[1], *training.hidden, dataset.n_classes)
    return f"ReLU perceptron {'-'.join(map(str, sizes))} on {dataset.source}"


def _accuracy(parameters: Parameters, dataset: Dataset, examples: NDArray[np.int64]) -> float:
    said = forward(parameters, dataset.images[examples]).argmax(axis=1)
    return float((said == dataset.labels[examples]).mean())


def _account(network: TrainedNetwork, training: Training) -> dict[str, str | float]:
    """Return how training was set up and how it went; layer sizes are in the recording itself."""
    settings = asdict(training)
    settings.pop("hidden")
    return {name: value for name, value in settings.items() if value is not None} | {
        "training_accuracy": network.training_accuracy,
        "loss": float(network.loss[-1]),
        "reached": network.reached,
        "trained_with": f"jax {jax.__version__}, optax {optax.__version__}, {jax.default_backend()}",
    }
