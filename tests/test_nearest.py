"""The nearest reachable correlations: a known matrix, other roads, stationarity, what stays as it is."""

from dataclasses import replace

import numpy as np
import pytest

from rote.simulate.bivariate import binary_covariance, binary_slope, correlation_bounds
from rote.simulate.correlation_matrices import latent_matrix
from rote.simulate.latent_gaussian import LatentGaussian, nearest_correlation
from rote.simulate.nearest import nearest_reachable
from rote.simulate.poisson_copula import PoissonCopula
from rote.simulate.poisson_pairs import poisson_correlation_bounds, poisson_covariance, poisson_reach

RATE = np.array([0.5, 0.3, 0.05, 0.01, 0.002])
MEAN = np.array([4.0, 0.7, 0.1, 2.0, 0.02])


def hard(least, most, share=0.8):
    """Correlations of alternating signs, a share of what each pair allows: not reachable together."""
    sign = np.array([[0, 1, -1, 1, 1], [0, 0, 1, 1, -1], [0, 0, 0, -1, 1], [0, 0, 0, 0, 1], [0] * 5])
    wanted = share * np.where(sign > 0, most, -np.asarray(least)) * sign
    return wanted + wanted.T + np.eye(5)


CASES = {
    "active": (LatentGaussian, RATE, hard(*correlation_bounds(RATE[:, None], RATE))),
    "counts": (PoissonCopula, MEAN, hard(*poisson_correlation_bounds(MEAN[:, None], MEAN))),
}
both_copulas = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def gap(process, wanted):
    """Sum of squares over pairs, from the process's own prediction."""
    pairs = np.triu_indices(process.n_units, k=1)
    return np.square((process.predict().correlation - wanted)[pairs]).sum()


def projected(matrix, n_steps=3000):
    """The nearest latent matrix, by the alternating projections of Higham (2002)."""
    nearest, correction = matrix, np.zeros_like(matrix)
    for _ in range(n_steps):
        value, vector = np.linalg.eigh(nearest - correction)
        valid = (vector * np.maximum(value, 0)) @ vector.T
        correction = valid - (nearest - correction)
        nearest = valid - np.diag(np.diag(valid)) + np.eye(len(valid))
    scale = np.sqrt(np.diag(valid))
    return valid / np.outer(scale, scale)


def identity(_one, _other, latent):
    return latent, np.ones_like(latent)


def test_where_correlations_are_latent_ones_it_is_the_nearest_correlation_matrix():
    """Higham (2002): the nearest to tridiagonal (1, 1, 1) of order 3 has .7607 and .1573."""
    matrix = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 1.0]])
    nearest = nearest_reachable(matrix, matrix, identity)
    assert nearest[0] == pytest.approx([1.0, 0.7607, 0.1573], abs=5e-5)
    assert nearest == pytest.approx(projected(matrix), abs=1e-5)


@both_copulas
def test_the_nearest_is_reachable_and_nearer_than_the_nearest_latent_matrix(case):
    process, rate, wanted = case
    with pytest.raises(ValueError, match=f"got smallest eigenvalue -.*; {process.__name__}.nearest"):
        process.from_correlation(rate=rate, correlation=wanted)
    nearest = process.nearest(rate=rate, correlation=wanted)
    assert np.linalg.eigvalsh(nearest.latent_correlation)[0] > -1e-12
    assert np.diag(nearest.latent_correlation).tolist() == [1.0] * 5
    if process is LatentGaussian:
        latent = projected(latent_matrix(rate, wanted))
        assert gap(nearest, wanted) < 0.8 * gap(replace(nearest, latent_correlation=latent), wanted)


@both_copulas
def test_no_small_step_into_what_is_reachable_comes_nearer(case, rng):
    process, rate, wanted = case
    nearest = process.nearest(rate=rate, correlation=wanted)
    least = gap(nearest, wanted)
    for step in 10.0 ** rng.uniform(-6, -2, 60):
        vectors = rng.normal(size=(5, 5))
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        other = (1 - step) * nearest.latent_correlation + step * vectors @ vectors.T
        moved = replace(nearest, latent_correlation=other)
        assert gap(moved, wanted) > least - 1e-9


@both_copulas
def test_other_starts_end_at_the_same_correlations(case, monkeypatch):
    process, rate, wanted = case
    reached = process.nearest(rate=rate, correlation=wanted).predict().correlation
    for mixed in (0.2, 0.9):
        monkeypatch.setattr("rote.simulate.nearest._MIXED", mixed)
        again = process.nearest(rate=rate, correlation=wanted).predict().correlation
        assert again == pytest.approx(reached, abs=1e-4)


def test_what_does_not_settle_is_told(monkeypatch):
    monkeypatch.setattr("rote.simulate.nearest._STEPS", 2)
    with pytest.raises(RuntimeError, match="nearest correlations did not settle within 2 steps"):
        nearest_correlation(RATE, CASES["active"][2])


@both_copulas
def test_what_is_reachable_stays_as_it_was(case):
    process, rate, wanted = case
    fair = np.eye(5) + 0.1 * (wanted - np.eye(5))
    exact = process.from_correlation(rate=rate, correlation=fair)
    nearest = process.nearest(rate=rate, correlation=fair)
    assert np.array_equal(nearest.latent_correlation, exact.latent_correlation)


def test_a_pair_beyond_its_bound_comes_to_the_bound():
    wanted = np.array([[1.0, 0.9], [0.9, 1.0]])
    most = correlation_bounds(0.1, 0.3)[1]
    assert nearest_correlation([0.1, 0.3], wanted)[0, 1] == pytest.approx(most)


@pytest.mark.parametrize("latent", [-0.95, -0.4, 0.0, 0.3, 0.89, 0.93, 0.999])
def test_slopes_are_those_of_the_covariances(latent):
    step = 1e-6 * (1 - abs(latent))
    ends = np.array([latent - step, latent + step])
    h = np.array([-2.0])
    low, high = binary_covariance(0.022750131948179195, 0.3, ends)  # Φ(-2) and 0.3
    k = np.array([-0.5244005127080409])
    assert binary_slope(h, k, np.array([latent])) == pytest.approx((high - low) / (2 * step), rel=1e-4)
    low, high = poisson_covariance(0.4, 3.0, ends)
    covariance, slope = poisson_reach(np.array([0.4, 3.0]))(
        np.array([0]), np.array([1]), np.array([latent])
    )
    scale = np.sqrt(0.4 * 3.0)
    assert slope * scale == pytest.approx((high - low) / (2 * step), rel=1e-4)
    assert covariance * scale == pytest.approx(poisson_covariance(0.4, 3.0, latent))
