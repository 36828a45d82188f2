"""What is predicted of written weights, against sums over how often a unit is active."""

import numpy as np
import pytest
from scipy import stats

from rote.simulate import (
    DichotomizedGaussian,
    GammaPoisson,
    IndependentBernoulli,
    IndependentPoisson,
    VarianceGamma,
    WrittenWeights,
)
from rote.simulate.weight_laws import gamma_ratio
from rote.simulate.written_cumulants import mean_size

N_EXAMPLES = 60
RATE = np.array([1e-4, 0.03, 0.4, 0.999])
STEPS = np.repeat([1.0, 0.3], [20, 40])  # two learning rates
CHANGES = {
    "unrelated": VarianceGamma(sd=0.5),
    "coherent": VarianceGamma(sd=0.5, mean=0.3),
    "heavy": VarianceGamma(sd=0.5, shape=0.8, mean=-0.1),
}
CHANGE = pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)


def written(process, change, **more):
    return WrittenWeights(process=process, n_inputs=more.pop("n_inputs", 3), change=change, **more)


def count_laws(n_examples):
    """Process, and the law of how often each of its units is active, for the three kinds of counts."""
    rate = RATE * n_examples
    gain = n_examples / 0.7
    return {
        "Bernoulli": (IndependentBernoulli(rate=RATE), stats.binom(n_examples, RATE)),
        "Poisson": (IndependentPoisson(rate=RATE), stats.poisson(rate)),
        "Gamma-Poisson": (
            GammaPoisson(rate=RATE, dispersion=0.7),
            stats.nbinom(gain, gain / (gain + rate)),
        ),
    }


def normal_moments(mean, variance):
    """Raw moments of normal numbers, of order 1 to 4."""
    fourth = mean**4 + 6 * mean**2 * variance + 3 * variance**2
    return np.stack([mean, mean**2 + variance, mean**3 + 3 * mean * variance, fourth])


def cumulants_of(raw):
    one, two, three, four = raw
    return np.stack(
        [
            one,
            two - one**2,
            three - 3 * one * two + 2 * one**3,
            four - 4 * one * three - 3 * two**2 + 12 * one**2 * two - 6 * one**4,
        ]
    )


@pytest.mark.parametrize("kind", ["Bernoulli", "Poisson", "Gamma-Poisson"])
@CHANGE
def test_cumulants_are_those_of_a_sum_over_counts(kind, change):
    """Given k changes a weight has known moments; they are averaged over the law of k."""
    process, law = count_laws(N_EXAMPLES)[kind]
    predicted = written(process, change, initial_sd=0.2).predict(N_EXAMPLES)
    k = np.arange(600)[:, None]
    raw = normal_moments(k * change.mean, k * change.sd**2 + 0.04)
    raw[3] += 3 * change.sd**4 * k / change.shape
    due = cumulants_of((law.pmf(k) * raw).sum(axis=1))
    np.testing.assert_allclose(predicted.cumulants[:, :, 0], due, rtol=1e-6, atol=1e-12)
    other = written(process, VarianceGamma(sd=0.52, mean=change.mean)).predict(N_EXAMPLES)
    assert np.abs(other.cumulants[3, :, 0] / due[3] - 1).max() > 0.01


def folded(mean, spread):
    """E|normal number|."""
    safe = np.maximum(spread, 1e-300)
    near = spread * np.sqrt(2 / np.pi) * np.exp(-0.5 * (mean / safe) ** 2)
    return near + mean * (1 - 2 * stats.norm.cdf(-mean / safe))


@pytest.mark.parametrize("kind", ["Bernoulli", "Poisson", "Gamma-Poisson"])
@pytest.mark.parametrize("mean", [0.0, 0.3, -8.0])
@pytest.mark.parametrize("initial_sd", [0.0, 0.6])
def test_mean_size_is_that_of_a_mixture_over_counts(kind, mean, initial_sd):
    process, law = count_laws(N_EXAMPLES)[kind]
    change = VarianceGamma(sd=0.5, mean=mean)
    predicted = written(process, change, initial_sd=initial_sd).predict(N_EXAMPLES)
    k = np.arange(1200)[:, None]
    sizes = folded(k * mean, np.sqrt(0.25 * k + initial_sd**2))
    due = (law.pmf(k) * sizes).sum(axis=0)
    np.testing.assert_allclose(predicted.mean_size[:, 0], due, rtol=2e-6)


def test_mean_size_of_heavy_changes_and_steps():
    k = np.arange(N_EXAMPLES + 1)[:, None]
    heavy = written(IndependentBernoulli(rate=RATE), VarianceGamma(sd=0.5, shape=0.4))
    due = (
        stats.binom.pmf(k, N_EXAMPLES, RATE) * 0.5 * np.sqrt(k) * gamma_ratio(np.maximum(0.4 * k, 1e-9))
    )
    np.testing.assert_allclose(heavy.predict(N_EXAMPLES).mean_size[:, 0], due.sum(axis=0), rtol=2e-6)
    early, late = np.arange(21)[:, None, None], np.arange(41)[:, None]
    chance = stats.binom.pmf(early, 20, RATE) * stats.binom.pmf(late, 40, RATE)
    sizes = folded(0.3 * (early + 0.3 * late), 0.5 * np.sqrt(early + 0.09 * late))
    stepwise = written(
        IndependentBernoulli(rate=RATE), CHANGES["coherent"], learning_rate=STEPS
    ).predict(N_EXAMPLES)
    np.testing.assert_allclose(stepwise.mean_size[:, 0], (chance * sizes).sum(axis=(0, 1)), rtol=2e-6)


def test_long_schedules_are_grouped_without_harm(monkeypatch):
    rates = np.exp(-np.linspace(0, 5, 2000))
    of = RATE, -np.ones(4), CHANGES["coherent"], rates, 0.1
    grouped = mean_size(*of)
    monkeypatch.setattr("rote.simulate.written_cumulants._LEVELS", 2000)
    np.testing.assert_allclose(grouped, mean_size(*of), rtol=1e-4)


def test_a_unit_written_rarely_has_heavy_tails():
    """Excess kurtosis m₄ / (λ m₂²) of a Poisson count, at equal strength of the sum."""
    for shape, fourth in ((np.inf, 3), (1.0, 6)):
        change = VarianceGamma(sd=0.1, shape=shape)
        rare = written(IndependentPoisson(rate=[1e-3, 1.0]), change).predict(1000)
        np.testing.assert_allclose(rare.weight_excess_kurtosis[:, 0], [fourth, fourth / 1000])
    diluted = written(IndependentPoisson(rate=[1e-3]), change, initial_sd=0.1).predict(1000)
    assert diluted.excess_kurtosis == pytest.approx(6 / 4)


def test_a_layers_kurtosis_is_that_of_its_rates(rng):
    rate = rng.gamma(2.0, 0.5, 50)
    layer = written(IndependentPoisson(rate=rate), CHANGES["unrelated"]).predict(40)
    spread = rate.var() / rate.mean() ** 2
    assert layer.excess_kurtosis == pytest.approx(3 * spread + 3 / (40 * rate.mean()))
    assert layer.norm_l2 == pytest.approx(0.5 * np.sqrt(3 * 40 * rate))
    assert layer.matrix_norm_l2 == pytest.approx(0.5 * np.sqrt(3 * 40 * rate.sum()))


@pytest.mark.parametrize("shape", [0.5, 1.0, 4.0])
def test_gamma_rates_write_variance_gamma_weights(shape):
    """Rates at the quantiles of a Gamma law, written often; shape 1 gives Laplace weights, q = 1."""
    rate = stats.gamma.ppf((np.arange(4000) + 0.5) / 4000, shape)
    layer = written(IndependentPoisson(rate=rate), VarianceGamma(sd=1)).predict(100_000)
    law = VarianceGamma(sd=1, shape=shape)
    assert layer.l1_l2_ratio == pytest.approx(law.l1_l2_ratio, rel=2e-3)
    assert layer.excess_kurtosis == pytest.approx(law.excess_kurtosis, rel=0.02)
    if shape == 1:
        assert layer.exponent == pytest.approx(1, abs=0.01)
    equal = written(IndependentPoisson(rate=np.ones(9)), VarianceGamma(sd=1)).predict(100_000)
    assert equal.exponent == pytest.approx(2, abs=0.01)


def test_coherence_exponent_is_the_slope_of_the_norm():
    coherent, step = CHANGES["coherent"], 1e-6

    def norm(scale):
        process = IndependentBernoulli(rate=RATE[:3] * scale)
        return np.log(written(process, coherent, learning_rate=STEPS).predict(N_EXAMPLES).norm_l2)

    layer = written(IndependentBernoulli(rate=RATE[:3]), coherent, learning_rate=STEPS)
    slope = (norm(1 + step) - norm(1 - step)) / (2 * step)
    np.testing.assert_allclose(layer.coherence_exponent(N_EXAMPLES), slope, rtol=1e-5)
    unrelated = written(IndependentPoisson(rate=[0.0, 1.0]), CHANGES["unrelated"])
    assert unrelated.coherence_exponent(9)[1] == 0.5
    assert np.isnan(unrelated.coherence_exponent(9)[0])
    often = written(IndependentPoisson(rate=[0.1]), coherent).coherence_exponent(10**6)
    assert often == pytest.approx(1, abs=1e-4)


def test_gram_of_coherent_changes_follows_coactivation():
    process = DichotomizedGaussian(rate=[0.1, 0.2, 0.3], loading=0.8)
    gram = written(process, VarianceGamma(sd=1e-3, mean=1.0), learning_rate=2.0).predict(1).gram
    predicted = process.predict()
    together = predicted.covariance + np.outer(predicted.rate, predicted.rate)
    np.testing.assert_allclose(gram, 3 * 4 * together, rtol=1e-5)
    unrelated = written(process, CHANGES["unrelated"]).predict(9)
    np.testing.assert_allclose(unrelated.row_cosine, np.eye(3), atol=1e-12)
