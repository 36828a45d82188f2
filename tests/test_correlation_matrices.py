"""Correlation matrices: factors of regular and singular ones, inversion, errors."""

import numpy as np
import pytest

from rote.simulate.bivariate import binary_covariance, correlation_bounds
from rote.simulate.correlation_matrices import (
    check_correlation_matrix,
    latent_matrix,
    triangular_factor,
)
from rote.simulate.latent_gaussian import LatentGaussian
from rote.simulate.poisson_copula import PoissonCopula

INDEFINITE = np.array([[1.0, 0.9, -0.9], [0.9, 1.0, 0.9], [-0.9, 0.9, 1.0]])
SINGULAR = np.array([[1.0, 1.0, 0.6], [1.0, 1.0, 0.6], [0.6, 0.6, 1.0]])


@pytest.mark.parametrize(
    "matrix",
    [SINGULAR, np.ones((4, 4)), np.eye(3), np.array([[2.0, 0.5], [0.5, 1.0]]), np.diag([0.0, 0.5])],
)
def test_factors_are_triangular_and_give_the_matrix_back(matrix):
    factor = triangular_factor("m", matrix, remedy="")
    assert factor @ factor.T == pytest.approx(matrix, abs=1e-12)
    assert not np.triu(factor, k=1).any()


def test_an_indefinite_matrix_is_told_with_its_eigenvalue_and_a_remedy():
    least = np.linalg.eigvalsh(INDEFINITE)[0]
    with pytest.raises(ValueError, match=f"smallest eigenvalue {least:.6g}; do this"):
        triangular_factor("m", INDEFINITE, remedy="do this")


def slightly_indefinite(least):
    """A correlation matrix of three units whose smallest eigenvalue is ``least``: all pairs alike."""
    r = (least - 1) / 2
    return np.full((3, 3), r) + (1 - r) * np.eye(3)


@pytest.mark.parametrize("least", [-2e-10, -1e-12, 0.0, 1e-3])
@pytest.mark.parametrize(
    "kind", [lambda m: LatentGaussian(rate=[0.3] * 3, latent_correlation=m),
             lambda m: PoissonCopula(rate=[2.0] * 3, latent_correlation=m)]
)  # fmt: skip
def test_what_is_predicted_is_what_the_factor_draws(kind, least):
    """Where an eigenvalue just below zero is dropped, the matrix kept is the one without it."""
    given = slightly_indefinite(least)
    process = kind(given)
    reached = process.factor @ process.factor.T
    assert np.abs(reached - process.latent_correlation).max() <= 1e-14 * 3
    assert np.abs(process.latent_correlation - given).max() <= max(-least, 0) + 1e-14
    if least == -2e-10:  # the test can fail: the matrix as given is another one
        assert np.abs(reached - given).max() > 1e-11


@pytest.mark.parametrize("share", [-0.99999, -0.999, -0.3, -1e-3, 1e-3, 0.05, 0.6, 0.9, 0.999, 0.99999])
def test_inverted_correlations_are_exact_for_rates_from_1e_minus_6(share):
    """Each pair wants a share of the greatest, or the least, correlation that its rates allow."""
    rate = np.array([1e-6, 1e-4, 0.05, 0.5, 0.99, 1 - 1e-6])
    least, most = correlation_bounds(rate[:, None], rate)
    wanted = share * most if share > 0 else -share * least
    np.fill_diagonal(wanted, 1.0)
    reached = binary_covariance(rate[:, None], rate, latent_matrix(rate, wanted))
    deviation = np.sqrt(rate * (1 - rate))
    off = ~np.eye(rate.size, dtype=bool)
    assert reached[off] == pytest.approx(
        (wanted * np.outer(deviation, deviation))[off], rel=1e-10, abs=0
    )


def test_latent_correlations_of_half_rates_are_a_sine():
    """At rate 1/2, correlation = 2/π arcsin(latent): Sheppard (1899)."""
    correlation = np.array([[1.0, 0.3, -0.5], [0.3, 1.0, 0.0], [-0.5, 0.0, 1.0]])
    latent = latent_matrix(np.full(3, 0.5), correlation)
    assert latent == pytest.approx(np.sin(np.pi / 2 * correlation), abs=1e-13)


def test_a_pair_beyond_its_bounds_is_told_or_cut():
    rate = np.array([0.5, 0.1, 0.3])
    correlation = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.9], [0.0, 0.9, 1.0]])
    bound = np.sqrt(0.1 * 0.7 / (0.3 * 0.9))
    expected = rf"\[-0.218218, {bound:.6g}\] for units 1 and 2 of rates 0.1 and 0.3, got 0.9"
    with pytest.raises(ValueError, match=expected):
        latent_matrix(rate, correlation)
    cut = latent_matrix(rate, correlation, cut=True)
    reached = binary_covariance(0.1, 0.3, cut[1, 2]) / np.sqrt(0.09 * 0.21)
    assert reached == pytest.approx(bound)


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.ones((2, 3)), r"m must have shape \(2, 2\), got \(2, 3\)"),
        ([[1.0, 0.1], [0.2, 1.0]], "m must be symmetric, got 0.1 and 0.2 for 0 and 1"),
        ([[1.0, 0.1], [0.1, 0.9]], "m must be 1 on its diagonal, got 0.9 for unit 1"),
        ([[1.0, 1.2], [1.2, 1.0]], r"m must lie in \[-1, 1\], got 1.2 for units 0 and 1"),
        ([[1.0, np.nan], [0.1, 1.0]], "m must be finite, got nan"),
    ],
)
def test_what_is_no_correlation_matrix_is_named(matrix, message):
    with pytest.raises(ValueError, match=message):
        check_correlation_matrix("m", matrix, 2)
