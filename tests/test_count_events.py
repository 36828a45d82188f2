"""Counts as events: twins, laws of rare layers, sizes, and what does not fit."""

import tracemalloc

import numpy as np
import pytest
from scipy import sparse, stats

from rote import simulate
from rote.activity import unpack
from rote.activity.events import CountEvents, Events
from rote.activity.streams import draw_keys
from rote.simulate.common_sources import CommonSources
from rote.simulate.compound import CompoundPoisson
from rote.simulate.counts import CountProcess
from rote.simulate.gamma_poisson import GammaPoisson
from rote.simulate.one_factor_poisson import OneFactorPoisson
from rote.simulate.poisson import IndependentPoisson
from rote.simulate.poisson_copula import PoissonCopula
from rote.simulate.poisson_variates import WORDS, alias_table, pick, poisson_variate
from rote.simulate.rare_counts import ROW

N_EXAMPLES = 40_000
RARE = np.array([0.02, 1e-4, 0.0, 0.01, 3e-3, 5e-3, 1e-3])
WIRING = np.array([[1, 0], [0, 0], [1, 0], [0, 1], [0, 0], [1, 1], [0, 1]], dtype=bool)

# each with a near miss of the same, or nearly the same, marginal laws
PROCESSES = {
    "independent": (IndependentPoisson(rate=RARE), IndependentPoisson(rate=1.5 * RARE)),
    "sources": (
        CommonSources(own=RARE / 2, wiring=WIRING, source_rate=[4e-3, 1e-3]),
        CommonSources(own=RARE / 2 + 3e-3 * WIRING[:, 0], wiring=WIRING, source_rate=[1e-3, 1e-3]),
    ),
    "compound": (
        CompoundPoisson(n_units=7, event_rate=0.02, synchrony=[0.6, 0.1, 0, 0.1, 0, 0.1, 0.1]),
        CompoundPoisson(n_units=7, event_rate=0.04, synchrony=[0.9, 0.1]),
    ),
    "gamma": (GammaPoisson(rate=RARE, dispersion=8.0), GammaPoisson(rate=RARE, dispersion=1.0)),
}
every_process = pytest.mark.parametrize("name", PROCESSES)


def population_p(counts, process):
    """Chi-square p-value of the population counts; those expected fewer than 20 times are joined."""
    pmf = process.predict().population_pmf
    due = N_EXAMPLES * np.append(pmf, max(0.0, 1 - pmf.sum()))
    last = int(np.argmax(due < 20))
    seen = np.bincount(np.minimum(counts, last), minlength=last + 1)
    return stats.chisquare(seen, np.append(due[:last], N_EXAMPLES - due[:last].sum())).pvalue


@every_process
def test_rare_counts_follow_their_law_and_no_other(name, rng, agrees, rejects):
    process, near_miss = PROCESSES[name]
    assert process.is_rare
    events = process.sample_events(N_EXAMPLES, rng=rng)
    assert agrees(population_p(events.population_count, process))
    assert rejects(population_p(events.population_count, near_miss))


@every_process
def test_rare_pairs_have_the_covariances_predicted(name, rng):
    process, _ = PROCESSES[name]
    counts = process.sample_events(20 * N_EXAMPLES, rng=rng).sparse().astype(np.float64)
    one, other = np.triu_indices(7, k=1)
    product = (counts.T @ counts).toarray()[one, other] / (20 * N_EXAMPLES)
    square = counts.multiply(counts)
    error = np.sqrt((square.T @ square).toarray()[one, other]) / (20 * N_EXAMPLES)
    predicted = process.predict()
    due = predicted.covariance[one, other] + predicted.rate[one] * predicted.rate[other]
    seen = error > 0
    # 5.5 standard errors are 1e-6 for 21 pairs; half as much again, and a few events, for rare products
    assert (np.abs(product - due)[seen] <= 8 * error[seen] + 1e-5).all()
    assert (due[~seen] < 3e-5).all()


def test_arrivals_equal_their_slow_twin():
    process, n_examples = CommonSources(own=RARE / 2, wiring=WIRING, source_rate=[4e-3, 2e-3]), 6000
    key = draw_keys(np.random.default_rng(8), 4)[3]
    odds = np.concatenate([process.own, process.source_rate])
    reach = [np.array([unit]) for unit in range(7)] + [np.flatnonzero(column) for column in WIRING.T]
    twin = np.zeros((n_examples, 7), dtype=int)
    for example in range(n_examples):
        counter = np.uint64(example) * ROW
        n_events = poisson_variate(key, counter, odds.sum())
        counter += WORDS
        for _ in range(n_events):
            kind, counter = pick(key, np.uint64(counter), *alias_table(odds))
            twin[example, reach[kind]] += 1
    assert process.is_rare
    assert twin.sum() > 100
    assert np.array_equal(process.sample(n_examples, rng=np.random.default_rng(8)), twin)
    assert np.array_equal(process.sample_events(n_examples, rng=np.random.default_rng(8)).dense(), twin)


@every_process
def test_rare_events_do_not_depend_on_threads(name, monkeypatch):
    drawn = []
    for n_threads in (1, 2, 3):
        monkeypatch.setattr("numba.get_num_threads", lambda n=n_threads: n)
        events = PROCESSES[name][0].sample_events(2 * N_EXAMPLES, rng=np.random.default_rng(5))
        drawn.append((events.active.start, events.active.unit, events.count))
    for other in drawn[1:]:
        assert all(np.array_equal(one, two) for one, two in zip(drawn[0], other, strict=True))


@pytest.mark.parametrize("correlation", [0.0, 1e-3])
def test_very_rare_layers_cost_what_is_counted(correlation, rng, agrees):
    """1e5 units and 2e4 examples are 2e9 cells and some 2e4 counts; sorted rows, however long."""
    process = CompoundPoisson.from_correlation(
        n_units=100_000, rate=1e-5, correlation=correlation, order=300
    )
    tracemalloc.start()
    try:
        events = process.sample_events(20_000, rng=rng)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 30e6
    error = np.sqrt(20_000 * process.predict().population_variance)
    assert agrees(2 * stats.norm.sf(abs(int(events.count.sum()) - 20_000) / error))
    row = np.repeat(np.arange(20_000), np.diff(events.active.start))
    assert (np.diff(row * 100_000 + events.active.unit) > 0).all()


def test_a_source_that_reaches_nobody_costs_nothing(rng):
    process = CommonSources(own=[1e-3, 1e-3], wiring=[[0], [0]], source_rate=[2.0**29])
    assert process.is_rare
    assert process.sample_events(10_000, rng=rng).count.sum() < 100


def test_events_of_counts_turn_into_other_forms():
    unit = np.array([0, 3, 1], dtype=np.int32)
    count = np.array([2, 1, 5], dtype=np.uint8)
    active = Events(start=np.array([0, 2, 2, 3]), unit=unit, n_units=4)
    events = CountEvents(active=active, count=count)
    dense = np.zeros((3, 4), dtype=np.uint8)
    dense[[0, 0, 2], [0, 3, 1]] = 2, 1, 5
    assert np.array_equal(events.dense(), dense)
    assert events.dense().dtype == np.uint8
    assert isinstance(events.sparse(), sparse.csr_array)
    assert np.array_equal(events.sparse().toarray(), dense)
    assert np.array_equal(events.active.dense(), dense > 0)
    assert events.population_count.tolist() == [3, 0, 5]


LONG = np.zeros(120_000)
LONG[7] = 300.0  # rare on average, and beyond eight bits


LOUD = {
    "rare": IndependentPoisson(rate=LONG),
    "dense": IndependentPoisson(rate=[3.0, 300.0]),
    "compound": CompoundPoisson(n_units=2, event_rate=900.0, synchrony=[0, 1.0]),
    "sources": CommonSources(own=[3.0, 90.0], wiring=[[0], [1]], source_rate=[200.0]),
    "gamma": GammaPoisson(rate=[3.0, 120.0], dispersion=3.0),
    "loud gamma": GammaPoisson(rate=[3.0, 400.0], dispersion=0.01),
    "factor": OneFactorPoisson(rate=[3.0, 300.0], loading=0.5),
    "copula": PoissonCopula(rate=[3.0, 300.0], latent_correlation=[[1.0, 0.5], [0.5, 1.0]]),
}


def test_every_process_of_counts_has_one_too_loud_for_bytes():
    public = (getattr(simulate, name) for name in simulate.__all__)
    kinds = {kind for kind in public if isinstance(kind, type) and issubclass(kind, CountProcess)}
    assert kinds == {type(process) for process in LOUD.values()}


@pytest.mark.parametrize("process", LOUD.values(), ids=LOUD)
def test_a_count_that_does_not_fit_is_named_in_every_form(process):
    wide = process.sample_events(30, rng=np.random.default_rng(3), dtype=np.uint16)
    greatest = wide.count.max()
    unit = wide.active.unit[wide.count.argmax()]
    message = rf"uint8 holds counts up to 255, got {greatest} at unit {unit}: draw with dtype=np.uint16"
    for draw in (process.sample, process.sample_events):
        with pytest.raises(OverflowError, match=message):
            draw(30, rng=np.random.default_rng(3))
        for dtype in (np.uint32, np.uint64):
            drawn = draw(30, rng=np.random.default_rng(3), dtype=dtype)
            drawn = drawn.dense() if isinstance(drawn, CountEvents) else drawn
            assert np.array_equal(drawn, wide.dense())
    words = process.sample_packed(30, rng=np.random.default_rng(3))
    assert np.array_equal(unpack(words, process.n_units), wide.active.dense())


def test_arguments_of_events_are_checked(rng):
    process, _ = PROCESSES["independent"]
    for draw in (process.sample_events, process.sample_packed):
        with pytest.raises(ValueError, match="n_examples must be at least 1, got 0"):
            draw(0, rng=rng)
        with pytest.raises(TypeError, match=r"rng must be a numpy\.random\.Generator, got int"):
            draw(5, rng=3)
    with pytest.raises(TypeError, match=r"dtype must be an unsigned integer .*, got int64"):
        process.sample_events(5, rng=rng, dtype=np.int64)
