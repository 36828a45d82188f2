"""Rates of rare, common and dead units: the law of each kind, and how many there are of it."""

import numpy as np
import pytest
from scipy import stats

from rote.simulate import BetaRates, MixedRates
from rote.simulate.mixed_rates import COMMON, DEAD, RARE

LAW = MixedRates(
    n_units=40_000,
    rare_fraction=0.4,
    rare_mean=0.01,
    rare_shape=1.5,
    common_mean=0.3,
    common_concentration=6.0,
    dead_fraction=0.2,
)


def test_each_kind_follows_its_law_and_no_other(agrees, rejects, rng):
    rate, kind = LAW.sample_kinds(rng=rng)
    assert (rate[kind == DEAD] == 0).all()
    assert agrees(stats.kstest(rate[kind == RARE], stats.beta(1.5, 148.5).cdf).pvalue)
    assert agrees(stats.kstest(rate[kind == COMMON], stats.beta(1.8, 4.2).cdf).pvalue)
    assert rejects(stats.kstest(rate[kind == RARE], stats.beta(1.8, 178.2).cdf).pvalue)  # shape 1.8
    assert rejects(stats.kstest(rate[kind == RARE], stats.beta(1.5, 123.5).cdf).pvalue)  # mean 0.012
    assert rejects(stats.kstest(rate[kind == COMMON], stats.beta(2.1, 4.9).cdf).pvalue)  # 7.0


def test_kinds_are_as_many_as_promised(agrees, rejects, rng):
    _, kind = LAW.sample_kinds(rng=rng)
    seen = np.bincount(kind, minlength=3)
    due = LAW.n_units * np.array([0.2, 0.8 * 0.4, 0.8 * 0.6])  # dead, rare, common
    assert agrees(stats.chisquare(seen, due).pvalue)
    assert rejects(stats.chisquare(seen, LAW.n_units * np.array([0.2, 0.4, 0.4])).pvalue)


def test_kinds_are_drawn_independently_of_the_place(agrees, rng):
    """How many neighbours are of one kind: a binomial number over disjoint pairs."""
    _, kind = LAW.sample_kinds(rng=rng)
    alike = int((kind[::2] == kind[1::2]).sum())
    due = 0.2**2 + 0.32**2 + 0.48**2
    assert agrees(stats.binomtest(alike, LAW.n_units // 2, due).pvalue)


def test_names_keep_their_promise():
    rare, common = stats.beta(*LAW.rare_beta), stats.beta(*LAW.common_beta)
    assert (rare.mean(), common.mean()) == pytest.approx((0.01, 0.3))
    assert common.var() == pytest.approx(0.3 * 0.7 / 7)
    near_zero = np.log(rare.pdf(1e-9) / rare.pdf(1e-10)) / np.log(10)
    assert near_zero == pytest.approx(LAW.rare_shape - 1, abs=1e-6)


def test_rates_are_drawn_with_or_without_kinds():
    rate = LAW.sample(rng=np.random.default_rng(3))
    np.testing.assert_array_equal(rate, LAW.sample_kinds(rng=np.random.default_rng(3))[0])


@pytest.mark.parametrize(("rare_fraction", "shapes"), [(0.0, (1.8, 4.2)), (1.0, (1.5, 148.5))])
def test_one_kind_alone_is_a_beta_law(rare_fraction, shapes, agrees, rng):
    fields = {name: getattr(LAW, name) for name in LAW.__dataclass_fields__}
    rate = MixedRates(**fields | {"rare_fraction": rare_fraction, "dead_fraction": 0.0}).sample(rng=rng)
    alone = BetaRates(n_units=1, mean=shapes[0] / sum(shapes), concentration=sum(shapes))
    assert agrees(stats.kstest(rate, stats.beta(*alone.beta).cdf).pvalue)


@pytest.mark.parametrize(
    ("change", "error", "sentence"),
    [
        ({"n_units": 0}, ValueError, "n_units must be at least 1, got 0"),
        ({"rare_fraction": 1.2}, ValueError, r"rare_fraction must lie in \[0, 1\], got 1\.2"),
        ({"dead_fraction": -0.1}, ValueError, r"dead_fraction must lie in \[0, 1\], got -0\.1"),
        ({"rare_mean": 0}, ValueError, r"rare_mean must lie in \(0, 1\), got 0"),
        ({"common_mean": 1}, ValueError, r"common_mean must lie in \(0, 1\), got 1"),
        ({"rare_mean": 0.3}, ValueError, r"rare_mean must lie below common_mean=0\.3, got 0\.3"),
        ({"rare_shape": 0}, ValueError, "rare_shape must be above 0, got 0"),
        ({"common_concentration": -2}, ValueError, "common_concentration must be above 0, got -2"),
        ({"rare_shape": [1, 2]}, TypeError, r"rare_shape must be one number, got shape \(2,\)"),
        ({"rare_fraction": [0.5]}, TypeError, r"rare_fraction must be one number, got shape \(1,\)"),
    ],
)
def test_impossible_laws_are_named(change, error, sentence):
    fields = {name: getattr(LAW, name) for name in LAW.__dataclass_fields__}
    with pytest.raises(error, match=sentence):
        MixedRates(**fields | change)


def test_randomness_must_be_given():
    with pytest.raises(TypeError, match=r"rng must be a numpy\.random\.Generator"):
        LAW.sample(rng=None)
