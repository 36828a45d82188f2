"""Typical networks by quadrature: against brute force, against the sampler, and the evidence of none."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import logsumexp

from rote.inference.centers import Centers, SeedSums, difference_of_draws
from rote.inference.networks import Networks, SpreadPrior
from rote.inference.posterior import sample
from rote.inference.value_comparison import ValueComparisonPrior, value_comparison_model
from rote.inference.value_quadrature import compare_sets, value_quadrature

PAIR = ("generalizing", "memorizing")
RAGGED = Networks.ordered(
    [("initialized", s) for s in (0, 1, 2)]
    + [("generalizing", s) for s in (1, 2, 3)]
    + [("memorizing", s) for s in (0, 2, 5)]
)


def apart(n_networks):
    """Networks of two conditions that share no seed."""
    return Networks.ordered((c, 10 * k + s) for k, c in enumerate(PAIR) for s in range(n_networks))


def covariance(networks, network_sd, seed_sd):
    """Of the values about their centers, entry by entry."""
    same_seed = networks.seed_index[:, None] == networks.seed_index
    return seed_sd**2 * same_seed + np.diag(np.array(network_sd)[networks.condition_index] ** 2)


def test_given_the_scales_all_is_the_multivariate_normal(rng):
    """Values, and centers given them, by conditioning one joint normal law."""
    y, prior_sd = rng.normal(size=len(RAGGED.keys)), 1.7
    network_sd, seed_sd = rng.uniform(0.2, 2, (4, 3)), rng.uniform(0.2, 2, 4)
    sums = SeedSums.of(y[None], RAGGED)
    centers = Centers.given(network_sd, seed_sd, sums, prior_sd)
    design = np.eye(3)[RAGGED.condition_index]
    told, due = centers.log_likelihood(sums)[0], []
    contrast = RAGGED.contrast("memorizing", "generalizing")
    to_mean, sd, unit = centers.difference(contrast)
    for k in range(4):
        within = covariance(RAGGED, network_sd[k], seed_sd[k])
        total = within + prior_sd**2 * design @ design.T
        due.append(stats.multivariate_normal.logpdf(y, np.zeros(y.size), total))
        gain = prior_sd**2 * design.T @ np.linalg.inv(total)
        left = prior_sd**2 * (np.eye(3) - gain @ design)
        assert centers.covariance[k] == pytest.approx(left)
        assert to_mean[k] @ sums.total[0] == pytest.approx(contrast @ gain @ y)
        assert sd[k] ** 2 == pytest.approx(contrast @ left @ contrast)
        assert unit[k] == pytest.approx(np.hypot(network_sd[k, 1], network_sd[k, 2]))
    assert told - told[0] == pytest.approx(np.array(due) - due[0])


@pytest.mark.parametrize("shift", [0.0, 0.7])
def test_probability_and_evidence_are_those_of_brute_force(rng, shift):
    """Networks that share no seed, with both centers and both scales summed over plain grids."""
    networks = apart(3)
    y = 0.3 * rng.normal(size=6) + shift * np.repeat([0, 1], 3)
    posterior = compare_sets(y, networks)
    log_sd = np.linspace(-4.5, 4.5, 37)
    half_sum, delta = np.linspace(-2, 2.5, 61), np.linspace(-4, 4, 129)
    a, b = half_sum[:, None] - delta / 2, half_sum[:, None] + delta / 2  # centers
    sd = 0.2 * np.exp(log_sd)
    scale_prior = stats.norm.logpdf(log_sd)

    def likelihood(center, values):
        each = stats.norm.logpdf(values[:, None, None, None], center[..., None], sd).sum(axis=0)
        return each + scale_prior  # (half_sum, delta, log_sd)

    first, second = likelihood(a, y[:3]), likelihood(b, y[3:])
    wide = stats.norm.logpdf(a, scale=3) + stats.norm.logpdf(b, scale=3)
    law = logsumexp(first, axis=2) + logsumexp(second, axis=2) + wide
    density = np.exp(law - law.max()).sum(axis=0)
    density /= density.sum()
    below = density[delta < 0].sum() + density[delta == 0].sum() / 2
    assert posterior.below(0.0) == pytest.approx(below, abs=2e-3)
    middle = stats.norm.logpdf(half_sum, scale=3 / np.sqrt(2))
    zero = np.flatnonzero(delta == 0)[0]
    none = logsumexp(first[:, zero, :, None] + second[:, zero, None, :] + middle[:, None, None])
    tau = np.hypot(sd[:, None], sd)
    some = -np.inf
    for place, d in enumerate(delta):
        expected = stats.norm.logpdf(d, scale=tau) + np.log(delta[1] - delta[0])
        terms = first[:, place, :, None] + second[:, place, None, :] + middle[:, None, None] + expected
        some = np.logaddexp(some, logsumexp(terms))
    assert posterior.log_bayes_factor == pytest.approx(none - some, abs=0.01)


def test_quantiles_and_density_belong_to_the_probability(rng):
    posterior = compare_sets(rng.normal(size=8), apart(4))
    for probability in (0.05, 0.5, 0.95):
        assert posterior.below(posterior.quantile(probability)) == pytest.approx(probability, abs=1e-9)
    step = 1e-4
    slope = (posterior.below(0.1 + step) - posterior.below(0.1 - step)) / (2 * step)
    assert np.exp(posterior.log_density(0.1)) == pytest.approx(slope, rel=1e-5)


def test_many_sets_are_many_single_ones(rng):
    networks = Networks.ordered([*((PAIR[0], s) for s in range(4)), *((PAIR[1], s) for s in (2, 3, 4))])
    sets = rng.normal(size=(3, 7)) * [[0.1], [1.0], [4.0]]
    together = compare_sets(sets, networks)
    for place, y in enumerate(sets):
        alone = value_quadrature(dict(zip(networks.keys, y, strict=True)))
        assert together.below(0.0)[place] == pytest.approx(alone.below(0.0), abs=1e-4)
        assert together.log_bayes_factor[place] == pytest.approx(alone.log_bayes_factor, abs=5e-3)


def test_a_finer_grid_says_the_same(rng, monkeypatch):
    y = rng.normal(size=(5, 8))
    blocked = Networks.ordered((c, s) for c in PAIR for s in range(4))
    usual = compare_sets(y, blocked)
    for name, value in {"STEP": 0.7, "COARSE": 0.7, "NEAR": 40.0, "KEPT": 30.0}.items():
        monkeypatch.setattr(f"rote.inference.value_quadrature.{name}", value)
    finer = compare_sets(y, blocked)
    assert usual.below(0.0) == pytest.approx(finer.below(0.0), abs=1e-4)
    assert usual.log_bayes_factor == pytest.approx(finer.log_bayes_factor, abs=5e-3)


@pytest.mark.parametrize("n_networks", [2, 8])
def test_evidence_for_none_is_root_of_one_plus_n_at_best(n_networks):
    """With scales that the prior knows, and a prior of the centers far wider than they are."""
    prior = ValueComparisonPrior(center=(0.0, 300.0), spread=SpreadPrior(network=(0.2, 1e-3)))
    networks = apart(n_networks)
    y = np.tile(np.linspace(-0.2, 0.2, n_networks), 2)
    told = np.exp(compare_sets(y, networks, prior=prior).log_bayes_factor)
    assert told == pytest.approx(np.sqrt(1 + n_networks), rel=1e-3)


def test_evidence_does_not_know_the_unit_nor_the_width_of_the_prior(rng):
    networks, y = apart(4), 0.2 * rng.normal(size=8)
    ten = ValueComparisonPrior(center=(0.0, 30.0), spread=SpreadPrior(network=(2.0, 1.0)))
    usual = compare_sets(y, networks)
    assert compare_sets(10 * y, networks, prior=ten).log_bayes_factor == pytest.approx(
        float(usual.log_bayes_factor), abs=1e-6
    )
    wide = ValueComparisonPrior(center=(0.0, 100.0))
    assert compare_sets(y, networks, prior=wide).log_bayes_factor == pytest.approx(
        float(usual.log_bayes_factor), abs=0.02
    )
    assert compare_sets(y + np.repeat([0, 3], 4), networks).log_bayes_factor < -4


def test_equal_values_have_a_posterior():
    told = value_quadrature({(c, s): 0.0 for c in PAIR for s in (0, 1, 2)})
    assert told.below(0.0) == pytest.approx(0.5)


def test_what_cannot_be_compared_is_named():
    with pytest.raises(ValueError, match=r"values must be of 6 networks, got shape \(5,\)"):
        compare_sets(np.zeros(5), apart(3))
    with pytest.raises(ValueError, match="values must be finite, got nan"):
        compare_sets(np.full(6, np.nan), apart(3))
    with pytest.raises(ValueError, match=r"condition must be one of .*; got 'initialized'"):
        compare_sets(np.zeros(6), apart(3), first="initialized")


@pytest.mark.slow
def test_the_sampler_says_the_same(rng):
    prior = ValueComparisonPrior()
    values = {(c, s): float(0.3 * rng.normal()) for c in PAIR for s in range(4)}
    exact = value_quadrature(values, prior=prior)
    tree = sample(value_comparison_model(values, prior=prior), kind="twin", prior=prior, rng=rng)
    drawn = tree["posterior"].to_dataset().stack(each=("chain", "draw"))
    center = drawn["condition_value"].transpose("condition", "each").to_numpy()
    assert (center[1] < center[0]).mean() == pytest.approx(exact.below(0.0), abs=0.05)
    networks = Networks.ordered(values)
    known = np.array([values[key] for key in networks.keys])
    averaged = difference_of_draws(
        np.tile(known, (drawn.sizes["each"], 1)),
        networks,
        center=prior.center,
        network_sd=drawn["network_sd"][0].transpose("each", "condition").to_numpy(),
        seed_sd=drawn["seed_sd"][0].to_numpy(),
    )
    assert averaged.below(0.0) == pytest.approx(exact.below(0.0), abs=0.02)
    assert averaged.log_bayes_factor == pytest.approx(exact.log_bayes_factor, abs=0.05)
