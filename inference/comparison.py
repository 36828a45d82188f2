"""Models fitted to one layer, side by side: what each predicts of a unit left out, and its evidence.

With L_i the likelihood of unit i at a posterior draw, the expected log predictive density of a unit that
the fit did not see is estimated by Pareto-smoothed importance sampling [1]_,

    elpd = Σ_i log p(unit i | all others),

its standard error from the spread of the terms over units, that of a difference from the spread of the
differences. It asks that the likelihood has a term for each unit: one of a histogram, whose terms stand
for many examples each, or one number for the layer, has nothing to leave out, and such models are
compared by their evidence alone (:mod:`rote.inference.evidence`).

The two answer different questions. elpd asks which model, fitted to the other units, predicts one more,
and the prior fades from it as units are added; the evidence asks which model, prior and all, foresaw
the layer, and a wide prior lowers it without limit. Both compare models of the same data only, which is
known by the names of the likelihood's parts (``active_count``): they must agree.

.. [1] Vehtari, Gelman, Gabry (2017), Statistics and Computing 27, 1413-1432; Vehtari et al. (2024),
   Journal of Machine Learning Research 25(72).
"""

import warnings
from collections.abc import Mapping

import arviz as az
import numpy as np
import pandas as pd
import pymc as pm
import xarray as xr
from arviz_stats.utils import ELPDDataLOO
from scipy.special import softmax

from ..activity.arrays import Floats
from ..activity.checks import check_generator
from .densities import likelihood_terms
from .evidence import log_evidence

HISTOGRAM = "histogram"  # ends the names of likelihoods whose terms stand for many examples each
COLUMNS = [
    *("elpd", "elpd_error", "effective_parameters", "elpd_difference", "difference_error"),
    *("log_evidence", "evidence_error", "probability", "remark"),
]


def pointwise(model: pm.Model, posterior: xr.DataTree) -> xr.DataTree:
    """Return ``posterior`` with each unit's log-likelihood at each draw as group ``log_likelihood``.

    That is what :func:`arviz.loo` and :func:`arviz.compare` read. A ``ValueError`` for a model whose
    likelihood is not in terms of units; others as of :func:`~rote.inference.densities.unbounded_draws`.
    """
    terms = likelihood_terms(model, posterior)
    if reason := _no_units(terms):
        raise ValueError(f"the likelihood must have a term for each unit, got {reason}")
    return _with_units(posterior, terms)


def compare_models(
    fitted: Mapping[str, tuple[pm.Model, xr.DataTree]], *, rng: np.random.Generator
) -> pd.DataFrame:
    """Return a row for each of ``fitted``, a model and its posterior by name; most evidence first.

    Columns: ``elpd`` with ``elpd_error`` and ``effective_parameters``; ``elpd_difference`` to the
    highest, with ``difference_error``; ``log_evidence`` with ``evidence_error``; ``probability`` of the
    model, at equal odds before the data; ``remark``. What has no elpd has nan, and the remark says why.
    Raises ``ValueError`` for fewer than two models, or models of different data.
    """
    if len(fitted) < 2:
        raise ValueError(f"fitted must hold two models at least, got {len(fitted)}")
    check_generator(rng)
    check_same_data({name: model for name, (model, _) in fitted.items()})
    rows, left_out = {}, {}
    for name, (model, posterior) in fitted.items():
        evidence = log_evidence(model, posterior, rng=rng)
        rows[name] = {"log_evidence": evidence.log_evidence, "evidence_error": evidence.error}
        terms = likelihood_terms(model, posterior)
        if reason := _no_units(terms):
            rows[name]["remark"] = f"elpd has no meaning for {reason}"
            continue
        left_out[name] = _leave_out(_with_units(posterior, terms))
        rows[name] |= _row(left_out[name])
    if len(sizes := {int(result.n_data_points) for result in left_out.values()}) > 1:
        raise ValueError(f"models must be fitted to the same units, got {sorted(sizes)} of them")
    best = max(left_out.values(), key=lambda result: result.elpd, default=None)
    for name, result in left_out.items():
        difference = result.elpd_i.to_numpy() - best.elpd_i.to_numpy()
        rows[name]["elpd_difference"] = difference.sum()
        rows[name]["difference_error"] = np.sqrt(difference.size * difference.var(ddof=1))
    table = pd.DataFrame.from_dict(rows, orient="index")
    table["probability"] = softmax(table["log_evidence"])
    return table.reindex(columns=COLUMNS).sort_values("log_evidence", ascending=False)


def check_same_data(models: Mapping[str, pm.Model]) -> None:
    """Raise ``ValueError`` unless the likelihoods' parts have the same names in all ``models``."""
    parts = {
        name: sorted(source.name for source in [*model.observed_RVs, *model.potentials])
        for name, model in models.items()
    }
    if len(set(map(tuple, parts.values()))) > 1:
        told = ", ".join(f"{' and '.join(part)} ({name})" for name, part in parts.items())
        raise ValueError(f"models must be of the same data, got likelihoods of {told}")


def _no_units(terms: Mapping[str, Floats]) -> str | None:
    """Return in words why the likelihood has no terms of units, or nothing if it does."""
    if not terms:
        return "a model without a likelihood"
    for name, values in terms.items():
        if name.endswith(HISTOGRAM):
            return f"{name}, whose terms stand for many examples each"
        if values.ndim != 3 or values.shape[2] == 1:
            return f"{name} of shape {values.shape[2:]} for the whole layer"
    if len({values.shape for values in terms.values()}) > 1:
        return "parts of different sizes: " + ", ".join(
            f"{values.shape[2]} terms of {name}" for name, values in terms.items()
        )
    return None


def _with_units(posterior: xr.DataTree, terms: Mapping[str, Floats]) -> xr.DataTree:
    """Return ``posterior`` with the sum of ``terms``, which are of the same units."""
    coords = {dim: posterior["posterior"][dim] for dim in ("chain", "draw")}
    total = (("chain", "draw", "unit"), np.sum(list(terms.values()), axis=0))
    log_likelihood = xr.Dataset({"_and_".join(terms): total}, coords=coords)
    groups = {name: group.to_dataset() for name, group in posterior.children.items()}
    return xr.DataTree.from_dict({**groups, "log_likelihood": log_likelihood})


def _leave_out(tree: xr.DataTree) -> ELPDDataLOO:
    """Return the elpd with its terms; what ArviZ warns of is told by :func:`_row`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return az.loo(tree, pointwise=True)


def _row(result: ELPDDataLOO) -> dict[str, object]:
    row = {"elpd": result.elpd, "elpd_error": result.se, "effective_parameters": result.p}
    bad = int((result.pareto_k > result.good_k).sum())
    told = (
        f"{bad} of {result.n_data_points} units have a Pareto k above {result.good_k:.2f}: "
        "the posterior hangs on single units, and elpd is not to be trusted"
    )
    return row | {"remark": told if bad else ""}
