"""All layers and networks together: own numbers on the scale of their claim, told in words."""

from dataclasses import replace

import numpy as np
import pytest

from rote.activity.measurement import measure
from rote.inference.claims import CLAIMS, FACTOR, MEAN_RATE, PAIRS, RARE_SHARE, MeasuredLayer
from rote.inference.estimates import living_rate
from rote.inference.pooling import POOLED, PooledEffect, own_number, pool_layers
from rote.inference.verdict import Level
from rote.simulate.independent import IndependentBernoulli

EFFECT = PooledEffect(
    hypothesis="H1",
    quantity="mean rate of living units",
    claim="units of memorizing networks are active more rarely",
    direction="lower",
    scale="logit",
    effect=Level(estimate=-0.5, interval=(-0.9, -0.1)),
    probability=0.97,
    margin=0.0,
    no_difference=None,
    layers={"first": Level(estimate=-0.4, interval=(-0.8, 0.0))},
    n_networks=6,
    random_shares=(0.0, 0.25, 1.0),
)


def test_an_answer_is_told_in_words_and_comes_back_from_json():
    assert EFFECT.sentence == (
        "H1, over 1 layer: that units of memorizing networks are active more rarely is supported "
        "(probability 0.970). Mean rate of living units (logit), all labels random minus none: -0.5 in "
        "a typical layer (90 % interval -0.9 to -0.1; first -0.4; 6 networks with 0, 25, 100 % of their "
        "labels random)."
    )
    assert PooledEffect.from_dict(EFFECT.as_dict()) == EFFECT


@pytest.mark.parametrize(
    ("probability", "no_difference", "decision"),
    [
        (0.95, None, "supported"),
        (0.05, None, "refuted"),
        (0.5, None, "undecided"),
        (0.5, 0.96, "refuted"),
    ],
)
def test_decisions_fall_as_in_verdicts(probability, no_difference, decision):
    assert replace(EFFECT, probability=probability, no_difference=no_difference).decision == decision


def test_numbers_are_taken_of_the_part_that_a_claim_is_about(rng):
    active = IndependentBernoulli(rate=rng.uniform(0.1, 0.6, 9)).sample(400, rng=rng)
    layer = MeasuredLayer(
        statistics=measure(active), weight=rng.normal(size=(9, 5)), initial=np.zeros((9, 5))
    )
    assert own_number(MEAN_RATE, layer) == living_rate(layer.statistics).mean()
    norm = CLAIMS["H6"][0]
    assert own_number(norm, layer) == pytest.approx(np.sqrt(np.square(layer.weight).mean()))
    assert own_number(PAIRS, layer) > 0


def test_quantities_with_laws_of_their_own_are_not_pooled():
    assert not {RARE_SHARE, FACTOR} & set(POOLED)
    assert {claim for claims in CLAIMS.values() for claim in claims} <= set(POOLED)


def test_numbers_off_the_scale_are_named(rng):
    numbers = {("a", 0, 0.0): 0.2, ("a", 0, 1.0): 1.0}  # a rate of 1 has no logit
    with pytest.raises(ValueError, match="values must be finite, got inf for a of seed 0"):
        pool_layers(MEAN_RATE, numbers, rng=rng)


@pytest.mark.slow
def test_the_effect_is_on_the_claims_scale(rng):
    """Weights that random labels make twice as large, half of them by half of that on the logarithm."""
    norm = CLAIMS["H6"][0]
    numbers = {
        (layer, seed, share): base * 2**share * np.exp(0.02 * rng.normal())
        for layer, base in (("a", 1.0), ("b", 3.0))
        for seed in range(4)
        for share in (0.0, 0.5, 1.0)
    }
    told = pool_layers(norm, numbers, rng=rng)
    low, high = told.effect.interval
    assert low < np.log(2) < high
    assert told.decision == "supported"
    assert told.n_networks == 12
    for one in told.layers.values():
        assert one.estimate == pytest.approx(np.log(2), abs=0.1)
    back = {key: 1 / number for key, number in numbers.items()}
    assert pool_layers(norm, back, rng=rng).decision == "refuted"
