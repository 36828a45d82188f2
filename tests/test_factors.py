"""Several factors: blocks, one factor against the one-factor process, brackets, errors."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import ndtr, ndtri

from rote.simulate.bivariate import binary_covariance
from rote.simulate.dichotomized import DichotomizedGaussian
from rote.simulate.factors import FactorGaussian

RATE = np.array([0.3, 0.02, 0.5, 0.9, 0.1])


def test_one_factor_is_the_one_factor_process():
    loading = np.array([0.5, -0.3, 0.8, 0.0, 0.6])
    several = FactorGaussian(rate=RATE, loading=loading[:, None]).predict()
    one = DichotomizedGaussian(rate=RATE, loading=loading).predict()
    assert several.covariance == pytest.approx(one.covariance, abs=1e-12)
    assert several.population_pmf == pytest.approx(one.population_pmf)


def test_blocks_have_the_latent_correlations_asked_for():
    between = np.array([[0.5, -0.2], [-0.2, 0.3]])
    block = np.array([0, 0, 1, 1, 0])
    process = FactorGaussian.from_blocks(rate=RATE, block=block, latent_correlation=between)
    covariance = process.predict().covariance
    for one in range(5):
        for other in range(one):
            due = binary_covariance(RATE[one], RATE[other], between[block[one], block[other]])
            assert covariance[one, other] == pytest.approx(due)


def test_three_units_are_active_together_as_often_as_predicted(rng, agrees, rejects):
    """P(three active) of two factors by a product grid of Gauss-Hermite nodes."""
    loading = np.array([[0.7, 0.2], [0.5, -0.6], [0.6, 0.5]])
    process = FactorGaussian(rate=[0.2, 0.3, 0.4], loading=loading)
    node, weight = np.polynomial.hermite_e.hermegauss(60)
    z = np.stack(np.meshgrid(node, node), axis=-1).reshape(-1, 2)
    given = ndtr((ndtri(process.rate) + z @ loading.T) / np.sqrt(1 - np.square(loading).sum(axis=1)))
    chance = (np.outer(weight, weight).ravel() / (2 * np.pi)) @ given.prod(axis=1)
    latent = loading @ loading.T + np.diag(1 - np.square(loading).sum(axis=1))
    law = stats.multivariate_normal(np.zeros(3), latent, abseps=1e-7, maxpts=1_000_000)
    direct = law.cdf(ndtri(process.rate), rng=np.random.default_rng(1))
    assert chance == pytest.approx(direct, abs=1e-6)
    count = int(process.sample(50_000, rng=rng).all(axis=1).sum())
    assert agrees(stats.binomtest(count, 50_000, chance).pvalue)
    assert rejects(stats.binomtest(count, 50_000, 0.2 * 0.3 * 0.4).pvalue)


@pytest.mark.parametrize("scale", [0.3, 0.9, 0.9999])
def test_approximate_probabilities_stay_within_their_margin(scale, rng):
    """In lanes; near |w| = 1 single precision loses digits, and the margin grows."""
    direction = rng.normal(size=(40, 3))
    loading = scale * direction / np.linalg.norm(direction, axis=1, keepdims=True)
    rate = np.concatenate([[0.0, 1.0, 1e-9], rng.uniform(size=37)])
    process = FactorGaussian(rate=rate, loading=loading)
    latent = process.latent(np.array([3, 5], dtype=np.uint64), np.arange(3_000, dtype=np.uint64))
    chords = process.chords(latent)
    exact = 65536 * np.array([process.given(latent, np.full(len(latent), unit)) for unit in range(40)]).T
    compared = np.floor(chords.table[chords.state] * (65535 / 65536))
    assert np.abs(compared - exact).max() < chords.margin


def test_the_bracket_is_narrow_enough_to_be_of_use():
    process = FactorGaussian(rate=RATE, loading=np.full((5, 4), 0.3))
    assert process.chords(np.zeros((10, 4))).margin < 16


@pytest.mark.parametrize(
    ("loading", "message"),
    [
        (
            np.full((5, 2), 0.8),
            "loading must have a square sum below 1 in each unit, got 1.28.* at unit 0",
        ),
        (np.zeros(5), r"loading must have shape \(5, n_factors\), got \(5,\)"),
        (np.zeros((5, 0)), r"loading must have shape \(5, n_factors\), got \(5, 0\)"),
        (np.zeros((4, 2)), r"loading must have shape \(5, n_factors\), got \(4, 2\)"),
    ],
)
def test_impossible_loadings_are_named(loading, message):
    with pytest.raises(ValueError, match=message):
        FactorGaussian(rate=RATE, loading=loading)


@pytest.mark.parametrize(
    ("block", "between", "error", "message"),
    [
        ([0.0, 1.0], np.eye(2) * 0.5, TypeError, "block must hold whole numbers, got dtype float64"),
        ([0, 2], np.eye(2) * 0.5, ValueError, r"block must lie in \[0, 1\], got \[0, 2\]"),
        ([0, 1], [[0.5, 0.6], [0.6, 0.5]], ValueError, "smallest eigenvalue -0.1; blocks of negative"),
        ([0, 1], [[-0.5, 0.0], [0.0, 0.5]], ValueError, "smallest eigenvalue -0.5"),
        (
            [0, 1],
            [[1.0, 0.0], [0.0, 0.5]],
            ValueError,
            "square sum below 1 in each unit, got 1.0 at unit 0",
        ),
        ([0, 1], 0.5, ValueError, r"latent_correlation must have shape \(1, 1\), got \(\)"),
        ([0], [[0.5]], ValueError, r"loading must have shape \(2, n_factors\), got \(1, 1\)"),
    ],
)
def test_impossible_blocks_are_named(block, between, error, message):
    with pytest.raises(error, match=message):
        FactorGaussian.from_blocks(rate=[0.1, 0.2], block=block, latent_correlation=between)


def test_certain_units_never_err_however_steep_they_are_and_cost_no_other_its_margin(rng):
    loading = np.array([[1 - 1e-14, 0.0]] * 2 + [[0.3, 0.4]] * 6)
    process = FactorGaussian(rate=np.r_[0.0, 1.0, np.full(6, 0.2)], loading=loading)
    assert (process.sample(50_000, rng=rng)[:, :2] == [False, True]).all()
    mild = FactorGaussian(rate=np.r_[0.0, 1.0, np.full(6, 0.2)], loading=loading[[2] * 8])
    latent = mild.latent(np.array([3, 5], dtype=np.uint64), np.arange(1000, dtype=np.uint64))
    without = FactorGaussian(rate=np.full(6, 0.2), loading=loading[2:])
    assert mild.chords(latent).margin == without.chords(latent).margin
