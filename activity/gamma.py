"""Gamma and Beta variates as functions of where they are used.

The method of Marsaglia and Tsang (ACM TOMS 26, 2000): for shape a ≥ 1 and d = a - 1/3, n normal and
v = (1 + n/√(9d))³,

    X = d v ~ Γ(a)    is accepted with probability exp(n²/2 + d (1 - v + log v)) ≥ 1 - 0.0331 n⁴,

and a shape below one is raised by one and lowered again by exp(-E/a), E standard exponential, which is
kept as a logarithm since it may underflow. Two independent X ~ Γ(a), Y ~ Γ(b) give
X/(X + Y) ~ Beta(a, b).
"""

import numpy as np
from numpy.typing import NDArray

from .arrays import Floats
from .kernel import inlined_kernel, kernel
from .streams import Key, uniform
from .ziggurat import exponential, normal

_DRAWS = np.uint64(1 << 16)  # words set aside for one variate
_SQUEEZE = 0.0331


@kernel
def log_gamma_variates(key: Key, shape: float, rows: NDArray[np.uint64]) -> Floats:
    """Return logarithms of Gamma(shape, 1) variates, one for each of ``rows``."""
    third, narrow = _raised(shape)
    logs = np.empty(rows.size)
    for place in range(rows.size):
        fall, counter = _lowered(key, rows[place] * _DRAWS, shape)
        bend, counter = _bend(key, counter, third, narrow)
        logs[place] = np.log(third) + 3.0 * np.log1p(bend) - fall
    return logs


@kernel
def beta_variates(key: Key, a: float, b: float, rows: NDArray[np.uint64]) -> Floats:
    """Return Beta(a, b) variates, one for each of ``rows``."""
    (first, narrow), (second, wide) = _raised(a), _raised(b)
    variates = np.empty(rows.size)
    for place in range(rows.size):
        fall, counter = _lowered(key, rows[place] * _DRAWS, a)
        rise, counter = _lowered(key, counter, b)
        u, counter = _bend(key, counter, first, narrow)
        v, counter = _bend(key, counter, second, wide)
        x = first * (1.0 + u) * (1.0 + u) * (1.0 + u) * np.exp(rise - fall)  # may be 0 or infinite
        y = second * (1.0 + v) * (1.0 + v) * (1.0 + v)
        variates[place] = 1.0 / (1.0 + y / x)
    return variates


@kernel
def _raised(shape: float) -> tuple[float, float]:
    """Return d of a shape of one or more, and 1/√(9d)."""
    third = (shape if shape >= 1.0 else shape + 1.0) - 1.0 / 3.0
    return third, 1.0 / np.sqrt(9.0 * third)


@inlined_kernel
def _lowered(key: Key, counter: np.uint64, shape: float) -> tuple[float, np.uint64]:
    """Return by how much to lower the logarithm of what was raised, and the next counter."""
    if shape >= 1.0:
        return 0.0, counter
    lag, counter = exponential(key, counter)
    return lag / shape, counter


@inlined_kernel
def _bend(key: Key, counter: np.uint64, third: float, narrow: float) -> tuple[float, np.uint64]:
    """Return u of an accepted v = (1 + u)³, and the next counter."""
    while True:
        drawn, counter = normal(key, counter)
        chance = uniform(key, counter)
        counter += np.uint64(1)
        bend, square = narrow * drawn, drawn * drawn
        if bend <= -1.0:
            continue
        if chance < 1.0 - _SQUEEZE * square * square:
            return bend, counter
        short = 3.0 * np.log1p(bend) - bend * (3.0 + bend * (3.0 + bend))  # 1 - v + log v
        if np.log(chance) < 0.5 * square + third * short:
            return bend, counter
