"""One step downhill: a gradient, plain or scaled by Adam, and the pull of a penalty on the weights.

With the slope g of the loss at a weight w, the learning rate η and the penalty's strength λ, the step
goes along d by η s, where

    "sgd"   d = g,  s = 1              "adam" [1]_   d = m̂,  s = 1 / (√v̂ + ε)

    none    w ← w - η s d
    "l2"    the same with g + λ w for g: the loss plus λ/2 Σ w² goes down
    "l1"    w ← soft(w - η s d, η s λ),  soft(x, t) = sign(x) max(0, |x| - t)

The last is a proximal step [2]_, in the metric that scales the step, on the loss plus λ Σ |w|: it sets
weights to exactly zero, and stands still where -g lies in λ ∂|w|. Penalties pull on the weights of all
layers, the read-out's too, and on no bias.

.. [1] Kingma, Ba (2015), Adam: a method for stochastic optimization, ICLR; β = (.9, .999), ε = 1e-8.
.. [2] Parikh, Boyd (2014), Proximal algorithms, Found. Trends Optim. 1(3), sections 4.2 and 6.5.2.
"""

import jax
import jax.numpy as jnp
import optax

from .perceptron import Dense, Parameters

OPTIMIZERS = ("adam", "sgd")
PENALTIES = ("none", "l2", "l1")
EPSILON = 1e-8  # of Adam
_DECAY = 0.999  # of Adam's mean square

_adam = optax.scale_by_adam(b1=0.9, b2=_DECAY, eps=EPSILON)


def begin(parameters: Parameters) -> optax.ScaleByAdamState:
    """Return the state of an optimizer that has taken no step."""
    return _adam.init(parameters)


def descend(
    parameters: Parameters,
    slope: Parameters,
    state: optax.ScaleByAdamState,
    *,
    optimizer: str,
    penalty: str,
    learning_rate: float,
    strength: float,
) -> tuple[Parameters, optax.ScaleByAdamState]:
    """Take one step against ``slope``; to be traced by JAX."""
    if penalty == "l2":
        slope = tuple(
            Dense(g.weight + strength * p.weight, g.bias) for g, p in zip(slope, parameters, strict=True)
        )
    way = slope
    if optimizer == "adam":
        way, state = _adam.update(slope, state)
    parameters = jax.tree.map(lambda w, d: w - learning_rate * d, parameters, way)
    if penalty == "l1":
        scale = _scale(slope, state, optimizer)
        parameters = tuple(
            Dense(_soft(p.weight, learning_rate * strength * s.weight), p.bias)
            for p, s in zip(parameters, scale, strict=True)
        )
    return parameters, state


def _scale(slope: Parameters, state: optax.ScaleByAdamState, optimizer: str) -> Parameters:
    """Return what the step of each parameter was multiplied by, besides the learning rate."""
    if optimizer == "sgd":
        return jax.tree.map(jnp.ones_like, slope)
    seen = 1 - _DECAY**state.count
    return jax.tree.map(lambda square: 1 / (jnp.sqrt(square / seen) + EPSILON), state.nu)


def _soft(weight: jax.Array, threshold: jax.Array) -> jax.Array:
    return jnp.sign(weight) * jnp.maximum(0, jnp.abs(weight) - threshold)
