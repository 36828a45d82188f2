"""What holds for every further Bernoulli process: its laws against draws, and the contract of a draw.

Examples are independent, so the number of examples on which a set of units is active is binomial:
p-values of rates and pairs are exact, those of population counts are chi-square's. Each test that can
fail by chance does so once in 1e6 runs.
"""

from dataclasses import FrozenInstanceError, fields

import numba
import numpy as np
import pytest
from scipy import stats

from rote.activity.measurement import measure
from rote.activity.streams import draw_keys, uniform, word
from rote.simulate.class_conditional import ClassConditional
from rote.simulate.factors import FactorGaussian
from rote.simulate.features import SharedFeatures
from rote.simulate.frailty import GammaFrailty
from rote.simulate.independent import IndependentBernoulli
from rote.simulate.latent_gaussian import LatentGaussian
from rote.simulate.layers import Layer
from rote.simulate.population_law import PopulationBernoulli

N_EXAMPLES = 40_000
RATE = np.array([0.3, 0.02, 0.5, 0.9, 0.1, 0.25, 0.0, 0.4, 0.15])
ROUND = np.arange(9) % 3
LOADING = np.column_stack([np.linspace(-0.7, 0.7, 9), np.linspace(0.6, -0.2, 9)])


def latent_gaussian(strength):
    latent = np.eye(9) + strength * (
        np.where(ROUND[:, None] == ROUND, 0.6, -0.2) - np.diag(np.full(9, 0.6))
    )
    return LatentGaussian(rate=RATE, latent_correlation=latent)


def class_conditional(contrast):
    base = np.linspace(0.1, 0.6, 9)
    swing = contrast * np.array([[0.1], [-0.05], [0.0]]) * np.linspace(0.3, 1.5, 9)
    return ClassConditional(class_probability=[0.2, 0.4, 0.4], class_rate=base + swing)


def shared_features(probability):
    wiring = [[0], [0, 1], [1], [], [2, 3], [3], [3], [0, 3], [2]]
    return SharedFeatures(feature_probability=[*probability, 0.3, 0.2], wiring=wiring, noise=0.05)


def counted(correlation):
    return PopulationBernoulli.from_correlation(n_units=9, rate=0.3, correlation=correlation)


# each with a near miss of the same rates, or nearly so
PROCESSES = {
    "population": (counted(-0.11), counted(-0.07)),
    "features": (shared_features((0.1, 0.15)), shared_features((0.12, 0.13))),
    "class": (class_conditional(1.0), class_conditional(2.4)),
    "frailty": (GammaFrailty(rate=RATE, shape=2.0), GammaFrailty(rate=RATE, shape=4.0)),
    "factors": (
        FactorGaussian(rate=RATE, loading=LOADING),
        FactorGaussian(rate=RATE, loading=LOADING * 0.9),
    ),
    "latent": (latent_gaussian(1.0), latent_gaussian(0.8)),
    "layer": (
        Layer(parts=[GammaFrailty(rate=RATE, shape=1.0), counted(-0.1)]),
        Layer(parts=[IndependentBernoulli(rate=RATE), counted(-0.1)]),
    ),
}
ONE_UNIT = {
    "population": PopulationBernoulli(population_pmf=[0.7, 0.3]),
    "features": SharedFeatures(feature_probability=[0.3], wiring=[[0]]),
    "class": ClassConditional(class_probability=[1.0], class_rate=[[0.3]]),
    "frailty": GammaFrailty(rate=[0.3], shape=1.0),
    "factors": FactorGaussian(rate=[0.3], loading=[[0.5]]),
    "latent": LatentGaussian(rate=[0.3], latent_correlation=[[1.0]]),
    "layer": Layer(parts=[IndependentBernoulli(rate=[0.3])]),
}
# all units of each are silent or active on every example: rates of exactly 0 and 1
CERTAIN = {
    "population": (PopulationBernoulli(population_pmf=[0, 0, 0, 1.0]), [1, 1, 1]),
    "features": (SharedFeatures(feature_probability=[0, 1], wiring=[[0], [1], []]), [0, 1, 0]),
    "class": (ClassConditional(class_probability=[0.5, 0.5], class_rate=[[0, 1], [0, 1]]), [0, 1]),
    "frailty": (GammaFrailty(rate=[0, 0], shape=1.0), [0, 0]),
    "factors": (FactorGaussian(rate=[0, 1, 0], loading=[[0.9], [0.9], [0]]), [0, 1, 0]),
    "latent": (LatentGaussian(rate=[0, 1, 1], latent_correlation=np.ones((3, 3))), [0, 1, 1]),
    "layer": (Layer(parts=[IndependentBernoulli(rate=[0]), IndependentBernoulli(rate=[1])]), [0, 1]),
}

every_process = pytest.mark.parametrize("name", PROCESSES)


def binomial_p(count, chance):
    """Two-sided p-values of how many of ``N_EXAMPLES`` show what has this chance."""
    chance = np.clip(chance, 0, 1)
    below, above = (
        stats.binom.cdf(count, N_EXAMPLES, chance),
        stats.binom.sf(count - 1, N_EXAMPLES, chance),
    )
    return np.minimum(1, 2 * np.minimum(below, above))


def pair_p(measured, predicted):
    one, other = np.triu_indices(measured.n_units, k=1)
    together = predicted.covariance[one, other] + predicted.rate[one] * predicted.rate[other]
    return binomial_p(measured.coactive_count[one, other], together)


def population_p(measured, predicted):
    """Chi-square p-value; counts expected fewer than 20 times are taken together."""
    due = N_EXAMPLES * predicted.population_pmf
    seen, rare = measured.population_histogram, due < 20
    if rare.any():
        seen = np.append(seen[~rare], seen[rare].sum())
        due = np.append(due[~rare], due[rare].sum())
    keep = due > 1e-9
    assert seen[~keep].sum() == 0
    return stats.chisquare(seen[keep], due[keep] * (seen.sum() / due[keep].sum())).pvalue


@every_process
def test_rates_and_pairs_follow_their_law_and_no_other(name, rng, agrees, rejects):
    process, near_miss = PROCESSES[name]
    measured = measure(process.sample(N_EXAMPLES, rng=rng))
    predicted = process.predict()
    assert agrees(binomial_p(measured.active_count, predicted.rate))
    assert agrees(pair_p(measured, predicted))
    assert rejects(pair_p(measured, near_miss.predict()))


@pytest.mark.parametrize("name", ["population", "class", "frailty", "layer"])
def test_population_counts_follow_their_law_and_no_other(name, rng, agrees, rejects):
    process, near_miss = PROCESSES[name]
    measured = measure(process.sample(N_EXAMPLES, rng=rng))
    assert agrees(population_p(measured, process.predict()))
    assert rejects(population_p(measured, near_miss.predict()))


@pytest.mark.parametrize("name", ["features", "factors", "latent"])
def test_what_has_no_closed_form_says_so_by_name(name):
    predicted = PROCESSES[name][0].predict()
    with pytest.raises(AttributeError, match="population_pmf has no closed form for this process"):
        _ = predicted.population_pmf
    assert not hasattr(Layer(parts=[PROCESSES[name][0]]).predict(), "population_pmf")


@every_process
def test_predictions_keep_their_promise(name):
    """Summaries without all pairs are those of all pairs; the count's law has their moments."""
    predicted = PROCESSES[name][0].predict()
    covariance = predicted.covariance
    assert covariance == pytest.approx(covariance.T)
    assert np.linalg.eigvalsh(covariance).min() > -1e-12
    assert np.diag(covariance) == pytest.approx(predicted.rate * (1 - predicted.rate))
    ratio = np.trace(covariance) ** 2 / np.square(covariance).sum()
    assert predicted.participation_ratio == pytest.approx(ratio)
    assert predicted.population_variance == pytest.approx(covariance.sum())
    if hasattr(predicted, "population_pmf"):
        counts, pmf = np.arange(predicted.n_units + 1), predicted.population_pmf
        assert pmf.sum() == pytest.approx(1, abs=1e-12)
        assert pmf @ counts == pytest.approx(predicted.population_mean)
        variance = pmf @ (counts - predicted.population_mean) ** 2
        assert variance == pytest.approx(predicted.population_variance)


@every_process
def test_neither_threads_nor_blocks_change_the_draw(name):
    process = PROCESSES[name][0]
    drawn = process.sample(N_EXAMPLES, rng=np.random.default_rng(5))
    assert drawn.shape == (N_EXAMPLES, process.n_units)
    assert drawn.dtype == np.bool_
    n_threads = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        alone = process.sample(N_EXAMPLES, rng=np.random.default_rng(5))
    finally:
        numba.set_num_threads(n_threads)
    assert np.array_equal(drawn, alone)
    for block in (3_333, N_EXAMPLES + 1):
        parts = list(process.blocks(N_EXAMPLES, rng=np.random.default_rng(5), block=block))
        assert np.array_equal(drawn, np.concatenate(parts))
    assert np.array_equal(drawn[:7], process.sample(7, rng=np.random.default_rng(5)))


@every_process
def test_a_generator_gives_another_draw_each_time(name):
    process, rng = PROCESSES[name][0], np.random.default_rng(5)
    first, second = process.sample(200, rng=rng), process.sample(200, rng=rng)
    assert not np.array_equal(first, second)
    lazy = process.blocks(200, rng=rng, block=64)
    after = rng.bit_generator.state
    assert len(np.concatenate(list(lazy))) == 200
    assert rng.bit_generator.state == after  # keys are taken when blocks are asked for


@every_process
def test_one_unit_is_a_layer(name):
    process = ONE_UNIT[name]
    assert process.predict().rate == pytest.approx([0.3])
    assert process.predict().participation_ratio == pytest.approx(1)
    assert process.predict().pair_correlation.size == 0
    assert process.sample(5, rng=np.random.default_rng(1)).shape == (5, 1)


@every_process
def test_rates_of_0_and_1_are_exact(name):
    process, expected = CERTAIN[name]
    assert (process.sample(500, rng=np.random.default_rng(1)) == np.array(expected, dtype=bool)).all()
    predicted = process.predict()
    assert predicted.rate.tolist() == expected
    assert not predicted.covariance.any()
    assert np.isnan(predicted.participation_ratio)


@every_process
def test_parameters_are_frozen(name):
    process = PROCESSES[name][0]
    for field in fields(process):
        value = getattr(process, field.name)
        with pytest.raises(FrozenInstanceError):
            setattr(process, field.name, value)
        if isinstance(value, np.ndarray):
            with pytest.raises(ValueError, match="read-only"):
                value[...] = 0


@every_process
def test_arguments_of_a_draw_are_checked(name):
    process, rng = PROCESSES[name][0], np.random.default_rng(5)
    with pytest.raises(ValueError, match="n_examples must be at least 1, got 0"):
        process.sample(0, rng=rng)
    with pytest.raises(TypeError, match=r"rng must be a numpy.random.Generator, got int"):
        process.sample(5, rng=5)
    with pytest.raises(ValueError, match="block must be at least 1, got 0"):
        process.blocks(5, rng=rng, block=0)


@pytest.mark.parametrize("name", ["class", "frailty", "factors"])
def test_mixtures_equal_their_slow_twin_bit_for_bit(name):
    """Cell by cell: 16 bits of a shared word and 52 of its own are compared with its probability."""
    process, n_examples = PROCESSES[name][0], 300
    latent_key, lane_key, rest_key = draw_keys(np.random.default_rng(5), 3)
    latent = process.latent(latent_key, np.arange(n_examples, dtype=np.uint64))
    units = np.arange(process.n_units)
    n_words = -(-process.n_units // 4)
    twin = np.empty((n_examples, process.n_units), dtype=bool)
    for example in range(n_examples):
        chance = process.given(np.repeat(latent[[example]], process.n_units, axis=0), units)
        for unit in units:
            shared = int(word(lane_key, np.uint64(example * n_words + unit // 4)))
            lane = shared >> (16 * int(unit % 4)) & 0xFFFF
            rest = uniform(rest_key, np.uint64(example * process.n_units + unit))
            twin[example, unit] = lane + rest < 65536 * chance[unit]
    assert np.array_equal(process.sample(n_examples, rng=np.random.default_rng(5)), twin)
