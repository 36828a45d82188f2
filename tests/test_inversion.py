"""Laws from characteristic functions: SciPy's own, with a mass at zero, and that of written weights."""

import numpy as np
import pytest
from scipy import integrate, stats

from rote.simulate.backpropagated_weights import BackpropagatedWeights
from rote.simulate.independent import IndependentBernoulli
from rote.simulate.inversion import CharacteristicLaw
from rote.simulate.layers import Layer
from rote.simulate.weight_laws import VarianceGamma
from rote.simulate.written_weights import WrittenWeights

PLACES = np.array([-3.0, -0.7, -0.1, 0.0, 0.2, 1.5, 4.0])


def test_a_normal_number_with_a_mass_at_zero_is_told_back():
    law = CharacteristicLaw(
        characteristic=lambda t: 0.3 + 0.7 * np.exp(0.4j * t - t**2 / 2), reach=12.0, zero=0.3
    )
    np.testing.assert_allclose(law.pdf(PLACES), 0.7 * stats.norm.pdf(PLACES, 0.4), atol=1e-5)
    due = 0.7 * stats.norm.cdf(PLACES, 0.4) + 0.3 * (PLACES >= 0)
    np.testing.assert_allclose(law.cdf(PLACES), due, atol=1e-9)
    near = 0.7 * stats.norm.cdf(PLACES, 0.41) + 0.3 * (PLACES >= 0)
    assert np.abs(law.cdf(PLACES) - near).max() > 1e-3
    assert law.cdf(PLACES.reshape(1, 7)).shape == (1, 7)


def mixture(rate, n_examples, change, initial_sd):
    """Density and distribution function of one weight: a sum over how often a unit is active."""
    k = np.arange(n_examples + 1)[:, None]
    chance = stats.binom.pmf(k, n_examples, rate)
    mean, sd = k * change.mean, np.sqrt(k * change.sd**2 + initial_sd**2)
    away = sd > 0
    safe = np.where(away, sd, 1.0)
    pdf = (chance * np.where(away, stats.norm.pdf(PLACES, mean, safe), 0)).sum(axis=0)
    step = (PLACES >= 0) * 1.0
    return pdf, (chance * np.where(away, stats.norm.cdf(PLACES, mean, safe), step)).sum(axis=0)


@pytest.mark.parametrize("initial_sd", [0.0, 0.2])
@pytest.mark.parametrize("mean", [0.0, 0.3])
def test_the_law_of_written_weights_is_the_mixture_over_counts(mean, initial_sd):
    """Of three units with rates of their own, from rarely written to often."""
    rates, change = np.array([0.002, 0.03, 0.3]), VarianceGamma(sd=0.5, mean=mean)
    layer = WrittenWeights(
        process=IndependentBernoulli(rate=rates), n_inputs=4, change=change, initial_sd=initial_sd
    ).predict(60)
    pdf, cdf = np.mean([mixture(rate, 60, change, initial_sd) for rate in rates], axis=0)
    np.testing.assert_allclose(layer.pdf(PLACES), pdf, atol=1e-3)  # smoothed
    np.testing.assert_allclose(layer.cdf(PLACES), cdf, atol=1e-5)
    assert layer.zero_share == pytest.approx(((1 - rates) ** 60).mean() if initial_sd == 0 else 0)
    _, near = np.mean([mixture(1.1 * r, 60, change, initial_sd) for r in rates], axis=0)
    assert np.abs(layer.cdf(PLACES) - near).max() > 1e-3


def test_gamma_rates_write_the_density_of_variance_gamma_weights():
    """Exponential rates, written often, and the Laplace density: the landmark of L1."""
    rate = stats.expon.ppf((np.arange(800) + 0.5) / 800) * 0.01
    layer = WrittenWeights(
        process=IndependentBernoulli(rate=rate), n_inputs=4, change=VarianceGamma(sd=1)
    ).predict(100_000)
    law = VarianceGamma(sd=float(np.sqrt(1000 * rate.mean() / 0.01)), shape=1.0)
    places = np.array([0.3, 1.0, 2.0, 4.0]) * law.sd
    np.testing.assert_allclose(layer.pdf(places), law.pdf(places), rtol=0.03)
    gaussian = stats.norm.pdf(places, scale=law.sd)
    assert np.abs(layer.pdf(places) / gaussian - 1).max() > 0.5


@pytest.mark.slow
@pytest.mark.parametrize("initial_sd", [0.0, 0.5])
def test_backpropagated_weights_follow_their_law_and_no_other(initial_sd, agrees, rejects, rng):
    """One example, so that weights are independent between units but for the read-out's error."""
    n_examples, strength = 30, np.abs(rng.standard_normal((30, 1))) + 0.2
    process = IndependentBernoulli(rate=np.full(4000, 0.05))
    layer = BackpropagatedWeights(
        process=process,
        inputs=strength,
        read_out=np.eye(4000),
        initial_sd=initial_sd,
        error_covariance=np.eye(4000),
    )
    active = process.sample(n_examples, rng=rng)
    weights = (active * rng.standard_normal(active.shape) * strength).sum(axis=0)
    weights = weights + initial_sd * rng.standard_normal(4000)
    law = layer.predict(n_examples)
    edges = np.array([-2.0, -0.8, -0.3, -0.01, 0.01, 0.3, 0.8, 2.0])
    due = np.diff(law.cdf(edges), prepend=0, append=1)
    seen = np.bincount(np.searchsorted(edges, weights), minlength=9)
    assert law.zero_share == pytest.approx(0.95**30 if initial_sd == 0 else 0)
    assert agrees(stats.chisquare(seen, due * 4000).pvalue)
    rarer = BackpropagatedWeights(
        process=IndependentBernoulli(rate=np.full(2, 0.04)),
        inputs=strength,
        read_out=np.ones((1, 2)),
        initial_sd=initial_sd,
    ).predict(n_examples)
    near = np.diff(rarer.cdf(edges), prepend=0, append=1)
    assert rejects(stats.chisquare(seen, near * 4000 * due.sum() / near.sum()).pvalue)


@pytest.mark.slow
def test_a_large_layers_law_is_had_from_a_part_of_its_weights(rng):
    """2,048 of 9,000 weights, in the order of their variances, tell the same."""
    rate, inputs = rng.uniform(0.01, 0.3, 90), rng.standard_normal((50, 100)) * rng.gamma(2, 1, 100)
    layer = BackpropagatedWeights(
        process=IndependentBernoulli(rate=rate), inputs=inputs, read_out=rng.standard_normal((3, 90))
    )
    parts = [
        BackpropagatedWeights(
            process=IndependentBernoulli(rate=rate),
            inputs=inputs[:, first : first + 20],
            read_out=layer.read_out,
        ).predict(50)
        for first in range(0, 100, 20)
    ]
    places = np.array([-8.0, -1.0, 0.5, 3.0])
    whole = layer.predict(50).cdf(places)
    np.testing.assert_allclose(whole, np.mean([p.cdf(places) for p in parts], axis=0), atol=2e-3)


def test_a_density_sums_to_what_is_not_zero():
    layer = WrittenWeights(
        process=Layer(parts=[IndependentBernoulli(rate=[0.01]), IndependentBernoulli(rate=[0.2] * 2)]),
        n_inputs=3,
        change=VarianceGamma(sd=1.0, shape=2.0),
    ).predict(100)
    places = np.linspace(-40, 40, 8001)
    assert integrate.trapezoid(layer.pdf(places), places) == pytest.approx(
        1 - layer.zero_share, abs=1e-4
    )
    silent = WrittenWeights(
        process=IndependentBernoulli(rate=[0.0]), n_inputs=3, change=VarianceGamma(sd=1.0)
    ).predict(9)
    with pytest.raises(ValueError, match="pdf and cdf need weights that vary"):
        silent.cdf(0.0)
