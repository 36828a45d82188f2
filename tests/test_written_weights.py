"""Written weights as drawn: their law, what is predicted of them, and slow twins."""

import numpy as np
import pytest
from scipy import stats

from rote.activity import weight_statistics
from rote.simulate import (
    DichotomizedGaussian,
    GammaPoisson,
    IndependentBernoulli,
    MixedProcess,
    SharedFeatures,
    VarianceGamma,
    WrittenWeights,
)
from rote.simulate.dispersed import DispersedBernoulli
from rote.simulate.singular_values import expected_singular_values
from rote.simulate.writing_kernels import BLOCK, presentations

N_EXAMPLES = 60
STEPS = np.repeat([1.0, 0.3], [20, 40])  # two learning rates
CHANGES = {
    "unrelated": VarianceGamma(sd=0.5),
    "coherent": VarianceGamma(sd=0.5, mean=0.3),
    "heavy": VarianceGamma(sd=0.5, shape=0.8, mean=-0.1),
}


def written(process, change, **more):
    return WrittenWeights(process=process, n_inputs=more.pop("n_inputs", 3), change=change, **more)


def law_of(change, initial_sd, rate, schedule):
    """Distribution function of one weight: a sum over how often it was written at two learning rates."""
    levels, number = np.unique(schedule, return_counts=True)
    often = [np.arange(n + 1) for n in number]
    k = np.stack(np.meshgrid(*often, indexing="ij")).reshape(levels.size, -1)
    chance = np.prod([stats.binom.pmf(k[i], number[i], rate) for i in range(levels.size)], axis=0)
    mean, variance = change.mean * levels @ k, change.sd**2 * levels**2 @ k + initial_sd**2
    used = chance > 1e-12
    return lambda w: (
        chance[used] @ stats.norm.cdf((w - mean[used, None]) / np.sqrt(variance[used, None]))
    )


@pytest.mark.parametrize("name", ["unrelated", "coherent"])
@pytest.mark.parametrize("schedule", [np.ones(N_EXAMPLES), STEPS], ids=["constant", "steps"])
def test_weights_follow_their_law_and_no_other(name, schedule, agrees, rejects, rng):
    change = CHANGES[name]
    many = written(
        IndependentBernoulli(rate=np.full(20_000, 0.05)), change, n_inputs=1, initial_sd=0.1,
        learning_rate=schedule,
    )  # fmt: skip
    weights = many.sample(schedule.size, rng=rng)[:, 0]
    assert agrees(stats.kstest(weights, law_of(change, 0.1, 0.05, schedule)).pvalue)
    assert rejects(stats.kstest(weights, law_of(change, 0.1, 0.06, schedule)).pvalue)


@pytest.mark.parametrize("rates", ["steps", "each its own"])
def test_heavy_changes_add_up_whatever_the_schedule(rates, agrees, rejects, rng):
    """Runs of equal learning rates against changes drawn one by one."""
    schedule = STEPS if rates == "steps" else np.linspace(1, 0.1, N_EXAMPLES)
    process, change = IndependentBernoulli(rate=np.full(2000, 0.1)), CHANGES["heavy"]
    weights = written(process, change, n_inputs=1, learning_rate=schedule).sample(N_EXAMPLES, rng=rng)
    active = process.sample(N_EXAMPLES, rng=rng)
    slow = (schedule[:, None] * active * change.sample(active.shape, rng=rng)).sum(axis=0)
    seen = weights[weights[:, 0] != 0, 0]
    assert agrees(stats.ks_2samp(seen, slow[slow != 0]).pvalue)
    assert agrees(stats.binomtest(2000 - seen.size, 2000, 0.9**N_EXAMPLES).pvalue)
    assert rejects(stats.ks_2samp(seen, 1.5 * slow[slow != 0]).pvalue)


@pytest.mark.parametrize(
    "process",
    [
        DichotomizedGaussian(rate=[0.02, 0.1, 0.1, 0.3], loading=0.9),
        SharedFeatures(
            feature_probability=[0.05, 0.2],
            wiring=np.array([[1, 0], [1, 1], [0, 1], [0, 1]], bool),
            noise=0.01,
        ),
        GammaPoisson(rate=[0.1, 0.2, 0.5, 1.0], dispersion=2.0),
    ],
    ids=lambda process: type(process).__name__,
)
@pytest.mark.parametrize("name", ["unrelated", "heavy"])
def test_statistics_are_those_predicted(process, name, agrees, rejects, rng):
    """Sizes, squares, inner products, and how singular values spread, over 1500 layers."""
    layer = written(process, CHANGES[name], n_inputs=5, initial_sd=0.1, learning_rate=STEPS)
    predicted = layer.predict(N_EXAMPLES)
    drawn = np.array([layer.sample(N_EXAMPLES, rng=rng) for _ in range(1500)], dtype=np.float64)
    grams = drawn @ drawn.transpose(0, 2, 1)
    pairs = np.triu_indices(4)
    values = {
        "l1": (np.abs(drawn).sum(axis=2), predicted.norm_l1),
        "l2": (np.square(drawn).sum(axis=2), predicted.norm_l2**2),
        "gram": (grams[:, *pairs], predicted.gram[pairs]),
    }
    for seen, due in values.values():
        assert agrees(stats.ttest_1samp(seen, due).pvalue)
        scale = np.abs(due).max()
        assert rejects(stats.ttest_1samp(seen, due + 0.2 * scale).pvalue)
    if name == "unrelated":
        total, fourth = np.trace(grams, axis1=1, axis2=2) ** 2, np.square(grams).sum(axis=(1, 2))
        ratio = predicted.participation_ratio
        assert agrees(stats.ttest_1samp(total - ratio * fourth, 0).pvalue)
        assert rejects(stats.ttest_1samp(total - 1.2 * ratio * fourth, 0).pvalue)


@pytest.mark.slow
@pytest.mark.parametrize("often", [1, 5])
@pytest.mark.parametrize("kind", ["Bernoulli", "Gamma-Poisson"])
def test_singular_values_of_rarely_written_units_are_those_drawn(often, kind, rng):
    """Units written about once differ by chance, which the mean of their variances does not know.

    Over 1000 layers the greatest error is .01 to .07, and its standard error below .008.
    """
    rate = np.full(150, often / N_EXAMPLES) * np.linspace(0.5, 1.5, 150)
    process = (
        IndependentBernoulli(rate=rate)
        if kind == "Bernoulli"
        else GammaPoisson(rate=rate, dispersion=2.0)
    )
    layer = written(process, CHANGES["unrelated"], n_inputs=120, learning_rate=STEPS)
    drawn = np.array([layer.sample(N_EXAMPLES, rng=rng) for _ in range(1000)], dtype=np.float64)
    seen = np.linalg.svd(drawn, compute_uv=False).mean(axis=0)
    predicted = layer.predict(N_EXAMPLES)
    due = predicted.singular_values
    living = slice(0, 30 if often == 1 else 80)
    np.testing.assert_allclose(due[living], seen[living], rtol=0.11)
    of_mean = expected_singular_values(np.linalg.eigvalsh(predicted.gram) / 120, np.ones(120))
    assert np.abs(of_mean[living] / seen[living] - 1).max() > (0.2 if often == 1 else 0.1)
    spread = np.square(due).sum() ** 2 / (due**4).sum()
    assert spread == pytest.approx(predicted.participation_ratio, rel=0.1)


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("kind", ["Bernoulli", "Gamma-Poisson"])
def test_variances_of_squared_norms_are_those_drawn(name, kind, agrees, rejects, rng):
    """Over 2,000 layers, by the mean of squared deviations, whose own tails are light enough."""
    rate = np.array([0.02, 0.1, 0.4])
    process = (
        IndependentBernoulli(rate=rate)
        if kind == "Bernoulli"
        else GammaPoisson(rate=rate, dispersion=0.2)
    )
    layer = written(process, CHANGES[name], n_inputs=6, initial_sd=0.1, learning_rate=STEPS)
    drawn = np.array([layer.sample(N_EXAMPLES, rng=rng) for _ in range(2000)], dtype=np.float64)
    law = layer.predict(N_EXAMPLES)
    deviation = np.square(np.square(drawn).sum(axis=2) - law.norm_l2**2)
    assert agrees(stats.ttest_1samp(deviation, law.norm_square_variance).pvalue)
    assert rejects(stats.ttest_1samp(deviation, 1.5 * law.norm_square_variance).pvalue)
    often = np.square(drawn[:, 2]).sum(axis=1)
    share = law.norm_cdf(np.sqrt(often)[:, None] * np.ones(3))[:, 2]
    assert np.abs(np.sort(share) - np.linspace(0, 1, 2000)).max() < 0.07  # a Gamma law is near


def test_prediction_and_measurement_speak_the_same_names(rng):
    layer = written(IndependentBernoulli(rate=rng.beta(1, 9, 400)), VarianceGamma(sd=1), n_inputs=500)
    predicted, measured = layer.predict(5000), weight_statistics(layer.sample(5000, rng=rng))
    assert measured.l1_l2_ratio == pytest.approx(predicted.l1_l2_ratio, rel=0.02)
    assert measured.excess_kurtosis == pytest.approx(predicted.excess_kurtosis, rel=0.15)
    np.testing.assert_allclose(measured.norm_l2.sum(), predicted.norm_l2.sum(), rtol=0.02)
    np.testing.assert_allclose(measured.norm_l1.sum(), predicted.norm_l1.sum(), rtol=0.02)


@pytest.mark.parametrize("rate", [0.005, 0.1], ids=["by events", "by cells"])
def test_presentations_are_the_processs_own(rate):
    process = IndependentBernoulli(rate=np.full(70, rate))
    n_examples = 2 * BLOCK + 3
    parts = list(presentations(process, n_examples, rng=np.random.default_rng(3)))
    seen = np.concatenate([part.dense() for part in parts])
    rng = np.random.default_rng(3)
    due = (
        process.sample_events(n_examples, rng=rng).dense()
        if rate < 0.02
        else process.sample(n_examples, rng=rng)
    )
    np.testing.assert_array_equal(seen, due)
    assert [part.n_examples for part in parts] == [BLOCK, BLOCK, 3]


def test_normal_weights_are_the_slow_twins():
    process, rates = IndependentBernoulli(rate=np.full(5, 0.3)), np.linspace(1, 0, 2 * BLOCK)
    layer = written(process, CHANGES["coherent"], initial_sd=0.4, learning_rate=rates)
    rng = np.random.default_rng(8)
    active = process.sample(rates.size, rng=rng)
    normal = rng.standard_normal((5, 3), dtype=np.float32)
    first, second = np.zeros(5), np.zeros(5)
    for rate, row in zip(rates, active, strict=True):
        first += rate * row
        second += rate**2 * row
    due = 0.3 * first[:, None] + np.sqrt(0.25 * second + 0.16)[:, None] * normal
    drawn = layer.sample(rates.size, rng=np.random.default_rng(8))
    np.testing.assert_allclose(drawn, due, rtol=1e-6)
    assert drawn.dtype == np.float32


PROCESS = IndependentBernoulli(rate=[0.1, 0.2])
DISPERSED = DispersedBernoulli(rate=np.array([0.1, 0.2]), dispersion=np.full(2, 0.1), window=5)


@pytest.mark.parametrize(
    ("arguments", "error", "sentence"),
    [
        ({"process": None}, TypeError, "process must be a process of units, got NoneType"),
        (
            {"process": MixedProcess(share=[0.5, 0.5], parts=[DISPERSED, DISPERSED])},
            ValueError,
            "process must draw its examples independently of one another, got DispersedBernoulli",
        ),
        ({"change": 1.0}, TypeError, "change must be a VarianceGamma, got float"),
        ({"n_inputs": 0}, ValueError, "n_inputs must be at least 1, got 0"),
        ({"initial_sd": -1}, ValueError, r"initial_sd must be at least 0, got -1"),
        ({"learning_rate": [1, -1]}, ValueError, r"learning_rate must be at least 0, got -1"),
        ({"learning_rate": np.nan}, ValueError, "learning_rate must be finite, got nan"),
        ({"learning_rate": [[1.0]]}, ValueError, r"learning_rate must be one number or \(n_examples,\)"),
    ],
)
def test_impossible_writings_are_named(arguments, error, sentence):
    whole = {"process": PROCESS, "n_inputs": 2, "change": CHANGES["unrelated"]}
    with pytest.raises(error, match=sentence):
        WrittenWeights(**{**whole, **arguments})


def test_other_misuse_is_named(rng):
    scheduled = written(PROCESS, CHANGES["coherent"], learning_rate=STEPS)
    for act in (lambda: scheduled.sample(7, rng=rng), lambda: scheduled.predict(7)):
        with pytest.raises(ValueError, match=r"n_examples must be that of the .* schedule, 60, got 7"):
            act()
    for name in ("participation_ratio", "singular_values"):
        with pytest.raises(ValueError, match=f"{name} needs weights without a mean"):
            getattr(scheduled.predict(60), name)
    with pytest.raises(TypeError, match=r"rng must be a numpy\.random\.Generator, got int"):
        scheduled.sample(60, rng=7)
    silent = written(IndependentBernoulli(rate=[0.0]), CHANGES["coherent"]).predict(5)
    assert np.isnan([silent.l1_l2_ratio, silent.excess_kurtosis]).all()
