"""Class rates of units that differ in selectivity: their law, and the share between classes."""

import numpy as np
import pytest
from scipy import integrate, stats
from scipy.special import expit, logit

from rote.activity.measurement import measure
from rote.simulate import ClassConditional, SelectiveRates

LAW = SelectiveRates(
    n_units=20_000,
    n_classes=2,
    mean=0.2,
    concentration=3.0,
    class_share=0.1,
    class_share_spread=0.7,
)


def like(**change):
    return SelectiveRates(**{name: getattr(LAW, name) for name in LAW.__dataclass_fields__} | change)


EDGES = np.array([0, 1e-9, 1e-6, 1e-4, 1e-3, 0.01, 0.03, 0.06, *np.linspace(0.1, 1, 19)])


def bin_probability(law):
    """Law of one class rate: Beta given rate and share, averaged over both by Gauss's rules."""
    z, z_weight = np.polynomial.hermite_e.hermegauss(31)
    u, u_weight = np.polynomial.legendre.leggauss(300)
    share = expit(logit(law.class_share) + law.class_share_spread * z)[:, None]
    m, scale = stats.beta.ppf((u + 1) / 2, *law.beta), (1 - share) / share
    given = [z_weight @ stats.beta.cdf(x, m * scale, (1 - m) * scale) @ u_weight for x in EDGES]
    return np.diff(given) / (z_weight.sum() * u_weight.sum())


def test_a_class_rate_follows_its_law_and_no_other(agrees, rejects, rng):
    seen = np.histogram(LAW.sample(rng=rng)[0], EDGES)[0]

    def p_value(law):
        due = bin_probability(law)
        return stats.chisquare(seen, LAW.n_units * due / due.sum()).pvalue

    assert bin_probability(LAW).sum() == pytest.approx(1)
    assert agrees(p_value(LAW))
    assert rejects(p_value(like(class_share=0.15)))
    assert rejects(p_value(like(class_share_spread=1.5)))
    assert rejects(p_value(like(mean=0.22)))


def test_rates_of_two_classes_agree_as_much_as_the_share_leaves(agrees, rejects, rng):
    """E[p_1 p_2] = E m², E[p²] = E[F] E[m (1 - m)] + E m²: F is what two classes do not share."""
    first, second = LAW.sample(rng=rng)
    a = LAW.beta[0]
    square = a * (a + 1) / (3.0 * 4.0)
    share = integrate.quad(lambda z: expit(logit(0.1) + 0.7 * z) * stats.norm.pdf(z), -12, 12)[0]
    between = share * (0.2 - square)
    assert LAW.mean_class_share == pytest.approx(share, rel=1e-9)
    assert agrees(stats.ttest_1samp(first * second, square).pvalue)
    assert agrees(stats.ttest_1samp((first - second) ** 2 / 2, between).pvalue)
    assert rejects(stats.ttest_1samp((first - second) ** 2 / 2, between * 1.15).pvalue)


@pytest.mark.parametrize("share", [1e-4, 0.3, 0.95])
def test_variance_between_classes_is_the_share_of_what_there_is(share, agrees, rng):
    """Rates of one unit in very many classes: mean m, variance F m (1 - m), of their Beta law."""
    a, b = 0.2 * (1 - share) / share, 0.8 * (1 - share) / share
    assert stats.beta(a, b).var() == pytest.approx(share * 0.2 * 0.8)
    law = SelectiveRates(n_units=300, n_classes=2000, mean=0.2, concentration=1e9, class_share=share)
    rate = law.sample(rng=rng)
    assert agrees(stats.ttest_1samp(rate.mean(axis=0), 0.2).pvalue)
    assert agrees(stats.ttest_1samp(rate.var(axis=0, ddof=1), share * 0.16).pvalue)


def test_share_of_a_layer_is_the_one_that_is_measured(agrees, rejects, rng):
    """In classes of different size; the share of a drawn layer is one of ratios of many units' sums."""
    probability = np.array([0.5, 0.3, 0.2])
    law = like(n_units=2000, n_classes=3, class_share=0.3)
    due, shares = law.layer_class_share(probability), []
    for _ in range(40):
        process = ClassConditional(class_probability=probability, class_rate=law.sample(rng=rng))
        labels = np.repeat([0, 1, 2], (probability * 200).astype(int))
        active = process.sample_given(labels, rng=rng)
        shares.append(measure(active, labels=labels, pairs=False).class_share)
    assert agrees(stats.ttest_1samp(shares, due).pvalue)
    assert rejects(stats.ttest_1samp(shares, law.mean_class_share).pvalue)


def test_share_of_a_layer_keeps_its_promise():
    """Equal shares in C equal classes: of Σ V_i a part (1 - 1/C) is there, the rest moves the mean."""
    law = like(class_share=0.25, class_share_spread=0.0, n_classes=4)
    a, b = law.beta
    spread = a * b / (3.0 * 4.0)  # E[m (1 - m)]
    between = 0.25 * spread * 3 / 4
    total = spread - 0.25 * spread / 4  # of p = mean of four rates, E[p (1 - p)]
    assert law.layer_class_share(np.full(4, 0.25)) == pytest.approx(between / total)


def test_units_without_selectivity_have_one_rate(rng):
    rate = like(class_share=1e-12, class_share_spread=0.0, n_classes=5).sample(rng=rng)
    assert np.ptp(rate, axis=0).max() < 1e-4
    assert rate.std(axis=1).min() > 0.1


def test_extreme_laws_stay_rates(rng):
    for share in (1e-15, 1 - 1e-15):
        rate = like(class_share=share, class_share_spread=5.0, concentration=1e-3).sample(rng=rng)
        assert ((rate >= 0) & (rate <= 1)).all()


@pytest.mark.parametrize(
    ("change", "error", "sentence"),
    [
        ({"n_units": 0}, ValueError, "n_units must be at least 1, got 0"),
        ({"n_classes": 0}, ValueError, "n_classes must be at least 1, got 0"),
        ({"mean": 1.0}, ValueError, r"mean must lie in \(0, 1\), got 1\.0"),
        ({"class_share": 0}, ValueError, r"class_share must lie in \(0, 1\), got 0"),
        ({"concentration": 0}, ValueError, "concentration must be above 0, got 0"),
        ({"class_share_spread": -0.1}, ValueError, r"class_share_spread must be at least 0, got -0\.1"),
        ({"class_share": [0.1, 0.2]}, TypeError, r"class_share must be one number, got shape \(2,\)"),
    ],
)
def test_impossible_laws_are_named(change, error, sentence):
    with pytest.raises(error, match=sentence):
        like(**change)


def test_classes_that_are_not_the_laws_are_named():
    with pytest.raises(ValueError, match=r"class_probability must have shape \(2,\), got \(3,\)"):
        LAW.layer_class_share([0.2, 0.3, 0.5])


def test_randomness_must_be_given():
    with pytest.raises(TypeError, match=r"rng must be a numpy\.random\.Generator"):
        LAW.sample(rng=None)
