"""Units of several processes side by side, drawn independently: one layer.

Memorizing beside generalizing units, or blocks of units with a factor each. Covariances between parts
are zero, sums over pairs add, and the law of the population count is the convolution of the parts' laws.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, reduce

import numpy as np
from scipy.linalg import block_diag

from ..activity.arrays import Activity, Counts, Floats
from ..activity.events import Events
from .event_rows import beside
from .prediction import Laws
from .process import Draw, Process


@dataclass(frozen=True, kw_only=True, eq=False)
class LayerPrediction(Laws):
    """Laws of independent parts of a layer."""

    parts: tuple[Laws, ...]

    @cached_property
    def rate(self) -> Floats:
        """Rates of the units of all parts, one part after the other: ``(n_units,)``."""
        return np.concatenate([part.rate for part in self.parts])

    def pairs(self, units: slice) -> Floats:
        """Return the covariances of ``units`` with all distinct ones: ``(n, n_units)``."""
        start, stop, _ = units.indices(self.n_units)
        edges = np.cumsum([0] + [part.n_units for part in self.parts])
        rows = [
            part.pairs(slice(max(0, start - first), max(0, stop - first)))
            for part, first in zip(self.parts, edges, strict=False)
        ]
        return block_diag(*rows)

    def pair_sums(self) -> tuple[float, float]:
        """Return the sums over ordered pairs of distinct units: Σ cov and Σ cov²."""
        total, square = np.sum([part.pair_sums() for part in self.parts], axis=0)
        return float(total), float(square)

    @cached_property
    def population_pmf(self) -> Floats:
        """Probability of so many active units: ``(n_units + 1,)``; ``AttributeError`` if unknown."""
        return reduce(np.convolve, [part.population_pmf for part in self.parts])


@dataclass(frozen=True, kw_only=True, eq=False)
class Layer(Process):
    """Independent parts, their units one part after the other."""

    parts: Sequence[Process]  # one or more processes of Bernoulli units

    def __post_init__(self) -> None:
        parts = tuple(self.parts)
        if not parts:
            raise ValueError("parts must hold at least one process, got none")
        for part in parts:
            if not isinstance(part, Process):
                raise TypeError(
                    f"parts must hold processes of Bernoulli units, got {type(part).__name__}"
                )
        object.__setattr__(self, "parts", parts)

    @property
    def n_units(self) -> int:
        """Number of units of all parts."""
        return sum(part.n_units for part in self.parts)

    @property
    def part_of_unit(self) -> Counts:
        """Which part each unit belongs to: ``(n_units,)``, from 0."""
        return np.repeat(np.arange(len(self.parts)), [part.n_units for part in self.parts])

    def draw(self, rng: np.random.Generator) -> Draw:
        """Take what the parts take, one after the other."""
        return _LayerDraw.of([part.draw(rng) for part in self.parts])

    def predict(self) -> LayerPrediction:
        """Return what follows from the parts' laws."""
        return LayerPrediction(parts=tuple(part.predict() for part in self.parts))


@dataclass(frozen=True, slots=True, eq=False)
class _LayerDraw(Draw):
    """The draws of the parts, side by side: each for what it costs."""

    parts: Sequence[Draw]

    @classmethod
    def of(cls, parts: Sequence[Draw]) -> "_LayerDraw":
        def cells(first: int, last: int) -> Activity:
            return np.concatenate([part.cells(first, last) for part in parts], axis=1)

        return cls(sum(part.n_units for part in parts), cells, parts)

    def events(self, first: int, last: int) -> Events:
        return beside([part.events(first, last) for part in self.parts])
