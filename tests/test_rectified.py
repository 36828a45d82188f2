"""Layers of normal pre-activations: closed forms against draws, networks, constant units."""

import numpy as np
import pytest
from scipy import stats

from rote.activity.streams import draw_keys
from rote.simulate import (
    Activations,
    RectifiedGaussian,
    RectifiedMagnitude,
    propagate,
)
from rote.simulate.normals import exact_normals

N_EXAMPLES = 60_000


def mean_alarms(values, due):
    """Two-sided p-values of the means of columns, by their standard errors."""
    error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
    return 2 * stats.norm.sf(np.abs(values.mean(axis=0) - due) / error)


def pair_alarms(drawn, mean, covariance):
    """The same for products of deviations, whose mean is the covariance."""
    deviation = drawn - mean
    one, other = np.triu_indices(drawn.shape[1])
    return mean_alarms(deviation[:, one] * deviation[:, other], covariance[one, other])


def rectified(rng, n_units=5, n_inputs=7):
    """A layer of correlated units; none so rare that sums over draws are not normal."""
    weight = rng.normal(size=(n_units, n_inputs))
    root = rng.normal(size=(n_inputs, n_inputs)) / np.sqrt(n_inputs)
    covariance = weight @ root @ root.T @ weight.T
    mean = rng.uniform(-1, 1, n_units) * np.sqrt(np.diag(covariance))
    return RectifiedGaussian(drive_mean=mean, drive_covariance=(covariance + covariance.T) / 2)


def test_joint_draws_follow_the_closed_forms(rng, agrees, rejects):
    layer = rectified(rng)
    drawn = layer.sample(N_EXAMPLES, rng=rng).astype(np.float64)
    assert agrees(
        np.concatenate(
            [mean_alarms(drawn, layer.mean), pair_alarms(drawn, layer.mean, layer.covariance)]
        )
    )
    assert agrees(mean_alarms((drawn > 0).astype(float), layer.rate))
    assert rejects(mean_alarms(drawn, 1.05 * layer.mean))
    magnitudes = layer.magnitude()
    for unit in range(layer.n_units):
        loud = drawn[drawn[:, unit] > 0, unit]
        law = RectifiedMagnitude(threshold=magnitudes.threshold[[unit]], scale=magnitudes.scale[[unit]])
        assert agrees(stats.kstest(loud, law.cdf).pvalue)


def test_magnitudes_drawn_apart_lack_what_one_latent_variable_gives(rng, agrees, rejects):
    """Rates, pairs and each unit's magnitudes are the same; covariances of activations are not."""
    joint = RectifiedGaussian(drive_mean=[-0.5, -0.5], drive_covariance=[[1.0, 0.8], [0.8, 1.0]])
    apart = Activations(process=joint.binary(), magnitude=joint.magnitude())
    law = apart.predict()
    assert law.mean == pytest.approx(joint.mean)
    assert law.variance == pytest.approx(np.diag(joint.covariance))
    assert law.covariance[0, 1] < 0.7 * joint.covariance[0, 1]
    drawn = apart.sample(N_EXAMPLES, rng=rng).astype(np.float64)
    assert agrees(pair_alarms(drawn, law.mean, law.covariance))
    assert rejects(pair_alarms(drawn, law.mean, joint.covariance))


def test_joint_draws_are_active_where_the_binary_process_is():
    layer = rectified(np.random.default_rng(1))
    drawn = np.concatenate(list(layer.blocks(3_000, rng=np.random.default_rng(6), block=700)))
    active = layer.binary().sample(3_000, rng=np.random.default_rng(6))
    assert np.array_equal(drawn > 0, active)
    key = draw_keys(np.random.default_rng(6), 1)[0]
    normals = exact_normals(key, 0, drawn.size).reshape(drawn.shape)
    twin = layer.drive_mean + layer.scale * (normals @ layer.binary().factor.T)
    np.testing.assert_allclose(drawn, np.maximum(twin, 0), atol=1e-4)


def test_the_cdf_is_that_of_a_rectified_normal(rng):
    layer = rectified(rng)
    value = np.array([0.0, 0.5, 2.0])[:, None]
    due = stats.norm(layer.drive_mean, layer.scale).cdf(value)
    assert layer.cdf(value) == pytest.approx(due)
    apart = Activations(process=layer.binary(), magnitude=layer.magnitude()).predict()
    assert apart.cdf(np.tile(value, 5)) == pytest.approx(due)


def test_rates_depend_on_the_direction_of_weights_and_not_on_their_length(rng):
    weight, covariance = rng.normal(size=(4, 6)), np.diag(rng.uniform(0.5, 2, 6))
    mean, bias = rng.normal(size=6), np.zeros(4)
    short, long, turned = (
        RectifiedGaussian.from_input(weight=w, bias=bias, mean=mean, covariance=covariance)
        for w in (weight, 7 * weight, -weight)
    )
    assert long.rate == pytest.approx(short.rate)
    assert long.mean == pytest.approx(7 * short.mean)
    assert turned.rate == pytest.approx(1 - short.rate)


def test_layers_are_propagated_through_a_network_of_normal_drive(rng, agrees, rejects):
    """The carried moments are those of a forward pass, whose drive need not be normal."""
    n_inputs, n_units = 20, 200
    first = rng.normal(size=(n_units, n_inputs)) / 3, rng.normal(size=n_units) / 3
    second = rng.normal(size=(6, n_units)) / 10, rng.normal(size=6) / 3
    mean = rng.normal(size=n_inputs) / 2
    layers = propagate([first, second], mean=mean, covariance=np.eye(n_inputs))
    data = mean + rng.normal(size=(N_EXAMPLES, n_inputs))
    below = np.maximum(data @ first[0].T + first[1], 0)
    drive = below @ second[0].T + second[1]
    assert agrees(mean_alarms(below, layers[0].mean))
    assert agrees(mean_alarms(drive, layers[1].drive_mean))  # moments of the drive are exact
    assert agrees(pair_alarms(drive, layers[1].drive_mean, layers[1].drive_covariance))
    apart = second[0] * np.diag(layers[0].covariance) @ second[0].T  # as if units were independent
    assert rejects(pair_alarms(drive, layers[1].drive_mean, apart))
    assert layers[1].rate == pytest.approx(
        (drive > 0).mean(axis=0), abs=0.03
    )  # and its law nearly normal


def test_units_that_never_change_are_taken_as_they_are(rng, agrees):
    """Dead inputs are common in images; a unit wired to nothing else is constant."""
    covariance = np.diag([1.0, 0.0, 2.0])
    weight = np.array([[1.0, 3.0, 0.0], [0.0, 2.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, 0.0]])
    layer = RectifiedGaussian.from_input(
        weight=weight, bias=[0.0, 0.0, 0.0, 0.0], mean=[0.0, 0.5, 0.0], covariance=covariance
    )
    assert layer.rate[1:].tolist() == [1, 0, 0]
    assert layer.mean[1:].tolist() == [1, 0, 0]
    assert not layer.covariance[1:].any()
    drawn = layer.sample(2_000, rng=rng)
    assert (drawn[:, 1:] == [1, 0, 0]).all()
    assert agrees(mean_alarms(drawn[:, :1].astype(float), layer.mean[:1]))
    assert layer.cdf(np.array([0.0, 0.9, 0.0, 0.0])).tolist()[1:] == [0, 1, 1]
    with pytest.raises(ValueError, match="got a constant at unit 1"):
        layer.magnitude()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: RectifiedGaussian(drive_mean=[0.0, 0.0], drive_covariance=np.diag([1.0, -1.0])),
            ValueError,
            "drive_covariance must not be negative on its diagonal, got -1.0 for unit 1",
        ),
        (
            lambda: RectifiedGaussian(drive_mean=[0.0, 0.0], drive_covariance=[[1, 2], [2, 1]]),
            ValueError,
            "drive_covariance must lie within the standard deviations' product, got 2.0 for units 0",
        ),
        (
            lambda: RectifiedGaussian(drive_mean=[0.0, 0.0], drive_covariance=np.eye(3)),
            ValueError,
            r"drive_covariance must have shape \(2, 2\), got \(3, 3\)",
        ),
        (
            lambda: propagate([(np.eye(2), [0.0])], mean=[0.0, 0.0], covariance=np.eye(2)),
            ValueError,
            r"weight must have shape \(1, n_inputs\), got \(2, 2\)",
        ),
        (
            lambda: propagate([(np.eye(2), [0.0, 0.0])], mean=[0.0], covariance=np.eye(2)),
            ValueError,
            r"mean must have shape \(2,\), got \(1,\)",
        ),
    ],
)
def test_impossible_layers_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
