"""Whether posteriors hold what they promise: simulation-based calibration.

Parameters θ are drawn from a model's prior, data from its twin process at θ, and the model is fitted to
the data. Over many runs the rank of θ among posterior draws is then uniform, whatever the model, and an
interval of 90 % holds θ in 90 % of runs [1]_: the prior averages over its own posteriors. Runs in which
the model refuses the data, or the chains do not converge, are counted and left out; given data that are
fitted, ranks are uniform all the same.

Ranks are taken among ``N_RANKS`` - 1 draws spaced evenly over all chains, so that they are close to
independent.

.. [1] Talts, Betancourt, Simpson, Vehtari, Gelman (2018), Validating Bayesian inference algorithms with
   simulation-based calibration, arXiv 1804.06788.
"""

import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from ..activity.arrays import Counts
from ..activity.checks import check_count, check_generator
from ..inference.fitting import fit
from ..inference.models import MODELS
from ..inference.posterior import ConvergenceError
from ..inference.priors import prior_draws

N_RANKS = 200
MOST_BINS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Layers of one kind, drawn at parameters from a model's prior."""

    model: str  # of rote.inference.models.MODELS
    name: str  # what is special about the layers
    draw: Callable[[Mapping[str, float], np.random.Generator], object]  # the model's data at parameters
    typical: Mapping[str, float]  # parameters whose ranks are taken, at a typical value
    prior: Hashable | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Calibration:
    """Ranks of the true parameters over the runs of one scenario."""

    scenario: Scenario
    ranks: dict[str, Counts]  # (n_runs - refused - failed,) from 0 to N_RANKS - 1, by parameter
    refused: int  # runs whose data the model would not take
    failed: int  # runs whose chains did not converge
    seconds: float  # of a fit, median

    def covered(self, parameter: str, level: float = 0.9) -> tuple[int, int]:
        """Return in how many runs the central interval of ``level`` held the truth, and of how many."""
        rank = (self.ranks[parameter] + 0.5) / N_RANKS
        return int((np.abs(rank - 0.5) < level / 2).sum()), rank.size

    def p_value(self, parameter: str) -> float:
        """Return the p-value of uniform ranks: Pearson's χ², of ten runs a bin in up to 20 bins."""
        ranks = self.ranks[parameter]
        n_bins = int(np.clip(ranks.size // 10, 2, MOST_BINS))
        seen = np.bincount(ranks * n_bins // N_RANKS, minlength=n_bins)
        return float(stats.chisquare(seen).pvalue)

    def rows(self) -> list[dict[str, object]]:
        """Return a row for each parameter: coverage with its 90 % interval, and the p-value."""
        rows = []
        for parameter in self.ranks:
            held, n_runs = self.covered(parameter)
            low, high = stats.binomtest(held, n_runs).proportion_ci(0.9)
            rows.append(
                {"model": self.scenario.model, "layers": self.scenario.name, "parameter": parameter}
                | {"n_runs": n_runs, "coverage": held / n_runs, "low": low, "high": high}
                | {"p_value": self.p_value(parameter), "refused": self.refused, "failed": self.failed}
                | {"seconds": self.seconds}
            )
        return rows


def calibrate(
    scenario: Scenario,
    *,
    n_runs: int,
    rng: np.random.Generator,
    draws: int = 500,
    tune: int = 500,
    progress: Callable[[int, int], object] | None = None,
) -> Calibration:
    """Draw, fit and rank ``n_runs`` times; ``progress`` is called with the runs done and due.

    Raises ``RuntimeError`` where no run could be ranked.
    """
    check_count("n_runs", n_runs)
    truths = draw_truths(scenario, n_runs, rng=rng)
    ranks, refused, failed, seconds = [], 0, 0, []
    for run, truth in enumerate(truths.to_dict("records")):
        started = time.perf_counter()
        try:
            data = scenario.draw(truth, rng)
            fitted = fit(
                data, model=scenario.model, prior=scenario.prior, rng=rng, draws=draws, tune=tune
            )
        except ConvergenceError:
            failed += 1
        except ValueError:
            refused += 1
        else:
            seconds.append(time.perf_counter() - started)
            ranks.append([_rank(fitted["posterior"][name].to_numpy(), truth[name]) for name in truth])
        if progress:
            progress(run + 1, n_runs)
    if not ranks:
        raise RuntimeError(
            f"no run of {scenario.model}, {scenario.name}, could be ranked: {refused} refused, "
            f"{failed} did not converge"
        )
    return Calibration(
        scenario=scenario,
        ranks=dict(zip(truths.columns, np.array(ranks).T, strict=True)),
        refused=refused,
        failed=failed,
        seconds=float(np.median(seconds)),
    )


def draw_truths(scenario: Scenario, n_runs: int, *, rng: np.random.Generator) -> pd.DataFrame:
    """Return ``n_runs`` draws of the scenario's parameters from the model's prior, a row for each."""
    chosen = MODELS[scenario.model]
    prior = chosen.prior() if scenario.prior is None else scenario.prior
    model = chosen.build(scenario.draw(scenario.typical, check_generator(rng)), prior=prior)
    return pd.DataFrame(prior_draws(model, rng=rng, n_draws=n_runs, names=list(scenario.typical)))


def _rank(posterior: np.ndarray, truth: float) -> int:
    """Return how many of ``N_RANKS`` - 1 evenly spaced draws ``(chain, draw)`` lie below ``truth``."""
    draws = posterior.T.ravel()
    spaced = draws[np.linspace(0, draws.size - 1, N_RANKS - 1).round().astype(int)]
    return int((spaced < truth).sum())
