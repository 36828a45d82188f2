"""Scores of judgements against their definitions, networks drawn for a reference, the figure."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from rote.figures.reliability import WITH, WITHOUT, draw_reliability
from rote.inference.indicator import learn_indicator
from rote.inference.signature import FEATURES
from rote.record import Recording
from rote.validate.datasets import digits
from rote.validate.reference import (
    Setup,
    at_epochs,
    draw_setup,
    make_rows,
    record_setup,
    reference_row,
)
from rote.validate.reliability import judge_rows, leave_out, reliability_table, scores, surprise
from rote.validate.training import Training

SPREAD = np.array(list(FEATURES.values()))


def networks(rng, n, *, shift=0.0):
    """Rows whose features go up with the share, by some standard deviations."""
    share = np.choose(rng.integers(3, size=n), [np.zeros(n), np.ones(n), rng.random(n)])
    values = SPREAD * (share[:, None] + rng.normal(shift, 1, (n, SPREAD.size)))
    return pd.DataFrame(values, columns=list(FEATURES)).assign(random_share=share)


def learned(known):
    return learn_indicator(known[list(FEATURES)].to_numpy(), known["random_share"].to_numpy())


@pytest.fixture
def indicator(rng):
    return learned(networks(rng, 100))


def test_judgements_are_calibrated_where_networks_are_of_a_kind(rng, agrees, rejects):
    """By a reference ten times as large as what is judged, so that its own errors do not show."""
    indicator = learned(networks(rng, 4000))
    narrow = replace(indicator, scatter=indicator.scatter / 6)
    judged, hasty = (judge_rows(networks(rng, 400), judge) for judge in (indicator, narrow))
    assert agrees(surprise(judged))
    assert rejects(surprise(judged.assign(probability=judged["probability"] ** 8)))
    missed, wrongly = (
        stats.binomtest(int((~rows["covered"]).sum()), 400, 0.1, alternative="greater").pvalue
        for rows in (judged, hasty)
    )
    assert agrees(missed)
    assert rejects(wrongly)
    refused = int((judged["likeness"] < 0.01).sum())
    assert agrees(stats.binomtest(refused, 400, 0.01, alternative="greater").pvalue)
    assert scores(judge_rows(networks(rng, 100, shift=2.0), indicator))["unlike"] > 0.5


def test_scores_are_what_they_are_called():
    judged = pd.DataFrame(
        {
            "random_share": [0.0, 0.8, 1.0, 0.4],
            "memorizes": [False, True, True, False],
            "probability": [0.1, 0.5, 0.04, 0.3],
            "estimate": [0.1, 0.7, 0.2, 0.4],
            "covered": [True, True, False, True],
            "likeness": [0.5, 0.005, 0.2, 0.02],
        }
    )
    told = scores(judged)
    assert told["networks"] == 4
    assert told["brier"] == pytest.approx((0.01 + 0.25 + 0.9216 + 0.09) / 4)
    assert told["log"] == pytest.approx(-np.log(0.9 * 0.5 * 0.04 * 0.7) / 4)
    assert told["share_error"] == pytest.approx((0.1 + 0.1 + 0.8 + 0.0) / 4)
    shares = [told[name] for name in ("wrong_side", "surely_wrong", "coverage", "unlike")]
    assert shares == [0.25, 0.25, 0.75, 0.25]
    bins = reliability_table(judged, bins=np.array([0.0, 0.3, 1.0]))
    assert bins["networks"].tolist() == [3, 1]
    assert bins["memorizes"].tolist() == pytest.approx([1 / 3, 1])
    assert bins["high"].tolist()[1] == 1.0


def test_a_group_is_judged_by_the_others_alone(rng):
    """One group lies elsewhere: beside its own kind it is like the reference, left out it is not."""
    known = pd.concat(
        [networks(rng, 80).assign(group="a"), networks(rng, 80, shift=4.0).assign(group="b")]
    )
    known = known.reset_index(drop=True)
    assert scores(judge_rows(known, learned(known)))["unlike"] < 0.1
    left = leave_out(known, "group")
    assert scores(left)["unlike"] > 0.9
    assert left.index.tolist() == known.index.tolist()


def test_without_labels_other_columns_do_not_matter(indicator, rng):
    rows = networks(rng, 5)
    changed = rows.assign(first_class_correlation=np.nan, last_class_correlation=np.nan)
    pd.testing.assert_frame_equal(
        judge_rows(rows, indicator, labels=False), judge_rows(changed, indicator, labels=False)
    )


def test_setups_are_drawn_as_the_docs_say(agrees, rejects):
    drawn = [draw_setup(seed) for seed in range(3000)]
    assert drawn[7] == draw_setup(7)
    share = np.array([one.random_share for one in drawn])
    for value in (0.0, 1.0):
        assert agrees(stats.binomtest(int((share == value).sum()), 3000, 1 / 3).pvalue)
        assert rejects(stats.binomtest(int((share == value).sum()), 3000, 0.2).pvalue)
    between = share[(share > 0) & (share < 1)]
    assert agrees(stats.kstest(between, stats.uniform(0.02, 0.96).cdf).pvalue)
    assert {one.training.optimizer for one in drawn} == {"adam", "sgd"}
    assert {len(one.training.hidden) for one in drawn} == {2, 3, 4}


def test_rows_are_made_once_and_tell_what_they_are_of(tmp_path):
    short = Training(hidden=(16, 12), final_epoch=1)
    setups = [Setup(seed=3, condition="mixed", random_share=0.25, training=short)]
    setups.append(replace(setups[0], condition="memorizing", random_share=1.0))
    first = make_rows(tmp_path, digits(), setups)
    told = []
    again = make_rows(tmp_path, digits(), setups, progress=lambda title, _share: told.append(title))
    assert first == again
    assert all("there already" in title for title in told)
    assert [row["random_share"] for row in first] == [0.25, 1.0]
    assert [row["hidden"] for row in first] == ["16-12", "16-12"]
    assert set(FEATURES) <= set(first[0])
    assert first[0]["first_class_correlation"] > first[1]["first_class_correlation"]


def test_epochs_are_states_of_one_training():
    setup = Setup(seed=5, condition="mixed", random_share=0.5, training=Training(hidden=(12, 8)))
    early, late = at_epochs(setup, (0, 2))
    assert (early.name, late.name) == ("mixed-5-epoch-0", "mixed-5-epoch-2")
    recorded, whole = record_setup(digits(), early), record_setup(digits(), late)
    assert (recorded.epoch, whole.epoch) == (0, 2)
    assert (recorded.label == whole.label).all()
    assert (recorded["hidden_1"].weight_in != whole["hidden_1"].weight_in).any()
    assert setup.name == "mixed-5"


def test_a_reference_needs_the_share(rng):
    bits = Recording.from_arrays(
        {"a": rng.random((50, 6)) < 0.5, "b": rng.random((50, 6)) < 0.5},
        label=np.arange(50) % 2,
        condition="unknown",
        seed=4,
        epoch=1,
        source="drawn",
    )
    with pytest.raises(ValueError, match="recording unknown-4 must tell its random_share"):
        reference_row(bits, dataset="drawn")


def test_the_figure_shows_every_judgement(indicator, rng):
    judged = {
        WITH: judge_rows(networks(rng, 30), indicator),
        WITHOUT: judge_rows(networks(rng, 20), indicator, labels=False),
    }
    along = judge_rows(networks(rng, 6).assign(random_share=[0.0, 0, 0, 1, 1, 1]), indicator).assign(
        network=["a"] * 3 + ["b"] * 3, epoch=[0, 1, 5] * 2
    )
    figure = draw_reliability(judged, dict.fromkeys(judged, along))
    for (diagram, shares, training), name in zip(np.reshape(figure.axes, (2, 3)), judged, strict=True):
        table = reliability_table(judged[name])
        assert diagram.lines[1].get_ydata().tolist() == table["memorizes"].tolist()
        assert [text.get_text() for text in diagram.texts] == table["networks"].astype(str).tolist()
        assert shares.lines[1].get_ydata().tolist() == judged[name]["estimate"].tolist()
        assert shares.get_title() == name
        assert len(training.lines) == 4
        assert training.lines[2].get_ydata().tolist() == along["probability"][3:].tolist()
