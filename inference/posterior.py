"""The one place that samples: a posterior that converged, or an error that says what to do.

Chains are those of the No-U-Turn sampler of nutpie. With one or two parameters its rule ends a path
after two or three steps, and chains creep; there every path has seven steps, and a draw is taken from
all eight states by weight, which leaves the density as it is too [1]_. (To grow a path once more after
the rule has ended it, or to apply the rule late, does not.) A posterior is refused if any variable has a
rank-normalized R-hat above 1.01 or a bulk effective sample size below 400 (Vehtari et al., Bayesian
Analysis 16, 2021), or if any transition diverged [1]_.

A compiled model is kept and given new data: compiling costs more than sampling. It is compiled without
leave to reorder sums: with it, code from PyTensor's cache on disk rounds in other places than code that
was compiled at one go, and equal seeds give other draws.

.. [1] Betancourt (2017), A conceptual introduction to Hamiltonian Monte Carlo, arXiv 1701.02434,
   appendix A.2.
"""

from collections.abc import Callable, Hashable
from importlib.metadata import version

import arviz as az
import numpy as np
import nutpie
import pandas as pd
import pymc as pm
import pytensor
import xarray as xr
from nutpie.sample import CompiledModel
from threadpoolctl import threadpool_limits

from ..activity.checks import check_count, check_generator

MOST_R_HAT = 1.01
LEAST_ESS = 400
TRIES = 3  # R-hat of a hundred variables exceeds its bound by chance now and then
MISSED_ACCEPT = 0.1  # of the proposals at the first try
FEW_PARAMETERS = 2
FIXED_PATH = {"check_turning": False, "maxdepth": 3}
AUXILIARY = "_z"  # ends the names of variables that only serve the sampler
KEPT_STATISTICS = ["diverging", "energy", "depth", "n_steps", "step_size", "mean_tree_accept"]

type Progress = Callable[[int, int], object]
"""Called with the draws done and the draws due, warm-up included, over all chains; from a thread."""

_compiled: dict[Hashable, CompiledModel] = {}


class ConvergenceError(RuntimeError):
    """Chains that do not stand for the posterior; the message says what may help."""


def summarize(posterior: xr.DataTree) -> pd.DataFrame:
    """Return mean, sd, 90 % interval of equal tails and diagnostics: a row for each variable."""
    return az.summary(posterior, ci_prob=0.9, ci_kind="eti", round_to="none")


def sample(
    model: pm.Model,
    *,
    kind: str,
    prior: Hashable,
    rng: np.random.Generator,
    draws: int = 1000,
    tune: int = 1000,
    chains: int = 4,
    progress: Progress | None = None,
    tries: int = TRIES,
) -> xr.DataTree:
    """Return the posterior of ``model``, or raise :class:`ConvergenceError`.

    Chains that fall short are drawn anew with twice the draws, twice the warm-up and half the proposals
    missed, so in smaller steps, ``tries`` times in all. Models of equal ``kind``, ``prior`` and
    coordinates must differ in their ``pm.Data`` only: they share one compilation. The posterior depends
    on nothing else but the state of ``rng``.
    """
    check_count("draws", draws)
    check_count("tune", tune)
    check_count("chains", chains, least=2)
    check_count("tries", tries)
    seed = int(check_generator(rng).integers(2**63))
    compiled = _compile(model, kind, prior)
    path = FIXED_PATH if compiled.n_dim <= FEW_PARAMETERS else {}
    for longer in (2**attempt for attempt in range(tries)):
        due = longer * chains * (draws + tune)

        def tell(states: list, due: int = due) -> None:  # called from the sampler's thread
            progress(sum(state.finished_draws for state in states), due)

        with threadpool_limits(1, user_api="blas"):  # each chain has a thread of its own
            sampler = nutpie.sample(
                compiled,
                draws=longer * draws,
                tune=longer * tune,
                chains=chains,
                seed=seed,
                target_accept=1 - MISSED_ACCEPT / longer,
                save_warmup=False,
                progress_bar=False,
                progress_callback=tell if progress else None,
                progress_rate=100,
                blocking=False,
                **path,
            )
            try:
                tree = sampler.wait()
            except KeyboardInterrupt:  # left to itself, nutpie would hand out what was drawn so far
                sampler.cancel()
                raise
        if progress:
            progress(due, due)
        if (shortfall := _shortfall(tree, kind)) is None:
            return _tidy(tree, model=kind, prior=repr(prior), seed=str(seed))
    raise ConvergenceError(f"{shortfall} (tried {tries} times, each twice as long as before)")


def _compile(model: pm.Model, kind: str, prior: Hashable) -> CompiledModel:
    """Return the compiled model with this model's data, compiling only what is new."""
    coords = tuple((name, tuple(values)) for name, values in model.coords.items())
    key = (kind, prior, coords)
    if key not in _compiled:
        with pytensor.config.change_flags(numba__fastmath=False):
            _compiled[key] = nutpie.compile_pymc_model(model)
    compiled = _compiled[key]
    data = {variable.name: variable.get_value() for variable in model.data_vars}
    used = {variable.name for variable in compiled.shared_var_keys}
    return compiled.with_data(**{name: data[name] for name in sorted(used)})


def _shortfall(tree: xr.DataTree, kind: str) -> str | None:
    """Return in a sentence why the chains do not stand for the posterior, or nothing if they do."""
    diverged = int(tree["sample_stats"]["diverging"].sum())
    r_hat, ess = az.rhat(tree["posterior"]), az.ess(tree["posterior"], method="bulk")
    worst = max(_values(r_hat), key=lambda pair: (np.isnan(pair[0]), pair[0]))
    fewest = min(_values(ess), key=lambda pair: (not np.isnan(pair[0]), pair[0]))
    if diverged:
        return (
            f"the {kind} posterior must be sampled without divergences, got {diverged}: tune longer, or "
            "look for a layer with next to no data or a prior at odds with it"
        )
    if not worst[0] <= MOST_R_HAT:
        return (
            f"the chains of the {kind} posterior must agree (R-hat at most {MOST_R_HAT}), got "
            f"{worst[0]:.3f} for {worst[1]}: draw and tune more"
        )
    if not fewest[0] >= LEAST_ESS:
        return (
            f"the {kind} posterior needs an effective sample size of {LEAST_ESS}, got {fewest[0]:.0f} "
            f"for {fewest[1]}: take more draws"
        )
    return None


def _values(diagnostic: xr.DataTree) -> list[tuple[float, str]]:
    """Return each variable's values with its name."""
    return [
        (float(value), str(name))
        for name, values in diagnostic.data_vars.items()
        for value in np.ravel(values)
    ]


def _tidy(tree: xr.DataTree, **attrs: str) -> xr.DataTree:
    """Keep what is of use, and of the attributes what does not change from run to run."""
    posterior = tree["posterior"].to_dataset()
    auxiliary = [name for name in posterior.data_vars if str(name).endswith(AUXILIARY)]
    versions = {f"{name}_version": version(name) for name in ("rote", "pymc", "nutpie", "arviz")}
    statistics = tree["sample_stats"].to_dataset()[KEPT_STATISTICS]
    statistics.attrs = {"sampler": "nutpie"}
    posterior = posterior.drop_vars([*auxiliary, "z"], errors="ignore").drop_dims(
        "unconstrained_parameter", errors="ignore"
    )
    posterior.attrs = attrs | versions
    return xr.DataTree.from_dict({"posterior": posterior, "sample_stats": statistics})
