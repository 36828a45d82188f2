"""What a posterior costs: against a term for every cell, with the number of examples, over many layers.

    python benchmarks/fits.py [--repeats 3] [--layers 24] [--out docs]

writes fits.md, whose words are in fits_page.md. One thread for each chain's arithmetic; seconds are CPU
seconds of the whole process, so that other work on the machine hardly counts. Compiling is told apart
from sampling.

The naive model of a layer's rates has a rate for each unit and a Bernoulli term for each cell. With a
binomial term for each unit instead its density is the same up to a constant, and so are the paths that
the sampler takes: its gradients for each effective draw are counted there, and what one gradient costs
with a term for each cell is measured by itself. To run it would take minutes to hours.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = "1"

import arviz as az
import numpy as np
import pymc as pm
import xarray as xr
from page import machine, table
from timing import installed, median_of

from rote.activity.arrays import Activity
from rote.activity.measurement import measure
from rote.activity.statistics import Statistics
from rote.inference.claims import MeasuredLayer
from rote.inference.fitting import fit
from rote.inference.models import MODELS
from rote.inference.posterior import sample
from rote.inference.rates import RatePrior, rate_model
from rote.simulate import BetaRates, DichotomizedGaussian, IndependentBernoulli, one_factor_pmf

UNITS, EXAMPLES = 512, 10_000
LAW = BetaRates(n_units=UNITS, mean=0.2, concentration=3.0)
NETWORKS = 6
COMPARED = ["mean", "concentration"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a fit took, compiled before."""

    seconds: float  # CPU
    effective: float  # draws: the smallest bulk ESS of the layer's parameters
    gradients: float  # of all chains, warm-up not counted

    @property
    def seconds_each(self) -> float:
        """CPU seconds for an effective draw, warm-up included."""
        return self.seconds / self.effective


def per_unit_model(layer: Statistics, *, prior: RatePrior) -> pm.Model:
    """Build the model with a rate and a binomial term for each unit; without dead units."""
    median, log_sd = prior.concentration
    with pm.Model() as model:
        count = pm.Data("count", layer.active_count)
        rate = _rates(prior, median, log_sd, layer.n_units)
        pm.Binomial("active_count", pm.Data("n_examples", layer.n_examples), rate, observed=count)
    return model


def per_cell_model(active: Activity, *, prior: RatePrior) -> pm.Model:
    """Build the same with a Bernoulli term for each cell of ``active`` (n_examples, n_units)."""
    median, log_sd = prior.concentration
    with pm.Model() as model:
        rate = _rates(prior, median, log_sd, active.shape[1])
        pm.Bernoulli("active", rate, observed=pm.Data("cell", active.astype(np.int8)))
    return model


def _rates(prior: RatePrior, median: float, log_sd: float, n_units: int) -> pm.Distribution:
    mean = pm.Beta("mean", *prior.mean)
    concentration = pm.LogNormal("concentration", np.log(median), log_sd)
    return pm.Beta("rate", mean * concentration, (1 - mean) * concentration, shape=n_units)


def cost(draw: Callable[[], xr.DataTree]) -> Cost:
    """Time one fit."""
    started = time.process_time()
    posterior = draw()
    seconds = time.process_time() - started
    ess = az.ess(posterior["posterior"].to_dataset()[COMPARED], method="bulk")
    return Cost(
        seconds=seconds,
        effective=min(float(ess[name]) for name in COMPARED),
        gradients=float(posterior["sample_stats"]["n_steps"].sum()),
    )


def gradient_seconds(model: pm.Model, repeats: int) -> float:
    """Return CPU seconds of the log-density with its gradient."""
    function = model.logp_dlogp_function(ravel_inputs=True)
    function.set_extra_values({})
    start = pm.blocking.DictToArrayBijection.map(model.initial_point()).data
    return median_of(lambda: function(start), repeats)


def against_naive(rng: np.random.Generator, repeats: int) -> list[list[str]]:
    """Return rows: model, gradient ms, gradients and CPU seconds for 1000 effective draws, ratio."""
    active = IndependentBernoulli(rate=LAW.sample(rng=rng)).sample(EXAMPLES, rng=rng)
    layer, prior = measure(active, pairs=False), RatePrior()
    runs = {"rates integrated out": rate_model, "a binomial term for each unit": per_unit_model}
    rows, costs, gradient = [], {}, {}
    for name, build in runs.items():
        model = build(layer, prior=prior)

        def draw(model: pm.Model = model, name: str = name) -> xr.DataTree:
            return sample(model, kind=name, prior=prior, rng=rng)

        draw()  # compiles
        costs[name] = sorted((cost(draw) for _ in range(repeats)), key=lambda one: one.seconds_each)
        gradient[name] = gradient_seconds(model, repeats)
    ours, per_unit = (costs[name][repeats // 2] for name in runs)
    for name, one in zip(runs, (ours, per_unit), strict=True):
        rows.append(_row(name, gradient[name], one.gradients / one.effective, one.seconds_each, ours))
    cell = gradient_seconds(per_cell_model(active, prior=prior), repeats)
    each = per_unit.seconds_each * cell / gradient["a binomial term for each unit"]
    paths = per_unit.gradients / per_unit.effective
    rows.append(_row("a Bernoulli term for each cell (reckoned)", cell, paths, each, ours))
    return rows


def _row(name: str, gradient: float, paths: float, seconds_each: float, ours: Cost) -> list[str]:
    ratio = seconds_each / ours.seconds_each
    return [
        name,
        f"{1e3 * gradient:.3g}",
        f"{1000 * paths:,.0f}",
        f"{1000 * seconds_each:.3g}",
        f"{ratio:,.3g}",
    ]


def by_examples(rng: np.random.Generator, repeats: int) -> list[list[str]]:
    """Return rows: model, examples, CPU seconds of a fit (median), compiled before."""
    rows = []
    small = measure(IndependentBernoulli(rate=np.full(UNITS, 0.5)).sample(2, rng=rng), pairs=False)
    rate = LAW.sample(rng=rng)
    pmf = one_factor_pmf(rate[:128], 0.4)
    for n_examples in (1_000, 10_000, 1_000_000, 1_000_000_000):
        counts = replace(small, n_examples=n_examples, active_count=rng.binomial(n_examples, rate))
        histogram = rng.multinomial(n_examples, pmf / pmf.sum())
        crowd = _consistent(small, rate[:128], histogram, rng)
        for model, layer in {"rates": counts, "factor": crowd}.items():
            fit(layer, model=model, rng=rng)
            times = []
            for _ in range(repeats):
                started = time.process_time()
                fit(layer, model=model, rng=rng)
                times.append(time.process_time() - started)
            rows.append(
                [model, f"{layer.n_units}", f"{n_examples:,}", f"{statistics.median(times):.2f}"]
            )
    return sorted(rows, key=lambda row: row[0])


def _consistent(
    small: Statistics, rate: np.ndarray, histogram: np.ndarray, rng: np.random.Generator
) -> Statistics:
    """Return statistics of a factor layer whose units' counts make up its population counts."""
    activations, n_examples = int(histogram @ np.arange(histogram.size)), int(histogram.sum())
    count = np.minimum(rng.multinomial(activations, rate / rate.sum()), n_examples)
    count[count.argmin()] += activations - count.sum()
    return replace(
        small, n_examples=n_examples, active_count=count, population_histogram=histogram.astype(np.int64)
    )


def over_layers(rng: np.random.Generator, n_layers: int) -> list[list[str]]:
    """Return rows: model, layers, seconds of the first fit (compiles), each further, minutes of all."""
    rows = []
    for model in ("rates", "rate_mixture", "factor", "dispersion"):
        times = []
        for _ in range(n_layers):
            n_units = int(rng.integers(64, 257))  # one compilation serves layers of any size
            law = replace(LAW, n_units=n_units, mean=rng.uniform(0.05, 0.4))
            process = DichotomizedGaussian(rate=law.sample(rng=rng), loading=0.4)
            layer = measure(process.sample(2000, rng=rng), pairs=False)
            data = MODELS[model].take(MeasuredLayer(statistics=layer, aligned=layer))
            started = time.process_time()
            fit(data, model=model, rng=rng)
            times.append(time.process_time() - started)
        each = statistics.median(times[1:])
        whole = times[0] + (24 * NETWORKS - 1) * each
        rows.append([model, f"{n_layers}", f"{times[0]:.1f}", f"{each:.2f}", f"{whole / 60:.1f}"])
    return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3, help="fits of each measurement (default: 3)")
    parser.add_argument("--layers", type=int, default=24, help="layers fitted in a row (default: 24)")
    parser.add_argument("--out", type=Path, default=Path("docs"), help="folder (default: docs)")
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    page = (Path(__file__).parent / "fits_page.md").read_text(encoding="utf-8")
    header = "model, gradient ms, gradients for 1000 effective draws, CPU s for them, ratio"
    page = page.format(
        repeats=options.repeats,
        machine=machine(),
        versions=", ".join(f"{name} {installed(name)}" for name in ("rote", "pymc", "nutpie", "arviz")),
        layers=table(
            "model, layers fitted, first fit s, each further s, 144 layers min",
            over_layers(rng, options.layers),
        ),
        examples=table("model, units, examples, fit s", by_examples(rng, options.repeats)),
        units=UNITS,
        n_examples=f"{EXAMPLES:,}",
        naive=table(header, against_naive(rng, options.repeats)),
    )
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "fits.md").write_text(page, encoding="utf-8")
    print(page)


if __name__ == "__main__":
    main()
