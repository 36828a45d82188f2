"""One contract for every public process, of activity and of counts: none can be left out.

The same draw on any number of threads, in blocks, as cells, as bits and as events; arrays of the stated
kind; streams that do not repeat; one example, one unit, and none; rates of exactly 0 and 1; frozen
parameters given by name; a prediction that tells what has no closed form.
"""

from dataclasses import FrozenInstanceError, dataclass, fields

import numpy as np
import pytest

from rote import simulate
from rote.activity import unpack
from rote.simulate.counts import CountProcess
from rote.simulate.process import Process

N_UNITS = 67  # more than one word of bits
N_EXAMPLES = 9000  # enough for three threads to be given work
RATE = np.concatenate([[0.0, 1.0, 1e-6], np.linspace(0.01, 0.95, N_UNITS - 3)])
RARE = np.concatenate([np.geomspace(1e-5, 0.02, N_UNITS - 2), [0.0, 0.5]])
POPULATION = np.array([0.9, 0.04, 0.02, *[0.0] * (N_UNITS - 4), 0.03, 0.01])
MEAN = np.concatenate([[0.0, 1e-6, 20.0], np.linspace(0.01, 3, N_UNITS - 3)])
WIRING = np.arange(N_UNITS)[:, None] % 4 == np.arange(3)
LATENT = np.full((N_UNITS, N_UNITS), 0.3) + 0.7 * np.eye(N_UNITS)


@dataclass(frozen=True)
class Case:
    """A process, one of a single unit that changes, and one of units that never do."""

    process: object
    single: object
    certain: object  # units of which each has rate 0, or is active on every example


CASES = {
    "IndependentBernoulli": Case(
        simulate.IndependentBernoulli(rate=RATE),
        simulate.IndependentBernoulli(rate=[0.3]),
        simulate.IndependentBernoulli(rate=[0, 1, 0]),
    ),
    **{
        f"ExchangeableBernoulli, {mixing}": Case(
            simulate.ExchangeableBernoulli(n_units=67, rate=0.2, correlation=0.3, mixing=mixing),
            simulate.ExchangeableBernoulli(n_units=1, rate=0.3, correlation=0.3, mixing=mixing),
            None,
        )
        for mixing in ("beta", "probit", "two-point")
    },
    "IndependentBernoulli, rare": Case(
        simulate.IndependentBernoulli(rate=RARE),
        simulate.IndependentBernoulli(rate=[0.01]),
        simulate.IndependentBernoulli(rate=[0, 0, 0]),
    ),
    **{
        f"ExchangeableBernoulli, {mixing}, rare": Case(
            simulate.ExchangeableBernoulli(n_units=67, rate=0.01, correlation=0.1, mixing=mixing),
            simulate.ExchangeableBernoulli(n_units=1, rate=0.01, correlation=0.1, mixing=mixing),
            None,
        )
        for mixing in ("beta", "probit", "two-point")
    },
    "DichotomizedGaussian, rare": Case(
        simulate.DichotomizedGaussian(rate=RARE, loading=np.linspace(0.9, -0.9, N_UNITS)),
        simulate.DichotomizedGaussian(rate=[0.01], loading=0.5),
        simulate.DichotomizedGaussian(rate=[0, 0], loading=0.5),
    ),
    "ClassConditional, rare": Case(
        simulate.ClassConditional(class_probability=[0.2, 0.8], class_rate=[RARE, RARE[::-1]]),
        simulate.ClassConditional(class_probability=[1.0], class_rate=[[0.01]]),
        simulate.ClassConditional(class_probability=[0.5, 0.5], class_rate=[[0, 0], [0, 0]]),
    ),
    "SharedFeatures, rare": Case(
        simulate.SharedFeatures(feature_probability=[0.003, 0.01, 0.001], wiring=WIRING, noise=0.002),
        simulate.SharedFeatures(feature_probability=[0.01], wiring=[[0]]),
        simulate.SharedFeatures(feature_probability=[0, 0], wiring=[[0], [1], []]),
    ),
    **{
        f"GammaFrailty, rare, shape {shape:g}": Case(
            simulate.GammaFrailty(rate=RARE * 0.99, shape=shape),
            simulate.GammaFrailty(rate=[0.01], shape=shape),
            simulate.GammaFrailty(rate=[0, 0], shape=shape),
        )
        for shape in (0.003, 0.1, 2.0)
    },
    "PopulationBernoulli, rare": Case(
        simulate.PopulationBernoulli(population_pmf=POPULATION),
        simulate.PopulationBernoulli(population_pmf=[0.99, 0.01]),
        simulate.PopulationBernoulli(population_pmf=[1.0, 0, 0]),
    ),
    "Layer, rare": Case(
        simulate.Layer(
            parts=[
                simulate.GammaFrailty(rate=RARE[:40] * 0.9, shape=1.0),
                simulate.ExchangeableBernoulli(n_units=27, rate=0.01, correlation=0.1, mixing="beta"),
            ]
        ),
        simulate.Layer(parts=[simulate.IndependentBernoulli(rate=[0.01])]),
        simulate.Layer(parts=[simulate.IndependentBernoulli(rate=[0]) for _ in range(2)]),
    ),
    "MixedProcess, rare": Case(
        simulate.MixedProcess(
            share=[0.98, 0.0, 0.02],
            parts=[
                simulate.IndependentBernoulli(rate=RARE),
                simulate.IndependentBernoulli(rate=RATE),
                simulate.GammaFrailty(rate=RARE[::-1] * 0.9, shape=1.0),
            ],
        ),
        simulate.MixedProcess(share=[1.0], parts=[simulate.IndependentBernoulli(rate=[0.01])]),
        simulate.MixedProcess(
            share=[0.5, 0.5], parts=[simulate.IndependentBernoulli(rate=[0, 0]) for _ in range(2)]
        ),
    ),
    "DichotomizedGaussian": Case(
        simulate.DichotomizedGaussian(rate=RATE, loading=np.linspace(0.9, -0.9, N_UNITS)),
        simulate.DichotomizedGaussian(rate=[0.3], loading=0.5),
        simulate.DichotomizedGaussian(rate=[0, 1, 0], loading=[0.9, -0.9, 0]),
    ),
    "FactorGaussian": Case(
        simulate.FactorGaussian(rate=RATE, loading=np.full((N_UNITS, 2), 0.5)),
        simulate.FactorGaussian(rate=[0.3], loading=[[0.5]]),
        simulate.FactorGaussian(rate=[0, 1, 0], loading=[[0.9], [0.9], [0]]),
    ),
    "LatentGaussian": Case(
        simulate.LatentGaussian(rate=RATE, latent_correlation=LATENT),
        simulate.LatentGaussian(rate=[0.3], latent_correlation=[[1.0]]),
        simulate.LatentGaussian(rate=[0, 1, 1], latent_correlation=np.ones((3, 3))),
    ),
    "ClassConditional": Case(
        simulate.ClassConditional(class_probability=[0.2, 0.8], class_rate=[RATE, RATE[::-1]]),
        simulate.ClassConditional(class_probability=[1.0], class_rate=[[0.3]]),
        simulate.ClassConditional(class_probability=[0.5, 0.5], class_rate=[[0, 1], [0, 1]]),
    ),
    "SharedFeatures": Case(
        simulate.SharedFeatures(feature_probability=[0.1, 0.3, 0.01], wiring=WIRING, noise=0.05),
        simulate.SharedFeatures(feature_probability=[0.3], wiring=[[0]]),
        simulate.SharedFeatures(feature_probability=[0, 1], wiring=[[0], [1], []]),
    ),
    "GammaFrailty": Case(
        simulate.GammaFrailty(rate=RATE * 0.99, shape=2.0),
        simulate.GammaFrailty(rate=[0.3], shape=1.0),
        simulate.GammaFrailty(rate=[0, 0], shape=1.0),
    ),
    "DispersedBernoulli": Case(
        simulate.DispersedBernoulli(rate=RATE, dispersion=np.linspace(0, 2, N_UNITS), window=20),
        simulate.DispersedBernoulli(rate=[0.3], dispersion=0.5, window=20),
        simulate.DispersedBernoulli(rate=[0, 1, 0], dispersion=0.5, window=20),
    ),
    "PopulationBernoulli": Case(
        simulate.PopulationBernoulli(population_pmf=np.full(N_UNITS + 1, 1 / (N_UNITS + 1))),
        simulate.PopulationBernoulli(population_pmf=[0.7, 0.3]),
        simulate.PopulationBernoulli(population_pmf=[0, 0, 1.0]),
    ),
    "Layer": Case(
        simulate.Layer(
            parts=[
                simulate.GammaFrailty(rate=RATE[:40] * 0.9, shape=1.0),
                simulate.IndependentBernoulli(rate=RATE[40:]),
            ]
        ),
        simulate.Layer(parts=[simulate.IndependentBernoulli(rate=[0.3])]),
        simulate.Layer(parts=[simulate.IndependentBernoulli(rate=[x]) for x in (0, 1)]),
    ),
    "MixedProcess": Case(
        simulate.MixedProcess(
            share=[0.3, 0.7],
            parts=[
                simulate.IndependentBernoulli(rate=RATE),
                simulate.DichotomizedGaussian(rate=RATE[::-1], loading=0.5),
            ],
        ),
        simulate.MixedProcess(share=[1.0], parts=[simulate.IndependentBernoulli(rate=[0.3])]),
        simulate.MixedProcess(
            share=[0.5, 0.5], parts=[simulate.IndependentBernoulli(rate=[0, 1]) for _ in range(2)]
        ),
    ),
    "IndependentPoisson": Case(
        simulate.IndependentPoisson(rate=MEAN),
        simulate.IndependentPoisson(rate=[0.3]),
        simulate.IndependentPoisson(rate=[0, 0]),
    ),
    "IndependentPoisson, rare": Case(
        simulate.IndependentPoisson(rate=MEAN / 1000),
        simulate.IndependentPoisson(rate=[0.005]),
        simulate.IndependentPoisson(rate=[0]),
    ),
    "CommonSources": Case(
        simulate.CommonSources(own=MEAN, wiring=WIRING, source_rate=[0.5, 0, 0.1]),
        simulate.CommonSources(own=[0.1], wiring=[[1]], source_rate=[0.2]),
        simulate.CommonSources(own=[0, 0], wiring=[[1], [0]], source_rate=[0.0]),
    ),
    "CommonSources, rare": Case(
        simulate.CommonSources(own=MEAN / 2000, wiring=WIRING, source_rate=[0.001, 0, 0.003]),
        simulate.CommonSources(own=[0.001], wiring=[[1]], source_rate=[0.002]),
        simulate.CommonSources(own=[0, 0], wiring=np.zeros((2, 0)), source_rate=[]),
    ),
    "CompoundPoisson": Case(
        simulate.CompoundPoisson(n_units=67, event_rate=9.0, synchrony=[0.5, 0.2, *[0] * 50, 0.3]),
        simulate.CompoundPoisson(n_units=1, event_rate=0.3, synchrony=[1.0]),
        simulate.CompoundPoisson(n_units=2, event_rate=0, synchrony=[0.5, 0.5]),
    ),
    "CompoundPoisson, rare": Case(
        simulate.CompoundPoisson(n_units=67, event_rate=0.02, synchrony=[0.5, 0.3, *[0] * 50, 0.2]),
        simulate.CompoundPoisson(n_units=1, event_rate=0.005, synchrony=[1.0]),
        simulate.CompoundPoisson(n_units=1, event_rate=0, synchrony=[1.0]),
    ),
    "GammaPoisson": Case(
        simulate.GammaPoisson(rate=MEAN, dispersion=0.4),
        simulate.GammaPoisson(rate=[0.3], dispersion=2.0),
        simulate.GammaPoisson(rate=[0, 0], dispersion=2.0),
    ),
    "GammaPoisson, rare": Case(
        simulate.GammaPoisson(rate=MEAN / 1000, dispersion=3.0),
        simulate.GammaPoisson(rate=[0.005], dispersion=2.0),
        simulate.GammaPoisson(rate=[0], dispersion=2.0),
    ),
    "OneFactorPoisson": Case(
        simulate.OneFactorPoisson(rate=MEAN, loading=np.linspace(0.9, -0.9, N_UNITS)),
        simulate.OneFactorPoisson(rate=[0.3], loading=0.9),
        simulate.OneFactorPoisson(rate=[0, 0], loading=0.9),
    ),
    "PoissonCopula": Case(
        simulate.PoissonCopula(rate=MEAN, latent_correlation=LATENT),
        simulate.PoissonCopula(rate=[0.3], latent_correlation=[[1.0]]),
        simulate.PoissonCopula(rate=[0, 0], latent_correlation=np.eye(2)),
    ),
}
every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def draw(process, n_examples=N_EXAMPLES, seed=5):
    return process.sample(n_examples, rng=np.random.default_rng(seed))


def rng():
    return np.random.default_rng(5)


def test_every_public_process_is_held_to_the_contract():
    public = (getattr(simulate, name) for name in simulate.__all__)
    kinds = {
        kind for kind in public if isinstance(kind, type) and issubclass(kind, Process | CountProcess)
    }
    assert kinds == {type(case.process) for case in CASES.values()}


@every_case
def test_neither_threads_nor_blocks_nor_the_form_change_the_draw(case, monkeypatch):
    process = case.process
    monkeypatch.setattr("numba.get_num_threads", lambda: 1)
    whole = draw(process)
    for n_threads in (1, 2, 3):
        monkeypatch.setattr("numba.get_num_threads", lambda n=n_threads: n)
        assert np.array_equal(draw(process), whole)
        assert np.array_equal(unpack(process.sample_packed(N_EXAMPLES, rng=rng()), N_UNITS), whole > 0)
        assert np.array_equal(process.sample_events(N_EXAMPLES, rng=rng()).dense(), whole)
    few = draw(process, 70), unpack(process.sample_packed(70, rng=rng()), N_UNITS)
    assert all(np.array_equal(part > 0, whole[:70] > 0) for part in few)
    assert np.array_equal(process.sample_events(70, rng=rng()).dense(), whole[:70])


@every_case
@pytest.mark.parametrize("block", [1, 997, N_EXAMPLES])
def test_a_stream_of_blocks_is_the_whole_draw_in_every_form(case, block):
    process, n_examples = case.process, 200 if block == 1 else N_EXAMPLES
    whole = draw(process, n_examples)
    cells = list(process.blocks(n_examples, rng=rng(), block=block))
    assert {len(part) for part in cells[:-1]} <= {block}
    assert np.array_equal(np.concatenate(cells), whole)
    words = list(process.packed_blocks(n_examples, rng=rng(), block=block))
    assert [len(part) for part in words] == [len(part) for part in cells]
    assert np.array_equal(np.concatenate(words), process.sample_packed(n_examples, rng=rng()))
    events = list(process.event_blocks(n_examples, rng=rng(), block=block))
    assert all(np.array_equal(one.dense(), other) for one, other in zip(events, cells, strict=True))


@every_case
def test_a_draw_begins_when_it_is_asked_for(case):
    """A stream takes its random numbers at once, and others may be drawn while it is read."""
    generator = rng()
    streams = [
        getattr(case.process, name)(80, rng=generator, block=30)
        for name in ("blocks", "packed_blocks", "event_blocks")
    ]
    generator = rng()
    first = case.process.sample(80, rng=generator)
    second = unpack(case.process.sample_packed(80, rng=generator), N_UNITS)
    third = case.process.sample_events(80, rng=generator).dense()
    cells, words, events = (list(stream) for stream in streams)
    assert np.array_equal(np.concatenate(cells), first)
    assert np.array_equal(unpack(np.concatenate(words), N_UNITS), second)
    assert np.array_equal(np.concatenate([part.dense() for part in events]), third)


@every_case
@pytest.mark.parametrize(
    "name", ["sample", "sample_packed", "sample_events", "blocks", "packed_blocks", "event_blocks"]
)
def test_a_draw_of_no_examples_is_an_error_that_is_named(case, name):
    with pytest.raises(ValueError, match="n_examples must be at least 1, got 0"):
        getattr(case.process, name)(0, rng=rng())
    with pytest.raises(TypeError, match=r"rng must be a numpy\.random\.Generator, got int"):
        getattr(case.process, name)(5, rng=3)
    if name.endswith("blocks"):
        with pytest.raises(ValueError, match="block must be at least 1, got 0"):
            getattr(case.process, name)(5, rng=rng(), block=0)


NO_UNITS = {
    "IndependentBernoulli": lambda: simulate.IndependentBernoulli(rate=[]),
    "ExchangeableBernoulli": lambda: simulate.ExchangeableBernoulli(
        n_units=0, rate=0.2, correlation=0.3, mixing="beta"
    ),
    "DichotomizedGaussian": lambda: simulate.DichotomizedGaussian(rate=[], loading=[]),
    "FactorGaussian": lambda: simulate.FactorGaussian(rate=[], loading=np.empty((0, 1))),
    "LatentGaussian": lambda: simulate.LatentGaussian(rate=[], latent_correlation=np.empty((0, 0))),
    "ClassConditional": lambda: simulate.ClassConditional(class_probability=[1.0], class_rate=[[]]),
    "SharedFeatures": lambda: simulate.SharedFeatures(feature_probability=[0.1], wiring=[]),
    "GammaFrailty": lambda: simulate.GammaFrailty(rate=[], shape=1.0),
    "PopulationBernoulli": lambda: simulate.PopulationBernoulli(population_pmf=[1.0]),
    "DispersedBernoulli": lambda: simulate.DispersedBernoulli(rate=[], dispersion=0.5, window=20),
    "Layer": lambda: simulate.Layer(parts=[]),
    "MixedProcess": lambda: simulate.MixedProcess(share=[], parts=[]),
    "IndependentPoisson": lambda: simulate.IndependentPoisson(rate=[]),
    "CommonSources": lambda: simulate.CommonSources(own=[], wiring=np.empty((0, 0)), source_rate=[]),
    "CompoundPoisson": lambda: simulate.CompoundPoisson(n_units=0, event_rate=1.0, synchrony=[1.0]),
    "GammaPoisson": lambda: simulate.GammaPoisson(rate=[], dispersion=1.0),
    "OneFactorPoisson": lambda: simulate.OneFactorPoisson(rate=[], loading=0.5),
    "PoissonCopula": lambda: simulate.PoissonCopula(rate=[], latent_correlation=np.empty((0, 0))),
}


@pytest.mark.parametrize("build", NO_UNITS.values(), ids=NO_UNITS)
def test_a_layer_of_no_units_is_an_error_that_is_named(build):
    names = r"rate|n_units|class_rate|wiring|population_pmf|parts|share|own"
    with pytest.raises(ValueError, match=rf"^({names}) must "):
        build()


def test_every_process_is_asked_for_no_units():
    assert {type(case.process).__name__ for case in CASES.values()} <= NO_UNITS.keys()


@every_case
def test_arrays_are_of_the_stated_kind(case):
    process = case.process
    counted = isinstance(process, CountProcess)
    drawn, words = draw(process, 50), process.sample_packed(50, rng=rng())
    assert (drawn.dtype, words.dtype) == (np.uint8 if counted else np.bool_, np.uint64)
    assert (drawn.shape, words.shape) == ((50, N_UNITS), (50, 2))
    assert drawn.flags.c_contiguous
    assert words.flags.c_contiguous
    events = process.sample_events(50, rng=rng())
    rows = events.active if counted else events
    assert (rows.start.dtype, rows.unit.dtype) == (np.int64, np.int32)
    assert rows.start.size == 51
    row = np.repeat(np.arange(50), np.diff(rows.start))
    assert (np.diff(row * N_UNITS + rows.unit) > 0).all()
    if counted:
        assert events.count.dtype == np.uint8
        for dtype in (np.uint16, np.uint32, np.uint64):
            wide = process.sample(50, rng=rng(), dtype=dtype)
            listed = process.sample_events(50, rng=rng(), dtype=dtype)
            assert (wide.dtype, listed.count.dtype) == (dtype, dtype)
            assert np.array_equal(wide, drawn)
            assert np.array_equal(listed.dense(), drawn)
        assert events.count.min(initial=1) > 0


@every_case
def test_streams_do_not_repeat(case):
    generator = np.random.default_rng(5)
    first, second = (case.process.sample(2000, rng=generator) for _ in range(2))
    assert not np.array_equal(first, second)
    assert not np.array_equal(first[:1000], first[1000:])
    assert not np.array_equal(first, draw(case.process, 2000, seed=6))
    assert len(np.unique(first, axis=0)) > 10


@every_case
def test_one_example_and_one_unit_are_enough(case):
    assert draw(case.process, 1).shape == (1, N_UNITS)
    assert draw(case.single, 3).shape == (3, 1)
    assert case.single.predict().covariance.shape == (1, 1)
    drawn = draw(case.single, 3000)
    assert 0 < np.count_nonzero(drawn) < 3000
    packed = case.single.sample_packed(3000, rng=rng())
    assert np.array_equal(unpack(packed, 1), drawn > 0)
    assert case.single.sample_events(1, rng=rng()).dense().shape == (1, 1)


@every_case
def test_a_rate_of_0_is_never_and_a_rate_of_1_always(case):
    if case.certain is None:  # its rates are of (0, 1)
        with pytest.raises(ValueError, match=r"rate must lie in \(0, 1\), got 0"):
            simulate.ExchangeableBernoulli(n_units=1, rate=0, correlation=0.3, mixing="beta")
        return
    rate = case.certain.predict().rate
    assert np.isin(rate, (0, 1)).all()
    expected = np.broadcast_to(rate, (2000, rate.size))
    assert np.array_equal(draw(case.certain, 2000), expected)
    assert np.array_equal(case.certain.sample_events(2000, rng=rng()).dense(), expected)
    assert np.array_equal(unpack(case.certain.sample_packed(2000, rng=rng()), rate.size), expected)


@every_case
def test_parameters_are_frozen_and_named(case):
    process = case.process
    parameters = [field for field in fields(process) if field.init]
    for field in fields(process):
        value = getattr(process, field.name)
        with pytest.raises(FrozenInstanceError):
            setattr(process, field.name, value)
        assert not isinstance(value, np.ndarray) or not value.flags.writeable
    with pytest.raises(TypeError, match="positional argument"):
        type(process)(*[getattr(process, field.name) for field in parameters])


@every_case
def test_a_prediction_has_rates_and_pairs_and_says_what_it_lacks(case):
    predicted = case.process.predict()
    assert predicted.rate.shape == (N_UNITS,)
    assert predicted.covariance.shape == (N_UNITS, N_UNITS)
    assert np.isfinite(predicted.covariance).all()
    if hasattr(predicted, "population_pmf"):
        assert predicted.population_pmf.sum() == pytest.approx(1, abs=1e-9)
    else:
        with pytest.raises(AttributeError, match="population_pmf has no closed form for this process"):
            _ = predicted.population_pmf
