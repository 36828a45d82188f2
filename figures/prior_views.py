"""What is shown of a prior: laws as curves and quantities as spreads, one of each for each draw.

A prior on a concentration or a loading says little to the eye. What it says of the rates of units, or of
the correlation of two of them, can be held against experience.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from ..activity.arrays import Floats

EXAMPLES = 10_000  # on which a unit is silent
CROWD = 100  # units whose population count is shown
WINDOW = 100  # examples in a window whose counts are shown
USUAL = 0.1  # rate of the units that are shown
RATE = np.linspace(0.005, 0.995, 100)
NINE_IN_TEN = 2 * 1.6449  # standard deviations that nine of ten units of a normal law lie within

type Draws = Mapping[str, Floats]
"""Draws of a model's parameters from their prior: ``(n_draws,)`` each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curves:
    """A law, one curve for each draw."""

    title: str
    x_label: str
    y_label: str
    x: Floats  # (n_points,)
    y: Callable[[Draws], Floats]  # (n_draws, n_points)
    logarithmic: str = ""  # axes: "x", "y" or "xy"
    y_limits: tuple[float, float] | None = None  # for curves that shoot out


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """A quantity, one number for each draw."""

    title: str
    x_label: str
    value: Callable[[Draws], Floats]  # (n_draws,)
    logarithmic: bool = False  # axis


def normal_law(x: Floats, center: Floats, spread: Floats, ends: tuple[float, float]) -> Floats:
    """Return the shares up to ``x`` of normal laws cut to ``ends``: ``(n_draws, n_points)``."""
    low, high = (ndtr((end - center) / spread)[:, None] for end in ends)
    below = ndtr((x - center[:, None]) / spread[:, None])
    return np.clip((below - low) / (high - low), 0, 1)


def ninety_per_cent(name: str) -> Callable[[Draws], Floats]:
    """Return what a unit at the 95 % point of a log-normal law has over one at the 5 % point.

    ``name`` is the standard deviation of the law's logarithm, or of its logit: then of odds.
    """
    return lambda draws: np.exp(NINE_IN_TEN * draws[name])
