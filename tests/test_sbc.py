"""The judge of posteriors: uniform ranks for the exact one, an alarm for one too narrow or off."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from rote.inference.posterior import ConvergenceError
from rote.validate import calibration
from rote.validate.calibration import Calibration, Scenario, calibrate
from rote.validate.scenarios import SCENARIOS

N_EXAMPLES = 500


@pytest.fixture
def scenario():
    """A rate known from a binomial count: under a uniform prior Beta(k + 1, n - k + 1) is exact."""
    return Scenario(
        model="rates", name="exact", draw=lambda truth, _: truth["mean"], typical={"mean": 0.3}
    )


@pytest.fixture
def exact(monkeypatch):
    """Replace the sampler by the exact posterior, or one of a sample ``surer`` times as large."""

    def install(*, surer=1.0, fail=()):
        calls = iter(range(10_000))

        def draws_of(truth, *, rng, **_):
            call = next(calls)
            if call in fail:
                raise fail[call]
            k = rng.binomial(N_EXAMPLES, truth)
            a, b = (k + 1) * surer, (N_EXAMPLES - k + 1) * surer
            mean = ("chain", "draw"), rng.beta(a, b, size=(4, 500))
            return xr.DataTree.from_dict({"posterior": xr.Dataset({"mean": mean})})

        monkeypatch.setattr(calibration, "fit", draws_of)
        monkeypatch.setattr(calibration, "draw_truths", prior)

    return install


def prior(_scenario, n_runs, *, rng):
    return pd.DataFrame({"mean": rng.uniform(size=n_runs)})


def test_ranks_of_the_exact_posterior_are_uniform(exact, scenario, agrees, rng):
    exact()
    found = calibrate(scenario, n_runs=400, rng=rng)
    held, n_runs = found.covered("mean")
    assert agrees(found.p_value("mean"))
    assert abs(held - 0.9 * n_runs) < 5 * np.sqrt(0.09 * n_runs)


@pytest.mark.parametrize("surer", [0.3, 3.0])
def test_ranks_of_a_posterior_of_another_width_raise_the_alarm(surer, exact, scenario, rejects, rng):
    exact(surer=surer)
    found = calibrate(scenario, n_runs=400, rng=rng)
    held, n_runs = found.covered("mean")
    assert rejects(found.p_value("mean"))
    assert abs(held - 0.9 * n_runs) > 5 * np.sqrt(0.09 * n_runs)


def test_runs_without_a_posterior_are_counted_apart(exact, scenario, rng):
    calls = []
    exact(fail={1: ConvergenceError("no"), 2: ValueError("no"), 3: ValueError("no")})
    found = calibrate(scenario, n_runs=6, rng=rng, progress=lambda *call: calls.append(call))
    row = found.rows()[0]
    assert (row["n_runs"], row["failed"], row["refused"]) == (3, 1, 2)
    assert calls == [(n, 6) for n in range(1, 7)]


def test_no_ranked_run_is_an_error(exact, scenario, rng):
    exact(fail={0: ValueError("no")})
    with pytest.raises(RuntimeError, match="no run of rates, exact, could be ranked: 1 refused"):
        calibrate(scenario, n_runs=1, rng=rng)


def test_priors_are_the_models_own(rng):
    drawn = calibration.draw_truths(SCENARIOS[0], 400, rng=rng)
    assert list(drawn) == ["mean", "concentration", "dead_fraction"]
    assert abs(np.log(drawn["concentration"]).mean() - np.log(5)) < 5 * 1.5 / 20
    assert abs(drawn["mean"].mean() - 0.5) < 5 * np.sqrt(1 / 12) / 20


@pytest.mark.slow
@pytest.mark.parametrize("one", SCENARIOS, ids=lambda s: f"{s.model}, {s.name}")
def test_every_model_is_calibrated(one, agrees, rng):
    """A small run: no alarm at one in a million; docs/calibration.md holds a larger one."""
    found: Calibration = calibrate(one, n_runs=20, rng=rng)
    for parameter in found.ranks:
        assert agrees(found.p_value(parameter))
    assert found.failed <= 4
