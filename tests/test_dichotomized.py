"""Dichotomized Gaussian: pairs, triples and extremes of its loadings."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats
from scipy.special import ndtr, ndtri

from rote.simulate import DichotomizedGaussian, IndependentBernoulli, binary_covariance

TRIPLE = DichotomizedGaussian(rate=[0.3, 0.2, 0.5], loading=[0.8, 0.6, -0.4])
NEXT_TO_ONE = float(np.nextafter(1, 0))


def latent_covariance(process):
    covariance = np.outer(process.loading, process.loading)
    np.fill_diagonal(covariance, 1)
    return covariance


def triple_probability(process):
    """P(three units active), by adaptive quadrature over the factor."""
    own = np.sqrt(1 - process.loading**2)

    def integrand(z):
        return stats.norm.pdf(z) * np.prod(ndtr((ndtri(process.rate) + process.loading * z) / own))

    return integrate.quad(integrand, -9, 9, epsabs=1e-15, epsrel=1e-11, limit=200)[0]


@given(
    st.lists(
        st.tuples(st.floats(1e-6, 1 - 1e-6), st.one_of(st.just(0.0), st.floats(-0.99, 0.99))),
        min_size=1,
        max_size=8,
    )
)
def test_pairs_have_the_covariance_of_their_latent_correlation(units):
    rate, loading = np.array(units).T
    process = DichotomizedGaussian(rate=rate, loading=loading)
    expected = binary_covariance(rate[:, None], rate, latent_covariance(process))
    np.fill_diagonal(expected, rate * (1 - rate))
    np.testing.assert_allclose(process.predict().covariance, expected, rtol=1e-9, atol=1e-16)


def test_rare_pairs_keep_their_digits():
    process = DichotomizedGaussian(rate=[1e-6, 1e-6, 1e-4], loading=[0.3, 0.5, 0.1])
    expected = binary_covariance(process.rate[:, None], process.rate, latent_covariance(process))
    pair = np.triu_indices(3, k=1)
    np.testing.assert_allclose(process.predict().covariance[pair], expected[pair], rtol=1e-9)


def test_triples_have_the_probability_of_an_orthant():
    orthant = stats.multivariate_normal.cdf(
        ndtri(TRIPLE.rate),
        cov=latent_covariance(TRIPLE),
        abseps=1e-8,
        maxpts=10**6,
        rng=np.random.default_rng(0),
    )
    assert triple_probability(TRIPLE) == pytest.approx(orthant, abs=1e-7)
    assert TRIPLE.predict().population_pmf[3] == pytest.approx(triple_probability(TRIPLE), rel=1e-10)


def test_three_units_are_active_together_as_often_as_predicted(agrees, rejects, rng):
    active = TRIPLE.sample(1_000_000, rng=rng)
    together = int(active.all(axis=1).sum())
    weaker = replace(TRIPLE, loading=[0.8, 0.6, -0.35])
    assert agrees(stats.binomtest(together, len(active), triple_probability(TRIPLE)).pvalue)
    assert rejects(stats.binomtest(together, len(active), triple_probability(weaker)).pvalue)


def test_without_a_factor_units_are_independent(rng):
    rate = np.array([0.0, 1e-6, 0.2, 0.5, 1.0])
    predicted = DichotomizedGaussian(rate=rate, loading=0).predict()
    expected = IndependentBernoulli(rate=rate).predict()
    np.testing.assert_allclose(predicted.covariance, expected.covariance, atol=1e-15)
    np.testing.assert_allclose(predicted.population_pmf, expected.population_pmf, atol=1e-14)


def test_the_factors_sign_is_nobodys_business():
    mirrored = replace(TRIPLE, loading=-TRIPLE.loading).predict()
    np.testing.assert_allclose(mirrored.covariance, TRIPLE.predict().covariance, rtol=1e-12)
    np.testing.assert_allclose(mirrored.population_pmf, TRIPLE.predict().population_pmf, rtol=1e-12)


def test_opposite_loadings_exclude_and_equal_ones_copy(agrees, rng):
    """At loadings as near 1 as floats go, units are steps of one factor: all decided by its sign."""
    process = DichotomizedGaussian(
        rate=[0.4, 0.4, 0.4, 0.0, 1.0], loading=[NEXT_TO_ONE, NEXT_TO_ONE, -NEXT_TO_ONE, 0.9, -0.9]
    )
    active = process.sample(50_000, rng=rng)
    np.testing.assert_array_equal(active[:, 0], active[:, 1])
    assert not (active[:, 0] & active[:, 2]).any()
    assert (active[:, 3:] == [False, True]).all()
    assert agrees([stats.binomtest(int(n), len(active), 0.4).pvalue for n in active[:, :3].sum(axis=0)])


@pytest.mark.parametrize("loading", [0.0, 0.5, -0.99])
@pytest.mark.parametrize("n_units", [1, 63, 64, 65])
def test_any_width(n_units, loading, agrees, rng):
    process = DichotomizedGaussian(rate=np.full(n_units, 0.2), loading=loading)
    active = process.sample(5000, rng=rng)
    assert active.shape == (5000, n_units)
    assert agrees(stats.binomtest(int(active[:, -1].sum()), 5000, 0.2).pvalue)
    assert process.predict().population_pmf.sum() == pytest.approx(1)


def test_a_number_stands_for_all_units():
    process = DichotomizedGaussian(rate=[0.1, 0.2], loading=0.3)
    assert process.loading.tolist() == [0.3, 0.3]


@pytest.mark.parametrize(
    ("rate", "loading", "error", "sentence"),
    [
        ([0.1, 1.2], 0.3, ValueError, r"rate must lie in \[0, 1\], got 1\.2 at unit 1"),
        (0.1, 0.3, ValueError, r"rate must have shape \(n_units,\), got \(\)"),
        ([], 0.3, ValueError, r"rate must have shape \(n_units,\), got \(0,\)"),
        ([0.1, 0.2], 1.0, ValueError, r"loading must lie in \(-1, 1\), got 1\.0$"),
        ([0.1, 0.2], [0.3, -1.5], ValueError, r"loading must lie in \(-1, 1\), got -1\.5 at unit 1"),
        ([0.1, 0.2], np.nan, ValueError, "loading must be finite, got nan"),
        ([0.1, 0.2], None, TypeError, "loading must hold numbers, got NoneType"),
        (
            [0.1, 0.2],
            [0.1, 0.2, 0.3],
            ValueError,
            r"loading must be one number or one for each of 2 units, got shape \(3,\)",
        ),
        ([0.1, 0.2], [0.1], ValueError, r"for each of 2 units, got shape \(1,\)"),
    ],
)
def test_impossible_layers_are_named(rate, loading, error, sentence):
    with pytest.raises(error, match=sentence):
        DichotomizedGaussian(rate=rate, loading=loading)


def test_the_law_of_the_count_is_computed_when_asked_for(monkeypatch):
    asked = []
    monkeypatch.setattr(
        "rote.simulate.dichotomized.one_factor_pmf", lambda *layer: asked.append(1) or np.ones(3) / 3
    )
    law = DichotomizedGaussian(rate=[0.1, 0.2], loading=0.5).predict()
    assert law.rate.tolist() == [0.1, 0.2]
    assert law.population_variance > 0
    assert not asked
    assert law.population_pmf[0] == law.population_pmf[1] == 1 / 3
    assert asked == [1]
