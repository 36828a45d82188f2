"""Rates of a layer: the Beta law of the living units, the share of the dead."""

from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from scipy import stats

from rote.simulate import BetaRates

LAW = BetaRates(n_units=20_000, mean=0.1, concentration=4.0, dead_fraction=0.3)


def test_living_rates_follow_their_law_and_no_other(agrees, rejects, rng):
    rate = LAW.sample(rng=rng)
    living = rate[rate > 0]
    assert agrees(stats.kstest(living, stats.beta(0.4, 3.6).cdf).pvalue)
    assert rejects(stats.kstest(living, stats.beta(0.5, 4.5).cdf).pvalue)
    assert rejects(stats.kstest(living, stats.beta(0.44, 3.56).cdf).pvalue)


def test_units_die_as_often_as_promised(agrees, rejects, rng):
    dead = int((LAW.sample(rng=rng) == 0).sum())
    assert agrees(stats.binomtest(dead, LAW.n_units, 0.3).pvalue)
    assert rejects(stats.binomtest(dead, LAW.n_units, 0.27).pvalue)


def test_names_keep_their_promise():
    law = stats.beta(*LAW.beta)
    assert law.mean() == pytest.approx(0.1)
    assert law.var() == pytest.approx(0.1 * 0.9 / (1 + LAW.concentration))


def test_draw_is_numpys_own():
    rng = np.random.default_rng(3)
    living, lot = rng.beta(0.4, 3.6, size=LAW.n_units), rng.random(LAW.n_units)
    np.testing.assert_array_equal(
        LAW.sample(rng=np.random.default_rng(3)), np.where(lot < 0.3, 0, living)
    )


@pytest.mark.parametrize("dead_fraction", [0.0, 1.0])
def test_all_or_none_may_be_dead(dead_fraction, rng):
    rate = BetaRates(n_units=500, mean=0.5, concentration=9, dead_fraction=dead_fraction).sample(rng=rng)
    assert ((rate == 0) == bool(dead_fraction)).all()


@pytest.mark.parametrize("concentration", [1e-300, 1e-3, 1e6, 1e300])
def test_extreme_concentrations_stay_rates(concentration, agrees, rng):
    rate = BetaRates(n_units=5000, mean=0.3, concentration=concentration).sample(rng=rng)
    assert ((rate >= 0) & (rate <= 1)).all()
    if concentration < 1e-2:  # units are all but on or off
        assert agrees(stats.binomtest(int((rate > 0.5).sum()), rate.size, 0.3).pvalue)
    else:
        np.testing.assert_allclose(rate, 0.3, atol=0.01)


def test_law_cannot_change():
    with pytest.raises(FrozenInstanceError):
        LAW.mean = 0.2
    with pytest.raises(TypeError, match="positional"):
        BetaRates(3, 0.1, 4.0)


@pytest.mark.parametrize(
    ("change", "error", "sentence"),
    [
        ({"n_units": 0}, ValueError, "n_units must be at least 1, got 0"),
        ({"n_units": 2.5}, TypeError, r"n_units must be a whole number, got 2\.5"),
        ({"mean": 0}, ValueError, r"mean must lie in \(0, 1\), got 0"),
        ({"mean": 1}, ValueError, r"mean must lie in \(0, 1\), got 1"),
        ({"mean": [0.1, 0.2]}, TypeError, r"mean must be one number, got shape \(2,\)"),
        ({"concentration": 0}, ValueError, "concentration must be above 0, got 0"),
        ({"concentration": -1.5}, ValueError, r"concentration must be above 0, got -1\.5"),
        ({"concentration": np.inf}, ValueError, "concentration must be finite, got inf"),
        (
            {"concentration": [1.0, 2.0]},
            TypeError,
            r"concentration must be one number, got shape \(2,\)",
        ),
        ({"dead_fraction": 1.1}, ValueError, r"dead_fraction must lie in \[0, 1\], got 1\.1"),
        ({"dead_fraction": np.nan}, ValueError, "dead_fraction must be finite, got nan"),
    ],
)
def test_impossible_laws_are_named(change, error, sentence):
    with pytest.raises(error, match=sentence):
        BetaRates(**{"n_units": 3, "mean": 0.1, "concentration": 4.0, **change})


@pytest.mark.parametrize("rng", [None, 7])
def test_randomness_must_be_given(rng):
    with pytest.raises(TypeError, match=r"rng must be a numpy\.random\.Generator"):
        LAW.sample(rng=rng)
