"""Steps of Poisson quantiles: at which standard normal numbers u a count y = F⁻¹(Φ(u)) grows by one.

Count k is reached where u ≥ t_k, with Φ(-t_k) = S_k = P(y ≥ k). The quantile has the Hermite series
y = E[y] + Σ_n c_n He_n(u)/√n!, and since each step has one,

    c_n = Σ_k φ(t_k) He_{n-1}(t_k) / √n!.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri, pdtr, pdtrc

from ..activity.arrays import Floats
from ..activity.checks import as_floats
from ..activity.kernel import kernel

GREATEST = 10_000.0  # mean count, whose quantiles have 2000 steps
_LEAST = 1e-18  # tail, relative to a mean below 1, that is left out


class Quantiles(NamedTuple):
    """Steps of Poisson quantiles, one row for each mean."""

    first: NDArray[np.int64]  # (n_means,) the count below the first step, which is always reached
    threshold: Floats  # (n_means, n_steps) t of successive counts, inf behind the last
    tail: Floats  # (n_means, n_steps) S of successive counts
    n_steps: NDArray[np.int64]  # (n_means,)
    series: Floats  # (n_means, n_terms) c_1, c_2, … of the expansion


def poisson_quantiles(rate: Floats, *, n_terms: int = 0) -> Quantiles:
    """Return the steps of Poisson counts of mean ``rate`` ``(n_means,)``, in [0, 10,000]."""
    low = np.maximum(0, np.floor(rate - 10 * np.sqrt(rate)))
    count = low[:, None] + np.arange(1, np.ceil(20 * np.sqrt(rate.max()) + 25) + 1)
    mean = rate[:, None]
    below, tail = pdtr(count - 1, mean), np.where(mean > 0, pdtrc(count - 1, mean), 0.0)
    tail[tail < _LEAST * np.minimum(mean, 1)] = 0
    threshold = np.where(tail < 0.5, -ndtri(tail), ndtri(below))
    n_steps = (tail > 0).sum(axis=1)
    series = np.zeros((rate.size, n_terms))
    _expand(threshold, n_steps, series)
    return Quantiles(low.astype(np.int64), threshold, tail, n_steps, series)


def check_copula_rate(name: str, value: ArrayLike, *, least: float = 0.0) -> Floats:
    """Return mean counts as floats; raise unless all lie in [least, 10,000]."""
    numbers = as_floats(name, value)
    wrong = np.flatnonzero(~((numbers >= least) & (numbers <= GREATEST)))
    if wrong.size:
        where = f" at unit {wrong[0]}" if numbers.ndim else ""
        raise ValueError(
            f"{name} must lie in [{least:g}, {GREATEST:g}], got {numbers.flat[wrong[0]]}{where}"
        )
    return numbers


@kernel
def _expand(threshold: Floats, n_steps: NDArray[np.int64], series: Floats) -> None:
    """Set c_n = Σ_k φ(t_k) h_{n-1}(t_k) / √n by the recurrence of h_n = He_n / √n!."""
    for mean in range(n_steps.size):
        for step in range(n_steps[mean]):
            t = threshold[mean, step]
            if math.isinf(t):  # a count that is reached for certain
                continue
            before, now = 0.0, math.exp(-0.5 * t * t) / math.sqrt(2.0 * math.pi)
            for n in range(1, series.shape[1] + 1):
                series[mean, n - 1] += now / math.sqrt(n)
                before, now = now, (t * now - math.sqrt(n - 1.0) * before) / math.sqrt(n)
