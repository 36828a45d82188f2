"""Any latent correlation matrix: twin, third order, wanted correlations, feasibility."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import ndtri

from rote.activity.streams import draw_keys
from rote.simulate.latent_gaussian import LatentGaussian, nearest_correlation
from rote.simulate.normals import exact_normals


def random_latent(rng, n_units):
    vectors = rng.normal(size=(n_units, n_units + 5))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    latent = vectors @ vectors.T
    np.fill_diagonal(latent, 1.0)
    return latent


@pytest.mark.parametrize("n_units", [1, 3, 64, 65])
def test_draws_equal_their_twin_in_double_precision_bit_for_bit(n_units, rng):
    process = LatentGaussian(
        rate=rng.uniform(0.001, 0.9, n_units), latent_correlation=random_latent(rng, n_units)
    )
    key = draw_keys(np.random.default_rng(6), 1)[0]
    normals = exact_normals(key, 0, 2_000 * n_units).reshape(2_000, n_units)
    twin = normals @ np.linalg.cholesky(process.latent_correlation).T > -ndtri(process.rate)
    assert np.array_equal(process.sample(2_000, rng=np.random.default_rng(6)), twin)


def test_cells_near_their_threshold_are_decided_exactly():
    """The second step too: cells are recomputed at many thresholds within the reach of the first."""
    process = LatentGaussian(rate=[0.5, 0.5], latent_correlation=[[1.0, 0.6], [0.6, 1.0]])
    key = draw_keys(np.random.default_rng(6), 1)[0]
    exact = exact_normals(key, 0, 2_000).reshape(1_000, 2) @ process.factor.T
    example = np.argsort(np.abs(exact[:, 1]))[:20]
    for cell in example:
        for shift in (-1e-12, 1e-12):
            rate = stats.norm.cdf(-exact[cell, 1] + shift)
            moved = LatentGaussian(rate=[0.5, rate], latent_correlation=process.latent_correlation)
            drawn = moved.sample(1_000, rng=np.random.default_rng(6))
            assert drawn[cell, 1] == (shift > 0)


def test_three_units_are_active_together_as_often_as_predicted(rng, agrees, rejects):
    latent = np.array([[1.0, 0.5, 0.3], [0.5, 1.0, -0.4], [0.3, -0.4, 1.0]])
    process = LatentGaussian(rate=[0.4, 0.3, 0.5], latent_correlation=latent)
    law = stats.multivariate_normal(np.zeros(3), latent, abseps=1e-7, maxpts=1_000_000)
    chance = law.cdf(ndtri(process.rate), rng=np.random.default_rng(1))
    count = int(process.sample(60_000, rng=rng).all(axis=1).sum())
    assert agrees(stats.binomtest(count, 60_000, chance).pvalue)
    assert rejects(stats.binomtest(count, 60_000, 0.4 * 0.3 * 0.5).pvalue)


def test_units_of_one_latent_variable_are_one_unit(rng):
    """A singular matrix: copies agree on every example, opposites never."""
    latent = np.array([[1.0, 1.0, -1.0], [1.0, 1.0, -1.0], [-1.0, -1.0, 1.0]])
    active = LatentGaussian(rate=[0.3, 0.3, 0.7], latent_correlation=latent).sample(50_000, rng=rng)
    assert np.array_equal(active[:, 0], active[:, 1])
    assert np.array_equal(active[:, 0], ~active[:, 2])


@pytest.mark.parametrize("rate", [0.05, 0.01, 1e-3, 1e-4, 1e-5, 1e-6])
def test_rare_units_get_the_correlation_asked_for(rate):
    """A target of .05, which other packages miss by up to eight times at these rates."""
    wanted = np.full((4, 4), 0.05) + 0.95 * np.eye(4)
    reached = LatentGaussian.from_correlation(rate=np.full(4, rate), correlation=wanted).predict()
    assert reached.pair_correlation == pytest.approx(np.full(6, 0.05), rel=1e-10)


def test_rare_correlated_units_are_drawn_as_often_together(rng, agrees, rejects):
    wanted = np.array([[1.0, 0.05], [0.05, 1.0]])
    process = LatentGaussian.from_correlation(rate=[1e-3, 1e-3], correlation=wanted)
    both = int(process.sample(2_000_000, rng=rng).all(axis=1).sum())
    together = 1e-6 + 0.05 * 1e-3 * 0.999
    assert agrees(stats.binomtest(both, 2_000_000, together).pvalue)
    assert rejects(stats.binomtest(both, 2_000_000, 2 * together).pvalue)


def test_pairs_that_are_reachable_apart_and_not_together_are_told_with_the_eigenvalue():
    wanted = np.array([[1.0, 0.8, -0.8], [0.8, 1.0, 0.8], [-0.8, 0.8, 1.0]])
    least = np.linalg.eigvalsh(np.sin(np.pi / 2 * wanted))[0]  # at rates of one half
    told = (
        f"latent_correlation must be positive semi-definite, got smallest eigenvalue {least:.6g}; Latent"
    )
    with pytest.raises(ValueError, match=told):
        LatentGaussian.from_correlation(rate=np.full(3, 0.5), correlation=wanted)
    nearest = nearest_correlation(np.full(3, 0.5), wanted)
    assert np.diag(nearest) == pytest.approx(np.ones(3))
    # by symmetry all three move by as much, to the edge of what is possible
    assert nearest[0, 1] == pytest.approx(-nearest[0, 2], abs=1e-6)
    latent = np.sin(np.pi / 2 * nearest)
    assert np.linalg.eigvalsh(latent)[0] == pytest.approx(0, abs=1e-6)


def test_what_is_reachable_stays_as_it_was():
    wanted = np.array([[1.0, 0.3], [0.3, 1.0]])
    assert nearest_correlation([0.2, 0.4], wanted) == pytest.approx(wanted, abs=1e-8)


@pytest.mark.parametrize(
    ("rate", "latent", "message"),
    [
        ([0.1, 1.2], np.eye(2), r"rate must lie in \[0, 1\], got 1.2 at unit 1"),
        ([0.1, 0.2], np.eye(3), r"latent_correlation must have shape \(2, 2\), got \(3, 3\)"),
        (
            [0.1, 0.2],
            [[1, 1.1], [1.1, 1]],
            r"latent_correlation must lie in \[-1, 1\], got 1.1 for units",
        ),
    ],
)
def test_impossible_parameters_are_named(rate, latent, message):
    with pytest.raises(ValueError, match=message):
        LatentGaussian(rate=rate, latent_correlation=latent)


def test_a_correlation_needs_units_that_change():
    with pytest.raises(ValueError, match=r"rate must lie in \(0, 1\), got 0.0 at unit 0"):
        LatentGaussian.from_correlation(rate=[0.0, 0.5], correlation=np.eye(2))
