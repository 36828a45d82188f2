"""The evidence of a model, the integral of prior times likelihood, by bridge sampling.

Let q(x) be prior times likelihood on the unbounded scale, with Jacobians, and g(x) a normal density
with mean and covariance of one half of the posterior draws. With N₁ of the other half, x*, and N₂
draws x' of g, the optimal bridge [1]_ is the fixed point r of [2]_

    r = mean[ l(x') / (s₁ l(x') + s₂ r) ] / mean[ 1 / (s₁ l(x*) + s₂ r) ],    l = q / g,

s₁ = n₁/(n₁ + N₂), s₂ = 1 - s₁, with n₁ the effective number of the N₁. The halves are apart because a g
fitted on the draws that it is held against makes r too large [3]_. The relative variance of r is [4]_

    Var(f')/(N₂ mean(f')²) + Var(f*)/(n* mean(f*)²),
    f' = q/(s₁ q + s₂ r g) at x',    f* = g/(s₁ q + s₂ r g) at x*,

n* the effective number of f*. It knows nothing of a part of the posterior that no chain reached.

The evidence is that of the density as the model writes it. A Potential may leave out a constant (the
factor model's is relative to its most likely loading): such evidences compare priors of one model, not
models.

.. [1] Meng and Wong (1996), Statistica Sinica 6, 831-860.
.. [2] Gronau et al. (2017), Journal of Mathematical Psychology 81, 80-97, equation 15.
.. [3] Overstall and Forster (2010), Computational Statistics and Data Analysis 54, 3269-3288.
.. [4] Frühwirth-Schnatter (2004), Econometrics Journal 7, 143-167; Gronau et al., equation 16.
"""

from dataclasses import dataclass

import arviz as az
import numpy as np
import pymc as pm
import xarray as xr
from scipy.linalg import solve_triangular
from scipy.special import logsumexp

from ..activity.arrays import Floats
from ..activity.checks import check_generator
from .densities import log_density, unbounded_draws

STEPS = 1000  # of the fixed point, which gains a constant factor in each
SETTLED = 1e-10  # nats that a step moves it at most when it is reached


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Log of the evidence, in nats."""

    log_evidence: float
    error: float  # standard error of the logarithm


def log_evidence(model: pm.Model, posterior: xr.DataTree, *, rng: np.random.Generator) -> Evidence:
    """Return the evidence of ``model`` from draws of its posterior.

    Errors as of :func:`~rote.inference.densities.unbounded_draws`; a ``ValueError`` too if there are not
    twenty draws for each dimension, or the density is nan at a draw.
    """
    check_generator(rng)
    draws = unbounded_draws(model, posterior)
    n_chains, n_draws, n_dimensions = draws.shape
    if n_chains * n_draws < 20 * n_dimensions:
        raise ValueError(
            f"posterior must hold twenty draws for each of {n_dimensions} dimensions, got "
            f"{n_chains * n_draws}"
        )
    fitted, held = np.split(draws, [n_draws // 2], axis=1)
    center, root = _normal(fitted.reshape(-1, n_dimensions))
    own = held.reshape(-1, n_dimensions)
    proposed = center + rng.standard_normal(own.shape) @ root.T
    density = log_density(model)
    ratio = density(own) - _log_normal(own, center, root)
    proposed_ratio = density(proposed) - _log_normal(proposed, center, root)
    if np.isnan(ratio).any() or np.isnan(proposed_ratio).any():
        raise ValueError("the model's log-density must be a number, got nan at a draw or near them")
    effective = min(_effective(held[..., which]) for which in range(n_dimensions))
    return _bridge(ratio.reshape(held.shape[:2]), proposed_ratio, effective)


def _bridge(ratio: Floats, proposed_ratio: Floats, effective: float) -> Evidence:
    """Return the fixed point, from log l at posterior draws (n_chains, n_draws) and at proposed ones."""
    share = effective / (effective + proposed_ratio.size)
    log_r = float(np.median(ratio))
    for _ in range(STEPS):
        upper, lower = _log_terms(ratio, proposed_ratio, share, log_r)
        moved = log_r + _log_mean(upper) - _log_mean(lower)
        step, log_r = abs(moved - log_r), moved
        if step < SETTLED:
            break
    else:
        raise ValueError(f"the bridge must settle in {STEPS} steps, still moves by {step:.2g} nats")
    upper, lower = (np.exp(log) for log in _log_terms(ratio, proposed_ratio, share, log_r))
    variance = _relative_variance(upper) / upper.size + _relative_variance(lower) / _effective(lower)
    return Evidence(log_evidence=log_r, error=float(np.sqrt(variance)))


def _log_terms(
    ratio: Floats, proposed_ratio: Floats, share: float, log_r: float
) -> tuple[Floats, Floats]:
    """Return the logs of what is averaged above and below the line, with l in units of r."""
    ours, theirs = np.log(share), np.log1p(-share)
    ratio, proposed_ratio = ratio - log_r, proposed_ratio - log_r
    upper = proposed_ratio - np.logaddexp(ours + proposed_ratio, theirs)
    return upper, -np.logaddexp(ours + ratio, theirs)


def _log_mean(log: Floats) -> float:
    return float(logsumexp(log) - np.log(log.size))


def _relative_variance(value: Floats) -> float:
    return float(value.var() / value.mean() ** 2)


def _effective(draws: Floats) -> float:
    """Return the effective number of ``draws`` (n_chains, n_draws) for their mean."""
    return float(az.ess(draws, method="mean"))


def _normal(draws: Floats) -> tuple[Floats, Floats]:
    """Return mean and root of the covariance of ``draws`` (n, n_dimensions)."""
    covariance = np.atleast_2d(np.cov(draws, rowvar=False))
    return draws.mean(axis=0), np.linalg.cholesky(covariance)


def _log_normal(points: Floats, center: Floats, root: Floats) -> Floats:
    """Return the log-density of the normal at ``points`` (n, n_dimensions)."""
    standard = solve_triangular(root, (points - center).T, lower=True)
    norm = np.log(np.diag(root)).sum() + len(center) * np.log(2 * np.pi) / 2
    return -np.square(standard).sum(axis=0) / 2 - norm
