"""Exponential and normal variates: their law out to the tails, plain Python, and the layers' areas."""

import math

import numpy as np
import pytest
from scipy import stats

from rote.activity import ziggurat
from rote.activity.kernel import kernel
from rote.activity.streams import draw_keys
from rote.activity.ziggurat import exponential, normal, normals

N = 200_000


@kernel
def exponentials(key, rows):
    """Return a variate for each row, as :func:`rote.activity.ziggurat.normals` does."""
    variates = np.empty(rows.size)
    for place in range(rows.size):
        variates[place], _ = exponential(key, rows[place] * np.uint64(1 << 16))
    return variates


def tables(law):
    prefix = "_" if law == "expon" else "_NORMAL_"
    step, sure, height, tail = (
        getattr(ziggurat, prefix + n) for n in ("STEP", "SURE", "HEIGHT", "TAIL")
    )
    return step, sure, height, tail


DRAW = {"expon": exponentials, "norm": normals}
DENSITY = {"expon": lambda x: math.exp(-x), "norm": lambda x: math.exp(-x * x / 2)}
LAW = pytest.mark.parametrize("law", DRAW)


@LAW
def test_layers_have_equal_areas_below_the_density(law):
    step, sure, height, tail = tables(law)
    edge = step * 2.0**52
    beyond = {"expon": math.exp(-tail), "norm": math.sqrt(2 * math.pi) * stats.norm.sf(tail)}[law]
    area = tail * DENSITY[law](tail) + beyond
    np.testing.assert_allclose(edge[0] * height[255], area, rtol=1e-12)
    np.testing.assert_allclose(edge[1:] * (height[:-1] - height[1:]), area, rtol=1e-12)
    np.testing.assert_allclose(height[1:], [DENSITY[law](x) for x in edge[1:]], rtol=1e-12)
    # for sure: what lies within the next narrower layer too, and of the base within the tail's edge
    np.testing.assert_allclose(sure * step, [tail, 0.0, *edge[1:-1]], rtol=1e-12)


@LAW
def test_variates_follow_their_law_and_no_other(law, agrees, rejects, rng):
    (key,) = draw_keys(rng, 1)
    variates, known = DRAW[law](key, np.arange(N, dtype=np.uint64)), getattr(stats, law)
    assert agrees(stats.kstest(variates, known.cdf).pvalue)
    assert rejects(stats.kstest(1.04 * variates, known.cdf).pvalue)
    assert agrees(stats.spearmanr(variates[:-1], variates[1:]).pvalue)


@LAW
def test_tails_follow_their_law(law, agrees, rejects, rng):
    (key,) = draw_keys(rng, 1)
    n, known, tail = 20 * N, getattr(stats, law), tables(law)[3]
    variates = DRAW[law](key, np.arange(n, dtype=np.uint64))
    sides = [variates] if law == "expon" else [variates, -variates]
    p = [
        stats.binomtest(int((side > start).sum()), n, known.sf(start)).pvalue
        for side in sides
        for start in (tail - 0.5, tail, tail + 0.3)
    ]
    assert agrees(p)
    far = np.abs(variates[np.abs(variates) > tail])
    assert agrees(stats.kstest(known.sf(far) / known.sf(tail), "uniform").pvalue)
    half = stats.binomtest(int((np.abs(variates) > tail).sum()), n, len(sides) * known.sf(tail) / 2)
    assert rejects(half.pvalue)


def slow_variate(law, word, key, counter):
    """Marsaglia and Tsang in plain Python: the variate, and the counter behind the words it took."""
    step, sure, height, tail = tables(law)

    def read():
        nonlocal counter
        counter += 1
        return word(key, counter - 1)

    def lag():
        nonlocal counter
        value, counter = slow_variate("expon", word, key, counter)
        return value

    while True:
        drawn = read()
        layer, place = drawn % 256, drawn // 2**12
        sign = 1 if law == "expon" or drawn // 256 % 2 else -1
        value = place * step[layer]
        if place < sure[layer]:
            return sign * value, counter
        if layer == 0 and law == "expon":
            return tail + lag(), counter
        if layer == 0:
            while True:
                beyond, room = lag() / tail, lag()
                if 2 * room > beyond**2:
                    return sign * (tail + beyond), counter
        lot = (read() // 2**12 + 0.5) * 2.0**-52
        if height[layer] + lot * (height[layer - 1] - height[layer]) < DENSITY[law](value):
            return sign * value, counter


@LAW
def test_variates_equal_plain_python(law, slow_word, rng):
    (key,) = draw_keys(rng, 1)
    fast, n_words = {"expon": exponential, "norm": normal}[law], []
    far = np.argsort(-np.abs(DRAW[law](key, np.arange(50_000, dtype=np.uint64))))[:30]
    for counter in [*range(2000), *(int(row) * 2**16 for row in far)]:
        value, after = slow_variate(law, slow_word, key, counter)
        variate, behind = fast(key, np.uint64(counter))
        assert variate == pytest.approx(value, rel=1e-15)
        assert behind == after
        n_words.append(after - counter)
    assert 1 < np.mean(n_words[:2000]) < 1.1
    assert max(n_words) > 2  # the tails among them


def test_a_row_is_the_variate_at_its_words(rng):
    (key,) = draw_keys(rng, 1)
    rows = np.array([0, 7, 2**47, 2**48 - 1], dtype=np.uint64)
    assert normals(key, rows).tolist() == [normal(key, row * np.uint64(1 << 16))[0] for row in rows]
