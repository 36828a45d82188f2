"""An unbounded scale for a positive parameter that may be indistinguishable from zero.

    value = knee·log(1 + e^z),    knee the largest value that the data leave room for,

logarithmic far below the knee and linear above. On a plain logarithm such data make a cliff: below the
knee nothing changes, above it the log-likelihood falls as the value or its square, and so
exponentially. Leapfrog steps that fit the plain run into it, are kicked far off and diverge. Here the
cliff is a normal law's flank. Of a parameter that the data do tell from zero, the knee is above the
posterior and the scale a logarithm.

The knee is a parameter of the variable's law, though the law does not depend on it: only such a one may
be a model's ``pm.Data``, changed without compiling anew, or depend on other variables.
"""

import pymc as pm
import pytensor.tensor as pt
from pymc.logprob.transforms import Transform


class HalfLog(Transform):
    """The scale of a variable whose law has the parameters (μ, σ, knee)."""

    name = "half_log"
    ndim_supp = 0

    def forward(self, value: pt.TensorVariable, *inputs: pt.Variable) -> pt.TensorVariable:
        """Return z."""
        ratio = value / _knee(*inputs)
        return ratio + pt.log(-pt.expm1(-ratio))

    def backward(self, value: pt.TensorVariable, *inputs: pt.Variable) -> pt.TensorVariable:
        """Return the parameter at z = ``value``."""
        return _knee(*inputs) * pt.softplus(value)

    def log_jac_det(self, value: pt.TensorVariable, *inputs: pt.Variable) -> pt.TensorVariable:
        """Return the logarithm of the parameter's derivative in z = ``value``."""
        return pt.log(_knee(*inputs)) - pt.softplus(-value)


def half_log_normal(name: str, median: float, log_sd: float, knee: pt.TensorLike) -> pt.TensorVariable:
    """Add a log-normal variable to the model in context; its chain begins at the knee, on this scale."""
    return pm.CustomDist(
        name,
        pt.log(median),
        log_sd,
        knee,
        dist=lambda mu, sigma, knee, size: pm.LogNormal.dist(mu, sigma, size=size),
        logp=lambda value, mu, sigma, knee: pm.logp(pm.LogNormal.dist(mu, sigma), value),
        support_point=lambda rv, size, mu, sigma, knee: pt.full_like(rv, knee),
        default_transform=HalfLog(),
    )


def _knee(
    size: None, mu: pt.Variable, sigma: pt.Variable, knee: pt.Variable, rng: pt.Variable
) -> pt.Variable:
    """Return the knee among the inputs of the variable."""
    return knee
