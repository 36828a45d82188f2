"""Shares of units over networks: the graph against SciPy, and errors; nothing is sampled."""

import numpy as np
import pytest
from scipy import stats

from rote.inference.share_comparison import share_comparison_model

COUNTED = {
    (condition, seed): (count, 100)
    for condition, counts in {
        "initialized": (20, 25),
        "generalizing": (3, 0),
        "memorizing": (8, 11),
    }.items()
    for seed, count in enumerate(counts)
}


def test_likelihood_is_binomial_in_the_shares():
    model = share_comparison_model(COUNTED)
    values = model.initial_point()
    (graph,) = model.replace_rvs_by_values([model["share"]])
    compiled = model.compile_fn(
        graph, inputs=model.value_vars, mode="FAST_COMPILE", on_unused_input="ignore"
    )
    share = compiled(values)
    logp = model.compile_logp(vars=model.observed_RVs, mode="FAST_COMPILE")(values)
    count = [COUNTED[key][0] for key in COUNTED]
    assert logp == pytest.approx(stats.binom.logpmf(count, 100, share).sum())
    # the sampler starts where each network's own data put it
    assert np.abs(share - (np.array(count) + 0.5) / 101).max() < 0.05


@pytest.mark.parametrize("counted", [(-1, 10), (11, 10), (0, 0)])
def test_impossible_counts_are_named(counted):
    wrong = COUNTED | {("memorizing", 1): counted}
    sentence = rf"count must lie in \[0, n_units={counted[1]}\], got {counted[0]} for memorizing-1"
    with pytest.raises(ValueError, match=sentence):
        share_comparison_model(wrong)
