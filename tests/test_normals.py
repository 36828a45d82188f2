"""Fast and exact normal numbers: the stated error over the whole range, the law, places and chunks."""

import numpy as np
from scipy import stats
from scipy.special import ndtri

from rote.activity.streams import draw_keys, word
from rote.simulate import normals
from rote.simulate.normals import ERROR, exact_normals, fast_normals, fill_normals

KEY = np.array([3, 5], dtype=np.uint64)


def test_fast_normals_err_by_less_than_stated_however_far_the_tail():
    """Words whose tail probabilities are spread over every power of two from 2⁻⁵³ to ½."""
    tail = np.unique(
        np.ldexp(np.linspace(1, 2, 2_000, endpoint=False), np.arange(52)[:, None]).astype(np.int64)
    )
    tail = tail[tail < 2**51]
    drawn = np.concatenate([tail, -tail - 1]) << 12
    single, mantissa = np.empty(drawn.size, np.float32), np.empty(drawn.size, np.int32)
    fast = np.empty(drawn.size, np.float32)
    normals._tails(single, mantissa, drawn)
    normals._squares(fast, single.view(np.int32), mantissa.view(np.float32))
    normals._quantiles(fast, drawn)
    exact = np.tile(-ndtri((tail + 0.5) * 2.0**-52), 2) * np.repeat([1, -1], tail.size)
    assert np.abs(fast - exact).max() < 0.75 * ERROR
    assert fast.max() > 8


def test_exact_normals_are_quantiles_of_the_streams_words():
    drawn = [int(word(KEY, np.uint64(counter))) for counter in range(7, 30)]
    tails = [((~w if w >> 63 else w) & (2**63 - 1)) >> 12 for w in drawn]
    due = [
        (1 if w >> 63 else -1) * ndtri((t + 0.5) * 2.0**-52) for w, t in zip(drawn, tails, strict=True)
    ]
    assert exact_normals(KEY, 7, 30).tolist() == due


def test_normals_follow_their_law(rng, agrees):
    drawn = fast_normals(draw_keys(rng, 1)[0], 0, 1_000, 200)
    assert drawn.shape == (1_000, 200)
    assert agrees(stats.kstest(drawn.ravel().astype(np.float64), "norm").pvalue)
    assert agrees(
        stats.kstest(np.abs(drawn[:, ::2] + drawn[:, 1::2]).ravel() / np.sqrt(2), "halfnorm").pvalue
    )


def test_chunks_and_starts_change_nothing():
    whole = fast_normals(KEY, 0, 60, 100)
    assert np.array_equal(fast_normals(KEY, 20, 60, 100), whole[20:])
    part = np.empty(37, dtype=np.float32)
    fill_normals(part, KEY, 1_234)
    assert np.array_equal(part, whole.ravel()[1_234 : 1_234 + 37])
    assert np.abs(whole.ravel() - exact_normals(KEY, 0, 6_000)).max() < ERROR
