"""ReLU perceptrons: how a network of the study is built, and what its units do on an image.

A network of L layers turns an image x = a_0 into logits z through L - 1 hidden layers,

    a_l = max(0, W_l a_{l-1} + b_l),    z = W_L a_{L-1} + b_L,

where row i of W_l holds the incoming weights of unit i. Before training (He's initialization [1]_)

    W_l ~ Normal(0, variance 2 / n_inputs of the layer),    b_l = 0.

.. [1] He, Zhang, Ren, Sun (2015), Delving deep into rectifiers, ICCV, 1026-1034, section 2.2.
"""

from itertools import pairwise
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..activity.checks import check_count, check_generator


class Dense(NamedTuple):
    """One layer; its arrays are NumPy's, or JAX's while it is being trained."""

    weight: NDArray[np.float32]  # (n_units, n_inputs)
    bias: NDArray[np.float32]  # (n_units,)


type Parameters = tuple[Dense, ...]
"""Hidden layers from the images on, the read-out last."""


def initialize(sizes: tuple[int, ...], *, rng: np.random.Generator) -> Parameters:
    """Draw an untrained network; ``sizes``: of the input, each hidden layer, the output."""
    check_generator(rng)
    for size in sizes:
        check_count("sizes", size)
    return tuple(
        Dense(
            weight=rng.normal(0, np.sqrt(2 / n_inputs), (n_units, n_inputs)).astype(np.float32),
            bias=np.zeros(n_units, dtype=np.float32),
        )
        for n_inputs, n_units in pairwise(sizes)
    )


def forward(parameters: Parameters, images: ArrayLike) -> NDArray[np.float32]:
    """Return the logits ``(n_examples, n_classes)`` of images ``(n_examples, n_inputs)``."""
    return np.asarray(_outputs(parameters, _fitting(parameters, images))[-1])


def hidden_activations(parameters: Parameters, images: ArrayLike) -> dict[str, NDArray[np.float32]]:
    """Return what each hidden layer does: ``{"hidden_1": (n_examples, n_units), ...}``."""
    *hidden, _ = _outputs(parameters, _fitting(parameters, images))
    return {f"hidden_{depth}": np.asarray(layer) for depth, layer in enumerate(hidden, start=1)}


def outputs(parameters: Parameters, images: jax.Array) -> list[jax.Array]:
    """Return every layer's output, the logits last; to be traced by JAX, which checks nothing."""
    layers, below = [], images
    for depth, layer in enumerate(parameters, start=1):
        # "highest": some GPUs would else round to 10 bits, and units near zero would change sides
        drive = jnp.matmul(below, layer.weight.T, precision="highest") + layer.bias
        below = drive if depth == len(parameters) else jax.nn.relu(drive)
        layers.append(below)
    return layers


_outputs = jax.jit(outputs)


def as_images(images: ArrayLike) -> NDArray[np.float32]:
    """Return images as ``(n_examples, n_inputs)``; raise unless they are finite and not empty."""
    pixels = np.asarray(images)
    if pixels.dtype.kind not in "fiu":
        raise TypeError(f"images must hold numbers, got dtype {pixels.dtype}")
    if pixels.ndim != 2 or 0 in pixels.shape:
        raise ValueError(f"images must have shape (n_examples, n_inputs), got {pixels.shape}")
    with np.errstate(over="ignore"):  # what float32 cannot hold is infinite, and named below
        pixels = pixels.astype(np.float32, copy=False)
    wrong = np.argwhere(~np.isfinite(pixels))
    if wrong.size:
        example, pixel = wrong[0]
        found = pixels[example, pixel]
        raise ValueError(f"images must be finite, got {found} at example {example}, input {pixel}")
    return pixels


def _fitting(parameters: Parameters, images: ArrayLike) -> NDArray[np.float32]:
    images, n_inputs = as_images(images), parameters[0].weight.shape[1]
    if images.shape[1] != n_inputs:
        raise ValueError(f"images must have the network's {n_inputs} inputs, got {images.shape[1]}")
    return images
