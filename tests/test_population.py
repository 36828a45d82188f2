"""Laws of the population count, against enumeration, orthants, quadrature and moments."""

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats
from scipy.special import ndtr, ndtri

from rote.simulate import population
from rote.simulate.bivariate import binary_covariance
from rote.simulate.population import one_factor_pmf, poisson_binomial_pmf

probability = st.one_of(st.sampled_from([0.0, 1e-300, 1e-6, 0.5, 1.0]), st.floats(0, 1))


def enumerated(probability):
    """Law of the count, summed over all outcomes."""
    pmf = np.zeros(len(probability) + 1)
    for outcome in product([0, 1], repeat=len(probability)):
        pmf[sum(outcome)] += np.prod(np.where(outcome, probability, 1 - np.asarray(probability)))
    return pmf


@given(st.lists(probability, min_size=1, max_size=7))
def test_poisson_binomial_is_the_sum_over_all_outcomes(row):
    pmf = poisson_binomial_pmf([row])[0]
    np.testing.assert_allclose(pmf, enumerated(row), rtol=1e-13, atol=1e-280)


def test_every_row_has_its_own_law_on_any_number_of_threads(monkeypatch, rng):
    rows = rng.random((97, 5))
    expected = [enumerated(row) for row in rows]
    for n_threads in (1, 2, 3):
        monkeypatch.setattr("numba.get_num_threads", lambda n=n_threads: n)
        np.testing.assert_allclose(poisson_binomial_pmf(rows), expected, rtol=1e-13)


@pytest.mark.parametrize("rate", [1e-6, 0.01, 0.5, 0.999])
def test_many_like_trials_are_binomial_into_the_tails(rate):
    pmf = poisson_binomial_pmf(np.full((1, 2000), rate))[0]
    expected = stats.binom.logpmf(np.arange(2001), 2000, rate)
    seen = expected > -600  # beyond, terms are dropped
    np.testing.assert_allclose(np.log(pmf[seen]), expected[seen], rtol=1e-10, atol=1e-9)
    assert pmf.sum() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("loading", [0.0, 0.3, -0.8, 0.99])
def test_like_units_are_a_binomial_averaged_over_the_factor(loading):
    n_units, rate = 20, 0.2

    def integrand(z, count):
        given = ndtr((ndtri(rate) + loading * z) / np.sqrt(1 - loading**2))
        return stats.norm.pdf(z) * stats.binom.pmf(count, n_units, given)

    steep = -ndtri(rate) / loading if loading else 0
    expected = [
        integrate.quad(integrand, -9, 9, args=(k,), points=[steep], epsabs=1e-13, limit=500)[0]
        for k in range(n_units + 1)
    ]
    np.testing.assert_allclose(one_factor_pmf(np.full(n_units, rate), loading), expected, atol=1e-11)


@pytest.mark.parametrize("loading", [[0.7, 0.5, 0.9], [0.7, -0.5, 0.9], [-0.2, 0.0, 0.3]])
def test_three_units_have_the_probabilities_of_orthants(loading):
    rate = np.array([0.3, 0.1, 0.6])
    expected = np.zeros(4)
    for outcome in product([0, 1], repeat=3):
        sign = 2 * np.array(outcome) - 1  # reflect the silent units
        weight = sign * loading
        latent = np.outer(weight, weight) + np.diag(1 - weight**2)
        orthant = stats.multivariate_normal.cdf(
            sign * ndtri(rate), cov=latent, abseps=1e-8, maxpts=10**6, rng=np.random.default_rng(0)
        )
        expected[sum(outcome)] += orthant
    np.testing.assert_allclose(one_factor_pmf(rate, loading), expected, atol=2e-7)


@given(
    st.lists(st.tuples(st.floats(1e-6, 1 - 1e-6), st.floats(-0.99, 0.99)), min_size=2, max_size=12),
)
def test_moments_are_those_of_rates_and_pairs(units):
    rate, loading = np.array(units).T
    count = np.arange(rate.size + 1)
    pmf = one_factor_pmf(rate, loading)
    pairs = binary_covariance(rate[:, None], rate, np.outer(loading, loading))
    np.fill_diagonal(pairs, rate * (1 - rate))
    assert pmf.min() >= 0
    assert pmf.sum() == pytest.approx(1, abs=1e-12)
    assert pmf @ count == pytest.approx(rate.sum(), rel=1e-9)
    assert pmf @ (count - rate.sum()) ** 2 == pytest.approx(pairs.sum(), rel=1e-9)


@pytest.mark.parametrize(("n_units", "loading"), [(200, 0.99999), (50, 0.999999), (1000, 0.999)])
def test_steep_layers_are_resolved(n_units, loading):
    """P(all silent) = E[(1 - P)ⁿ] changes within a sliver of z, which the nodes must not step over."""
    rate, own = 0.1, np.sqrt(1 - loading**2)

    def silent(z):
        return stats.norm.pdf(z) * ndtr(-(ndtri(rate) + loading * z) / own) ** n_units

    step = -ndtri(rate) / loading - 3 * own
    edges = [-9, step - 30 * own, step - 5 * own, step, step + 5 * own, step + 30 * own, 9]
    expected = sum(integrate.quad(silent, *edge, epsabs=1e-14, limit=500)[0] for edge in pairwise(edges))
    assert one_factor_pmf(np.full(n_units, rate), loading)[0] == pytest.approx(expected, abs=1e-11)


@pytest.mark.parametrize("loading", [1 - 1e-7, 1 - 1e-9, 1 - 1e-14])
def test_loadings_next_to_1_are_exact(loading):
    """Steps that no even grid resolves: the moments of rates and pairs, whose law knows no grid."""
    rate, loading = np.linspace(0.02, 0.9, 9), loading * np.array([1, 1, -1, 1, 1, 1, -1, 0.3, 0.999])
    pmf, count = one_factor_pmf(rate, loading), np.arange(10)
    pairs = binary_covariance(rate[:, None], rate, np.outer(loading, loading))
    np.fill_diagonal(pairs, rate * (1 - rate))
    assert pmf @ count == pytest.approx(rate.sum(), rel=1e-12)
    assert pmf @ (count - rate.sum()) ** 2 == pytest.approx(pairs.sum(), rel=1e-12)


def test_narrow_panels_are_the_even_sum_where_both_do(monkeypatch):
    layers = [
        (np.linspace(0.05, 0.6, 50), np.where(np.arange(50) % 2, 0.999, -0.8)),
        (np.full(50, 0.1), np.full(50, 0.999)),
    ]
    even = [one_factor_pmf(*layer) for layer in layers]
    monkeypatch.setattr(population, "latent_grid", lambda *layer, **_: population._graded_grid(*layer))
    for layer, expected in zip(layers, even, strict=True):
        np.testing.assert_allclose(one_factor_pmf(*layer), expected, atol=1e-15)


def test_layers_of_too_many_steep_units_are_refused():
    told = r"loading must lie farther from -1 and 1 in so many units, got up to 0\.999999999 in size"
    with pytest.raises(ValueError, match=told):
        one_factor_pmf(np.linspace(0.05, 0.9, 2000), 1 - 1e-9)


def test_mirrors():
    rate, loading = np.array([1e-3, 0.2, 0.7]), np.array([0.5, -0.9, 0.1])
    pmf = one_factor_pmf(rate, loading)
    np.testing.assert_allclose(one_factor_pmf(rate, -loading), pmf, rtol=1e-12)
    np.testing.assert_allclose(one_factor_pmf(1 - rate, loading), pmf[::-1], rtol=1e-12)


def test_units_that_never_change_shift_the_law():
    rest = one_factor_pmf([0.2, 0.4], [0.6, 0.7])
    shifted = one_factor_pmf([1, 0.2, 0, 0.4], [0.9, 0.6, -0.9, 0.7])
    np.testing.assert_allclose(shifted, [0, *rest, 0], atol=1e-14)
    assert one_factor_pmf([0.3], 0.9) == pytest.approx([0.7, 0.3], rel=1e-13)
    assert one_factor_pmf([0.0, 1.0], 0.0).tolist() == pytest.approx([0, 1, 0])


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (
            lambda: poisson_binomial_pmf([0.1, 0.2]),
            ValueError,
            r"probability must have shape \(n_rows, n_units\), got \(2,\)",
        ),
        (
            lambda: poisson_binomial_pmf([[0.1, 1.2]]),
            ValueError,
            r"probability must lie in \[0, 1\], got 1\.2",
        ),
        (lambda: one_factor_pmf(0.1, 0.3), ValueError, r"rate must have shape \(n_units,\), got \(\)"),
        (lambda: one_factor_pmf([0.1, -1], 0.3), ValueError, r"rate .* \[0, 1\], got -1\.0 at unit 1"),
        (lambda: one_factor_pmf([0.1, 0.2], 1), ValueError, r"loading must lie in \(-1, 1\), got 1"),
        (
            lambda: one_factor_pmf([0.1, 0.2], [0.1, -1]),
            ValueError,
            r"loading .* got -1\.0 at unit 1",
        ),
        (
            lambda: one_factor_pmf([0.1, 0.2], [0.1]),
            ValueError,
            r"loading must be one number or one for each of 2 units, got shape \(1,\)",
        ),
    ],
)
def test_impossible_layers_are_named(call, error, sentence):
    with pytest.raises(error, match=sentence):
        call()
