"""Posterior of how loudness goes with the rate: a power law with noise, through a layer's units.

    ln M_i = intercept + exponent·ln rate_i + noise_i    over the units that were active,

M_i being unit i's mean magnitude; fitted by :mod:`rote.inference.exponent`, with its parameters. Twin of
:class:`rote.simulate.MagnitudeLink`. Of the rate there are k activations in T examples, taken in as in
:mod:`rote.inference.coherence`. Of M_i there is the mean A_i of k magnitudes, whose logarithm has

    y_i = ln A_i - ψ(a_i) + ln a_i,    error_i² = ψ'(a_i),    a_i = k_i / c_i²,

as mean and variance where magnitudes are gamma with variation c_i, exactly; of other laws to first order
in 1/k. The correction keeps quiet rare units from passing for quieter than they are: ln A_i is too small
by about c²/2k. c_i² is the sample's, drawn toward the layer's as if that had been seen on
``LAYER_ACTIVATIONS`` activations, since a unit with few of them does not know its own. Few magnitudes
also seem to vary less than they do: with Q_i = Σ a²/A_i² - k_i, for gamma magnitudes exactly (the shares
a/Σa are Dirichlet),

    E[Q_i] = (k_i - 1) c² / (1 + c²/k_i),

which is solved for the layer's c² with ΣQ_i.

What is left out: the law of ln rate is taken as normal, and errors too, which are skewed where k is 1 or
2; always active units count with the rest.

The null has an exponent as well: among rectified Gaussians of one σ a rarer unit is quieter, though not
by a power of its rate (:func:`rote.simulate.null_exponent`). :func:`null_slope` is the slope of a line
through the null's magnitudes at the layer's rates: the exponent to compare with.
"""

import numpy as np
import pymc as pm
from scipy.special import ndtri, polygamma, psi

from ..activity.arrays import Floats
from ..activity.statistics import Statistics
from ..simulate.positive_normals import positive_moments
from .exponent import LEAST_UNITS, ExponentPrior, exponent_model, log_rate

LAYER_ACTIVATIONS = 10  # that the layer's variation counts for in a unit's
LEAST_VARIATION = 1e-3  # of magnitudes that are all but equal
ROUNDS = 50  # of a fixed point that is approached by a factor of two at least
PRIOR = ExponentPrior()


def magnitude_rate_model(statistics: Statistics, *, prior: ExponentPrior = PRIOR) -> pm.Model:
    """Build the model of one layer; a ``ValueError`` without magnitudes of three active units."""
    active = _active(statistics)
    x, error_x = log_rate(statistics.active_count[active], statistics.n_examples)
    magnitude, magnitude_error = log_magnitude(statistics, active)
    return exponent_model(x, magnitude, error_x=error_x, error_y=magnitude_error, prior=prior)


def null_slope(statistics: Statistics) -> float:
    """Return the least-squares exponent of rectified Gaussians of one σ at the layer's rates.

    Over units that were active, though not always; a ``ValueError`` without three of them.
    """
    count, n_examples = statistics.active_count, statistics.n_examples
    sometimes = (count > 0) & (count < n_examples)
    if np.unique(count[sometimes]).size < 2 or np.count_nonzero(sometimes) < LEAST_UNITS:
        raise ValueError(
            f"statistics must have {LEAST_UNITS} units of different rates below 1, got "
            f"{np.count_nonzero(sometimes)} of {np.unique(count[sometimes]).size} rates"
        )
    x, _ = log_rate(count[sometimes], n_examples)
    mean, _ = positive_moments(ndtri(np.exp(x)))
    return float(np.polyfit(x, np.log(mean), 1)[0])


def log_magnitude(statistics: Statistics, active: np.ndarray) -> tuple[Floats, Floats]:
    """Return logarithms of the ``active`` units' mean magnitudes and their standard errors."""
    count, mean = statistics.active_count[active], statistics.mean_magnitude[active]
    if mean.min() <= 0:
        raise ValueError(f"magnitudes of active units must be above 0, got a mean of {mean.min()}")
    spread = np.maximum(statistics.magnitude_square[active] / mean**2 - count, 0)
    layer = 1.0  # variation squared; that of an exponential law where no unit knows
    for _ in range(ROUNDS if (count > 1).any() else 0):
        layer = spread.sum() / ((count - 1) / (1 + layer / count)).sum()
    known = spread * (1 + layer / count)
    square = (known + LAYER_ACTIVATIONS * layer) / (count - 1 + LAYER_ACTIVATIONS)
    shape = count / np.maximum(square, LEAST_VARIATION**2)
    return np.log(mean) - psi(shape) + np.log(shape), np.sqrt(polygamma(1, shape))


def _active(statistics: Statistics) -> np.ndarray:
    """Return which units were active; raise unless there are enough, with magnitudes."""
    if statistics.n_magnitudes != statistics.n_examples:
        raise ValueError(
            f"statistics must hold the magnitudes of all {statistics.n_examples} examples, got those of "
            f"{statistics.n_magnitudes}: measure with activation"
        )
    active = statistics.active_count > 0
    if np.count_nonzero(active) < LEAST_UNITS:
        raise ValueError(
            f"statistics must have {LEAST_UNITS} active units, got {np.count_nonzero(active)}"
        )
    return active
