"""Mixtures of processes and of rectified layers: twin, laws against draws and other mixtures, blocks."""

import numpy as np
import pytest
from scipy import stats

from rote.activity.streams import draw_keys, uniforms
from rote.simulate import (
    ClassConditional,
    DichotomizedGaussian,
    IndependentBernoulli,
    LatentGaussian,
    MixedProcess,
    RectifiedGaussian,
    RectifiedMixture,
    propagate,
    propagate_classes,
)

N_EXAMPLES = 60_000
SHARE = np.array([0.5, 0.2, 0.3])
RATE = np.array([[0.1, 0.5, 0.9], [0.6, 0.1, 0.4], [0.02, 0.3, 0.3]])


@pytest.fixture
def mixture():
    parts = [DichotomizedGaussian(rate=rate, loading=0.8) for rate in RATE]
    return MixedProcess(share=SHARE, parts=parts)


def count_alarms(active, rate):
    """Binomial p-values of the number of times that units were active."""
    counts = zip(active.sum(axis=0), rate, strict=True)
    return [stats.binomtest(int(count), len(active), p).pvalue for count, p in counts]


def pair_alarms(active, rate, covariance):
    """Two-sided p-values of the means of products of deviations."""
    deviation = active - rate
    one, other = np.triu_indices(rate.size)
    product = deviation[:, one] * deviation[:, other]
    error = product.std(axis=0) / np.sqrt(len(active))
    return 2 * stats.norm.sf(np.abs(product.mean(axis=0) - covariance[one, other]) / error)


def test_units_independent_within_classes_are_class_conditional():
    parts = [IndependentBernoulli(rate=rate) for rate in RATE]
    mine = MixedProcess(share=SHARE, parts=parts).predict()
    other = ClassConditional(class_rate=RATE, class_probability=SHARE).predict()
    assert mine.rate == pytest.approx(other.rate)
    assert mine.covariance == pytest.approx(other.covariance, abs=1e-15)
    assert mine.population_pmf == pytest.approx(other.population_pmf, abs=1e-15)


def test_draws_follow_the_prediction_and_no_other(mixture, rng, agrees, rejects):
    active = mixture.sample(N_EXAMPLES, rng=rng)
    law = mixture.predict()
    count = active.sum(axis=0)
    assert agrees(
        [stats.binomtest(int(k), N_EXAMPLES, p).pvalue for k, p in zip(count, law.rate, strict=True)]
    )
    assert agrees(pair_alarms(active, law.rate, law.covariance))
    seen = np.bincount(active.sum(axis=1), minlength=4)
    assert agrees(stats.chisquare(seen, N_EXAMPLES * law.population_pmf).pvalue)
    apart = [IndependentBernoulli(rate=rate) for rate in RATE]
    classes_alone = MixedProcess(share=SHARE, parts=apart).predict()
    assert rejects(pair_alarms(active, law.rate, classes_alone.covariance))
    assert rejects(stats.chisquare(seen, N_EXAMPLES * classes_alone.population_pmf).pvalue)


def test_each_part_draws_its_examples_by_itself(mixture):
    active = mixture.sample(500, rng=np.random.default_rng(3))
    rng = np.random.default_rng(3)
    uniform = uniforms(draw_keys(rng, 1)[0], np.arange(500, dtype=np.uint64))
    which = np.searchsorted(np.cumsum(SHARE), uniform, side="right")
    for part, process in enumerate(mixture.parts):
        falls = which == part
        assert np.array_equal(active[falls], process.sample(int(falls.sum()), rng=rng))


def test_draws_do_not_depend_on_the_block(mixture):
    whole = mixture.sample(1_000, rng=np.random.default_rng(5))
    for block in (1, 7, 333, 5_000):
        parts = mixture.blocks(1_000, rng=np.random.default_rng(5), block=block)
        assert np.array_equal(whole, np.concatenate(list(parts)))


def test_a_part_that_never_happens_is_never_drawn(rng):
    parts = [IndependentBernoulli(rate=[1.0]), IndependentBernoulli(rate=[0.0])]
    process = MixedProcess(share=[1.0, 0.0], parts=parts)
    assert process.sample(200, rng=rng).all()
    assert process.predict().rate.tolist() == [1]


def test_a_population_count_that_a_part_does_not_know_is_told():
    part = LatentGaussian(rate=[0.5, 0.5], latent_correlation=np.eye(2))
    with pytest.raises(AttributeError, match="population_pmf has no closed form"):
        _ = MixedProcess(share=[1.0], parts=[part]).predict().population_pmf


# rectified layers


def clouds(rng, n_inputs=8):
    roots = rng.normal(size=(3, n_inputs, n_inputs)) / 4
    mean = 0.6 * rng.normal(size=(3, n_inputs))
    return mean, roots @ roots.transpose(0, 2, 1)


def test_layers_of_clouds_are_those_of_a_forward_pass(rng, agrees, rejects):
    mean, covariance = clouds(rng)
    weight, bias = rng.normal(size=(5, 8)), rng.normal(size=5) / 3
    (layer,) = propagate_classes([(weight, bias)], share=SHARE, mean=mean, covariance=covariance)
    which = rng.choice(3, size=N_EXAMPLES, p=SHARE)
    factor = np.linalg.cholesky(covariance)
    data = mean[which] + np.einsum("tij,tj->ti", factor[which], rng.normal(size=(N_EXAMPLES, 8)))
    passed = np.maximum(data @ weight.T + bias, 0)
    drawn = layer.sample(N_EXAMPLES, rng=rng).astype(np.float64)
    law = layer.binary().predict()
    for activation in (passed, drawn):
        active = activation > 0
        assert agrees(pair_alarms(activation, layer.mean, layer.covariance))
        assert agrees(pair_alarms(active, law.rate, law.covariance))
        where = 0.5
        share = layer.cdf(np.full(5, where))
        assert agrees(count_alarms(activation <= where, share))
    assert law.rate == pytest.approx(layer.rate)
    pooled = np.cov(data, rowvar=False)
    (one,) = propagate([(weight, bias)], mean=data.mean(axis=0), covariance=pooled)
    assert rejects(pair_alarms(passed > 0, one.rate, one.binary().predict().covariance))


def test_classes_that_are_alike_are_one(rng):
    mean, covariance = clouds(rng)
    layers = [(rng.normal(size=(6, 8)), np.zeros(6)), (rng.normal(size=(4, 6)), np.zeros(4))]
    alike = propagate_classes(layers, share=[0.4, 0.6], mean=mean[[0, 0]], covariance=covariance[[0, 0]])
    for mixture, layer in zip(
        alike, propagate(layers, mean=mean[0], covariance=covariance[0]), strict=True
    ):
        assert mixture.rate == pytest.approx(layer.rate)
        assert mixture.mean == pytest.approx(layer.mean)
        assert mixture.covariance == pytest.approx(layer.covariance)
        assert mixture.n_units == layer.n_units
        assert mixture.class_rate == pytest.approx(np.stack([layer.rate] * 2))


UNIT = IndependentBernoulli(rate=[0.5])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: MixedProcess(share=[0.5, 0.5], parts=[UNIT]),
            ValueError,
            "parts must be as many as share, 2, got 1",
        ),
        (
            lambda: MixedProcess(share=[0.5, 0.4], parts=[UNIT, UNIT]),
            ValueError,
            r"share must sum to 1, got 0\.9",
        ),
        (
            lambda: MixedProcess(share=[1.0], parts=[3]),
            TypeError,
            "parts must be of class Process, got int",
        ),
        (
            lambda: MixedProcess(share=[0.5, 0.5], parts=[UNIT, IndependentBernoulli(rate=[0.1, 0.2])]),
            ValueError,
            "parts must have one number of units, got 1 and 2",
        ),
        (
            lambda: RectifiedMixture(share=[1.0], parts=[UNIT]),
            TypeError,
            "parts must be of class RectifiedGaussian, got IndependentBernoulli",
        ),
        (
            lambda: propagate_classes([], share=[1.0], mean=np.zeros(2), covariance=np.eye(2)[None]),
            ValueError,
            r"mean must have shape \(1, n_inputs\), got \(2,\)",
        ),
        (
            lambda: propagate_classes([], share=[1.0], mean=np.zeros((1, 2)), covariance=np.eye(2)),
            ValueError,
            r"covariance must have shape \(1, 2, 2\), got \(2, 2\)",
        ),
    ],
)
def test_impossible_mixtures_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_layers_of_one_example_are_drawn(rng):
    part = RectifiedGaussian(drive_mean=[0.0], drive_covariance=[[1.0]])
    assert RectifiedMixture(share=[0.5, 0.5], parts=[part, part]).sample(1, rng=rng).shape == (1, 1)
