"""Layers that are active and loud: moments against draws, magnitudes drawn apart given who is active."""

import numpy as np
import pytest
from scipy import stats

from rote.simulate import (
    Activations,
    DichotomizedGaussian,
    ExchangeableBernoulli,
    IndependentPoisson,
    RectifiedMagnitude,
    ScaledMagnitude,
    SharedFeatures,
)

N_EXAMPLES = 60_000
RATE = np.array([0.05, 0.3, 0.5, 0.9])


def gamma_layer(process):
    return Activations(
        process=process,
        magnitude=ScaledMagnitude(
            family="gamma", mean=[1.0, 2.0, 0.5, 4.0], variation=[0.5, 1.0, 0.3, 0.7]
        ),
    )


def processes():
    return [
        DichotomizedGaussian(rate=RATE, loading=[0.9, 0.7, -0.8, 0.5]),
        ExchangeableBernoulli(n_units=4, rate=0.2, correlation=0.3, mixing="beta"),
        SharedFeatures(
            feature_probability=[0.1, 0.3, 0.2],
            wiring=np.array([[1, 0, 0], [1, 1, 0], [0, 1, 1], [1, 1, 1]], dtype=np.bool_),
            noise=0.05,
        ),
    ]


def mean_alarms(values, due):
    """Two-sided p-values of the means of columns, by their standard errors."""
    error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
    return 2 * stats.norm.sf(np.abs(values.mean(axis=0) - due) / error)


def pair_alarms(drawn, mean, covariance):
    """The same for products of deviations, whose mean is the covariance."""
    deviation = drawn - mean
    one, other = np.triu_indices(drawn.shape[1])
    return mean_alarms(deviation[:, one] * deviation[:, other], covariance[one, other])


@pytest.mark.parametrize("process", processes(), ids=lambda process: type(process).__name__)
def test_moments_are_those_of_draws_conditional_on_any_process(process, rng, agrees, rejects):
    layer = gamma_layer(process)
    drawn = layer.sample(N_EXAMPLES, rng=rng).astype(np.float64)
    law = layer.predict()
    assert agrees(
        np.concatenate([mean_alarms(drawn, law.mean), pair_alarms(drawn, law.mean, law.covariance)])
    )
    assert rejects(mean_alarms(drawn, 1.1 * law.mean))
    apart = np.diag(law.variance)  # as if units were independent
    assert rejects(pair_alarms(drawn, law.mean, apart))


@pytest.mark.parametrize("process", processes(), ids=lambda process: type(process).__name__)
def test_the_next_layers_drive_is_that_of_draws_and_knows_of_pairs(process, rng, agrees, rejects):
    layer, bias = gamma_layer(process), np.array([0.5, -1.0])
    weight = np.array([[1.0, 0.5, 2.0, 0.3], [-0.5, 1.0, 0.2, -0.4]])
    drawn = layer.sample(N_EXAMPLES, rng=rng).astype(np.float64) @ weight.T + bias
    law = layer.predict()
    mean, variance = law.drive(weight, bias)
    assert agrees(np.append(mean_alarms(drawn, mean), mean_alarms((drawn - mean) ** 2, variance)))
    assert rejects(mean_alarms(drawn, mean - bias))
    apart = np.square(weight) @ law.variance  # as if units were independent
    assert rejects(mean_alarms((drawn - mean) ** 2, apart))
    with pytest.raises(ValueError, match=r"weight must have shape \(n_next, n_units=4\), got \(2, 3\)"):
        law.drive(weight[:, :3], bias)
    with pytest.raises(ValueError, match=r"bias must have shape \(2,\), got \(3,\)"):
        law.drive(weight, np.zeros(3))


def test_activations_have_a_mass_at_zero_and_their_law_above(rng, agrees, rejects):
    layer = gamma_layer(processes()[0])
    drawn, law = layer.sample(N_EXAMPLES, rng=rng), layer.predict()
    places = np.array([0.0, 0.1, 0.5, 1.0, 4.0])
    for unit in range(4):
        grid = np.tile(places[:, None], 4)
        due = np.diff(law.cdf(grid)[:, unit], prepend=0, append=1) * N_EXAMPLES
        seen = np.bincount(np.searchsorted(places, drawn[:, unit]), minlength=6)
        kept = due > 5
        table = seen[kept], due[kept] * seen[kept].sum() / due[kept].sum()
        assert agrees(stats.chisquare(*table).pvalue)
        assert rejects(stats.chisquare(seen[kept], np.roll(table[1], 1)).pvalue)
    assert law.cdf(np.zeros(4)) == pytest.approx(1 - law.rate)


def test_draws_do_not_depend_on_the_block():
    layer = gamma_layer(processes()[0])
    whole = layer.sample(1_000, rng=np.random.default_rng(4))
    parts = list(layer.blocks(1_000, rng=np.random.default_rng(4), block=333))
    assert [len(part) for part in parts] == [333, 333, 333, 1]
    assert np.array_equal(whole, np.concatenate(parts))
    active = layer.process.sample(1_000, rng=np.random.default_rng(4))
    assert np.array_equal(whole > 0, active)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: Activations(process=IndependentPoisson(rate=[1.0]), magnitude=None),
            TypeError,
            "process must be one of Bernoulli units, got IndependentPoisson",
        ),
        (
            lambda: Activations(process=processes()[0], magnitude="loud"),
            TypeError,
            "magnitude must be a Magnitude, got str",
        ),
        (
            lambda: Activations(
                process=processes()[0], magnitude=RectifiedMagnitude(threshold=[0.0], scale=1.0)
            ),
            ValueError,
            "magnitude must have the 4 units of process, got 1",
        ),
    ],
)
def test_impossible_layers_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
