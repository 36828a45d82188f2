"""Windows of dependent examples: every pattern's law, moments by other algebra, twin, errors."""

import numpy as np
import pytest
from scipy import stats

from rote.activity.measurement import measure
from rote.activity.streams import draw_keys
from rote.simulate import DispersedBernoulli, LogNormalDispersions, extended_beta_binomial_pmf
from rote.simulate.dispersions import LEAST, MOST

WINDOW, N_WINDOWS = 6, 20_000
CASES = [(0.3, 0.4), (0.02, 1.5), (0.6, 0.0), (0.3, -0.05), (0.9, -0.015)]  # rate, dispersion


def window_counts(active, window=WINDOW):
    return active.reshape(-1, window, active.shape[1]).sum(axis=1)


def chi_square(seen, law):
    """p-value of counts under ``law``, cells of less than ten pooled with the next."""
    due = seen.sum() * law
    order = np.argsort(due)
    pooled = [[0.0, 0.0]]
    for cell in order:
        pooled[-1][0] += seen[cell]
        pooled[-1][1] += due[cell]
        if pooled[-1][1] >= 10:
            pooled.append([0.0, 0.0])
    seen, due = np.array(pooled[:-1]).T
    return stats.chisquare(seen, due * seen.sum() / due.sum()).pvalue


def test_counts_follow_their_law_and_no_other(agrees, rejects, rng):
    rate, dispersion = np.array(CASES).T
    process = DispersedBernoulli(rate=rate, dispersion=dispersion, window=WINDOW)
    counts = window_counts(process.sample(N_WINDOWS * WINDOW, rng=rng))
    seen = [np.bincount(unit, minlength=WINDOW + 1) for unit in counts.T]
    laws = extended_beta_binomial_pmf(WINDOW, rate, dispersion)
    assert agrees([chi_square(*pair) for pair in zip(seen, laws, strict=True)])
    for unit, near in enumerate([0.5, 0.6, 0.03, -0.01, 0.02]):
        miss = extended_beta_binomial_pmf(WINDOW, rate[unit], near)
        assert rejects(chi_square(seen[unit], miss))


@pytest.mark.parametrize("dispersion", [0.4, -0.1])
def test_examples_of_a_window_are_exchangeable_and_windows_independent(dispersion, agrees, rejects, rng):
    """All patterns of two windows of three: as likely as their counts, by the place of none."""
    process = DispersedBernoulli(rate=[0.3], dispersion=dispersion, window=3)
    active = process.sample(6 * 50_000, rng=rng).reshape(-1, 2, 3)
    pattern = np.indices((2, 2, 2)).reshape(3, -1).T
    law = extended_beta_binomial_pmf(3, 0.3, dispersion)[pattern.sum(axis=1)]
    law /= np.array([1, 3, 3, 1])[pattern.sum(axis=1)]
    seen = np.bincount(active.reshape(-1, 6) @ 2 ** np.arange(5, -1, -1), minlength=64)
    assert agrees(chi_square(seen, np.outer(law, law).ravel()))
    shifted = np.bincount(
        np.roll(active.ravel(), 1).reshape(-1, 6) @ 2 ** np.arange(5, -1, -1), None, 64
    )
    assert rejects(chi_square(shifted, np.outer(law, law).ravel()))


def test_units_are_independent(agrees, rng):
    process = DispersedBernoulli(rate=[0.3, 0.3], dispersion=0.8, window=WINDOW)
    counts = window_counts(process.sample(N_WINDOWS * WINDOW, rng=rng))
    table = np.histogram2d(*counts.T, bins=np.arange(WINDOW + 2) - 0.5)[0]
    assert agrees(stats.chi2_contingency(table).pvalue)


def test_counts_are_beta_binomial_above_zero_and_binomial_at_zero():
    count = np.arange(WINDOW + 1)
    due = stats.betabinom.pmf(count, WINDOW, 0.3 / 0.4, 0.7 / 0.4)
    assert extended_beta_binomial_pmf(WINDOW, 0.3, 0.4) == pytest.approx(due, rel=1e-12)
    due = stats.binom.pmf(count, WINDOW, 0.3)
    assert extended_beta_binomial_pmf(WINDOW, 0.3, 0.0) == pytest.approx(due, rel=1e-12)


def test_counts_below_zero_are_those_of_a_draw_without_replacement():
    """θ = -1/M at a rate of K/M: an urn of M balls, K of them active, W drawn."""
    for n_balls, n_active in [(40, 12), (40, 33), (12, 6)]:
        due = stats.hypergeom.pmf(np.arange(WINDOW + 1), n_balls, n_active, WINDOW)
        law = extended_beta_binomial_pmf(WINDOW, n_active / n_balls, -1 / n_balls)
        assert law == pytest.approx(due, abs=1e-13)


def test_at_the_bound_a_full_window_is_impossible():
    law = extended_beta_binomial_pmf(WINDOW, 0.3, -0.3 / (WINDOW - 1))
    assert law[-1] == pytest.approx(0, abs=1e-15)
    assert law.min() >= 0
    assert law.sum() == pytest.approx(1)


def test_names_keep_their_promise():
    rate, dispersion = np.array(CASES).T
    predicted = DispersedBernoulli(rate=rate, dispersion=dispersion, window=WINDOW).predict()
    count, law = np.arange(WINDOW + 1), extended_beta_binomial_pmf(WINDOW, rate, dispersion)
    mean = law @ count
    variance = law @ count**2 - mean**2
    assert law.sum(axis=1) == pytest.approx(1)
    assert mean == pytest.approx(WINDOW * rate)
    assert predicted.rate == pytest.approx(rate)
    assert predicted.fano_factor() == pytest.approx(variance / mean)
    assert predicted.excess_fano("class") == pytest.approx(variance / mean - (1 - rate))
    both = law @ (count * (count - 1)) / (WINDOW * (WINDOW - 1))  # two examples, both active
    correlation = (both - rate**2) / (rate * (1 - rate))
    assert correlation == pytest.approx(dispersion / (1 + dispersion))
    assert predicted.covariance == pytest.approx(np.diag(rate * (1 - rate)))
    assert predicted.population_pmf[0] == pytest.approx(np.prod(1 - rate))


def test_measured_fano_factors_are_those_predicted(agrees, rejects, rng):
    """In recorded order, and in class order where a window holds one class; random order undoes it."""
    process = DispersedBernoulli(rate=np.full(200, 0.2), dispersion=0.1, window=10)
    active = process.sample(200 * 10, rng=rng)
    measured = measure(active, labels=np.arange(2000) // 10 % 4, window=10, rng=rng, pairs=False)
    due = process.predict().fano_factor()[0]
    for order in ("recorded", "class"):
        assert agrees(stats.ttest_1samp(measured.fano_factor(order), due).pvalue)
    assert rejects(stats.ttest_1samp(measured.fano_factor("shuffled"), due).pvalue)
    assert rejects(stats.ttest_1samp(measured.fano_factor(), 1.08 * due).pvalue)


def test_kernel_equals_plain_python_bit_for_bit(slow_word):
    rate, dispersion, window = [0.0, 0.3, 0.5, 1.0], [0.5, 1.2, -0.05, 0.1], 7
    process = DispersedBernoulli(rate=rate, dispersion=dispersion, window=window)
    active = process.sample(45, rng=np.random.default_rng(7))
    key = draw_keys(np.random.default_rng(7), 1)[0]
    count = [0] * 4
    for example in range(45):
        place = example % window
        count = count if place else [0] * 4
        for unit in range(4):
            uniform = ((slow_word(key, 4 * example + unit) >> 12) + 0.5) * 2.0**-52
            chance = (rate[unit] + dispersion[unit] * count[unit]) / (1 + dispersion[unit] * place)
            assert active[example, unit] == (uniform < chance)
            count[unit] += uniform < chance


@pytest.mark.parametrize("block", [1, 3, 20, 64])
def test_blocks_that_cut_a_window_do_not_change_the_draw(block):
    process = DispersedBernoulli(rate=np.full(5, 0.4), dispersion=2.0, window=20)
    whole = process.sample(130, rng=np.random.default_rng(3))
    parts = list(process.blocks(130, rng=np.random.default_rng(3), block=block))
    assert np.array_equal(np.concatenate(parts), whole)


@pytest.mark.parametrize(
    ("change", "error", "sentence"),
    [
        ({"rate": [0.2, 1.2]}, ValueError, r"rate must lie in \[0, 1\], got 1\.2 at unit 1"),
        ({"rate": 0.2}, ValueError, r"rate must have shape \(n_units,\), got \(\)"),
        ({"window": 1}, ValueError, "window must be at least 2, got 1"),
        ({"window": 2.5}, TypeError, "window must be a whole number"),
        ({"dispersion": np.nan}, ValueError, "dispersion must be finite, got nan"),
        ({"dispersion": [0.1] * 3}, ValueError, r"must be one number or have shape \(2,\), got \(3,\)"),
        (
            {"dispersion": [0.1, -0.1]},
            ValueError,
            r"at least -min\(rate, 1 - rate\)/\(window - 1\) = -0\.0333, got -0\.1 at unit 1",
        ),
    ],
)
def test_impossible_parameters_are_named(change, error, sentence):
    with pytest.raises(error, match=sentence):
        DispersedBernoulli(**{"rate": [0.2, 0.3], "dispersion": 0.1, "window": 10} | change)


def test_an_impossible_law_is_named():
    with pytest.raises(ValueError, match=r"\(window - 1\) = -0\.06, got -0\.1"):
        extended_beta_binomial_pmf(WINDOW, 0.3, -0.1)
    with pytest.raises(ValueError, match="order must be one of recorded, class; got 'shuffled'"):
        DispersedBernoulli(rate=[0.3], dispersion=0, window=2).predict().fano_factor("shuffled")


LAWS = [(0.1, 0.7), (1e-6, 1.0), (1e-12, 2.0), (2000.0, 0.5), (1.0, 5.0)]  # cut at neither end to both


@pytest.mark.parametrize(("dispersion", "spread"), LAWS)
def test_dispersions_follow_their_law_and_no_other(dispersion, spread, agrees, rejects, rng):
    law = LogNormalDispersions(n_units=40_000, dispersion=dispersion, dispersion_spread=spread)
    drawn = law.sample(rng=rng)
    assert drawn.min() >= LEAST
    assert drawn.max() <= MOST

    def p_value(center, spread):
        ends = (np.log([LEAST, MOST]) - center) / spread
        return stats.kstest(np.log(drawn), stats.truncnorm(*ends, center, spread).cdf).pvalue

    assert agrees(p_value(np.log(dispersion), spread))
    assert rejects(p_value(np.log(dispersion) + 0.1 * spread, spread * 1.1))


def test_the_typical_dispersion_is_the_median():
    law = LogNormalDispersions(n_units=100_001, dispersion=0.2, dispersion_spread=0.5)
    log = np.log(law.sample(rng=np.random.default_rng(5)))
    assert np.median(log) == pytest.approx(np.log(0.2), abs=0.01)
    assert log.std() == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(
    ("change", "error", "sentence"),
    [
        ({"n_units": 0}, ValueError, "n_units must be at least 1, got 0"),
        ({"dispersion": 0.0}, ValueError, r"dispersion must be above 0, got 0\.0"),
        ({"dispersion_spread": -1}, ValueError, "dispersion_spread must be above 0, got -1"),
        ({"dispersion": [1, 2]}, TypeError, r"dispersion must be one number, got shape \(2,\)"),
    ],
)
def test_impossible_laws_are_named(change, error, sentence):
    with pytest.raises(error, match=sentence):
        LogNormalDispersions(**{"n_units": 3, "dispersion": 0.1, "dispersion_spread": 0.5} | change)


def test_a_law_that_leaves_no_unit_is_named(rng):
    law = LogNormalDispersions(n_units=3, dispersion=1e-30, dispersion_spread=0.5)
    with pytest.raises(
        ValueError, match=r"dispersion must leave units within \[1e-06, 1000\], got 1e-30"
    ):
        law.sample(rng=rng)
    law = LogNormalDispersions(n_units=3, dispersion=0.1, dispersion_spread=0.5)
    with pytest.raises(TypeError, match=r"rng must be a numpy\.random\.Generator"):
        law.sample(rng=None)
