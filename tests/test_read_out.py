"""Read-out weights: closed forms of lone units, solvers on drawn activity, what a penalty leaves."""

import numpy as np
import pytest
from scipy import stats

from rote.record.recording import Recording
from rote.simulate import (
    DichotomizedGaussian,
    ExchangeableBernoulli,
    IndependentBernoulli,
    LoneUnits,
    critical_rate,
    limiting_ridge,
    lone_weight,
)
from rote.simulate.read_out import PENALTIES
from rote.validate.read_out import ReadOut, drawn_read_outs, read_out_rows, solve_read_out

COUNT = np.array([0, 1, 2, 4, 8, 64])
TARGET = np.array([3.0, 1.0, -1.0, 0.5, -2.0, 0.3])
STRENGTH = np.array([0.5, 8.0, 2.0])  # in no order


def lone_activity(count, target):
    """Examples on which each unit is active alone, and as many on which none is."""
    unit = np.repeat(np.arange(count.size), count)
    activity = np.zeros((2 * unit.size, count.size), dtype=np.bool_)
    activity[np.arange(unit.size), unit] = True
    return activity, np.concatenate([target[unit], np.zeros(unit.size)])


@pytest.mark.parametrize("penalty", PENALTIES)
def test_solvers_give_lone_units_their_closed_form(penalty):
    activity, target = lone_activity(COUNT, TARGET)
    solved = solve_read_out(activity, target, penalty=penalty, strength=STRENGTH)
    due = lone_weight(TARGET, COUNT, penalty=penalty, strength=STRENGTH[:, None])
    np.testing.assert_allclose(solved.weight, due, atol=1e-9)
    other = lone_weight(TARGET, COUNT, penalty=penalty, strength=2 * STRENGTH[:, None])
    assert np.abs(solved.weight - other).max() > 0.05
    assert (solved.survivors == np.count_nonzero(due, axis=1)).all()
    left = ((target - due @ activity.T) ** 2).sum(axis=1) / (target**2).sum()
    assert solved.unexplained == pytest.approx(left)


@pytest.mark.parametrize("penalty", PENALTIES)
def test_lone_weight_is_the_least_of_its_sum(penalty):
    weight = np.linspace(-3, 3, 60_001)
    for count, target in zip(COUNT[1:], TARGET[1:], strict=True):
        for strength in STRENGTH:
            cost = count * (target - weight) ** 2 / 2
            cost += strength * (np.abs(weight) if penalty == "l1" else weight**2 / 2)
            due = weight[cost.argmin()]
            got = lone_weight(target, count, penalty=penalty, strength=strength)
            assert got == pytest.approx(due, abs=1e-4)


def test_l2_halves_where_l1_erases():
    assert lone_weight(0.8, 5, penalty="l2", strength=5.0) == pytest.approx(0.4)
    rate = critical_rate(0.8, strength=4.0, n_examples=1000)
    assert rate == pytest.approx(0.005)
    assert lone_weight(0.8, 1000 * rate, penalty="l1", strength=4.0) == pytest.approx(0, abs=1e-15)
    assert lone_weight(0.8, 6, penalty="l1", strength=4.0) > 0
    assert lone_weight(-0.8, 6, penalty="l1", strength=4.0) < 0
    assert critical_rate(0.0, strength=4.0, n_examples=1000) == np.inf


def test_survivors_and_norms_are_those_of_drawn_counts(rng, agrees, rejects):
    rate = np.array([1e-3, 5e-3, 0.02, 0.3])
    target = np.array([1.0, -0.5, 2.0, 0.1])
    units, strength, n_draws = LoneUnits(rate=rate, target=target, n_examples=1_000), 4.0, 50_000
    count = rng.binomial(1_000, rate, size=(n_draws, 4))
    weight = lone_weight(target, count, penalty="l1", strength=strength)
    left = np.count_nonzero(weight, axis=0)
    chance = units.survival(strength)
    assert agrees(
        [stats.binomtest(int(k), n_draws, p).pvalue for k, p in zip(left, chance, strict=True)]
    )
    near = units.survival(1.3 * strength)
    assert rejects([stats.binomtest(int(k), n_draws, p).pvalue for k, p in zip(left, near, strict=True)])
    assert units.survivors([strength, 1e6]) == pytest.approx([chance.sum(), 0])
    for penalty in PENALTIES:
        weight = lone_weight(target, count, penalty=penalty, strength=strength)
        size, square = units.weight_moments(penalty=penalty, strength=strength)
        for drawn, due in ((np.abs(weight), size), (weight**2, square)):
            error = drawn.std(axis=0) / np.sqrt(n_draws)
            assert agrees(2 * stats.norm.sf(np.abs(drawn.mean(axis=0) - due) / error))
            assert rejects(2 * stats.norm.sf(np.abs(drawn.mean(axis=0) - 1.1 * due) / error))


@pytest.mark.parametrize("penalty", PENALTIES)
def test_weights_of_a_layer_follow_their_law_and_no_other(penalty, rng, agrees, rejects):
    """Distribution functions between the values: of 40,000 draws of a layer of four kinds of units."""
    rate = np.array([1e-3, 5e-3, 0.02, 0.02])
    target = np.array([1.0, -0.5, 2.0, 2.0])
    units = LoneUnits(rate=rate, target=target, n_examples=500)
    count = rng.binomial(500, rate, size=(10_000, 4))
    weight = lone_weight(target, count, penalty=penalty, strength=1.5).ravel()
    value, chance = units.weight_law(penalty=penalty, strength=1.5)
    assert chance.sum() == pytest.approx(1)
    assert (np.diff(value) > 0).all()
    for place in (-0.2, -1e-9, 0.0, 0.5, 1.5):
        below = chance[value <= place].sum()
        seen = int((weight <= place).sum())
        assert agrees(stats.binomtest(seen, weight.size, below).pvalue)
        assert rejects(stats.binomtest(seen, weight.size, min(below + 0.05, 1)).pvalue)
    size, square = units.weight_moments(penalty=penalty, strength=1.5)
    assert chance @ np.abs(value) == pytest.approx(size.mean())
    assert chance @ np.square(value) == pytest.approx(square.mean())
    dead = chance[value == 0][0]
    due = stats.binom.pmf(0, 500, rate) if penalty == "l2" else 1 - units.survival(1.5)
    assert dead == pytest.approx(due.mean())


def test_l1_reads_generalizing_units_where_it_has_erased_memorizing_ones(rng):
    """Rare units of one layer, common ones of another, both to say ±1 where they are active."""
    strength, n_examples = 30.0, 5_000
    told = {}
    for name, rate in (("memorizing", 2e-3), ("generalizing", 0.02)):
        process = IndependentBernoulli(rate=np.full(30, rate))
        activity = process.sample(n_examples, rng=rng)
        target = activity @ np.where(np.arange(30) % 2, 1.0, -1.0)
        told[name] = [
            solve_read_out(activity, target, penalty=penalty, strength=strength) for penalty in PENALTIES
        ]
    assert told["memorizing"][0].survivors[0] == 0
    assert told["memorizing"][1].survivors[0] == 30
    assert told["generalizing"][0].survivors[0] == 30
    assert told["memorizing"][1].norm_l2[0] < 0.4 * told["generalizing"][1].norm_l2[0]


@pytest.mark.parametrize("penalty", PENALTIES)
def test_correlated_units_satisfy_the_conditions_of_a_least_sum(penalty, rng):
    """Gradient Sᵀ(y - Sw): λw under L2; under L1 λ sign(w), and within ±λ for what was erased."""
    process = ExchangeableBernoulli(n_units=20, rate=0.1, correlation=0.3, mixing="beta")
    activity = process.sample(2_000, rng=rng).astype(np.float64)
    target = activity @ rng.normal(size=20) + rng.normal(size=2_000)
    solved = solve_read_out(activity, target, penalty=penalty, strength=[20.0, 60.0])
    for weight, strength in zip(solved.weight, solved.strength, strict=True):
        gradient = activity.T @ (target - activity @ weight)
        if penalty == "l2":
            np.testing.assert_allclose(gradient, strength * weight, atol=1e-8)
            continue
        left = weight != 0
        assert 0 < left.sum() < 20
        np.testing.assert_allclose(gradient[left], strength * np.sign(weight[left]), atol=0.05)
        assert np.abs(gradient[~left]).max() < strength + 0.05


def test_ridge_of_many_examples_goes_to_what_the_process_predicts(rng, agrees, rejects):
    process = DichotomizedGaussian(rate=np.linspace(0.05, 0.6, 8), loading=np.linspace(0.2, 0.9, 8))
    truth, n_examples, strength = rng.normal(size=8), 100_000, 20_000.0
    activity = process.sample(n_examples, rng=rng)
    noise = rng.normal(size=n_examples)
    solved = solve_read_out(activity, activity @ truth + noise, penalty="l2", strength=strength)
    law = process.predict()
    cross = (law.covariance + np.outer(law.rate, law.rate)) @ truth
    due = limiting_ridge(law.rate, law.covariance, cross, strength=strength, n_examples=n_examples)

    def alarms(weight):
        """Of the equations Σ_t s_t (y_t - s_t·w) = λ w, whose terms have mean zero at ``weight``."""
        residual = activity @ (truth - weight) + noise
        terms = activity * residual[:, None] - strength / n_examples * weight
        return 2 * stats.norm.sf(np.abs(terms.mean(axis=0)) / terms.std(axis=0) * np.sqrt(n_examples))

    assert agrees(alarms(due))
    apart = limiting_ridge(
        law.rate, np.diag(law.variance), cross, strength=strength, n_examples=n_examples
    )
    assert rejects(alarms(apart))  # as if units were independent
    assert np.abs(solved.weight[0] - due).max() < 0.05 * np.abs(due).max()


def test_ratio_of_norms_is_that_of_the_weights():
    weight = np.array([[1.0, -3.0, 0.0, 2.0], [0.0, 0.0, 0.0, 0.0]])
    solved = ReadOut(penalty="l1", strength=np.ones(2), weight=weight, unexplained=np.zeros(2))
    due = np.abs(weight[0]).mean() / np.sqrt((weight[0] ** 2).mean())
    assert solved.l1_l2_ratio == pytest.approx([due, np.nan], nan_ok=True)
    assert solved.survivors.tolist() == [3, 0]
    assert (solved.norm_l1[0], solved.norm_l2[0]) == pytest.approx((6, np.sqrt(14)))


ACTIVITY = np.ones((3, 2), dtype=np.bool_)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: lone_weight(1.0, 1, penalty="l3", strength=1.0),
            "penalty must be one of l1, l2; got 'l3'",
        ),
        (lambda: lone_weight(1.0, 1, penalty="l1", strength=0.0), "strength must be above 0, got 0.0"),
        (
            lambda: lone_weight(1.0, -1, penalty="l1", strength=1.0),
            "count must not be negative, got -1.0",
        ),
        (
            lambda: LoneUnits(rate=[0.1, 0.2], target=[1.0, 2.0, 3.0], n_examples=5),
            r"target must be one number or one for each of 2 units, got \(3,\)",
        ),
        (
            lambda: limiting_ridge([0.1], np.eye(1), [1.0, 2.0], strength=1.0, n_examples=5),
            r"cross must have shape \(1,\), got \(2,\)",
        ),
        (
            lambda: solve_read_out(ACTIVITY, [1.0, 2.0], penalty="l1", strength=1.0),
            r"target must have shape \(3,\), got \(2,\)",
        ),
        (
            lambda: solve_read_out(ACTIVITY, np.zeros(3), penalty="l1", strength=1.0),
            "target must not be zero on all examples",
        ),
        (
            lambda: solve_read_out(ACTIVITY[0], np.ones(3), penalty="l1", strength=1.0),
            r"activity must have shape \(n_examples, n_units\), got \(2,\)",
        ),
        (
            lambda: solve_read_out(ACTIVITY, np.ones(3), penalty="l2", strength=np.ones((2, 2))),
            r"strength must be one number or some in a row, got shape \(2, 2\)",
        ),
    ],
)
def test_impossible_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_drawn_layers_are_read_out_as_lone_units_are_expected_to(rng):
    """Rare independent units are next to alone; generalizing ones share what they say."""
    table, weights = drawn_read_outs(3, [10.0, 100.0], rng=rng)
    assert len(table) == 2 * 3 * 2 * 2
    rare = table[(table["kind"] == "memorizing") & (table["penalty"] == "l1")]
    mean = rare.groupby("strength").mean(numeric_only=True)
    assert mean["survivors"].to_numpy() == pytest.approx(mean["lone_survivors"].to_numpy(), abs=0.06)
    assert mean["survivors"].iloc[1] < 0.1 < 0.6 < mean["survivors"].iloc[0]
    common = table[(table["kind"] == "generalizing") & (table["strength"] == 100.0)]
    assert common.loc[common["penalty"] == "l1", "survivors"].mean() > 0.85
    for (kind, penalty, strength), here in weights.groupby(["kind", "penalty", "strength"]):
        chosen = (table["kind"] == kind) & (table["penalty"] == penalty)
        draws = table[chosen & (table["strength"] == strength)]
        zero = here[here["size"] == 0].iloc[0]
        assert zero["share"] == pytest.approx(1 - draws["survivors"].mean())
        assert zero["lone_share"] == pytest.approx(1 - draws["lone_survivors"].mean())
        assert (np.diff(here["share"]) >= 0).all()


def recorded(activity, label):
    return Recording.from_arrays(
        {"hidden_1": activity},
        label=label,
        condition="memorizing",
        seed=0,
        epoch=1,
        source="made up",
    )


def test_recorded_layers_of_lone_units_are_read_out_in_closed_form(rng):
    activity, _ = lone_activity(COUNT[1:], TARGET[1:])
    label = rng.integers(3, size=len(activity))
    rows = read_out_rows(recorded(activity, label), strength=[0.3, 2.0])
    assert rows["survivors"].to_numpy() == pytest.approx(rows["lone_survivors"].to_numpy())
    assert rows["norm_l2"].to_numpy() == pytest.approx(rows["lone_norm_l2"].to_numpy(), rel=1e-6)
    assert set(rows["penalty"]) == set(PENALTIES)
    assert len(rows) == 4
    twice = read_out_rows(recorded(np.repeat(activity, 2, axis=1), label), strength=[0.3])
    ridge = twice[twice["penalty"] == "l2"].iloc[0]
    assert ridge["norm_l2"] < 0.95 * ridge["lone_norm_l2"]  # copies share what they say
