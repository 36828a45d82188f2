"""The coherence exponent: what is regressed on what, and written weights of known coherence."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from rote.activity.measurement import measure
from rote.inference.claims import MeasuredLayer
from rote.inference.coherence import Movement, coherence_model
from rote.inference.fitting import fit
from rote.simulate import IndependentBernoulli, VarianceGamma, WrittenWeights

MOVEMENT = Movement(
    norm=np.array([0.1, 0.0, 2.0, 3.0, 4.0]), active_count=np.array([1, 5, 0, 20, 50]), n_examples=50
)


def test_logarithms_are_those_of_a_sampled_rate():
    log_rate, error = MOVEMENT.log_rate()
    for count, mean, sd in zip((1, 20, 50), log_rate, error, strict=True):
        law = stats.beta(count, 50 - count + 1)
        assert mean == pytest.approx(law.expect(np.log), rel=1e-6)
        second = law.expect(lambda p: np.log(p) ** 2)
        assert sd == pytest.approx(np.sqrt(second - mean**2), rel=1e-4)


def test_rates_of_the_examples_that_wrote_have_no_error():
    log_rate, error = replace(MOVEMENT, written_on=True).log_rate()
    np.testing.assert_allclose(log_rate, np.log([1 / 50, 20 / 50, 1.0]))
    assert not error.any()


def test_units_that_live_and_moved_are_regressed():
    model = coherence_model(MOVEMENT)
    np.testing.assert_allclose(model["y_seen"].get_value(), np.log([0.1, 3.0, 4.0]))
    np.testing.assert_allclose(model["x_seen"].get_value(), MOVEMENT.log_rate()[0])
    np.testing.assert_allclose(model["error_x"].get_value(), MOVEMENT.log_rate()[1])


def test_movement_of_a_layer_is_its_change(rng):
    active = IndependentBernoulli(rate=np.array([0.1, 0.5, 0.9])).sample(40, rng=rng)
    weight = rng.normal(size=(3, 4))
    layer = MeasuredLayer(statistics=measure(active), weight=weight, initial=np.ones((3, 4)))
    movement = Movement.of(layer)
    np.testing.assert_allclose(movement.norm, np.sqrt(np.square(weight - 1).sum(axis=1)))
    np.testing.assert_array_equal(movement.active_count, active.sum(axis=0))
    with pytest.raises(ValueError, match="the model needs initial of the layer, got none"):
        Movement.of(replace(layer, initial=None))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"norm": np.ones(4)}, "norm and active_count must be of the same units, got 4 and 5"),
        ({"norm": -np.ones(5)}, r"norm must be at least 0, got -1\.0"),
        ({"n_examples": 30}, r"active_count must lie in \[0, n_examples=30\], got \[0, 50\]"),
    ],
)
def test_impossible_movement_is_named(change, sentence):
    with pytest.raises(ValueError, match=sentence):
        replace(MOVEMENT, **change)


def test_three_units_must_have_moved():
    dead = replace(MOVEMENT, active_count=np.array([1, 5, 0, 0, 50]))
    with pytest.raises(ValueError, match="movement must have 3 units that are active and moved, got 2"):
        coherence_model(dead)


@pytest.mark.slow
@pytest.mark.parametrize(("mean", "exponent"), [(0.0, 0.5), (1.0, 1.0)])
def test_written_weights_have_the_exponent_of_their_changes(mean, exponent, rng):
    """Changes without a mean give ½ exactly; with one, of rates that wrote often, the law's slope."""
    process = IndependentBernoulli(rate=rng.beta(1, 8, 200).clip(0.005))
    writing = WrittenWeights(process=process, n_inputs=200, change=VarianceGamma(sd=0.5, mean=mean))
    movement = Movement(
        norm=np.linalg.norm(writing.sample(4000, rng=rng), axis=1),
        active_count=process.sample(4000, rng=rng).sum(axis=0),
        n_examples=4000,
    )
    posterior = fit(movement, model="coherence", rng=rng)["posterior"]["exponent"]
    width = stats.norm.isf(0.5e-6) * float(posterior.std())
    slope = writing.coherence_exponent(4000)
    assert slope.min() - width < float(posterior.mean()) < slope.max() + width
    assert abs(float(posterior.mean()) - exponent) < width + abs(slope - exponent).max()
    assert abs(float(posterior.mean()) - (1.5 - exponent)) > width  # and is told from the other
