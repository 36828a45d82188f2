"""The map from rates and correlation to the exponent of the weights, and its landmarks."""

import numpy as np
import pytest

from rote.simulate import (
    BackpropagatedWeights,
    BetaRates,
    IndependentBernoulli,
    VarianceGamma,
    WrittenWeights,
    weight_sweep,
)

N_UNITS, MEAN = 400, 0.02
LAWS = [
    BetaRates(n_units=N_UNITS, mean=MEAN, concentration=shape / MEAN) for shape in (0.5, 1.0, 4.0, 1e5)
]


def base(n_units=N_UNITS):
    process = IndependentBernoulli(rate=np.full(n_units, MEAN))
    return WrittenWeights(process=process, n_inputs=200, change=VarianceGamma(sd=1))


def test_exponential_rates_write_laplace_weights_and_equal_ones_gaussian(rng):
    found = weight_sweep(base(), rates=LAWS, loading=[0.0, 0.8], n_examples=20_000, rng=rng)
    assert found.exponent.shape == (4, 2)
    exponential, equal = found.exponent[1, 0], found.exponent[3, 0]
    assert exponential == pytest.approx(1, abs=0.3)  # with 400 units' own rates
    assert equal == pytest.approx(2, abs=0.02)
    assert (np.diff(found.exponent, axis=0) > 0.1).all()
    np.testing.assert_allclose(found.drawn_exponent, found.exponent, rtol=0.06)
    np.testing.assert_allclose(found.likely_exponent[1:], found.exponent[1:], rtol=0.08)
    np.testing.assert_allclose(found.excess_kurtosis[1:3], found.drawn_excess_kurtosis[1:3], rtol=0.2)
    np.testing.assert_array_equal(found.exponent[:, 0], found.exponent[:, 1])  # correlation has no part
    np.testing.assert_allclose(found.drawn_participation_ratio, found.participation_ratio, rtol=0.1)


def test_correlation_gathers_singular_values_where_errors_are_shared(rng):
    process = IndependentBernoulli(rate=np.full(N_UNITS, MEAN))
    layer = BackpropagatedWeights(
        process=process,
        inputs=rng.standard_normal((4000, 100), dtype=np.float32),
        read_out=rng.standard_normal((10, N_UNITS)),
    )
    found = weight_sweep(layer, rates=LAWS[3:], loading=[0.0, 0.9], n_examples=4000, rng=rng)
    assert found.participation_ratio[0, 1] < 0.5 * found.participation_ratio[0, 0]
    np.testing.assert_allclose(found.drawn_participation_ratio, found.participation_ratio, rtol=0.25)
    assert found.exponent[0, 0] == found.exponent[0, 1]


def test_a_mean_change_has_no_participation_ratio(rng):
    process = IndependentBernoulli(rate=np.full(N_UNITS, MEAN))
    layer = WrittenWeights(process=process, n_inputs=5, change=VarianceGamma(sd=1, mean=0.01))
    found = weight_sweep(layer, rates=LAWS[2:3], loading=0.0, n_examples=500, rng=rng)
    assert np.isnan(found.participation_ratio).all()
    assert found.drawn_participation_ratio.shape == (1, 1)


def test_rate_laws_of_another_layer_are_named(rng):
    with pytest.raises(
        ValueError, match=r"rates must be laws of the n_units of writing's process, 7, got 400"
    ):
        weight_sweep(base(7), rates=LAWS, loading=0.0, n_examples=9, rng=rng)
    with pytest.raises(ValueError, match="loading must"):
        weight_sweep(base(), rates=LAWS, loading=2.0, n_examples=9, rng=rng)
