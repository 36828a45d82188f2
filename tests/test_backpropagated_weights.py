"""Weights written by backpropagated errors: the slow twin, the law of one weight, and P ∘ G."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from scipy import integrate, stats

from rote.simulate import (
    BackpropagatedWeights,
    DichotomizedGaussian,
    ExchangeableBernoulli,
    IndependentBernoulli,
    IndependentPoisson,
)
from rote.simulate.dispersed import DispersedBernoulli
from rote.simulate.writing_kernels import BLOCK

N_UNITS, N_INPUTS, N_OUTPUTS = 6, 7, 3
SETUP = np.random.default_rng(1)
INPUTS = SETUP.normal(size=(40, N_INPUTS)).astype(np.float32) * np.linspace(
    0, 2, N_INPUTS, dtype=np.float32
)
READ_OUT = SETUP.normal(size=(N_OUTPUTS, N_UNITS))
ERRORS = np.array([[1.0, -0.4, 0.0], [-0.4, 1.0, 0.3], [0.0, 0.3, 0.5]])
PROCESS = DichotomizedGaussian(rate=np.linspace(0.1, 0.6, N_UNITS), loading=0.9)
LAYER = BackpropagatedWeights(
    process=PROCESS, inputs=INPUTS, read_out=READ_OUT, error_covariance=ERRORS, initial_sd=0.5
)


def test_weights_are_the_slow_twins_bit_for_bit():
    """One example after the other, one unit after the other, in single precision."""
    rates = np.linspace(1, 0.5, BLOCK + 9)
    layer = replace(LAYER, learning_rate=rates)
    drawn = layer.sample(rates.size, rng=np.random.default_rng(4))
    rng = np.random.default_rng(4)
    active = PROCESS.sample(rates.size, rng=rng)
    weights = np.float32(0.5) * rng.standard_normal((N_UNITS, N_INPUTS), dtype=np.float32)
    errors = rng.standard_normal((rates.size, N_OUTPUTS))
    back = np.linalg.cholesky(ERRORS).T @ READ_OUT
    for example, unit in np.argwhere(active):
        change = 0.0
        for output in range(N_OUTPUTS):
            change += rates[example] * errors[example, output] * back[output, unit]
        weights[unit] += np.float32(change) * INPUTS[example % len(INPUTS)]
    np.testing.assert_array_equal(drawn, weights)
    assert drawn.dtype == np.float32


def test_threads_do_not_change_a_bit(monkeypatch):
    process = IndependentBernoulli(rate=np.full(1000, 0.1))
    inputs = np.random.default_rng(0).random((40, 600))
    layer = BackpropagatedWeights(process=process, inputs=inputs, read_out=np.ones((1, 1000)))
    whole = layer.sample(40, rng=np.random.default_rng(2))
    for n_threads in (1, 3):
        monkeypatch.setattr("numba.get_num_threads", lambda n=n_threads: n)
        np.testing.assert_array_equal(layer.sample(40, rng=np.random.default_rng(2)), whole)


def test_cumulants_are_those_of_all_patterns_of_activity():
    """Given which of six examples are active a weight is normal: its moments over all 64 patterns."""
    rates = np.linspace(1, 0.2, 6)
    predicted = replace(LAYER, inputs=INPUTS[:4], learning_rate=rates).predict(6)
    power = np.diag(READ_OUT.T @ ERRORS @ READ_OUT)
    square = np.square(rates[:, None] * INPUTS[[0, 1, 2, 3, 0, 1]].astype(np.float64))
    second, fourth = np.zeros((2, N_UNITS, N_INPUTS))
    for pattern in product([0, 1], repeat=6):
        often = sum(pattern)
        chance = PROCESS.rate**often * (1 - PROCESS.rate) ** (6 - often)
        variance = np.outer(power, np.array(pattern) @ square) + 0.25
        second += chance[:, None] * variance
        fourth += chance[:, None] * 3 * variance**2
    np.testing.assert_allclose(predicted.cumulants[1], second, rtol=1e-10)
    np.testing.assert_allclose(predicted.cumulants[3], fourth - 3 * second**2, rtol=1e-7, atol=1e-12)
    assert not predicted.cumulants[[0, 2]].any()
    pooled = fourth.mean() / second.mean() ** 2 - 3
    assert predicted.excess_kurtosis == pytest.approx(pooled)
    assert predicted.norm_l2 == pytest.approx(np.sqrt(second.sum(axis=1)))


@pytest.mark.parametrize(
    ("rate", "error"), [(0.00125, 5e-4), (0.0025, 5e-4), (0.0125, 5e-4), (0.05, 2e-4), (0.5, 1e-5)]
)
def test_mean_size_comes_near_to_the_integral_over_activity(rate, error):
    """E√V = ∫ (1 - E exp(-uV)) u^(-3/2) du / (2√π) for the variance V: at ½ to 200 presentations."""
    inputs = np.abs(np.random.default_rng(6).normal(size=(400, 1)))
    layer = BackpropagatedWeights(
        process=IndependentBernoulli(rate=[rate]), inputs=inputs, read_out=[[1.0]]
    )
    square = inputs[:, 0] ** 2

    def lost(log):
        u = np.exp(log)
        return -np.expm1(np.log1p(rate * np.expm1(-u * square)).sum()) * np.exp(-log / 2)

    root = integrate.quad(lost, -40, 40, limit=400, points=[-8, -4, 0, 4])[0] / (2 * np.sqrt(np.pi))
    due = np.sqrt(2 / np.pi) * root
    assert layer.predict(400).mean_size == pytest.approx(due, rel=error)
    gaussian = np.sqrt(2 / np.pi * rate * square.sum())
    assert due != pytest.approx(gaussian, rel=error)


@pytest.mark.slow
@pytest.mark.parametrize("often", [0.5, 2.0])
def test_norms_of_rarely_written_units_are_those_drawn(often, agrees, rejects, rng):
    """Where a Gamma law of the variance is off by a fifth, and by a twentieth."""
    layer = BackpropagatedWeights(
        process=IndependentBernoulli(rate=np.full(400, often / 50)),
        inputs=np.random.default_rng(6).normal(size=(50, 4)),
        read_out=np.eye(400),
    )
    drawn = np.array([layer.sample(50, rng=rng) for _ in range(40)], dtype=np.float64).reshape(-1, 4)
    size, law = np.abs(drawn).sum(axis=1), layer.predict(50)
    assert agrees(stats.ttest_1samp(size, law.norm_l1[0]).pvalue)
    assert rejects(stats.ttest_1samp(size, 1.15 * law.norm_l1[0]).pvalue)
    square = np.square(drawn).sum(axis=1)
    variance = np.square(square - law.norm_l2[0] ** 2)
    assert agrees(stats.ttest_1samp(variance, law.norm_square_variance[0]).pvalue)
    assert rejects(stats.ttest_1samp(variance, 2 * law.norm_square_variance[0]).pvalue)


def test_variances_of_squared_norms_are_those_of_all_patterns():
    """Given which of six examples are active, Var |w|² = 2 tr M² and E |w|² = tr M."""
    rates = np.linspace(1, 0.2, 6)
    predicted = replace(LAYER, inputs=INPUTS[:4], learning_rate=rates).predict(6)
    power = np.diag(READ_OUT.T @ ERRORS @ READ_OUT)
    seen = rates[:, None] * INPUTS[[0, 1, 2, 3, 0, 1]].astype(np.float64)
    first, second = np.zeros((2, N_UNITS))
    for pattern in product([0, 1], repeat=6):
        chance = PROCESS.rate ** sum(pattern) * (1 - PROCESS.rate) ** (6 - sum(pattern))
        inner = (seen * np.array(pattern)[:, None]).T @ seen
        given = power[:, None, None] * inner + 0.25 * np.eye(N_INPUTS)
        trace = np.trace(given, axis1=1, axis2=2)
        first += chance * trace
        second += chance * (trace**2 + 2 * np.square(given).sum(axis=(1, 2)))
    np.testing.assert_allclose(predicted.norm_square_variance, second - first**2, rtol=1e-9)


def test_rates_and_inputs_of_unequal_strength_multiply():
    """Excess kurtosis 3 (1 + c_λ²)(1 + c_v²) - 3 once each unit is active often."""
    rng = np.random.default_rng(3)
    rate, strength = rng.gamma(2, 0.05, 80).clip(0, 1), rng.gamma(1.5, 1, 90)
    inputs = rng.choice([-1.0, 1.0], (200, 90)) * np.sqrt(strength)
    layer = BackpropagatedWeights(
        process=IndependentBernoulli(rate=rate), inputs=inputs, read_out=np.ones((1, 80))
    )
    spread_rate, spread_input = (x.var() / x.mean() ** 2 for x in (rate, strength))
    due = 3 * (1 + spread_rate) * (1 + spread_input) - 3
    assert layer.predict(10**7).excess_kurtosis == pytest.approx(due, rel=1e-4)
    assert layer.predict(50).excess_kurtosis > due + 0.5


@pytest.mark.parametrize(
    "process",
    [PROCESS, ExchangeableBernoulli(n_units=N_UNITS, rate=0.2, correlation=0.4, mixing="beta")],
    ids=["dichotomized", "exchangeable"],
)
def test_inner_products_follow_coactivation_times_read_out(process, agrees, rejects, rng):
    layer = replace(LAYER, process=process)
    predicted = layer.predict(80)
    drawn = np.array([layer.sample(80, rng=rng) for _ in range(2500)], dtype=np.float64)
    grams = drawn @ drawn.transpose(0, 2, 1)
    pairs = np.triu_indices(N_UNITS)
    assert agrees(stats.ttest_1samp(grams[:, *pairs], predicted.gram[pairs]).pvalue)
    # P without G, G without P, and co-activation of independent units
    rate, strength = process.predict().rate, 2 * np.square(INPUTS.astype(np.float64)).sum()
    together = process.predict().covariance + np.outer(rate, rate)
    gram = READ_OUT.T @ ERRORS @ READ_OUT
    own = np.eye(N_UNITS) * 0.25 * N_INPUTS
    np.testing.assert_allclose(predicted.gram, strength * together * gram + own, rtol=1e-6)
    for other in (together * np.diag(gram).mean(), gram * rate.mean(), np.outer(rate, rate) * gram):
        near = strength * other + own
        assert rejects(stats.ttest_1samp(grams[:, *pairs], near[pairs]).pvalue)
    total, fourth = np.trace(grams, axis1=1, axis2=2) ** 2, np.square(grams).sum(axis=(1, 2))
    ratio = predicted.participation_ratio
    assert agrees(stats.ttest_1samp(total - ratio * fourth, 0).pvalue)
    assert rejects(stats.ttest_1samp(total - 1.15 * ratio * fourth, 0).pvalue)


@pytest.mark.slow
def test_singular_values_and_cosines_are_those_of_coactivation_and_read_out(rng):
    n_units, n_examples = 80, 3000
    process = DichotomizedGaussian(rate=np.linspace(0.1, 0.6, n_units), loading=0.9)
    layer = BackpropagatedWeights(
        process=process,
        inputs=rng.standard_normal((n_examples, 120)) * np.linspace(0, 2, 120),
        read_out=SETUP.standard_normal((5, n_units)),
        initial_sd=20.0,
    )
    predicted = layer.predict(n_examples)
    drawn = np.array([layer.sample(n_examples, rng=rng) for _ in range(30)], dtype=np.float64)
    seen, due = np.linalg.svd(drawn, compute_uv=False).mean(axis=0), predicted.singular_values
    np.testing.assert_allclose(seen[:70], due[:70], rtol=0.1)  # the least are off by more
    assert np.abs(seen / np.sqrt(np.linalg.eigvalsh(predicted.gram)[::-1]) - 1).max() > 0.3
    alone = replace(layer, process=IndependentBernoulli(rate=process.rate))
    assert np.abs(seen / alone.predict(n_examples).singular_values - 1).max() > 0.2
    rows = drawn / np.linalg.norm(drawn, axis=2, keepdims=True)
    cosine = (rows @ rows.transpose(0, 2, 1)).mean(axis=0)
    pairs = np.triu_indices(n_units, k=1)
    assert np.corrcoef(cosine[pairs], predicted.row_cosine[pairs])[0, 1] > 0.97


@pytest.mark.parametrize(("often", "error"), [(20, 0.1), (5, 0.3), (1, 0.7)])
def test_singular_values_hold_where_units_are_active_often(often, error, rng):
    """The greater half; below 20 presentations a unit they are off, as the docstring says."""
    layer = BackpropagatedWeights(
        process=IndependentBernoulli(rate=np.full(100, often / 1000)),
        inputs=rng.standard_normal((1000, 60)),
        read_out=rng.standard_normal((5, 100)),
    )
    drawn = np.array([layer.sample(1000, rng=rng) for _ in range(30)], dtype=np.float64)
    seen = np.linalg.svd(drawn, compute_uv=False).mean(axis=0)
    off = seen[:30] / layer.predict(1000).singular_values[:30] - 1
    assert np.abs(off).max() < error
    assert off[0] > 0.01
    if often < 20:
        assert off[0] > 0.1


@pytest.mark.parametrize(
    ("arguments", "error", "sentence"),
    [
        (
            {"process": DispersedBernoulli(rate=np.full(6, 0.1), dispersion=np.full(6, 0.1), window=5)},
            ValueError,
            "process must draw its examples independently of one another, got DispersedBernoulli, whose",
        ),
        (
            {"process": IndependentPoisson(rate=[1.0])},
            TypeError,
            "process must be a process of Bernoulli",
        ),
        (
            {"read_out": np.ones((2, 3))},
            ValueError,
            r"read_out must have shape \(n_outputs, n_units=6\)",
        ),
        (
            {"inputs": np.ones(3)},
            ValueError,
            r"inputs must have shape \(n_given, n_inputs\), got \(3,\)",
        ),
        ({"inputs": np.array([["a"]])}, TypeError, "inputs must hold numbers, got dtype"),
        ({"inputs": np.array([[1.0, np.nan]])}, ValueError, "inputs must be finite"),
        (
            {"error_covariance": -np.eye(3)},
            ValueError,
            "error_covariance must be positive semi-definite",
        ),
        ({"error_covariance": np.eye(2)}, ValueError, r"error_covariance must have shape \(3, 3\)"),
        ({"initial_sd": -1.0}, ValueError, "initial_sd must be at least 0"),
    ],
)
def test_impossible_layers_are_named(arguments, error, sentence):
    with pytest.raises(error, match=sentence):
        replace(LAYER, **arguments)
