"""Gamma and Beta variates: against their law, plain Python, and the ends of what shapes can be."""

import math

import numpy as np
import pytest
from scipy import stats

from rote.activity.gamma import beta_variates, log_gamma_variates
from rote.activity.streams import draw_keys
from rote.activity.ziggurat import exponential, normal

SHAPES = [(0.019, 18.98), (0.45, 8.55), (0.5, 0.5), (3.0, 0.7), (40.0, 60.0), (1e5, 3e5)]
GAMMA_SHAPES = [0.01, 0.5, 1.0, 3.0, 100.0]
ROWS = [*range(300), 2**47, 2**48 - 1]


class Reader:
    """The words of a key from a row's first on, and what is made of them in plain Python."""

    def __init__(self, word, key, row):
        self.word, self.key, self.row, self.counter = word, key, row, row * 2**16

    def uniform(self):
        self.counter += 1
        return (self.word(self.key, self.counter - 1) // 2**12 + 0.5) * 2.0**-52

    def variate(self, kind):
        value, counter = kind(self.key, np.uint64(self.counter))
        self.counter = int(counter)
        return value

    def lowered(self, shape):
        return 0.0 if shape >= 1 else -self.variate(exponential) / shape

    def log_raised(self, shape):
        """Marsaglia and Tsang at the shape, or one more if it is below one."""
        third = shape + (shape < 1) - 1 / 3
        while True:
            n, lot = self.variate(normal), self.uniform()
            bend = n / math.sqrt(9 * third)
            if bend > -1 and math.log(lot) < n**2 / 2 + third * (
                3 * math.log1p(bend) - 3 * bend - 3 * bend**2 - bend**3
            ):
                return math.log(third) + 3 * math.log1p(bend)

    def log_gamma(self, shape):
        lowered = self.lowered(shape)
        return lowered + self.log_raised(shape)

    def beta(self, a, b):
        lowered = self.lowered(a) - self.lowered(b)
        log_odds = lowered + self.log_raised(a) - self.log_raised(b)
        return 1 / (1 + math.exp(min(-log_odds, 700)))


@pytest.mark.parametrize(("a", "b"), SHAPES)
def test_variates_follow_their_law_and_no_other(a, b, agrees, rejects, rng):
    (key,) = draw_keys(rng, 1)
    variates = beta_variates(key, a, b, np.arange(60_000, dtype=np.uint64))
    assert agrees(stats.kstest(variates, stats.beta(a, b).cdf).pvalue)
    assert rejects(stats.kstest(variates, stats.beta(1.1 * a, b).cdf).pvalue)
    assert agrees(stats.spearmanr(variates[:-1], variates[1:]).pvalue)


@pytest.mark.parametrize(("a", "b"), SHAPES)
def test_variates_equal_plain_python(a, b, slow_word, rng):
    (key,) = draw_keys(rng, 1)
    readers = [Reader(slow_word, key, row) for row in ROWS]
    fast = beta_variates(key, a, b, np.array(ROWS, dtype=np.uint64))
    np.testing.assert_allclose(fast, [one.beta(a, b) for one in readers], rtol=1e-11, atol=1e-300)
    assert all(one.counter < (one.row + 1) * 2**16 for one in readers)


@pytest.mark.parametrize("spread", [1e-15, 1e-6, 1.0, 1e12, 1e300])
@pytest.mark.parametrize("mean", [1e-12, 0.2, 1 - 1e-12])
def test_any_shape_gives_probabilities(mean, spread, agrees, rng):
    (key,) = draw_keys(rng, 1)
    variates = beta_variates(key, mean * spread, (1 - mean) * spread, np.arange(5000, dtype=np.uint64))
    assert ((variates >= 0) & (variates <= 1)).all()
    if mean * spread > 1e10:  # next to no variance
        np.testing.assert_allclose(variates, mean, rtol=1e-4)
    if spread <= 1e-6:  # all or nothing
        assert agrees(stats.binomtest(int((variates > 0.5).sum()), 5000, mean).pvalue)


@pytest.mark.parametrize("shape", GAMMA_SHAPES)
def test_gamma_variates_follow_their_law_and_no_other(shape, agrees, rejects, rng):
    (key,) = draw_keys(rng, 1)
    logs = log_gamma_variates(key, shape, np.arange(40_000, dtype=np.uint64))
    assert agrees(stats.kstest(logs, stats.loggamma(shape).cdf).pvalue)
    assert rejects(stats.kstest(logs, stats.loggamma(1.05 * shape).cdf).pvalue)


@pytest.mark.parametrize("shape", GAMMA_SHAPES)
def test_neighbouring_gamma_variates_are_independent(shape, agrees, rejects, rng):
    (key,) = draw_keys(rng, 1)
    even, odd = log_gamma_variates(key, shape, np.arange(40_000, dtype=np.uint64)).reshape(-1, 2).T
    assert agrees(stats.spearmanr(even, odd).pvalue)
    assert rejects(stats.spearmanr(even, odd + 0.1 * even).pvalue)


def test_exponential_variates_follow_their_law_and_no_other(agrees, rejects, rng):
    (key,) = draw_keys(rng, 1)
    variates, counter = np.empty(100_000), np.uint64(0)
    for place in range(variates.size):
        variates[place], counter = exponential(key, np.uint64(counter))
    assert variates.size < counter < 1.05 * variates.size  # words: rarely more than one for a variate
    assert agrees(stats.kstest(variates, "expon").pvalue)
    assert rejects(stats.kstest(1.03 * variates, "expon").pvalue)
    beyond = variates[variates > 5] - 5  # of the outer layers, which few variates reach
    assert agrees(stats.binomtest(beyond.size, variates.size, np.exp(-5)).pvalue)
    assert agrees(stats.kstest(beyond, "expon").pvalue)


@pytest.mark.parametrize("shape", GAMMA_SHAPES)
def test_gamma_variates_equal_plain_python(shape, slow_word, rng):
    (key,) = draw_keys(rng, 1)
    readers = [Reader(slow_word, key, row) for row in ROWS]
    fast = log_gamma_variates(key, shape, np.array(ROWS, dtype=np.uint64))
    slow = [one.log_gamma(shape) for one in readers]
    np.testing.assert_allclose(fast, slow, rtol=1e-13, atol=1e-13)
    assert all(one.counter < (one.row + 1) * 2**16 for one in readers)
