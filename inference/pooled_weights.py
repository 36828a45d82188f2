"""Posterior of the law of a layer's weights, or of their change, taken as one pool.

Twin of :class:`rote.simulate.GeneralizedNormal` (``exponent``, ``sd``) or of
:class:`rote.simulate.VarianceGamma` (``shape``, ``sd``), with a point mass at zero such as an L1 penalty
leaves:

    w = 0 with probability zero_fraction, else w ~ law, of standard deviation sd.

The data are how often each size occurs (:mod:`rote.inference.weight_surface`), so that a fit costs the
same for any number of weights. Exponents beyond 10, which are as good as uniform weights, are given the
likelihood at 10, and shapes beyond 1000, as good as Gaussian, that at 1000.

*The posterior takes weights for independent draws.* That holds for an initialization. In a trained layer
the weights into a unit share its rate and its history: what is said of the pool is right, the width is
too narrow, as far as units differ. :mod:`rote.inference.unit_weights` takes units for the pieces, and
should be asked what a layer's units are like. The likelihood is one number, so that weights cannot be
left out one by one; laws compare by their evidence (:func:`weight_evidence`), with the same reservation.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from numpy.typing import ArrayLike
from scipy.special import gammaln, logsumexp
from scipy.stats import norm

from ..activity.arrays import Floats
from ..activity.checks import as_floats, check_choice
from ..simulate.weight_laws import GeneralizedNormal, VarianceGamma
from .weight_surface import DROP, LogDensity, Sizes, Surface, surface_logp

LEAST_WEIGHTS = 100  # of fewer, the likelihood is too flat to be tabulated over all that it allows
N_NODES = 201  # of the evidence's quadrature, each way


@dataclass(frozen=True, slots=True, kw_only=True)
class _Law:
    """A law of weights with one parameter besides its scale."""

    parameter: str
    ends: tuple[float, float]  # between which the parameter is told from others
    at: Callable[[float], GeneralizedNormal | VarianceGamma]  # sd 1
    log_ratio: Callable[[Any, Callable], Any]  # ln(E|w| / sd) of the parameter, in NumPy or as a graph

    def log_density(self, size: Floats, parameter: float) -> Floats:
        """Return the log-density at sizes of the law of mean size 1."""
        law = self.at(parameter)
        return law.log_pdf(size * law.l1_l2_ratio) + np.log(law.l1_l2_ratio)


LAWS = {
    "generalized normal": _Law(
        parameter="exponent",
        ends=(0.1, 10.0),
        at=lambda exponent: GeneralizedNormal(exponent=exponent),
        log_ratio=lambda q, gammaln: gammaln(2 / q) - (gammaln(1 / q) + gammaln(3 / q)) / 2,
    ),
    "variance-gamma": _Law(
        parameter="shape",
        ends=(0.05, 1000.0),
        at=lambda shape: VarianceGamma(sd=1.0, shape=shape),
        log_ratio=lambda k, gammaln: (
            np.log(2 / np.pi) / 2 + gammaln(k + 0.5) - gammaln(k) - np.log(k) / 2
        ),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PooledWeightPrior:
    """The law of one layer's pool, and the priors of its parameters."""

    law: str = "generalized normal"  # or "variance-gamma"
    exponent: tuple[float, float] = (1.5, 0.7)  # median and sd of the logarithm: 0.5 to 5
    shape: tuple[float, float] = (2.0, 1.0)  # median and sd of the logarithm: 0.4 to 10
    sd: tuple[float, float] = (0.1, 2.0)  # median and sd of the logarithm: 0.004 to 3
    zero_fraction: tuple[float, float] = (1.0, 1.0)  # Beta shapes: every share equally likely

    def __post_init__(self) -> None:
        check_choice("law", self.law, tuple(LAWS))


def pooled_weight_model(
    weight: ArrayLike, *, prior: PooledWeightPrior = PooledWeightPrior()
) -> pm.Model:
    """Build the model of weights of any shape; a ``ValueError`` if fewer than 100 are not 0."""
    law = LAWS[prior.law]
    sizes, n_zeros = _sizes(weight)
    surface = Surface.tabulate(sizes, law.log_density, *law.ends)
    with pm.Model() as model:
        median, log_sd = getattr(prior, law.parameter)
        parameter = pm.LogNormal(law.parameter, np.log(median), log_sd)
        median, log_sd = prior.sd
        sd = pm.LogNormal("sd", np.log(median), log_sd)
        zero_fraction = pm.Beta("zero_fraction", *prior.zero_fraction)
        n_weights = pm.Data("n_weights", sizes.n_weights + n_zeros)
        pm.Binomial("zeros", n_weights, zero_fraction, observed=pm.Data("n_zeros", n_zeros))
        log_mean = pt.log(sd) + law.log_ratio(parameter, pt.gammaln)
        pm.Potential("size", surface_logp(surface, pt.log(parameter), log_mean))
    return model


def weight_evidence(
    weight: ArrayLike, *, prior: PooledWeightPrior = PooledWeightPrior()
) -> dict[str, float]:
    """Return the log evidence of four laws for the weights that are not zero, by quadrature.

    Laws are those of ``LAWS`` and their landmarks, ``"Gaussian"`` and ``"Laplace"``; ``prior.law`` plays
    no part. Parameters beyond a law's ends are left out.
    """
    sizes, _ = _sizes(weight)
    evidence = {name: _free_evidence(sizes, name, prior) for name in LAWS}
    density = LAWS["generalized normal"].log_density
    for name, exponent in (("Laplace", 1.0), ("Gaussian", 2.0)):
        evidence[name] = _fixed_evidence(sizes, density, exponent, prior)
    return evidence


def _free_evidence(sizes: Sizes, name: str, prior: PooledWeightPrior) -> float:
    law = LAWS[name]
    surface = Surface.tabulate(sizes, law.log_density, *law.ends)
    median, log_sd = getattr(prior, law.parameter)
    place = np.linspace(-1, 1, N_NODES)
    x, y = np.meshgrid(*(surface.middle[:, None] + surface.half[:, None] * place), indexing="ij")
    log_scale = y - law.log_ratio(np.exp(x), gammaln)
    log = surface(x, y) + norm.logpdf(x, np.log(median), log_sd) + _scale_prior(log_scale, prior)
    return surface.best + float(logsumexp(log)) + np.log(4 * surface.half.prod() / (N_NODES - 1) ** 2)


def _fixed_evidence(
    sizes: Sizes, density: LogDensity, exponent: float, prior: PooledWeightPrior
) -> float:
    """Return the evidence where only the scale is free, by quadrature about its most likely value."""
    power = sizes.share @ np.exp(exponent * sizes.log_size)
    law = GeneralizedNormal(exponent=exponent)
    best = np.log(exponent * power / sizes.n_weights) / exponent - np.log(law.scale)  # of ln sd
    reach = np.sqrt(2 * DROP / (exponent * sizes.n_weights))
    log_scale = best + np.linspace(-reach, max(reach, 2 * DROP / sizes.n_weights), N_NODES)
    value = sizes.log_likelihood(density, [np.log(exponent)], log_scale + np.log(law.l1_l2_ratio))[0]
    log = value + _scale_prior(log_scale, prior)
    return float(logsumexp(log)) + np.log(log_scale[1] - log_scale[0])


def _scale_prior(log_scale: Floats, prior: PooledWeightPrior) -> Floats:
    median, log_sd = prior.sd
    return norm.logpdf(log_scale, np.log(median), log_sd)


def _sizes(weight: ArrayLike) -> tuple[Sizes, int]:
    weight = as_floats("weight", weight)
    written = weight[weight != 0]
    if written.size < LEAST_WEIGHTS:
        raise ValueError(
            f"weight must hold {LEAST_WEIGHTS} numbers other than 0, got {written.size} of {weight.size}"
        )
    return Sizes.of(written), weight.size - written.size
