"""Verdicts: their logic without sampling, their direction with it, and none where nothing differs."""

import json
from dataclasses import replace
from itertools import combinations, product

import numpy as np
import pytest
from scipy import stats

from rote.activity.measurement import measure
from rote.activity.words import CONDITIONS
from rote.inference.claims import (
    CLAIMS,
    COHERENCE,
    MAGNITUDE_EXPONENT,
    PAIRS,
    RELATIVE_PARTICIPATION,
    SCALES,
    MeasuredLayer,
)
from rote.inference.compared import by_condition
from rote.inference.hypotheses import answer, compare_correlation, compare_layers, compare_rates
from rote.inference.posterior import sample
from rote.inference.twin import permutation_twin
from rote.inference.value_comparison import ValueComparisonPrior, value_comparison_model
from rote.inference.verdict import Level, Twin, Verdict, correct_twins
from rote.simulate.dichotomized import DichotomizedGaussian

TWIN = Twin(name="Test", statistic=-0.1, p_value=0.02, smallest_p=0.01, superiority=0.1)
VERDICT = Verdict(
    hypothesis="H1",
    layer="hidden_1",
    quantity="mean rate",
    unit="activations per example",
    claim="units of memorizing networks are active more rarely",
    direction="lower",
    null="no difference",
    estimate=-0.1,
    interval=(-0.2, -0.05),
    probability=0.97,
    baseline=0.45,
    twin=TWIN,
    n_networks=8,
    data="digits",
    levels={"initialized": Level(estimate=0.45, interval=(0.4, 0.5))},
)


@pytest.mark.parametrize(
    ("probability", "decision", "told"),
    [
        (1.0, "supported", "above 0.999"),
        (0.95, "supported", "0.950"),
        (0.949, "undecided", "0.949"),
        (0.051, "undecided", "0.051"),
        (0.05, "refuted", "0.050"),
        (0.0, "refuted", "below 0.001"),
    ],
)
def test_a_verdict_can_go_either_way(probability, decision, told):
    verdict = replace(VERDICT, probability=probability)
    assert verdict.decision == decision
    assert f"is {decision} (probability {told})" in verdict.sentence


@pytest.mark.parametrize(
    ("probability", "no_difference", "decision"),
    [
        (0.96, 0.02, "supported"),
        (0.02, 0.96, "refuted"),
        (0.5, 0.04, "undecided"),
        (0.04, 0.93, "undecided"),
    ],
)
def test_a_difference_in_either_direction_can_be_told_there_and_told_absent(
    probability, no_difference, decision
):
    """A posterior that is wide about zero is beyond the margin on both sides, and decides nothing."""
    told = {"probability": probability, "no_difference": no_difference}
    verdict = replace(VERDICT, direction="different", margin=0.1, **told)
    assert verdict.decision == decision
    assert f"of a smaller difference {no_difference:.3f}" in verdict.sentence


@pytest.mark.parametrize(
    ("bayes_factor", "told"),
    [(0.0, "below 1:1000"), (0.05, "1:20"), (1.0, "1:1"), (2.5, "2.5:1"), (4000.0, "above 1000:1")],
)
def test_evidence_for_no_difference_is_told_as_odds(bayes_factor, told):
    sentence = replace(VERDICT, bayes_factor=bayes_factor).sentence
    assert f"(probability 0.970; evidence for no difference {told})." in sentence
    assert "evidence" not in VERDICT.sentence


def test_other_tests_are_told_after_the_permutation_test():
    ranks = replace(TWIN, name="Ranks", p_value=0.03, interval=(0.0, 0.4))
    assert replace(VERDICT, others={"ranks": ranks}).sentence.endswith("; Ranks: p = 0.03.")


@pytest.mark.parametrize(
    "verdict",
    [
        VERDICT,
        replace(VERDICT, bayes_factor=0.2, others={"ranks": replace(TWIN, interval=(0.0, 0.4))}),
    ],
)
def test_a_verdict_survives_json(verdict):
    assert Verdict.from_dict(json.loads(json.dumps(verdict.as_dict()))) == verdict


def test_a_verdict_of_an_older_file_is_read():
    told = json.loads(json.dumps(VERDICT.as_dict()))
    del told["bayes_factor"], told["others"], told["twin"]["interval"]
    assert Verdict.from_dict(told) == VERDICT


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("direction", "smaller"),
        ("probability", 1.5),
        ("margin", 0.1),
        ("no_difference", 0.5),
        ("bayes_factor", -0.1),
    ],
)
def test_impossible_verdicts_are_named(name, value):
    with pytest.raises(ValueError, match=f"{name} must .*[,;] got .?{value}"):
        replace(VERDICT, **{name: value})


def test_holm_corrects_all_twins_together():
    p_values = np.array([0.01, 0.04, 0.03])
    verdicts = [replace(VERDICT, twin=replace(TWIN, p_value=p)) for p in p_values]
    corrected = [verdict.twin.p_corrected for verdict in correct_twins(verdicts)]
    assert corrected == pytest.approx([0.03, 0.06, 0.06])  # 3 x .01; 2 x .03; and no less than before
    assert correct_twins([]) == []


def test_paired_twin_is_the_sign_change_test():
    x, y = np.array([0.1, 0.3, 0.2, 0.25]), np.array([0.22, 0.28, 0.5, 0.9])
    values = {("memorizing", s): v for s, v in enumerate(x)}
    values |= {("generalizing", s): v for s, v in enumerate(y)}
    twin = permutation_twin(values)
    means = np.array([np.mean((x - y) * signs) for signs in product([1, -1], repeat=4)])
    low = np.mean(means <= means[0] + 1e-12)
    assert twin.p_value == pytest.approx(min(1, 2 * min(low, np.mean(means >= means[0] - 1e-12))))
    assert twin.statistic == pytest.approx(x.mean() - y.mean())
    assert twin.smallest_p == 2 / 16
    assert twin.superiority == np.mean(x[:, None] > y)


def test_unpaired_twin_permutes_all_networks():
    x, y = np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0, 6.0])
    values = {("memorizing", s): v for s, v in enumerate(x)}
    values |= {("generalizing", s + 9): v for s, v in enumerate(y)}
    both = np.concatenate([x, y])
    means = [2 * both[list(pick)].mean() - 2 * both.mean() for pick in combinations(range(6), 3)]
    twin = permutation_twin(values)
    assert twin.p_value == pytest.approx(2 * np.mean(np.array(means) <= means[0]))
    assert twin.smallest_p == twin.p_value == 2 / 20


def test_one_shared_seed_is_refused():
    keys = [("memorizing", 0), ("memorizing", 1), ("generalizing", 0), ("generalizing", 2)]
    with pytest.raises(ValueError, match="must share no seed, or two at least, got seed 0"):
        permutation_twin(dict.fromkeys(keys, 1.0))


def layers_of(loadings, means, rng, n_seeds=4, n_units=60, n_examples=600):
    """Statistics of networks whose conditions have these loadings and mean rates."""
    layers = {}
    for condition, loading, mean in zip(CONDITIONS, loadings, means, strict=True):
        for seed in range(n_seeds):
            rate = rng.beta(4 * mean, 4 * (1 - mean), size=n_units)
            process = DichotomizedGaussian(rate=rate, loading=loading)
            layers[condition, seed] = measure(process.sample(n_examples, rng=rng))
    return layers


def test_all_conditions_are_asked_for(rng):
    layers = layers_of((0.4, 0.4, 0.4), (0.3, 0.3, 0.3), rng, n_seeds=2)
    trained = {key: layer for key, layer in layers.items() if key[0] != "initialized"}
    with pytest.raises(ValueError, match="must hold networks initialized, generalizing, memorizing"):
        compare_rates(trained, layer="hidden_1", rng=rng)


def test_values_must_be_finite():
    values = {(c, s): np.nan if (c, s) == ("memorizing", 1) else 1.0 for c in CONDITIONS for s in (0, 1)}
    with pytest.raises(ValueError, match="values must be finite, got nan for memorizing-1"):
        value_comparison_model(values)


def test_correlations_of_independent_pairs_have_no_spread(rng):
    """Twenty times the noise alone would be .032; freed of it, what is left is its fluctuation."""
    process = DichotomizedGaussian(rate=np.full(40, 0.4), loading=0.0)
    assert PAIRS.plain(measure(process.sample(1000, rng=rng))) < 0.02
    process = DichotomizedGaussian(rate=np.full(40, 0.4), loading=0.5)
    assert PAIRS.plain(measure(process.sample(1000, rng=rng))) > 0.1


def test_relative_participation_is_free_of_the_rates(rng):
    for rate in (np.full(30, 0.5), np.linspace(0.01, 0.99, 30)):
        process = DichotomizedGaussian(rate=rate, loading=0.0)
        layer = measure(process.sample(20_000, rng=rng))
        assert RELATIVE_PARTICIPATION.plain(layer) == pytest.approx(1, abs=0.01)  # 1 / (1 + N / T)


@pytest.mark.parametrize("name", SCALES)
def test_scales_lead_there_and_back(name):
    there, back = SCALES[name]
    values = np.array([0.01, 0.2, 0.9])
    assert back(there(values)) == pytest.approx(values, rel=1e-12)
    assert (np.diff(there(values)) > 0).all()


def weighed(rng, exponent=0.5, magnitude_exponent=0.2, tails=0.0, scale=1.0):
    """Return a layer whose magnitudes and weight changes go with its rates as asked, and exactly so."""
    rate = rng.uniform(0.05, 0.9, size=40)
    active = rng.random((4000, 40)) < rate
    active[:, 7] = False  # a dead unit has no say
    seen = np.where(active.any(axis=0), active.mean(axis=0), 1.0)
    statistics = measure(active, activation=np.where(active, seen**magnitude_exponent, 0.0))
    change = (
        rng.standard_normal((40, 30))
        * rng.gamma(1 / max(tails, 1e-9), max(tails, 1e-9), (40, 30)) ** 0.5
    )
    change *= scale * (seen**exponent / np.linalg.norm(change, axis=1))[:, None]
    initial = 0.1 * rng.standard_normal((40, 30))
    return MeasuredLayer(statistics=statistics, weight=initial + change, initial=initial)


def test_exponents_are_those_that_were_put_in(rng):
    layer = weighed(rng, exponent=0.7, magnitude_exponent=-0.3)
    assert COHERENCE.plain(layer) == pytest.approx(0.7, abs=1e-6)
    assert MAGNITUDE_EXPONENT.plain(layer) == pytest.approx(-0.3, abs=1e-6)


def test_an_exponent_needs_two_rates():
    statistics = measure(np.tile([[True, False], [False, True]], (10, 1)))
    layer = MeasuredLayer(statistics=statistics, weight=np.ones((2, 3)), initial=np.zeros((2, 3)))
    with pytest.raises(ValueError, match="living units of two rates at least"):
        COHERENCE.plain(layer)


def test_selectivity_and_class_share_know_selective_units(rng):
    """Rates .1 and .5 in two classes: V = .04, F = 1 - p + (W - 1) V / p."""
    labels = np.repeat([0, 1], 20_000)
    chance = np.where(labels[:, None] == 0, 0.1, 0.5)
    active, order = rng.random((40_000, 30)) < chance, rng.permutation(40_000)
    dealt = measure(active, labels=rng.permutation(labels), order=order)
    layer = MeasuredLayer(statistics=dealt, true_classes=measure(active, labels=labels, order=order))
    by_label, by_class = CLAIMS["H3"]
    assert by_class.plain(layer) == pytest.approx(19 * 0.04 / 0.3, rel=0.05)
    assert by_label.plain(layer) == pytest.approx(0, abs=0.05)
    by_label, by_class = CLAIMS["H5"]
    assert by_class.plain(layer) == pytest.approx(0.04 / 0.21, rel=0.02)
    assert by_label.plain(layer) == pytest.approx(0, abs=1e-3)
    assert CLAIMS["H2"][0].plain(layer) == pytest.approx(0.3, abs=0.02)  # Poisson would be at 0
    sorted_by_class = MeasuredLayer(statistics=measure(active, labels=labels))
    with pytest.raises(ValueError, match="H2 needs examples in random order, got a mean excess"):
        CLAIMS["H2"][0].plain(sorted_by_class)


def test_hypotheses_on_weights_are_asked_by_name(rng):
    with pytest.raises(ValueError, match="hypothesis must be one of H2, H3, H5, H6, H7; got 'H8'"):
        compare_layers("H8", {}, layer="hidden_1", rng=rng)
    bare = {("memorizing", 0): replace(weighed(rng), weight=None)}
    with pytest.raises(ValueError, match="H6 needs weight of each layer, got none of memorizing-0"):
        answer("H6", bare, layer="hidden_1", rng=rng)


def test_value_comparison_is_the_marginal_normal(rng):
    """With centers and seeds integrated out by hand, from the graph at many standard points."""
    values = {(c, s): float(rng.normal()) for c in CONDITIONS[1:] for s in (0, 1, 2)}
    model = value_comparison_model(values)
    logp = model.compile_logp(mode="FAST_COMPILE")
    y = np.array([values[key] for key in sorted(values)])
    design, seed = np.kron(np.eye(2), np.ones((3, 1))), np.kron(np.ones((2, 1)), np.eye(3))
    constants = []
    for network_sd, seed_sd in [((0.2, 0.5), 0.1), ((1.0, 0.1), 0.7)]:
        variance = np.diag(np.repeat(network_sd, 3) ** 2) + seed_sd**2 * seed @ seed.T
        variance += 3.0**2 * design @ design.T
        scale = stats.lognorm(1.0, scale=0.2)
        logs = np.log([*network_sd, seed_sd])
        law = stats.multivariate_normal.logpdf(y, np.zeros(6), variance)
        law += scale.logpdf([*network_sd, seed_sd]).sum() + logs.sum()
        for _ in range(3):  # given the scales the standard variables are standard normal
            z = rng.normal(size=5)
            point = {
                "network_sd_log__": logs[None, :2],
                "seed_sd_log__": logs[2:],
                "center_z": z[None, :2],
                "seed_z": z[None, 2:],
            }
            constants.append(float(logp(point)) - law - stats.norm.logpdf(z).sum())
    assert constants == pytest.approx([constants[0]] * 6, abs=1e-8)


@pytest.mark.slow
def test_differences_are_found_with_their_sign_and_refuted_against_it(rng):
    layers = layers_of((0.3, 0.6, 0.3), (0.5, 0.15, 0.35), rng)  # rates against the claim
    rates = compare_rates(layers, layer="hidden_1", rng=rng).verdicts
    assert [verdict.decision for verdict in rates] == ["refuted"] * 3
    assert max(verdict.bayes_factor for verdict in rates) < 1 / 3
    assert all({"mixed_model", "ranks"} == set(verdict.others) for verdict in rates)
    correlation = compare_correlation(layers, layer="hidden_1", rng=rng).verdicts
    assert [verdict.decision for verdict in correlation] == ["supported"] * 4
    assert correlation[0].interval[0] < 0.3**2 - 0.6**2 < correlation[0].interval[1]


@pytest.mark.slow
def test_weights_and_exponents_are_told_apart_and_their_absence_too(rng):
    made = {"initialized": {}, "generalizing": {}, "memorizing": {"tails": 2.0, "scale": 3.0}}
    layers = {(c, seed): weighed(rng, **how) for c, how in made.items() for seed in range(4)}
    verdicts = compare_layers("H6", layers, layer="hidden_1", rng=rng).verdicts
    assert [verdict.decision for verdict in verdicts] == ["supported"] * 4
    assert verdicts[-1].baseline is None  # untrained weights have not changed
    assert "initialized" not in verdicts[-1].sentence
    same = compare_layers("H7", layers, layer="hidden_1", rng=rng).verdicts
    assert [verdict.decision for verdict in same] == ["refuted"] * 2  # equal to within the margin
    assert same[0].bayes_factor is None  # the probability of a smaller difference tells more
    layers |= {("memorizing", seed): weighed(rng, 0.9, 0.6) for seed in range(4)}
    other = compare_layers("H7", layers, layer="hidden_1", rng=rng).verdicts
    assert [verdict.decision for verdict in other] == ["supported"] * 2


@pytest.mark.slow
def test_no_difference_gives_no_direction_too_often(rng):
    """Networks that differ by chance alone: a direction may be claimed in a tenth of the runs."""
    n_runs, wrong = 60, 0
    for _ in range(n_runs):
        seed_effect = 0.1 * rng.normal(size=4)
        values = {
            (c, s): float(3 + seed_effect[s] + 0.15 * rng.normal()) for c in CONDITIONS for s in range(4)
        }
        prior = ValueComparisonPrior()
        tree = sample(value_comparison_model(values, prior=prior), kind="null", prior=prior, rng=rng)
        draws = by_condition(tree, "condition_value")
        below = (draws["memorizing"] < draws["generalizing"]).mean()
        wrong += not 0.05 < below < 0.95
    assert stats.binom.sf(wrong - 1, n_runs, 0.1) > 1e-6
