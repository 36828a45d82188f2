"""Beta variates as a function of where they are used.

Two independent Gamma variates X ~ Γ(a), Y ~ Γ(b) give X/(X + Y) ~ Beta(a, b). Both come from one pair of
normal numbers by the method of Marsaglia and Tsang (ACM TOMS 26, 2000), begun anew unless both are
accepted: for shape a ≥ 1 and d = a - 1/3, n normal and v = (1 + n/√(9d))³,

    X = d v    is accepted with probability exp(n²/2 + d (1 - v + log v)) ≥ 1 - 0.0331 n⁴,

and a shape below one is raised by one and lowered again by exp(-E/a), E standard exponential; both
such factors are formed together, since either may underflow.
"""

import numpy as np
from numpy.typing import NDArray

from .arrays import Floats
from .kernel import kernel
from .streams import Key, exponential, uniform

_DRAWS = np.uint64(1 << 16)  # words set aside for one variate
_SQUEEZE = 0.0331


@kernel
def beta_variates(key: Key, a: float, b: float, rows: NDArray[np.uint64]) -> Floats:
    """Return Beta(a, b) variates, one for each of ``rows``: functions of the row."""
    first = (a if a >= 1.0 else a + 1.0) - 1.0 / 3.0
    second = (b if b >= 1.0 else b + 1.0) - 1.0 / 3.0
    narrow, wide = 1.0 / np.sqrt(9.0 * first), 1.0 / np.sqrt(9.0 * second)
    variates = np.empty(rows.size)
    for place in range(rows.size):
        counter = rows[place] * _DRAWS
        rise = 0.0
        if a < 1.0:
            lag, counter = exponential(key, counter)
            rise -= lag / a
        if b < 1.0:
            lag, counter = exponential(key, counter)
            rise += lag / b
        while True:
            x = 2.0 * uniform(key, counter) - 1.0
            y = 2.0 * uniform(key, counter + np.uint64(1)) - 1.0
            one, other = uniform(key, counter + np.uint64(2)), uniform(key, counter + np.uint64(3))
            counter += np.uint64(4)
            square = x * x + y * y
            if square >= 1.0:
                continue
            length = np.sqrt(-2.0 * np.log(square) / square)
            x, y = x * length, y * length
            u, v = narrow * x, wide * y
            if _accepted(one, x, u, first) and _accepted(other, y, v, second):
                break
        ratio = (1.0 + u) / (1.0 + v)
        odds = first / second * (ratio * ratio * ratio) * np.exp(rise)
        variates[place] = odds / (1.0 + odds) if odds < 1.0 else 1.0 / (1.0 + 1.0 / odds)
    return variates


@kernel
def _accepted(uniform: float, normal: float, bend: float, shape: float) -> bool:
    """Decide on v = (1 + bend)³; 1 - v + log v is formed without the digits that cancel."""
    if bend <= -1.0:
        return False
    square = normal * normal
    if uniform < 1.0 - _SQUEEZE * square * square:
        return True
    short = 3.0 * np.log1p(bend) - bend * (3.0 + bend * (3.0 + bend))
    return np.log(uniform) < 0.5 * square + shape * short
