"""The indicator: its posterior against brute force, its calibration on draws from its own law."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from rote.inference.indicator import Indicator, IndicatorPrior, learn_indicator
from rote.inference.judgement import SHARES, UNLIKE, Judgement
from rote.inference.signature import FEATURES

TWO = ("first_mean_rate", "last_class_correlation")


def law(rng, features):
    """Coefficients and covariance drawn from the indicator's own prior, with smaller coefficients."""
    spread = np.array([FEATURES[name] for name in features])
    sigma = stats.invwishart(df=len(spread) + 2, scale=np.diag(spread**2)).rvs(random_state=rng)
    return rng.normal(0, 3, (4, len(spread))) @ np.linalg.cholesky(sigma).T, sigma


def networks(rng, coefficient, sigma, share):
    design = np.stack([share**0, share, share**2, share**3], axis=-1)
    return design @ coefficient + rng.multivariate_normal(np.zeros(len(sigma)), sigma, size=share.size)


def shares(rng, n):
    return np.choose(rng.integers(3, size=n), [np.zeros(n), np.ones(n), rng.random(n)])


def test_one_feature_is_the_students_t_of_a_linear_regression(rng):
    """With a flat enough prior the predictive is the textbook's: SciPy's t about least squares."""
    share = shares(rng, 60)
    y = 1 - 2 * share + share**2 + rng.normal(0, 0.5, size=60)
    indicator = learn_indicator(
        y[:, None], share, features=TWO[:1], prior=IndicatorPrior(coefficient=1e6)
    )
    design = np.stack([share**0, share, share**2, share**3], axis=-1)
    least, residual, *_ = np.linalg.lstsq(design, y)
    x = np.stack([SHARES**0, SHARES, SHARES**2, SHARES**3], axis=-1)
    q = 1 + np.einsum("si,ij,sj->s", x, np.linalg.inv(design.T @ design), x)
    degrees = 60 + 3  # the prior of the coefficients takes none, that of the variance adds three
    variance = (residual + FEATURES[TWO[0]] ** 2) / degrees
    due = stats.t(df=degrees, loc=x @ least, scale=np.sqrt(variance * q)).logpdf(0.3)
    assert indicator.log_density({TWO[0]: 0.3}) == pytest.approx(due, rel=1e-6)


def test_prediction_is_the_integral_over_coefficients_and_covariance(rng):
    """Two features against Monte Carlo over the prior, weighted by the likelihood of four networks."""
    share = np.array([0.0, 0.5, 1.0, 0.9])
    spread = np.array([FEATURES[name] for name in TWO])
    y = np.array([[0.3, 0.5], [0.1, 0.2], [-0.2, 0.3], [0.4, 0.1]]) * spread
    prior = IndicatorPrior(coefficient=0.7)
    indicator = learn_indicator(y, share, features=TWO, prior=prior)
    new, at = 0.5 * spread, 0.25
    n = 200_000
    sigma = stats.invwishart(df=4, scale=np.diag(spread**2)).rvs(n, random_state=rng)
    root = np.linalg.cholesky(sigma)
    coefficient = 0.7 * np.einsum("nkd,ned->nke", rng.standard_normal((n, 4, 2)), root)

    def logpdf(values, share):
        apart = values - np.array([1, share, share**2, share**3]) @ coefficient
        z = np.linalg.solve(root, apart[..., None])[..., 0]
        return -np.log(2 * np.pi) - np.log(root[:, 0, 0] * root[:, 1, 1]) - np.square(z).sum(axis=1) / 2

    seen = sum(logpdf(row, f) for row, f in zip(y, share, strict=True))
    weight = np.exp(seen - seen.max())
    terms = weight * np.exp(logpdf(new, at))
    estimate = terms.sum() / weight.sum()
    error = np.sqrt(np.square(terms - estimate * weight).sum()) / weight.sum()
    told = indicator.log_density(dict(zip(TWO, new, strict=True)))
    due = np.exp(np.interp(at, SHARES, told))
    assert estimate == pytest.approx(due, abs=5 * error)
    assert error < 0.01 * estimate


def test_some_features_follow_the_marginal_law(rng):
    """The density of one feature is that of two, integrated over the other."""
    share = shares(rng, 30)
    indicator = learn_indicator(networks(rng, *law(rng, TWO), share), share, features=TWO)
    centre = (indicator.location.T @ SHARES[60] ** np.arange(4))[1]
    sd = np.sqrt(indicator.scatter[1, 1] / indicator.degrees)
    others = centre + sd * np.linspace(-40, 40, 4001)
    both = [np.exp(indicator.log_density({TWO[0]: 0.1, TWO[1]: other}))[60] for other in others]
    alone = np.exp(indicator.log_density({TWO[0]: 0.1})[60])
    assert np.trapezoid(both, others) == pytest.approx(alone, rel=1e-3)


def test_posteriors_are_calibrated_on_their_own_law(rng, agrees, rejects):
    """True shares lie at uniform ranks of their posteriors, over references and networks drawn anew."""
    known, prior = np.linspace(0, 1, 12), IndicatorPrior(coefficient=3)
    folded, likeness, hasty = [], [], []
    for _ in range(300):
        coefficient, sigma = law(rng, TWO)
        true = shares(rng, 1)
        indicator = learn_indicator(
            networks(rng, coefficient, sigma, known), known, features=TWO, prior=prior
        )
        signature = dict(zip(TWO, networks(rng, coefficient, sigma, true)[0], strict=True))
        narrow = replace(indicator, scatter=indicator.scatter / 10)
        place = np.abs(SHARES - true[0]).argmin()
        for judge, ranks in ((indicator, folded), (narrow, hasty)):
            weight = judge.judge(signature).weight
            rank = weight[:place].sum() + weight[place] * rng.random()
            ranks.append(abs(2 * rank - 1))  # near 1 where a posterior is too sure
        likeness.append(indicator.judge(signature).likeness)
    assert agrees(stats.kstest(folded, "uniform").pvalue)
    assert rejects(stats.kstest(hasty, "uniform").pvalue)
    few = np.sum(np.array(likeness) < 0.1)  # likeness is a maximum: fewer than a tenth
    assert agrees(stats.binomtest(int(few), 300, 0.1, alternative="greater").pvalue)


def test_a_far_network_is_unlike_and_nothing_is_claimed(rng):
    share = shares(rng, 50)
    indicator = learn_indicator(networks(rng, *law(rng, TWO), share), share, features=TWO)
    middle = dict(zip(TWO, indicator.location.T @ 0.5 ** np.arange(4), strict=True))
    near, far = indicator.judge(middle), indicator.judge(middle | {TWO[0]: middle[TWO[0]] + 100.0})
    assert near.like
    assert near.probability == pytest.approx(near.weight[SHARES > 0.5].sum())
    assert not far.like
    assert (far.probability, far.random_share, far.interval) == (None, None, None)
    assert far.as_dict()["none_random"] is None
    assert "no probability is claimed" in far.sentence


def test_the_prior_is_as_likely_as_not_to_memorize():
    weight = IndicatorPrior().weight
    assert weight.sum() == pytest.approx(1)
    even = Judgement(weight=weight, likeness=1.0, features=TWO)
    assert even.probability == pytest.approx(0.5)
    assert even.interval == (0.0, 1.0)
    assert (
        "memorizes with probability 0.500; 50 % of its labels are random (90 % interval 0 to 100 %)"
        in (even.sentence)
    )


def test_interval_holds_its_mass():
    weight = np.zeros(SHARES.size)
    weight[[0, 50, 100, 201]] = 0.04, 0.06, 0.85, 0.05
    low, high = Judgement(weight=weight, likeness=UNLIKE, features=TWO).interval
    assert (low, high) == (SHARES[50], SHARES[100])


def test_what_is_wrong_is_named(rng):
    share = np.array([0.0, 0.5, 1.0, 0.9])
    signatures = rng.normal(size=(4, 2))
    with pytest.raises(ValueError, match=r"signatures must have shape .* here \(4, 2\), got \(4, 1\)"):
        learn_indicator(signatures[:, :1], share, features=TWO)
    with pytest.raises(ValueError, match=r"random_share must lie in \[0, 1\], got 1.5"):
        learn_indicator(signatures, share * 1.5, features=TWO)
    with pytest.raises(ValueError, match="random_share must take 4 values at least, got 2"):
        learn_indicator(signatures, np.round(share), features=TWO)
    with pytest.raises(ValueError, match=r"features must be among first_mean_rate, .* got 'rate'"):
        learn_indicator(signatures, share, features=("rate", TWO[0]))
    indicator = learn_indicator(signatures, share, features=TWO)
    assert isinstance(indicator, Indicator)
    with pytest.raises(ValueError, match=r"signature must hold features among .* got 'loudness'"):
        indicator.judge({"loudness": 1.0})
    with pytest.raises(ValueError, match="signature must hold a feature at least, got none"):
        indicator.judge({})
    with pytest.raises(ValueError, match="signature must be finite, got nan"):
        indicator.judge({TWO[0]: float("nan")})
    with pytest.raises(ValueError, match=r"pure must lie in \(0, 0.5\)"):
        IndicatorPrior(pure=0.6)
    with pytest.raises(ValueError, match="coefficient must be above 0, got 0"):
        IndicatorPrior(coefficient=0.0)
