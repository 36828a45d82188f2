"""Beta variates: against their law, plain Python, and the ends of what shapes can be."""

import math

import numpy as np
import pytest
from scipy import stats

from rote.activity.beta import beta_variates
from rote.activity.streams import draw_keys, exponential

SHAPES = [(0.019, 18.98), (0.45, 8.55), (0.5, 0.5), (3.0, 0.7), (40.0, 60.0), (1e5, 3e5)]


def slow_beta(word, key, a, b, row):
    """Marsaglia and Tsang, twice, in plain Python; the variate, and how many words it took."""
    counter = row * 2**16

    def draw():
        nonlocal counter
        counter += 1
        return (word(key, counter - 1) // 2**12 + 0.5) * 2.0**-52

    def lowered(shape):
        nonlocal counter
        if shape >= 1:
            return 0.0
        lag, counter = exponential(key, np.uint64(counter))
        return -lag / shape

    def accepted(u, normal, bend, third):
        return bend > -1 and math.log(u) < normal**2 / 2 + third * (
            3 * math.log1p(bend) - 3 * bend - 3 * bend**2 - bend**3
        )

    logit = [lowered(shape) for shape in (a, b)]
    thirds = [shape + (shape < 1) - 1 / 3 for shape in (a, b)]
    while True:
        x, y, *lots = 2 * draw() - 1, 2 * draw() - 1, draw(), draw()
        square = x * x + y * y
        if square >= 1:
            continue
        normals = [n * math.sqrt(-2 * math.log(square) / square) for n in (x, y)]
        bends = [n / math.sqrt(9 * third) for n, third in zip(normals, thirds, strict=True)]
        if all(map(accepted, lots, normals, bends, thirds)):
            logs = [
                log + math.log(third * (1 + bend) ** 3)
                for log, third, bend in zip(logit, thirds, bends, strict=True)
            ]
            return 1 / (1 + math.exp(min(logs[1] - logs[0], 700))), int(counter) - row * 2**16


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
    rows = [*range(300), 2**47, 2**48 - 1]
    slow = [slow_beta(slow_word, key, a, b, row) for row in rows]
    fast = beta_variates(key, a, b, np.array(rows, dtype=np.uint64))
    np.testing.assert_allclose(fast, [variate for variate, _ in slow], rtol=1e-11, atol=1e-300)
    assert max(read for _, read in slow) < 2**16


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
