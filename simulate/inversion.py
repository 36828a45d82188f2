"""The law of a number from its characteristic function, with a mass at zero if it has one.

    F(w) = ½ - 1/π ∫₀^∞ Im[φ(θ) exp(-iθw)] / θ dθ,    f(w) = 1/π ∫₀^∞ Re[φ(θ) exp(-iθw)] dθ   [1]_

summed at θ = (m + ½)π/reach. What is less than 2 reach away is then told apart [2]_, and details finer
than π over the last θ are not seen: there a density is smoothed by Lanczos' factors, which keep it from
ringing. The mass at zero, whose φ is constant, is taken out before and put back.

.. [1] Gil-Pelaez (1951), Biometrika 38, 481-482.
.. [2] Davies (1973), Biometrika 60, 415-417.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..activity.arrays import Floats
from ..activity.checks import as_floats

STEPS = 4096  # of θ
_CELLS = 1 << 21  # places times steps held at once


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CharacteristicLaw:
    """A law told by φ, by its mass at zero and by how far from zero it may reach."""

    characteristic: Callable[[Floats], NDArray[np.complexfloating]]  # φ at θ > 0: ``(n_steps,)``
    reach: float  # numbers farther from zero have next to no probability
    zero: float = 0.0  # probability of exactly 0

    def pdf(self, value: ArrayLike) -> Floats:
        """Return the density of what is not exactly 0, in the shape of ``value``."""
        theta, step, phi = self._seen()
        phi = phi * np.sinc(theta / (theta[-1] + step / 2))
        return np.maximum(self._sum(value, theta, phi).real * step / np.pi, 0)

    def cdf(self, value: ArrayLike) -> Floats:
        """Return the probability of numbers up to ``value``, in its shape."""
        theta, step, phi = self._seen()
        below = (1 - self.zero) / 2 - self._sum(value, theta, phi / theta).imag * step / np.pi
        return np.clip(below + self.zero * (np.asarray(value) >= 0), 0, 1)

    def _seen(self) -> tuple[Floats, float, NDArray[np.complexfloating]]:
        """Return where φ is seen, the step, and φ without the mass at zero."""
        step = np.pi / self.reach
        theta = (np.arange(STEPS) + 0.5) * step
        return theta, step, self.characteristic(theta) - self.zero

    def _sum(self, value: ArrayLike, theta: Floats, phi: NDArray) -> NDArray[np.complexfloating]:
        value = as_floats("value", value)
        parts = np.array_split(value.ravel(), -(-value.size * theta.size // _CELLS) or 1)
        return np.concatenate([np.exp(-1j * part[:, None] * theta) @ phi for part in parts]).reshape(
            value.shape
        )
