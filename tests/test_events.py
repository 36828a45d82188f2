"""Events and bits: the same laws as dense draws, at the cost of what is active."""

import numba
import numpy as np
import pytest
from scipy import stats

from rote.activity import pack, unpack
from rote.activity.events import Events
from rote.activity.kernel import kernel
from rote.activity.streams import draw_keys
from rote.activity.ziggurat import exponential
from rote.simulate import (
    ClassConditional,
    DichotomizedGaussian,
    ExchangeableBernoulli,
    FactorGaussian,
    GammaFrailty,
    IndependentBernoulli,
    Layer,
)
from rote.simulate.listing import list_active

N_EXAMPLES = 20_000
RATE = np.r_[0.0, np.geomspace(1e-4, 0.2, 38), 0.6]
PROCESSES = {
    "independent": IndependentBernoulli(rate=np.r_[RATE, 1.0]),
    "beta": ExchangeableBernoulli(n_units=40, rate=0.01, correlation=0.1, mixing="beta"),
    "two-point": ExchangeableBernoulli(n_units=40, rate=0.3, correlation=0.1, mixing="two-point"),
    "dichotomized": DichotomizedGaussian(rate=RATE, loading=np.where(np.arange(40) % 3, 0.5, -0.5)),
    "classes": ClassConditional(class_probability=[0.3, 0.7], class_rate=[RATE, RATE[::-1]]),
    "frailty": GammaFrailty(rate=RATE, shape=2.0),
}
SHARED = {
    "many": IndependentBernoulli(rate=np.r_[RATE, 1.0]),
    "few": IndependentBernoulli(rate=np.r_[0.1 * RATE, 0.9]),
    "alike": IndependentBernoulli(rate=np.full(200, 0.003)),
    "dead": IndependentBernoulli(rate=np.zeros(3)),
    "beta": ExchangeableBernoulli(n_units=40, rate=0.01, correlation=0.1, mixing="beta"),
    "loud": ExchangeableBernoulli(n_units=100, rate=0.9, correlation=0.1, mixing="beta"),
    "probit": ExchangeableBernoulli(n_units=600, rate=0.02, correlation=0.02, mixing="probit"),
    "two-point": ExchangeableBernoulli(n_units=64, rate=0.3, correlation=0.1, mixing="two-point"),
}
NO_ENVELOPE = {
    "factors": FactorGaussian(rate=RATE[1:], loading=np.full((39, 2), 0.4)),
    "layer": Layer(parts=[PROCESSES["frailty"], PROCESSES["beta"]]),
}


@pytest.fixture(params=PROCESSES)
def process(request):
    return PROCESSES[request.param]


def count_p_values(events, rate):
    """Two-sided binomial p-values of the units' active counts."""
    count = events.active_count
    low = stats.binom.cdf(count, events.n_examples, rate)
    high = stats.binom.sf(count - 1, events.n_examples, rate)
    return np.minimum(1.0, 2 * np.minimum(low, high))


def population_p_value(events, pmf):
    due = events.n_examples * pmf
    likely = due > 8
    seen = np.bincount(events.population_count, minlength=pmf.size)
    return stats.chisquare(
        np.append(seen[likely], seen[~likely].sum()), np.append(due[likely], due[~likely].sum())
    ).pvalue


def test_events_follow_the_laws_of_the_process(process, rng, agrees, rejects):
    events = process.sample_events(N_EXAMPLES, rng=rng)
    law = process.predict()
    assert agrees(count_p_values(events, law.rate))
    assert agrees(population_p_value(events, law.population_pmf))
    off = np.where(law.rate < 0.5, 1.5 * law.rate, law.rate)
    assert rejects(count_p_values(events, off))


def test_rows_are_sorted_and_hold_no_unit_twice(process, rng):
    events = process.sample_events(500, rng=rng)
    assert events.start[0] == 0
    assert events.start[-1] == events.unit.size
    row = np.repeat(np.arange(500), events.population_count)
    assert (np.diff(row * process.n_units + events.unit) > 0).all()
    assert events.unit.dtype == np.int32


def test_events_do_not_depend_on_threads(process):
    threads = numba.get_num_threads()
    drawn = []
    try:
        for n_threads in (1, 2):
            numba.set_num_threads(min(n_threads, numba.config.NUMBA_NUM_THREADS))
            drawn.append(process.sample_events(3000, rng=np.random.default_rng(5)))
    finally:
        numba.set_num_threads(threads)
    assert (drawn[0].unit == drawn[1].unit).all()
    assert (drawn[0].start == drawn[1].start).all()


@pytest.mark.parametrize("name", [*PROCESSES, *NO_ENVELOPE])
def test_bits_are_those_of_the_dense_draw(name):
    process = (PROCESSES | NO_ENVELOPE)[name]
    dense = process.sample(300, rng=np.random.default_rng(2))
    words = process.sample_packed(300, rng=np.random.default_rng(2))
    assert (unpack(words, process.n_units) == dense).all()


@pytest.mark.parametrize("name", [*SHARED, *NO_ENVELOPE])
def test_events_and_blocks_are_those_of_the_dense_draw(name):
    process = (SHARED | NO_ENVELOPE)[name]
    dense = process.sample(9000, rng=np.random.default_rng(2))
    events = process.sample_events(9000, rng=np.random.default_rng(2))
    assert (events.dense() == dense).all()
    blocks = list(process.blocks(9000, rng=np.random.default_rng(2), block=701))
    assert (np.concatenate(blocks) == dense).all()
    few = process.sample_events(7, rng=np.random.default_rng(2))
    assert (few.dense() == dense[:7]).all()


@pytest.mark.parametrize(("module", "name"), [("alike", "beta"), ("rare", "few"), ("rare", "frailty")])
def test_more_events_than_there_is_room_for_are_drawn_again(module, name, monkeypatch):
    process = (PROCESSES | SHARED)[name]
    events = process.sample_events(9000, rng=np.random.default_rng(2))
    monkeypatch.setattr(f"rote.simulate.{module}._SPARE", -0.1)
    again = process.sample_events(9000, rng=np.random.default_rng(2))
    assert (again.unit == events.unit).all()
    assert (again.start == events.start).all()


def test_very_rare_layers_cost_what_is_active(rng, agrees):
    """1e5 units and 2e4 examples are 2e9 cells and some 2e4 activations."""
    process = ExchangeableBernoulli(n_units=100_000, rate=1e-5, correlation=1e-4, mixing="beta")
    events = process.sample_events(N_EXAMPLES, rng=rng)
    per_example = 100_000 * 1e-5 * (1 - 1e-5) * (1 + 99_999 * 1e-4)  # the law's variance
    error = np.sqrt(N_EXAMPLES * per_example)
    assert agrees(2 * stats.norm.sf(abs(events.unit.size - N_EXAMPLES) / error))


@pytest.mark.parametrize("rate", [0.0, 0.02, 0.6, 1.0])
@pytest.mark.parametrize("n_units", [1, 64, 130])
def test_bits_are_listed_in_order(rate, n_units, rng):
    active = rng.random((50, n_units)) < rate
    units, per_example = list_active(pack(active))
    np.testing.assert_array_equal(units, np.nonzero(active)[1])
    np.testing.assert_array_equal(per_example, active.sum(axis=1))


def test_events_turn_into_other_forms():
    events = Events(start=np.array([0, 2, 2, 3]), unit=np.array([0, 3, 1], dtype=np.int32), n_units=4)
    dense = np.zeros((3, 4), dtype=bool)
    dense[[0, 0, 2], [0, 3, 1]] = True
    assert (events.dense() == dense).all()
    assert (events.sparse().toarray() == dense).all()
    assert events.active_count.tolist() == [1, 1, 0, 1]
    assert events.population_count.tolist() == [2, 0, 1]
    assert events.n_examples == 3


@kernel
def _exponentials(key, n):
    numbers, counter = np.empty(n), np.uint64(0)
    for place in range(n):
        numbers[place], counter = exponential(key, counter)
    return numbers


def test_exponentials_follow_their_law_and_no_other(rng, agrees, rejects):
    drawn = _exponentials(draw_keys(rng, 1)[0], 300_000)
    assert agrees(stats.kstest(drawn, "expon").pvalue)
    assert agrees(stats.binomtest(int((drawn > 7.7).sum()), drawn.size, np.exp(-7.7)).pvalue)  # the tail
    assert rejects(stats.kstest(drawn, "expon", args=(0, 1.02)).pvalue)
