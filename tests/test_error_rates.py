"""Error rates: simulated networks have their law, decisions are verdicts', shares are counted right."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from rote.figures.error_rates import draw_error_rates
from rote.inference.claims import MEAN_RATE
from rote.inference.value_quadrature import compare_sets
from rote.inference.verdict import Twin, Verdict
from rote.validate.error_rates import Simulated, compare, decide, groups, pooled_rates, rates

TWIN = Twin(name="Test", statistic=0.1, p_value=0.2, smallest_p=0.01, superiority=0.6)
COMPARED = pd.DataFrame(
    {
        "decision": ["supported", "undecided", "refuted", "supported"],
        "bayes_factor": [0.1, 1.0, 4.0, 0.3],
        "permutation": [0.05, 0.2, 0.06, np.nan],
        "mixed_model": [0.01, 0.2, 0.5, np.nan],
        "ranks": [np.nan] * 4,
        "kind": ["a", "a", "a", "a"],
        "group": [0, 0, 1, 1],
    }
)


def test_simulated_networks_follow_the_hierarchy(rng, agrees, rejects):
    process = Simulated(n_networks=4, difference=1.5, network_sd=0.5, seed_sd=2.0)
    assert process.networks.keys[0] == ("generalizing", 0)
    values = process.sample(4000, rng=rng).reshape(-1, 2, 4)
    within, total = values[:, 1] - values[:, 0], values[:, 0]

    def p_values(network_sd):
        return [
            stats.kstest(within.ravel(), stats.norm(1.5, np.sqrt(2) * network_sd).cdf).pvalue,
            stats.kstest(total.ravel(), stats.norm(0, np.hypot(2.0, network_sd)).cdf).pvalue,
        ]

    assert agrees(p_values(0.5))
    assert rejects(p_values(0.55))


@pytest.mark.parametrize(("direction", "margin"), [("lower", 0.0), ("higher", 0.0), ("different", 0.3)])
def test_decisions_are_those_of_verdicts(direction, margin, rng):
    process = Simulated(n_networks=3)
    values = 0.2 * process.sample(1, rng=rng) + [[0.0] * 3 + [shift] * 3 for shift in (-3, -0.2, 0, 3)]
    difference = compare_sets(values, process.networks)
    table = decide(difference, direction=direction, margin=margin)
    below, above = difference.below(-margin), 1 - difference.below(margin)
    verdict = Verdict(
        hypothesis="H1",
        layer="hidden_1",
        quantity="mean rate",
        unit="",
        claim="it is so",
        direction=direction,
        null="no difference",
        estimate=0.0,
        interval=(-1.0, 1.0),
        probability=0.5,
        baseline=None,
        twin=TWIN,
        n_networks=6,
        data="made up",
        margin=margin,
        no_difference=0.5 if margin else None,
    )
    sides = {"lower": below, "higher": above, "different": np.maximum(below, above)}
    for place, probability in enumerate(sides[direction]):
        none = float(1 - below[place] - above[place]) if margin else None
        told = replace(verdict, probability=float(probability), no_difference=none)
        assert table["decision"][place] == told.decision
        assert table["probability"][place] == pytest.approx(probability)


def test_every_network_is_in_one_group():
    sets, networks = groups(np.arange(21.0), 4)
    assert sets.tolist() == [list(range(8)), list(range(8, 16))]
    assert [key[0] for key in networks.keys] == ["generalizing"] * 4 + ["memorizing"] * 4
    assert not networks.blocked


def test_comparisons_ask_as_many_classical_tests_as_wanted(rng):
    process = Simulated(n_networks=3)
    table = compare(process.sample(4, rng=rng), process.networks, n_twins=2)
    assert table["permutation"].notna().tolist() == [True, True, False, False]
    assert (table["permutation"][:2] >= 2 / 2**3).all()


def test_shares_are_counted():
    table = rates(COMPARED, ["kind"]).set_index("answer")
    assert table["share"].to_dict() == {
        "supported": 0.5,
        "refuted": 0.25,
        "for_none": 0.25,
        "for_some": 0.5,
        "permutation": 1 / 3,
        "mixed_model": 1 / 3,
    }
    assert table["n"].tolist() == [4, 4, 4, 4, 3, 3]
    low, high = table.loc["refuted", ["low", "high"]]
    assert (stats.binom.sf(0, 4, low), stats.binom.cdf(1, 4, high)) == pytest.approx((0.025, 0.025))


def test_shares_of_dependent_comparisons_are_those_of_their_groups():
    twice = pd.concat([COMPARED, COMPARED])  # whatever the labels of the rows
    table = pooled_rates(twice, ["kind"], cluster="group").set_index("answer")
    assert table.loc["refuted", "share"] == 0.25
    assert table.loc["refuted", "n"] == 2
    assert table.loc["refuted", "high"] == 1.0  # two groups tell next to nothing
    assert table.loc["supported", "share"] == 0.5  # of both groups: the interval is the exact one
    assert table.loc["supported", "low"] == pytest.approx(1 - 0.975**0.5, abs=0.01)


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [("n_networks", 1, "at least 2"), ("network_sd", -1.0, "must be 0 or above, got -1.0")],
)
def test_impossible_simulations_are_named(name, value, complaint):
    with pytest.raises(ValueError, match=complaint):
        Simulated(**{"n_networks": 4} | {name: value})
    with pytest.raises(ValueError, match="values must be of 8 networks at least, got 7"):
        groups(np.zeros(7), 4)


def test_the_figure_shows_every_source_and_size():
    null = pd.DataFrame({"source": ["a", "a", "b"], "n_networks": [4, 8, 4], "share": [0.1, 0.08, 0.2]})
    null = null.assign(low=0.0, high=0.4)
    power = pd.DataFrame({"n_networks": [4, 4, 8], "difference": [0, 1, 1], "share": [0.05, 0.4, 0.7]})
    errors, powers = draw_error_rates(null, power).axes
    assert [text.get_text() for text in errors.get_legend().get_texts()] == ["a", "b"]
    assert [text.get_text() for text in powers.get_legend().get_texts()] == [
        "4 of each kind",
        "8 of each kind",
    ]
    assert powers.lines[1].get_ydata().tolist() == [0.05, 0.4]
    with pytest.raises(ValueError, match="null must hold a row at least, got none"):
        draw_error_rates(null[:0], power)


@pytest.mark.slow
def test_false_directions_are_as_rare_as_told_and_true_ones_found(rng):
    """False alarm 1e-6 of a binomial with a tenth of false directions, where the prior holds."""
    called = {}
    for difference, network_sd in ((0.0, 1.0), (0.0, 5.0), (2.0, 1.0)):
        process = Simulated(n_networks=4, difference=difference, network_sd=network_sd)
        table = compare(process.sample(500, rng=rng), process.networks, n_twins=0)
        called[difference, network_sd] = (table["decision"] != "undecided").sum()
    assert stats.binom.sf(called[0.0, 1.0] - 1, 500, 0.1) > 1e-6
    assert stats.binom.sf(called[0.0, 5.0] - 1, 500, 0.1) < 1e-3  # too sure where networks differ more
    assert called[2.0, 1.0] > 250


@pytest.mark.slow
def test_null_networks_are_numbered_in_spreads():
    from rote.record.measures import measure
    from rote.validate import Training, digits, record_network
    from rote.validate.null_networks import TOLD, claim_values

    training = Training(hidden=(16,))
    table = claim_values(digits(), condition="initialized", seeds=range(2), training=training)
    assert len(table) == 2 * len(TOLD)
    recording = record_network(digits(), condition="initialized", seed=1, training=training)
    rate = measure(recording)["hidden_1"].rate
    due = np.log(rate[rate > 0].mean() / (1 - rate[rate > 0].mean())) / MEAN_RATE.spread
    told = table[(table["seed"] == 1) & (table["quantity"] == MEAN_RATE.quantity)]["value"]
    assert told.item() == pytest.approx(due)
