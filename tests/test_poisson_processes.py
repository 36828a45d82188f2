"""What holds for every process of counts: its laws against draws, and the contract of a draw.

Examples are independent, so the number of examples on which two units are both silent is binomial; its
chance is worked out here from the definition of each process and not from what the process predicts.
Each test that can fail by chance does so at most once in 1e6 runs.
"""

from dataclasses import FrozenInstanceError, fields

import numba
import numpy as np
import pytest
from scipy import stats

from rote.simulate.bivariate import binary_covariance
from rote.simulate.common_sources import CommonSources
from rote.simulate.compound import CompoundPoisson
from rote.simulate.gamma_poisson import GammaPoisson
from rote.simulate.one_factor_poisson import OneFactorPoisson
from rote.simulate.poisson import IndependentPoisson
from rote.simulate.poisson_copula import PoissonCopula

N_EXAMPLES = 40_000
RATE = np.array([0.3, 0.02, 2.0, 0.9, 0.0, 7.5, 0.15])
LOADING = np.array([0.5, -0.4, 0.7, 0.6, 0.3, -0.6, 0.8])
WIRING = np.array([[1, 0], [0, 0], [1, 1], [0, 1], [0, 0], [1, 1], [0, 1]])


def latent(strength):
    sign = np.array([1, 1, -1, 1, 1, -1, 1])
    matrix = strength * np.outer(sign, sign)
    np.fill_diagonal(matrix, 1.0)
    return matrix


def sources(shared):
    own = RATE + 0.2 * WIRING.any(axis=1)
    return CommonSources(own=own, wiring=WIRING, source_rate=[shared, 0.4 - shared])


# each with a near miss of the same marginal laws, or nearly so
PROCESSES = {
    "independent": (IndependentPoisson(rate=RATE), IndependentPoisson(rate=RATE * 1.15)),
    "sources": (sources(0.3), sources(0.1)),
    "compound": (
        CompoundPoisson.from_correlation(n_units=7, rate=0.8, correlation=0.3, order=3),
        CompoundPoisson.from_correlation(n_units=7, rate=0.8, correlation=0.15, order=3),
    ),
    "synchronous": (  # most units at once
        CompoundPoisson(n_units=7, event_rate=1.5, synchrony=[0.5, 0, 0, 0, 0.2, 0.3]),
        CompoundPoisson(n_units=7, event_rate=1.5, synchrony=[0.6, 0, 0, 0, 0.2, 0.2]),
    ),
    "gamma": (GammaPoisson(rate=RATE, dispersion=0.4), GammaPoisson(rate=RATE, dispersion=0.6)),
    "factor": (
        OneFactorPoisson(rate=RATE, loading=LOADING),
        OneFactorPoisson(rate=RATE, loading=LOADING * 0.7),
    ),
    "copula": (
        PoissonCopula(rate=RATE, latent_correlation=latent(0.5)),
        PoissonCopula(rate=RATE, latent_correlation=latent(0.35)),
    ),
}
every_process = pytest.mark.parametrize("name", PROCESSES)


def compound_silent(process):
    """Chance that no event hits either of two units."""
    n, size = process.n_units, np.arange(1, process.synchrony.size + 1)
    misses = (n - size) * (n - size - 1) / (n * (n - 1))
    both = np.exp(-process.event_rate * (1 - process.synchrony @ misses))
    return np.full((n, n), both)


def sources_silent(process):
    either = process.wiring[:, None] | process.wiring
    return np.exp(-process.own[:, None] - process.own - either @ process.source_rate)


def copula_silent(rate, correlation):
    silent = np.exp(-rate)
    alone = np.outer(silent, silent)
    return alone + binary_covariance(silent[:, None], silent, np.clip(correlation, -1, 1))


BOTH_SILENT = {
    IndependentPoisson: lambda p: np.exp(-p.rate[:, None] - p.rate),
    CommonSources: sources_silent,
    CompoundPoisson: compound_silent,
    GammaPoisson: lambda p: (1 + p.dispersion * (p.rate[:, None] + p.rate)) ** (-1 / p.dispersion),
    OneFactorPoisson: lambda p: copula_silent(p.rate, np.outer(p.loading, p.loading)),
    PoissonCopula: lambda p: copula_silent(p.rate, p.latent_correlation),
}


def binomial_p(count, chance):
    """Two-sided p-values of how many of ``N_EXAMPLES`` show what has this chance."""
    below = stats.binom.cdf(count, N_EXAMPLES, chance)
    above = stats.binom.sf(count - 1, N_EXAMPLES, chance)
    return np.minimum(1, 2 * np.minimum(below, above))


def silent_p(counts, process):
    one, other = np.triu_indices(process.n_units, k=1)
    silent = (counts == 0).astype(np.float64)
    both = np.rint(silent.T @ silent)[one, other]
    return binomial_p(both, np.clip(BOTH_SILENT[type(process)](process)[one, other], 0, 1))


def law_p(values, pmf):
    """Chi-square p-value of whole numbers; those expected fewer than 20 times are taken together."""
    seen = np.bincount(values, minlength=pmf.size)
    due = np.pad(pmf, (0, seen.size - pmf.size)) * values.size
    rare = due < 20
    seen = np.append(seen[~rare], seen[rare].sum())
    due = np.append(due[~rare], values.size - due[~rare].sum())
    keep = due > 1e-6
    assert seen[~keep].sum() == 0
    if keep.sum() == 1:
        return 1.0
    return stats.chisquare(seen[keep], due[keep] * seen.sum() / due[keep].sum()).pvalue


def unit_laws(process):
    """Law of every unit's count, Poisson but for a random gain: ``(n_units, 400)``."""
    count, rate = np.arange(400), process.predict().rate[:, None]
    if isinstance(process, GammaPoisson):
        shape = 1 / process.dispersion
        return stats.nbinom.pmf(count, shape, shape / (shape + rate))
    return stats.poisson.pmf(count, rate)


def unit_p(counts, process):
    return [law_p(column, pmf) for column, pmf in zip(counts.T, unit_laws(process), strict=True)]


@every_process
def test_counts_of_units_and_pairs_follow_their_laws(name, rng, agrees):
    process, _ = PROCESSES[name]
    counts = process.sample(N_EXAMPLES, rng=rng)
    assert agrees(unit_p(counts, process))
    assert agrees(silent_p(counts, process))


@every_process
def test_a_near_miss_is_told_from_pairs(name, rng, rejects):
    process, near_miss = PROCESSES[name]
    counts = process.sample(N_EXAMPLES, rng=rng)
    assert rejects(silent_p(counts, near_miss))


@every_process
def test_covariances_are_those_predicted(name, rng):
    process, _ = PROCESSES[name]
    predicted = process.predict()
    deviation = process.sample(N_EXAMPLES, rng=rng) - predicted.rate
    one, other = np.triu_indices(process.n_units)
    product = deviation[:, one] * deviation[:, other]
    error = product.std(axis=0) / np.sqrt(N_EXAMPLES)
    gap = np.abs(product.mean(axis=0) - predicted.covariance[one, other])
    # 5.5 standard errors are 1e-6 for 28 pairs; a fifth more for the skewness of products
    assert (gap <= 6.6 * error + 1e-12).all()


@pytest.mark.parametrize("name", ["independent", "sources", "compound", "synchronous", "gamma"])
def test_population_counts_follow_their_law_and_no_other(name, rng, agrees, rejects):
    process, near_miss = PROCESSES[name]
    total = process.sample(N_EXAMPLES, rng=rng).sum(axis=1, dtype=np.int64)
    assert agrees(law_p(total, process.predict().population_pmf))
    assert rejects(law_p(total, near_miss.predict().population_pmf))


@pytest.mark.parametrize("name", ["independent", "sources", "compound", "synchronous", "gamma"])
def test_population_law_has_the_moments_of_units_and_pairs(name):
    predicted = PROCESSES[name][0].predict()
    pmf = predicted.population_pmf
    count = np.arange(pmf.size)
    assert pmf.sum() == pytest.approx(1, abs=1e-13)
    assert pmf @ count == pytest.approx(predicted.population_mean, rel=1e-12)
    variance = pmf @ (count - predicted.population_mean) ** 2
    assert variance == pytest.approx(predicted.population_variance, rel=1e-11)
    assert predicted.population_variance == pytest.approx(predicted.covariance.sum(), rel=1e-12)


@pytest.mark.parametrize("name", ["factor", "copula"])
def test_a_population_law_without_closed_form_says_so(name):
    predicted = PROCESSES[name][0].predict()
    assert predicted.population_variance == pytest.approx(predicted.covariance.sum())
    with pytest.raises(AttributeError, match="no closed form"):
        _ = predicted.population_pmf


@every_process
def test_predictions_agree_with_one_another(name):
    predicted = PROCESSES[name][0].predict()
    covariance = predicted.covariance
    assert np.diag(covariance) == pytest.approx(predicted.variance)
    ratio = np.trace(covariance) ** 2 / np.square(covariance).sum()
    assert predicted.participation_ratio == pytest.approx(ratio)
    assert predicted.excess_fano("class") == pytest.approx(predicted.fano_factor() - 1)
    with pytest.raises(ValueError, match="order must be one of recorded, class"):
        predicted.fano_factor("backwards")


@every_process
def test_blocks_threads_and_types_draw_the_same(name):
    process, _ = PROCESSES[name]
    whole = process.sample(700, rng=np.random.default_rng(3))
    assert whole.dtype == np.uint8
    assert whole.shape == (700, process.n_units)
    for block in (1, 37, 700, 1000):
        parts = process.blocks(700, rng=np.random.default_rng(3), block=block)
        assert (np.concatenate(list(parts)) == whole).all()
    wide = process.sample(700, rng=np.random.default_rng(3), dtype=np.uint32)
    assert wide.dtype == np.uint32
    assert (wide == whole).all()


@every_process
def test_threads_draw_the_same(name, monkeypatch):
    process, _ = PROCESSES[name]
    monkeypatch.setattr("rote.simulate.counts.CELLS", 64)
    drawn = []
    before = numba.get_num_threads()
    try:
        for n_threads in (1, numba.config.NUMBA_NUM_THREADS):
            numba.set_num_threads(n_threads)
            drawn.append(process.sample(300, rng=np.random.default_rng(3)))
    finally:
        numba.set_num_threads(before)
    assert (drawn[0] == drawn[-1]).all()


@every_process
def test_streams_do_not_repeat(name):
    process, _ = PROCESSES[name]
    rng = np.random.default_rng(3)
    first, second = process.sample(500, rng=rng), process.sample(500, rng=rng)
    assert (first != second).any()
    assert (first[:250] != first[250:]).any()


@pytest.mark.parametrize(
    "process",
    [
        IndependentPoisson(rate=[1.5]),
        CommonSources(own=[1.0], wiring=[[1]], source_rate=[0.5]),
        CommonSources(own=[1.5], wiring=np.empty((1, 0)), source_rate=[]),
        CompoundPoisson(n_units=1, event_rate=1.5, synchrony=[1.0]),
        GammaPoisson(rate=[1.5], dispersion=1e-9),
        OneFactorPoisson(rate=[1.5], loading=0.9),
        PoissonCopula(rate=[1.5], latent_correlation=[[1.0]]),
    ],
)
def test_one_unit_is_a_layer(process, rng, agrees):
    counts = process.sample(N_EXAMPLES, rng=rng)
    assert agrees(law_p(counts[:, 0], stats.poisson.pmf(np.arange(60), 1.5)))
    predicted = process.predict()
    assert predicted.covariance == pytest.approx(np.array([[1.5]]))
    assert predicted.participation_ratio == pytest.approx(1)


@pytest.mark.parametrize(
    "process",
    [
        IndependentPoisson(rate=[0, 0]),
        CommonSources(own=[0, 0], wiring=[[1], [0]], source_rate=[0.0]),
        CompoundPoisson(n_units=2, event_rate=0, synchrony=[0.5, 0.5]),
        GammaPoisson(rate=[0, 0], dispersion=2.0),
        OneFactorPoisson(rate=[0, 0], loading=0.9),
        PoissonCopula(rate=[0, 0], latent_correlation=np.eye(2)),
    ],
)
def test_a_rate_of_zero_is_never_counted(process, rng):
    assert not process.sample(1000, rng=rng).any()
    predicted = process.predict()
    assert not predicted.covariance.any()
    assert np.isnan(predicted.participation_ratio)
    assert (predicted.fano_factor() == 1).all()
    if not isinstance(process, OneFactorPoisson | PoissonCopula):
        assert predicted.population_pmf.tolist() == [1]


@pytest.mark.parametrize(
    "process",
    [
        IndependentPoisson(rate=[3.0, 900.0]),
        CommonSources(own=[3.0, 100.0], wiring=[[0], [1]], source_rate=[800.0]),
        CommonSources(own=[3.0, 9000.0], wiring=[[0], [1]], source_rate=[0.1]),
        CompoundPoisson(n_units=2, event_rate=900.0, synchrony=[0, 1.0]),
        GammaPoisson(rate=[3.0, 900.0], dispersion=0.01),
        GammaPoisson(rate=[3.0, 100.0], dispersion=5.0),
        OneFactorPoisson(rate=[3.0, 900.0], loading=0.5),
        PoissonCopula(rate=[3.0, 900.0], latent_correlation=np.eye(2)),
    ],
)
def test_a_count_that_does_not_fit_is_named_and_never_wrapped(process):
    wide = process.sample(300, rng=np.random.default_rng(3), dtype=np.uint32)
    greatest = wide.max()
    unit = int(np.flatnonzero((wide == greatest).any(axis=0))[0])
    message = rf"uint8 holds counts up to 255, got {greatest} at unit {unit}: draw with dtype=np.uint16"
    with pytest.raises(OverflowError, match=message):
        process.sample(300, rng=np.random.default_rng(3))


@every_process
def test_parameters_cannot_change(name):
    process, _ = PROCESSES[name]
    field = fields(process)[0].name
    with pytest.raises(FrozenInstanceError):
        setattr(process, field, 1)
    for field in fields(process):
        value = getattr(process, field.name)
        assert not isinstance(value, np.ndarray) or not value.flags.writeable


@every_process
def test_draws_refuse_other_arguments(name):
    process, _ = PROCESSES[name]
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="n_examples must be at least 1, got 0"):
        process.sample(0, rng=rng)
    with pytest.raises(ValueError, match="block must be at least 1, got 0"):
        process.blocks(5, rng=rng, block=0)
    with pytest.raises(TypeError, match=r"rng must be a numpy\.random\.Generator, got int"):
        process.sample(5, rng=3)
    with pytest.raises(
        TypeError, match=r"dtype must be an unsigned integer such as np\.uint8, got int64"
    ):
        process.sample(5, rng=rng, dtype=np.int64)


def test_units_of_different_chunks_share_their_source(rng):
    process = CommonSources.from_correlation(rate=np.full(600, 1.5), correlation=0.4)
    deviation = process.sample(N_EXAMPLES // 2, rng=rng)[:, [0, 255, 256, 599]] - 1.5
    one, other = np.triu_indices(4, k=1)
    product = deviation[:, one] * deviation[:, other]
    error = product.std(axis=0) / np.sqrt(len(product))
    assert (np.abs(product.mean(axis=0) - 0.4 * 1.5) < 6.6 * error).all()
