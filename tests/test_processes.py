"""One contract for all Bernoulli processes: the draw is its slow twin's, and follows its own prediction.

A process with the same rates and another dependence, or the same dependence and other rates, is told
apart by the same tests.
"""

from dataclasses import FrozenInstanceError, dataclass, fields, replace
from fractions import Fraction

import numpy as np
import pytest
from scipy import stats
from scipy.special import ndtr, ndtri

from rote import measure
from rote.activity import unpack
from rote.activity.gamma import beta_variates
from rote.activity.statistics import Statistics
from rote.activity.streams import draw_keys
from rote.activity.ziggurat import exponential
from rote.simulate import (
    DichotomizedGaussian,
    ExchangeableBernoulli,
    IndependentBernoulli,
    Prediction,
)
from rote.simulate.alike import AlikeMixture

N_UNITS = 67  # more than one word of bits, and no multiple of the lanes in a word
N_EXAMPLES = 20_000
RATE = np.concatenate([[0.0, 1.0, 1e-6], np.linspace(0.01, 0.95, N_UNITS - 3)])
LOADING = np.linspace(0.9, -0.9, N_UNITS)  # both signs, and none at all in the middle
STEEP = np.where(np.arange(N_UNITS) % 2, 1 - 1e-6, 1e-3 - 1)


def exchangeable(mixing, rate=0.2, correlation=0.3):
    return ExchangeableBernoulli(n_units=N_UNITS, rate=rate, correlation=correlation, mixing=mixing)


@dataclass(frozen=True)
class Case:
    """A process, its twin, and what each test must tell it apart from."""

    process: object
    chances: object  # (latent uniform, latent key, example) -> probability of each unit
    other_rates: object
    other_pairs: object
    other_counts: object


def dichotomized_chances(process):
    own = np.sqrt(1 - process.loading**2)
    return lambda uniform, *_: ndtr((ndtri(process.rate) + process.loading * ndtri(uniform)) / own)


def beta_chances(process):
    spread = 1 / process.correlation - 1
    a, b = process.rate * spread, (1 - process.rate) * spread

    def chances(_, key, example):
        return np.full(N_UNITS, beta_variates(key, a, b, np.array([example], dtype=np.uint64))[0])

    return chances


def probit_chances(process):
    twin = DichotomizedGaussian(rate=np.full(N_UNITS, process.rate), loading=process.loading)
    return dichotomized_chances(twin)


def two_point_chances(process):
    share = np.sqrt(process.correlation)
    return lambda uniform, *_: np.full(
        N_UNITS, process.rate + share * ((uniform < process.rate) - process.rate)
    )


def exchangeable_case(mixing, chances, other_mixing):
    process = exchangeable(mixing)
    near = exchangeable(mixing, rate=0.17), exchangeable(mixing, correlation=0.2)
    return Case(process, chances(process), *near, exchangeable(other_mixing))


def varied_case(process, chances, weaker):
    return Case(process, chances, replace(process, rate=0.9 * RATE), weaker, weaker)


INDEPENDENT = IndependentBernoulli(rate=RATE)
GAUSSIAN = DichotomizedGaussian(rate=RATE, loading=LOADING)
ABRUPT = DichotomizedGaussian(rate=RATE, loading=STEEP)
CASES = {
    "independent": varied_case(
        INDEPENDENT, lambda *_: RATE, DichotomizedGaussian(rate=RATE, loading=0.3)
    ),
    "one rate": Case(
        IndependentBernoulli(rate=np.full(N_UNITS, 0.7)),
        lambda *_: np.full(N_UNITS, 0.7),
        IndependentBernoulli(rate=np.full(N_UNITS, 0.71)),
        exchangeable("beta", rate=0.7, correlation=0.1),
        exchangeable("beta", rate=0.7, correlation=0.1),
    ),
    "beta": exchangeable_case("beta", beta_chances, "probit"),
    "probit": exchangeable_case("probit", probit_chances, "two-point"),
    "two-point": exchangeable_case("two-point", two_point_chances, "beta"),
    "dichotomized": varied_case(
        GAUSSIAN, dichotomized_chances(GAUSSIAN), replace(GAUSSIAN, loading=0.5 * LOADING)
    ),
    "steep": varied_case(ABRUPT, dichotomized_chances(ABRUPT), replace(ABRUPT, loading=0.9)),
}
CASE = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def two_sided(count, n, probability):
    """Exact binomial p-values of counts."""
    below, above = stats.binom.cdf(count, n, probability), stats.binom.sf(count - 1, n, probability)
    return np.minimum(1, 2 * np.minimum(below, above))


def histogram_p(seen, pmf):
    """Chi-square p-value of a histogram, neighbours joined until ten are due."""
    cells = [np.zeros(2)]
    for seen_and_due in zip(seen, seen.sum() * pmf, strict=True):
        if cells[-1][1] >= 10:
            cells.append(np.zeros(2))
        cells[-1] += seen_and_due
    rest = cells.pop() if cells[-1][1] < 10 else 0
    cells[-1] += rest
    counts, due = np.transpose(cells)
    return stats.chisquare(counts, due * counts.sum() / due.sum()).pvalue


def rate_p(active, prediction):
    return two_sided(active.sum(axis=0), len(active), prediction.rate)


def pair_p(active, prediction):
    """Of each pair of units, the number of examples on which both are active."""
    both = prediction.covariance + np.outer(prediction.rate, prediction.rate)
    pair = np.triu_indices(prediction.n_units, k=1)
    return two_sided(measure(active).coactive_count[pair], len(active), np.clip(both[pair], 0, 1))


def population_p(active, prediction):
    return histogram_p(measure(active).population_histogram, prediction.population_pmf)


@CASE
def test_rates_are_those_predicted(case, agrees, rejects, rng):
    active = case.process.sample(N_EXAMPLES, rng=rng)
    assert agrees(rate_p(active, case.process.predict()))
    assert rejects(rate_p(active, case.other_rates.predict()))


@CASE
def test_population_count_has_the_law_predicted(case, agrees, rejects, rng):
    active = case.process.sample(N_EXAMPLES, rng=rng)
    assert agrees(population_p(active, case.process.predict()))
    assert rejects(population_p(active, case.other_counts.predict()))


@CASE
def test_pairs_are_active_together_as_often_as_predicted(case, agrees, rejects, rng):
    active = case.process.sample(N_EXAMPLES, rng=rng)
    assert agrees(pair_p(active, case.process.predict()))
    assert rejects(pair_p(active, case.other_pairs.predict()))


@CASE
def test_examples_are_independent_of_one_another(case, agrees, rejects, rng):
    """The count in a window is binomial, so the Fano factor is 1 - rate; with echoes it is not."""
    active = case.process.sample(N_EXAMPLES, rng=rng)
    rate = case.process.predict().rate
    living = np.flatnonzero((rate > 0.1) & (rate < 0.9))[::8]

    def window_p(activity):
        counts = activity.reshape(-1, 10, N_UNITS).sum(axis=1)
        return [
            histogram_p(
                np.bincount(counts[:, unit], minlength=11),
                stats.binom.pmf(np.arange(11), 10, rate[unit]),
            )
            for unit in living
        ]

    assert agrees(window_p(active))
    assert rejects(window_p(np.repeat(active[: N_EXAMPLES // 2], 2, axis=0)))
    np.testing.assert_array_equal(case.process.predict().fano_factor("class"), 1 - rate)


def uniform(word, key, counter):
    return (word(key, counter) // 2**12 + Fraction(1, 2)) / 2**52


def by_lanes(word, keys, example, chance):
    """A unit is active iff (lane + rest) / 2¹⁶ < p: in fractions, without chords, margins or threads."""
    for unit, probability in enumerate(chance):
        drawn = word(keys[0], example * -(-N_UNITS // 4) + unit // 4)
        lane = drawn >> 16 * (unit % 4) & 0xFFFF
        rest = uniform(word, keys[1], example * N_UNITS + unit)
        yield (lane + rest) / 2**16 < Fraction(float(probability))


def by_digits(word, keys, example, chance):
    """Ten digits of p unit by unit, the last first, and events of what they leave, in fractions."""
    probability = Fraction(float(chance[0]))
    rarer = min(probability, 1 - probability)
    whole = rarer * 1024 // 1 if rarer >= Fraction(1, 256) else 0
    rest = (1024 * rarer - whole) / (1024 - whole)
    bits = []
    for unit in range(N_UNITS):
        bit = 0
        for digit in range(10):
            place = example * -(-N_UNITS // 64) + unit // 64
            drawn = word(keys[0], 10 * place + digit) >> unit % 64 & 1
            bit = drawn | bit if whole >> digit & 1 else drawn & bit
        bits.append(bit)
    unit, counter = 0, np.uint64(example << 32)
    while rest:
        gap, counter = exponential(keys[1], np.uint64(counter))
        unit += int(gap / -np.log1p(-float(rest)))
        if unit >= N_UNITS:
            break
        bits[unit] = 1
        unit += 1
    return [bit != (rarer < probability) for bit in bits]


@CASE
def test_draw_is_the_slow_twins_bit_for_bit(case, slow_word, rng):
    keys = draw_keys(np.random.default_rng(11), 3)
    active = case.process.sample(150, rng=np.random.default_rng(11))
    alike = isinstance(case.process, AlikeMixture) or np.ptp(case.process.rate) == 0
    twin = by_digits if alike else by_lanes
    for example in range(150):
        chance = case.chances(float(uniform(slow_word, keys[0], example)), keys[0], example)
        assert active[example].tolist() == list(twin(slow_word, keys[1:], example, chance))


@CASE
def test_the_same_activity_is_had_as_bits(case):
    dense, words = (
        draw(3000, rng=np.random.default_rng(5))
        for draw in (case.process.sample, case.process.sample_packed)
    )
    np.testing.assert_array_equal(unpack(words, N_UNITS), dense)


@CASE
def test_activity_depends_on_its_place_alone(case, monkeypatch):
    """The same on any number of threads, in blocks of any size, and as the start of a longer draw."""
    n_examples = 12_000  # enough for three threads to be given work
    whole = case.process.sample(n_examples, rng=np.random.default_rng(5))
    assert whole.dtype == np.bool_
    assert whole.shape == (n_examples, N_UNITS)
    for n_threads in (1, 2, 3):
        monkeypatch.setattr("numba.get_num_threads", lambda n=n_threads: n)
        np.testing.assert_array_equal(
            case.process.sample(n_examples, rng=np.random.default_rng(5)), whole
        )
    for block in (977, 4096, n_examples + 1):
        blocks = list(case.process.blocks(n_examples, rng=np.random.default_rng(5), block=block))
        assert {len(part) for part in blocks[:-1]} <= {block}
        np.testing.assert_array_equal(np.concatenate(blocks), whole)
    for few in (1, 2, 63):
        np.testing.assert_array_equal(
            case.process.sample(few, rng=np.random.default_rng(5)), whole[:few]
        )
    single = list(case.process.blocks(3, rng=np.random.default_rng(5), block=1))
    np.testing.assert_array_equal(np.concatenate(single), whole[:3])


@CASE
def test_the_generator_moves_on_at_the_call(case):
    rng = np.random.default_rng(5)
    first, second = (case.process.sample(500, rng=rng) for _ in range(2))
    assert (first != second).any()
    early, late = np.random.default_rng(5), np.random.default_rng(5)
    blocks = case.process.blocks(500, rng=early)
    case.process.sample(1, rng=late)
    assert early.bit_generator.state == late.bit_generator.state
    np.testing.assert_array_equal(np.concatenate(list(blocks)), first)


@CASE
def test_predictions_agree_with_one_another(case):
    predicted = case.process.predict()
    count, covariance, pmf = np.arange(N_UNITS + 1), predicted.covariance, predicted.population_pmf
    assert pmf.shape == (N_UNITS + 1,)
    assert pmf.min() >= 0
    assert pmf.sum() == pytest.approx(1, abs=1e-12)
    assert predicted.population_mean == pytest.approx(pmf @ count, rel=1e-12)
    assert predicted.population_variance == pytest.approx(covariance.sum(), rel=1e-10)
    assert predicted.population_variance == pytest.approx(
        pmf @ (count - predicted.population_mean) ** 2, rel=1e-10
    )
    np.testing.assert_allclose(covariance, covariance.T, rtol=1e-12, atol=1e-18)
    np.testing.assert_allclose(np.diag(covariance), predicted.rate * (1 - predicted.rate), rtol=1e-15)
    assert predicted.participation_ratio == pytest.approx(
        np.trace(covariance) ** 2 / np.sum(covariance**2), rel=1e-12
    )
    changing = np.diag(covariance) > 0
    n = changing.sum()
    assert predicted.pair_correlation.size == n * (n - 1) // 2
    assert np.isnan(predicted.correlation[~changing]).all()


def test_theory_and_measurement_speak_the_same_names():
    shared = {"covariance", "correlation", "pair_correlation", "participation_ratio"}
    shared |= {"rate", "fano_factor", "excess_fano", "n_units"}
    assert shared <= set(dir(Statistics)) & (set(dir(Prediction)) | {f.name for f in fields(Prediction)})


@CASE
def test_parameters_cannot_change(case):
    for field in fields(case.process):
        value = getattr(case.process, field.name)
        with pytest.raises(FrozenInstanceError):
            setattr(case.process, field.name, value)
        assert not isinstance(value, np.ndarray) or not value.flags.writeable
    with pytest.raises(TypeError, match="positional argument"):
        type(case.process)(*[getattr(case.process, field.name) for field in fields(case.process)])


@CASE
@pytest.mark.parametrize(
    ("n_examples", "error", "sentence"),
    [
        (0, ValueError, "n_examples must be at least 1, got 0"),
        (-3, ValueError, "n_examples must be at least 1, got -3"),
        (2.0, TypeError, r"n_examples must be a whole number, got 2\.0"),
        (True, TypeError, "n_examples must be a whole number, got True"),
    ],
)
def test_impossible_numbers_of_examples_are_named(case, n_examples, error, sentence, rng):
    with pytest.raises(error, match=sentence):
        case.process.sample(n_examples, rng=rng)
    with pytest.raises(error, match=sentence):
        case.process.blocks(n_examples, rng=rng)


@CASE
def test_randomness_must_be_given(case):
    for draw in (case.process.sample, case.process.blocks):
        with pytest.raises(TypeError, match=r"rng must be a numpy\.random\.Generator, got int"):
            draw(3, rng=7)
        with pytest.raises(TypeError, match="rng"):
            draw(3)
    with pytest.raises(ValueError, match="block must be at least 1, got 0"):
        case.process.blocks(3, rng=np.random.default_rng(0), block=0)


@CASE
def test_order_of_a_prediction_is_checked(case):
    with pytest.raises(ValueError, match="order must be one of recorded, class; got 'random'"):
        case.process.predict().fano_factor("random")
