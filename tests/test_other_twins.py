"""Mixed model and ranks: what they are where they are known tests, and where they have no variance."""

import numpy as np
import pytest
from scipy import stats

from rote.inference.other_twins import mixed_model_twin, other_twins, rank_twin


def keyed(x, y, *, shared=True):
    seeds = range(len(x)), range(len(y)) if shared else range(100, 100 + len(y))
    values = {("memorizing", s): v for s, v in zip(seeds[0], x, strict=True)}
    return values | {("generalizing", s): v for s, v in zip(seeds[1], y, strict=True)}


@pytest.mark.parametrize("unit", [1.0, 1e-6])
def test_where_seeds_differ_the_mixed_model_is_the_paired_t_test(rng, unit):
    seeds = 2 * rng.normal(size=5)
    x, y = (unit * (seeds + rng.normal(size=5)) for _ in range(2))
    twin, due = mixed_model_twin(keyed(x, y)), stats.ttest_rel(x, y)
    assert twin.name == "Mixed model"
    assert twin.p_value == pytest.approx(due.pvalue, rel=1e-3)
    assert twin.statistic == pytest.approx((x - y).mean())
    low, high = due.confidence_interval(0.9)
    assert twin.interval == pytest.approx((low, high), rel=1e-3)


def test_where_seeds_explain_nothing_it_is_least_squares(rng):
    x = np.array([0.1, 0.4, 0.2, 0.5])
    y = 0.1 - x + 0.01 * rng.normal(size=4)  # of one seed opposite: no common part
    twin, due = mixed_model_twin(keyed(x, y)), stats.ttest_ind(x, y)
    assert twin.name == "Mixed model with variance of seeds 0"
    assert twin.p_value == pytest.approx(2 * stats.t.sf(abs(due.statistic), 3))  # not 6
    apart = mixed_model_twin(keyed(x, y, shared=False))
    assert apart.name == "Linear model"
    assert apart.p_value == pytest.approx(due.pvalue)


def test_ranks_are_compared_by_brunner_and_munzel(rng):
    x, y = rng.normal(size=6), rng.normal(size=5) + 0.5
    twin = rank_twin(keyed(x, y))
    assert twin.p_value == pytest.approx(stats.brunnermunzel(x, y).pvalue)
    assert twin.statistic == twin.superiority == np.mean(x[:, None] > y)
    assert 0 <= twin.interval[0] < twin.statistic < twin.interval[1] <= 1


def test_ranks_that_do_not_overlap_have_the_exact_test():
    twin = rank_twin(keyed([5.0, 6.0, 7.0], [1.0, 2.0, 3.0]))
    assert (twin.statistic, twin.p_value, twin.interval) == (1.0, 2 / 20, None)


@pytest.mark.parametrize("shared", [True, False])
def test_values_without_variance_differ_or_not(shared):
    same = other_twins(keyed([1.0, 1.0, 1.0], [1.0, 1.0, 1.0], shared=shared))
    assert [twin.p_value for twin in same.values()] == [1.0, 1.0]
    assert same["ranks"].superiority == 0.5


def test_what_cannot_be_tested_is_named():
    with pytest.raises(ValueError, match="networks must be of two conditions at least"):
        mixed_model_twin({("memorizing", s): 1.0 for s in range(3)})
    keys = [("memorizing", 0), ("memorizing", 1), ("generalizing", 0), ("generalizing", 2)]
    with pytest.raises(ValueError, match="networks must share two seeds at least, got 1"):
        mixed_model_twin({key: float(n) for n, key in enumerate(keys)})
