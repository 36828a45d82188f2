"""Steps with an L1 penalty: where they stand still, and whom they may not erase at once."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.linear_model import Lasso

from rote.validate.descent import FLOOR, OPTIMIZERS, begin, descend
from rote.validate.perceptron import Dense, initialize
from rote.validate.training import Training, stream, train

STRENGTH, RATE = 0.05, 1e-3


def one_layer(weight, bias=0.0):
    return (Dense(jnp.asarray([weight], dtype=jnp.float32), jnp.full(1, bias, dtype=jnp.float32)),)


def stepped(weight, slope, optimizer, n_steps=1, **how):
    """Return the weights after steps against one slope, seen anew at every step."""
    parameters, state = one_layer(weight), begin(one_layer(weight))
    how = {"penalty": "l1", "learning_rate": RATE, "strength": STRENGTH} | how
    for _ in range(n_steps):
        seen = one_layer(slope(np.asarray(parameters[0].weight[0], dtype=np.float64)))
        parameters, state = descend(parameters, seen, state, optimizer=optimizer, **how)
    return np.asarray(parameters[0].weight[0])


@pytest.fixture
def lasso(rng):
    """The slope of a sum of squares with strong and weak predictors, and its lasso's weights."""
    inputs = rng.normal(size=(200, 12)) * np.geomspace(1, 0.02, 12)
    target = inputs @ rng.normal(size=12) + 0.1 * rng.normal(size=200)
    solved = Lasso(alpha=STRENGTH, fit_intercept=False, tol=1e-14, max_iter=10**6).fit(inputs, target)
    assert 2 <= np.count_nonzero(solved.coef_) <= 9
    return lambda weight: inputs.T @ (inputs @ weight - target) / 200, solved.coef_


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_steps_stand_still_at_the_lassos_weights_and_nowhere_near(optimizer, lasso):
    """Slopes there reach from nearly 0, where Adam's own metric has no bound, to the strength."""
    slope, weight = lasso
    assert np.abs(slope(weight)).min() < 0.2 * FLOOR * np.sqrt(np.square(slope(weight)).mean())
    after = stepped(weight, slope, optimizer, n_steps=5)
    np.testing.assert_allclose(after, weight, atol=1e-6)
    assert ((after == 0) == (weight == 0)).all()
    left = weight != 0
    moved = stepped(weight + 0.1 * left, slope, optimizer)
    assert (np.abs(moved - weight - 0.1 * left)[left] > 1e-6).all()
    other = stepped(weight, slope, optimizer, strength=0.8 * STRENGTH)
    assert np.abs(other - weight).max() > 1e-6


def test_plain_steps_lead_to_the_lassos_weights(lasso):
    slope, weight = lasso
    found = stepped(np.zeros(12), slope, "sgd", n_steps=3000, learning_rate=0.5)
    np.testing.assert_allclose(found, weight, atol=1e-4)
    assert ((found == 0) == (weight == 0)).all()


def test_a_weight_without_a_slope_fades_as_a_bounded_metric_has_it():
    slope = np.array([0.0, 1e-3, 0.1, -0.2])
    weight = np.array([0.3, 0.3, 0.3, 0.3])
    lost = weight - stepped(weight, lambda _: slope, "adam")
    root = np.sqrt(np.square(slope).mean())
    scale = 1 / np.maximum(np.abs(slope), FLOOR * root)
    np.testing.assert_allclose(lost, RATE * scale * (slope + STRENGTH), rtol=1e-4)
    unpulled = weight - stepped(weight, lambda _: slope, "adam", penalty="none")
    np.testing.assert_allclose(unpulled[1:], RATE * np.sign(slope[1:]), rtol=1e-4)  # Adam's own metric


@pytest.fixture
def silent_first():
    """Images, labels and a seed whose first batch leaves some units silent that later ones do not."""
    rng = np.random.default_rng(5)
    images, labels = rng.random((160, 30), dtype=np.float32), rng.integers(3, size=160)
    images[:, 15:] *= rng.random((160, 15)) < 0.05  # inputs that are rarely there
    start = initialize((30, 40, 20, 3), rng=stream(3, "weights"))
    order = stream(3, "order").permutation(160)
    active = images @ start[0].weight.T + start[0].bias > 0
    silent = ~active[order[:8]].any(axis=0) & active.any(axis=0)
    assert silent.sum() >= 2
    return images, labels, start, order, silent


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_units_silent_in_the_first_batch_are_not_erased_by_it(optimizer, silent_first):
    images, labels, start, order, silent = silent_first
    how = {"optimizer": optimizer, "penalty": "l1", "strength": 3e-4, "batch_size": 8}
    training = Training(hidden=(40, 20), final_epoch=1, **how)
    first = train(images[order[:8]], labels[order[:8]], n_classes=3, training=training, seed=3)
    kept = np.abs(first.parameters[0].weight[silent]).sum(axis=1)
    began = np.abs(start[0].weight[silent]).sum(axis=1)
    assert (kept > 0.9 * began).all()  # a threshold of η λ / ε = 30 would leave nothing
    whole = train(images, labels, n_classes=3, training=training, seed=3)
    assert whole.parameters[0].weight[silent].any(axis=1).all()


def test_steps_are_traced_once():
    """Strengths and rates are numbers of the traced step, so that a schedule costs no compilation."""
    traced = jax.jit(descend, static_argnames=("optimizer", "penalty"))
    weight = one_layer([0.1, 0.2])
    for rate in (1e-3, 1e-4):
        how = {"learning_rate": rate, "strength": STRENGTH}
        traced(weight, weight, begin(weight), optimizer="adam", penalty="l1", **how)
    assert traced._cache_size() == 1
