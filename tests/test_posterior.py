"""Sampling: what converged is returned, what did not is an error, and equal streams give equal draws."""

import arviz as az
import numpy as np
import pymc as pm
import pytest
import xarray as xr
from scipy import stats

from rote.activity.measurement import measure
from rote.inference import posterior as posterior_module
from rote.inference.fitting import fit
from rote.inference.posterior import ConvergenceError, sample
from rote.inference.rates import RatePrior, rate_model
from rote.simulate.independent import IndependentBernoulli


@pytest.fixture(scope="module")
def layers():
    rng = np.random.default_rng(list(b"layers of the posterior tests"))
    draw = IndependentBernoulli(rate=rng.beta(0.6, 2, size=60))
    return [measure(draw.sample(n, rng=rng)) for n in (300, 500)]


@pytest.fixture(scope="module")
def posterior(layers):
    calls = []
    tree = fit(
        layers[0],
        rng=np.random.default_rng(list(b"fit")),
        draws=600,
        tune=600,
        progress=lambda done, due: calls.append((done, due)),
    )
    return tree, calls


def test_equal_streams_give_equal_posteriors_after_other_data(layers, posterior):
    other = fit(layers[1], rng=np.random.default_rng(list(b"fit")), draws=600, tune=600)["posterior"]
    again = fit(layers[0], rng=np.random.default_rng(list(b"fit")), draws=600, tune=600)
    assert again["posterior"].to_dataset().identical(posterior[0]["posterior"].to_dataset())
    assert not other["mean"].equals(again["posterior"]["mean"])


def test_a_posterior_is_read_by_arviz_and_netcdf(posterior, tmp_path):
    tree, _ = posterior
    tree.to_netcdf(tmp_path / "fit.nc", engine="h5netcdf")
    with xr.open_datatree(tmp_path / "fit.nc", engine="h5netcdf") as back:
        assert back["posterior"].attrs["model"] == "rates"
        assert set(az.summary(back).index) == {
            "mean",
            "concentration",
            "dead_fraction",
            "silent_fraction",
        }


def test_progress_ends_with_all_draws_done(posterior):
    done, due = zip(*posterior[1], strict=True)
    assert done[-1] == 4 * 1200
    assert set(due) == {4 * 1200}
    assert list(done) == sorted(done)


def two_hills(data):
    """Two far hills, between which no chain moves."""
    with pm.Model() as model:
        x = pm.Normal("x", 0, 20)
        height = pm.Data("height", data)
        hills = pm.math.logaddexp(-((x - 15) ** 2) * height, -((x + 15) ** 2) * height)
        pm.Potential("hills", hills)
        pm.Deterministic("y", 2 * x)
    model.set_initval(x, 0.0)
    return model


def funnel(data):
    with pm.Model() as model:
        width = pm.Normal("width", 0, 3)
        pm.Normal("x", 0, pm.math.exp(width / 2) * pm.Data("one", data), shape=9)
    return model


@pytest.mark.parametrize(
    ("model", "draws", "sentence"),
    [
        (two_hills, 400, r"must agree \(R-hat at most 1\.01\), got .*draw and tune more"),
        (funnel, 400, r"without divergences, got \d+: tune longer"),
    ],
)
def test_what_did_not_converge_is_no_result(model, draws, sentence, rng):
    with pytest.raises(ConvergenceError, match=sentence):
        sample(model(1.0), kind=model.__name__, prior=None, rng=rng, draws=draws, tune=400, tries=1)


def test_too_few_effective_draws_are_no_result_but_more_are_drawn(layers, rng):
    few = {"kind": "rates", "prior": RatePrior(), "rng": rng, "draws": 60, "tune": 300}
    with pytest.raises(ConvergenceError, match=r"(R-hat|effective sample size).*\(tried 1 times"):
        sample(rate_model(layers[0]), **few, tries=1)
    tree = sample(rate_model(layers[0]), **few, tries=5)
    assert tree["posterior"].sizes["draw"] in (120, 240, 480, 960)


def test_a_second_try_is_longer_and_takes_smaller_steps(rng, monkeypatch):
    asked = []

    def record(*args, sampling=posterior_module.nutpie.sample, **how):
        asked.append((how["draws"], how["tune"], how["target_accept"]))
        return sampling(*args, **how)

    monkeypatch.setattr(posterior_module.nutpie, "sample", record)
    with pytest.raises(ConvergenceError, match="tried 3 times"):
        sample(two_hills(1.0), kind="two hills", prior=None, rng=rng, draws=100, tune=100)
    assert asked == [
        (n, n, pytest.approx(share)) for n, share in ((100, 0.9), (200, 0.95), (400, 0.975))
    ]


def test_a_single_parameter_is_drawn_almost_independently(rng):
    """The U-turn rule gives a third of the draws in effect, on a normal law."""
    with pm.Model() as model:
        pm.Normal("x", 0, 1)
    tree = sample(model, kind="single", prior=None, rng=rng)
    assert float(az.ess(tree["posterior"].to_dataset())["x"]) > 2400  # of 4000


def test_an_error_in_progress_is_handed_on(layers, rng):
    def broken(done, due):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(layers[0], rng=rng, draws=600, tune=600, progress=broken)


@pytest.mark.parametrize(
    ("wrong", "error", "sentence"),
    [
        ({"model": "poisson"}, ValueError, "model must be one of rates, .*factor, .*; got 'poisson'"),
        ({"rng": 3}, TypeError, "rng must be a numpy.random.Generator, got int"),
        ({"draws": 0}, ValueError, "draws must be at least 1, got 0"),
        ({"chains": 1}, ValueError, "chains must be at least 2, got 1"),
        ({"prior": 1.0}, TypeError, "prior of the rates model must be a RatePrior, got float"),
    ],
)
def test_wrong_arguments_are_named(wrong, error, sentence, layers, rng):
    with pytest.raises(error, match=sentence):
        fit(layers[0], **({"rng": rng} | wrong))


@pytest.mark.slow
@pytest.mark.parametrize("beside", [0, 1, 2])
@pytest.mark.parametrize(
    ("name", "law"),
    [("beta", stats.beta(1, 4)), ("small", stats.beta(1, 300)), ("exponential", stats.expon())],
)
def test_draws_have_the_law_of_the_density(name, law, beside, rng):
    """A parameter of known law, alone and with others: mean and second moment, to what draws tell."""
    with pm.Model() as model:
        pm.Exponential("x", 1) if name == "exponential" else pm.Beta("x", *law.args)
        if beside:
            pm.Normal("other", 0, 1, shape=beside)
    kind = f"{name} and {beside}"
    draws = sample(model, kind=kind, prior=None, rng=rng, draws=12_000)["posterior"]["x"]
    for power in (1, 2):
        value = draws.to_numpy() ** power
        exact = law.expect(lambda x, power=power: x**power)
        z = (value.mean() - exact) / (value.std() / np.sqrt(float(az.ess(value))))
        assert abs(z) < stats.norm.isf(0.25e-6)
