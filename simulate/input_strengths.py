"""How strongly each input is presented, in few levels, and what a unit makes of it.

An input writes η_t² x_tj² into a weight's variance where the unit is active, so over activity that is
independent between examples the variance V has the transform

    log E exp(-uV) = Σ_t log(1 - p (1 - exp(-u G η_t² x_tj²))),
    E√V = 1/2√π ∫₀^∞ (1 - E exp(-uV)) u^(-3/2) du,

p being the unit's rate and G the variance of what comes back to it. The strengths of an input are put in
octaves, each as two strengths with the octave's mean and mean square.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..activity.arrays import Floats
from ..activity.kernel import kernel, over_blocks

_OCTAVES = 20  # weaker strengths are in the last
_BLOCK = 512  # examples at once
_END, _STEP = 14.0, 0.5  # of log u, in units of 1/E V
_CELLS = 1 << 16  # of transforms, least for a thread


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class InputStrengths:
    """Levels of η_t² x_tj² of each input and how many presentations have each."""

    level: Floats  # (n_inputs, n_levels)
    number: Floats  # (n_inputs, n_levels) 0 for presentations of strength 0

    @classmethod
    def of(cls, inputs: NDArray, rates: Floats) -> "InputStrengths":
        """Sort presentations: ``inputs`` are ``(n_given, n_inputs)``, ``rates`` ``(n_examples,)``."""
        n_given, n_inputs = inputs.shape
        if rates.min() == rates.max():  # then each given input has one strength, however often it comes
            times = np.bincount(np.arange(rates.size) % n_given, minlength=n_given).astype(np.float64)
            which, rates = np.flatnonzero(times), np.full(n_given, rates[0])
            times = times[which]
        else:
            which, times = np.arange(rates.size), np.ones(rates.size)
        most = np.square(np.abs(inputs).max(axis=0).astype(np.float64) * rates.max())
        top = np.frexp(most)[1]
        moments = np.zeros((3, n_inputs * _OCTAVES))
        for start in range(0, which.size, _BLOCK):
            example = which[start : start + _BLOCK]
            seen = inputs[example % n_given].astype(np.float64) * rates[example, None]
            strength = np.square(seen)
            octave = np.minimum(top - np.frexp(strength)[1], _OCTAVES - 1)
            place = (np.maximum(octave, 0) + np.arange(n_inputs) * _OCTAVES).ravel()
            often = times[start : start + _BLOCK, None] * (strength > 0)
            for order in range(3):
                weight = (often * strength**order).ravel()
                moments[order] += np.bincount(place, weight, minlength=moments.shape[1])
        number, first, second = moments.reshape(3, n_inputs, _OCTAVES)
        safe = np.maximum(number, 1e-300)
        mean = first / safe
        sd = np.sqrt(np.maximum(second / safe - mean**2, 0))
        level = np.concatenate([np.maximum(mean - sd, 0), mean + sd], axis=1)
        return cls(level=level, number=np.tile(number / 2, 2))

    @property
    def presentations(self) -> Floats:
        """How often each input was presented with a strength above 0: ``(n_inputs,)``."""
        return self.number.sum(axis=1)

    def log_transform(self, u: Floats, place: NDArray[np.int64], rate: Floats, power: Floats) -> Floats:
        """Return log E exp(-uV) of weights from the inputs at ``place``: ``(n_weights, n_steps)``.

        ``u`` has that shape; ``rate`` p and ``power`` G are ``(n_weights,)``.
        """
        found = np.empty_like(u)
        least = max(1, _CELLS // (u.shape[1] * self.level.shape[1]))
        over_blocks(
            lambda first, last: _transform(
                found, u, place, rate, power, self.level, self.number, first, last
            ),
            len(u),
            least=least,
        )
        return found

    def mean_root(
        self, place: NDArray[np.int64], rate: Floats, power: Floats, mean: Floats, start: float
    ) -> Floats:
        """Return E√(V + ``start``): ``(n_weights,)``, with ``mean`` that of V + start, above 0."""
        log = np.arange(-_END, _END + _STEP / 2, _STEP)
        u = np.exp(log) / mean[:, None]
        lost = -np.expm1(self.log_transform(u, place, rate, power) - start * u) * np.exp(-log / 2)
        ends = (lost[:, 0] + lost[:, -1]) * (2 - _STEP / 2)
        return np.sqrt(mean) * (lost.sum(axis=1) * _STEP + ends) / (2 * np.sqrt(np.pi))


@kernel
def _transform(
    found: Floats,
    u: Floats,
    place: NDArray[np.int64],
    rate: Floats,
    power: Floats,
    level: Floats,
    number: Floats,
    first: int,
    last: int,
) -> None:
    for weight in range(first, last):
        row = place[weight]
        for step in range(u.shape[1]):
            total = 0.0
            for which in range(level.shape[1]):
                if number[row, which] > 0:
                    lost = -np.expm1(-u[weight, step] * power[weight] * level[row, which])
                    total += number[row, which] * np.log1p(-rate[weight] * lost)
            found[weight, step] = total
