"""One step downhill: a gradient, plain or scaled by Adam, and the pull of a penalty on the weights.

With the slope g of the loss at a weight w, the learning rate η and the penalty's strength λ, the step
goes along d by η s, where

    "sgd"   d = g,  s = 1              "adam" [1]_   d = m̂,  s = 1 / (√v̂ + ε)

    none    w ← w - η s d
    "l2"    the same with g + λ w for g: the loss plus λ/2 Σ w² goes down
    "l1"    w ← soft(w - η s d, η s λ),  soft(x, t) = sign(x) max(0, |x| - t)

The last is a proximal step [2]_, in the metric that scales the step, on the loss plus λ Σ |w|: it sets
weights to exactly zero, and stands still where -g lies in λ ∂|w|, whatever the metric, as long as step
and threshold share it.

Adam's own metric has no bound: a weight whose slope has been 0 so far, as all weights of a unit that no
example of the first batch made active, has v̂ = 0 and a threshold of η λ / ε, which is 30 at usual
settings, and would be gone before it was ever asked for; a unit without weights in has no slope either
and never comes back. So under "l1" √v̂ of a weight is taken for no less than a tenth of its root mean
square over the layer,

    s = 1 / (max(√v̂, ⅒ (mean of v̂ over the layer)^½) + ε),

in step and threshold alike. No threshold is then more than ten times that of a typical weight of the
layer, a weight that is never used fades over some hundred steps, as a penalty would have it, and a unit
of a hundredth of the layer's activity still has Adam's own metric, since √v̂ goes with the root of the
rate. A warm-up without the pull would not do: what is rare may be silent for longer. Biases, which are
not pulled, and other penalties have Adam's metric as it is.

Penalties pull on the weights of all layers, the read-out's too, and on no bias.

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
FLOOR = 0.1  # of √v̂ under "l1", in units of its root mean square over a layer's weights
_MEMORY, _DECAY = 0.9, 0.999  # of Adam's mean slope and mean square

_adam = optax.scale_by_adam(b1=_MEMORY, b2=_DECAY, eps=EPSILON)


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
    way, scale = slope, None
    if optimizer == "adam":
        way, state = _adam.update(slope, state)
    if penalty != "l1":
        return jax.tree.map(lambda w, d: w - learning_rate * d, parameters, way), state
    if optimizer == "adam":
        mean, scale = _metric(state)
        way = jax.tree.map(jnp.multiply, mean, scale)
    return _proximal(parameters, way, scale, learning_rate, strength), state


def _metric(state: optax.ScaleByAdamState) -> tuple[Parameters, Parameters]:
    """Return Adam's mean slope m̂ and the bounded scale s of each parameter."""
    first, second = 1 - _MEMORY**state.count, 1 - _DECAY**state.count
    root = jax.tree.map(lambda square: jnp.sqrt(square / second), state.nu)
    bounded = tuple(
        Dense(jnp.maximum(r.weight, FLOOR * jnp.sqrt(jnp.square(r.weight).mean())), r.bias) for r in root
    )
    mean = jax.tree.map(lambda slope: slope / first, state.mu)
    return mean, jax.tree.map(lambda r: 1 / (r + EPSILON), bounded)


def _proximal(
    parameters: Parameters,
    way: Parameters,
    scale: Parameters | None,
    learning_rate: float,
    strength: float,
) -> Parameters:
    """Go along ``way`` and pull on the weights; ``scale`` is what the way is scaled by, None if 1."""
    moved = jax.tree.map(lambda w, d: w - learning_rate * d, parameters, way)
    threshold = learning_rate * strength
    if scale is None:
        return tuple(Dense(_soft(p.weight, threshold), p.bias) for p in moved)
    return tuple(
        Dense(_soft(p.weight, threshold * s.weight), p.bias) for p, s in zip(moved, scale, strict=True)
    )


def _soft(weight: jax.Array, threshold: jax.Array | float) -> jax.Array:
    return jnp.sign(weight) * jnp.maximum(0, jnp.abs(weight) - threshold)
