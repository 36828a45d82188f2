"""Laws of sums of counts, from 0 up to where less than 1e-15 is left.

Events that add j to a sum arrive as a Poisson number of mean ν_j, j = 1 … m. The law of the sum
(compound Poisson) then follows from its lower values by Panjer's recursion [1]_, all terms positive:

    n P(n) = Σ_j j ν_j P(n - j).

It is started from any number and divided by its sum, since e^{-ν} underflows beyond ν = 745.

.. [1] Panjer (1981), ASTIN Bulletin 12, 22-26.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import softmax

from ..activity.arrays import Counts, Floats
from ..activity.kernel import kernel

_LARGE = 1e250
_REST = 1e-18  # probability of a count, relative to all, that is no longer followed


def compound_poisson_pmf(event_rate: ArrayLike) -> Floats:
    """Return the law of the sum, ``(n_counts,)``, for events that add 1, 2, … of means ``event_rate``.

    ``event_rate``, none negative, has shape ``(m,)``; what adds 0 is left out.
    """
    rates = np.asarray(event_rate, dtype=np.float64)
    steps = np.flatnonzero(rates) + 1
    return _panjer(steps, steps * rates[steps - 1]) if steps.size else np.ones(1)


def negative_binomial_pmf(mean: float, dispersion: float) -> Floats:
    """Return the law, ``(n_counts,)``, of a Poisson count of mean·g, g Gamma of mean 1.

    ``dispersion``, above 0, is the variance of g. From P(n + 1)/P(n) = (n + k)/(n + 1) θ, with
    k = 1/dispersion and θ = mean/(mean + k).
    """
    if mean == 0:
        return np.ones(1)
    shape = 1 / dispersion
    decay = np.log1p(shape / mean)  # -log θ
    n = np.arange(int(mean + 12 * np.sqrt(mean + dispersion * mean**2) + 40 / decay) + 20)
    return softmax(np.concatenate([[0.0], np.cumsum(np.log((n + shape) / (n + 1)) - decay)]))


@kernel
def _panjer(steps: Counts, drive: Floats) -> Floats:
    mean, reach = drive.sum(), steps.max()
    spread = np.sqrt((drive * steps).sum())
    pmf = np.zeros(int(mean + 12.0 * spread) + 30 * reach + 1)  # Bernstein: 1e-19 lies beyond
    pmf[0], total, quiet = 1.0, 1.0, 0
    for n in range(1, pmf.size):
        value = 0.0
        for place in range(steps.size):
            if steps[place] > n:
                break
            value += drive[place] * pmf[n - steps[place]]
        pmf[n] = value / n
        total += pmf[n]
        if total > _LARGE:
            pmf[: n + 1] /= _LARGE
            total /= _LARGE
        quiet = quiet + 1 if pmf[n] < _REST * total else 0
        if n > mean and quiet >= reach:  # from here on each term is below the greatest of the last m
            return pmf[: n + 1 - quiet] / total
    return pmf / total
