"""Training a perceptron until it knows the label of every example.

Training minimizes the mean cross-entropy of a batch, -log softmax(z)[label], with every example once
an epoch, and stops at the first epoch at whose end all training examples are classified as labelled.
Unless a penalty on the weights is asked for there is none, nor dropout or augmentation: what the units
come to do is then owed to images and labels alone. :mod:`rote.validate.descent` has the steps.

All randomness comes from ``seed``, through streams that know nothing of the labels. So networks
trained with one seed towards different labels share their initial weights and see the same batches
in the same order, and the untrained network (``final_epoch=0``) is where all of them began. A seed
gives the same bits again on the same machine; another processor may add in another order.

.. [1] Kingma, Ba (2015), Adam: a method for stochastic optimization, ICLR.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
from numpy.typing import ArrayLike, NDArray

from ..activity.arrays import Counts, Floats
from ..activity.checks import as_floats, check_choice, check_count, check_probability
from .descent import OPTIMIZERS, PENALTIES, begin, descend
from .perceptron import Parameters, as_images, initialize, outputs

type Progress = Callable[[int, float], object]
"""Called with the epoch and the training accuracy at its end."""

PROGRESS_SECONDS = 0.25  # least time between two calls of Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """How a network is built and trained: one and the same for conditions that are compared."""

    hidden: tuple[int, ...] = (128, 128)  # units of each hidden layer
    optimizer: str = "adam"  # or "sgd", plain gradient steps
    learning_rate: float = 1e-3
    penalty: str = "none"  # on the weights: "l2" adds λ/2 Σ w² to the loss, "l1" λ Σ |w|
    strength: float = 0.0  # λ of the penalty
    batch_size: int = 64  # an epoch's last batch holds what is left over
    max_epochs: int = 2000  # give up here if some example is still misclassified
    final_epoch: int | None = None  # instead of all that: train exactly so many epochs
    falls_from: int | None = None  # epoch after which the learning rate falls, nearly to 0 in the last
    held_out_share: float = 0.2  # share of each class kept from training

    def __post_init__(self) -> None:
        if not isinstance(self.hidden, tuple) or not self.hidden:
            raise TypeError(f"hidden must be a tuple of numbers of units, got {self.hidden!r}")
        for n_units in self.hidden:
            check_count("hidden", n_units)
        if as_floats("learning_rate", self.learning_rate) <= 0:
            raise ValueError(f"learning_rate must be above 0, got {self.learning_rate}")
        check_choice("optimizer", self.optimizer, OPTIMIZERS)
        check_choice("penalty", self.penalty, PENALTIES)
        strength, pulls = as_floats("strength", self.strength), self.penalty != "none"
        if strength < 0 or (strength > 0) != pulls:
            due = f"above 0 with penalty {self.penalty}" if pulls else "0 without a penalty"
            raise ValueError(f"strength must be {due}, got {self.strength}")
        check_count("batch_size", self.batch_size)
        check_count("max_epochs", self.max_epochs)
        if self.final_epoch is not None:
            check_count("final_epoch", self.final_epoch, least=0)
        if self.falls_from is not None:
            last = 0 if self.final_epoch is None else self.final_epoch
            if check_count("falls_from", self.falls_from, least=0) >= last:
                raise ValueError(f"falls_from must lie before final_epoch {last}, got {self.falls_from}")
        check_probability("held_out_share", self.held_out_share)

    def rate_in(self, epoch: int) -> float:
        """Return the learning rate in ``epoch``, counted from 1: a line from ``falls_from`` on."""
        if self.falls_from is None or self.final_epoch is None:
            return self.learning_rate
        left = (self.final_epoch + 1 - epoch) / (self.final_epoch + 1 - self.falls_from)
        return self.learning_rate * min(1.0, left)

    def ends(self, epoch: int, accuracy: float) -> bool:
        """Return whether ``epoch``, at whose end training accuracy is ``accuracy``, is the last."""
        if self.final_epoch is not None:
            return epoch >= self.final_epoch
        return epoch >= self.max_epochs or (epoch > 0 and accuracy == 1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainedNetwork:
    """A network at the end of its training, and how it came there."""

    parameters: Parameters
    loss: Floats  # (epochs + 1,) mean cross-entropy over the training examples, untrained first
    accuracy: Floats  # (epochs + 1,) share of them classified as labelled
    order: Counts  # (n_examples,) rank of each in the last epoch; untrained: in the first to come

    @property
    def epochs(self) -> int:
        """How often each example was learned from."""
        return self.loss.size - 1

    @property
    def training_accuracy(self) -> float:
        """Share of the training examples classified as labelled, in the end."""
        return float(self.accuracy[-1])

    @property
    def reached(self) -> bool:
        """Whether that is all of them (impossible if equal images have unequal labels)."""
        return self.training_accuracy == 1


def stream(seed: int, purpose: str) -> np.random.Generator:
    """Return the generator that ``seed``, a whole number from 0, holds for one purpose."""
    seed = check_count("seed", seed, least=0)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=tuple(purpose.encode())))


def train(
    images: ArrayLike,
    labels: ArrayLike,
    *,
    n_classes: int,
    training: Training,
    seed: int,
    progress: Progress | None = None,
) -> TrainedNetwork:
    """Train on all ``images``, ``(n_examples, n_inputs)``, towards ``labels``, ``(n_examples,)``.

    A network that does not learn every label within ``max_epochs`` is returned as it then is, with
    ``reached`` false. ``progress`` is called at most four times a second, and once in the end.
    Raises ``TypeError`` for the wrong kind, ``ValueError`` for images that are not finite, labels
    outside ``[0, n_classes - 1]``, or a learning rate with which the loss overflows.
    """
    images = as_images(images)
    n_classes = check_count("n_classes", n_classes, least=2)
    labels = _as_labels(labels, n_examples=len(images), n_classes=n_classes)
    sizes = (images.shape[1], *training.hidden, n_classes)
    parameters = initialize(sizes, rng=stream(seed, "weights"))
    with jax.enable_x64(False):  # else another library's wish for float64 would change the bits
        return _descend(
            parameters,
            (jnp.asarray(images), jnp.asarray(labels)),
            training=training,
            orders=stream(seed, "order"),
            progress=progress,
        )


def _descend(
    parameters: Parameters,
    data: tuple[jax.Array, jax.Array],
    *,
    training: Training,
    orders: np.random.Generator,
    progress: Progress | None,
) -> TrainedNetwork:
    n_examples = len(data[1])
    state = begin(parameters)
    how = {"optimizer": training.optimizer, "penalty": training.penalty, "strength": training.strength}
    presented = orders.permutation(n_examples)
    history, told = [_standing(parameters, *data)], time.monotonic()
    while not training.ends(epoch := len(history) - 1, accuracy := history[-1][1]):
        if epoch > 0:
            presented = orders.permutation(n_examples)
        if progress and time.monotonic() - told > PROGRESS_SECONDS:
            progress(epoch, accuracy)
            told = time.monotonic()
        batches, rate = _batches(presented, training.batch_size), training.rate_in(epoch + 1)
        parameters, state = _epoch(parameters, state, *data, batches, learning_rate=rate, **how)
        history.append(_standing(parameters, *data))
    if progress:
        progress(epoch, accuracy)
    loss, accuracies = np.array(history).T
    return TrainedNetwork(
        parameters=jax.tree.map(np.array, parameters),
        loss=loss,
        accuracy=accuracies,
        order=np.argsort(presented),
    )


@partial(jax.jit, static_argnames=("optimizer", "penalty"))
def _epoch(
    parameters: Parameters,
    state: optax.ScaleByAdamState,
    images: jax.Array,
    labels: jax.Array,
    batches: jax.Array,
    **how: str | float,
) -> tuple[Parameters, optax.ScaleByAdamState]:
    """Take one step per row of ``batches``, where -1 stands for no example; ``how``: of ``descend``."""

    def step(
        standing: tuple[Parameters, optax.ScaleByAdamState], batch: jax.Array
    ) -> tuple[tuple[Parameters, optax.ScaleByAdamState], None]:
        parameters, state = standing
        there = batch >= 0
        slope = jax.grad(_mean_loss)(parameters, images[batch], labels[batch], there)
        return descend(parameters, slope, state, **how), None

    standing, _ = jax.lax.scan(step, (parameters, state), batches)
    return standing


def _mean_loss(
    parameters: Parameters, images: jax.Array, labels: jax.Array, there: jax.Array
) -> jax.Array:
    logits = outputs(parameters, images)[-1]
    losses = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
    return jnp.where(there, losses, 0).sum() / there.sum()


def _standing(parameters: Parameters, images: jax.Array, labels: jax.Array) -> tuple[float, float]:
    """Return loss and accuracy on all examples."""
    loss, n_right = _evaluate(parameters, images, labels)
    if not np.isfinite(loss):
        raise ValueError(
            f"the loss must stay finite, got {loss}: take a smaller learning_rate, "
            "or images on a smaller scale"
        )
    return float(loss), int(n_right) / len(labels)


@jax.jit
def _evaluate(
    parameters: Parameters, images: jax.Array, labels: jax.Array
) -> tuple[jax.Array, jax.Array]:
    logits = outputs(parameters, images)[-1]
    losses = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
    return losses.mean(), (logits.argmax(axis=1) == labels).sum()


def _batches(presented: Counts, batch_size: int) -> NDArray[np.int32]:
    """Deal examples into rows of one length, which one compiled step fits; -1 fills the last."""
    size = min(batch_size, presented.size)
    rows = np.full((-(-presented.size // size), size), -1, dtype=np.int32)
    rows.flat[: presented.size] = presented
    return rows


def _as_labels(labels: ArrayLike, n_examples: int, n_classes: int) -> NDArray[np.int32]:
    labels = np.asarray(labels)
    if labels.dtype.kind not in "iu":
        raise TypeError(f"labels must be whole numbers, got dtype {labels.dtype}")
    if labels.shape != (n_examples,):
        raise ValueError(f"labels must have shape ({n_examples},), got {labels.shape}")
    if labels.min() < 0 or labels.max() >= n_classes:
        found = f"[{labels.min()}, {labels.max()}]"
        raise ValueError(f"labels must lie in [0, {n_classes - 1}], got {found}")
    return labels.astype(np.int32)
