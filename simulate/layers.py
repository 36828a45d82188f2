"""Units of several processes side by side, drawn independently: one layer.

Memorizing beside generalizing units, or blocks of units with a factor each. Covariances between parts
are zero, sums over pairs add, and the law of the population count is the convolution of the parts' laws.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce

import numpy as np
from scipy.linalg import block_diag

from ..activity.arrays import Activity, Counts, Floats
from .prediction import Laws
from .process import Process


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

    def blocks(
        self, n_examples: int, *, rng: np.random.Generator, block: int = 4096
    ) -> Iterator[Activity]:
        """Yield what :meth:`sample` draws, ``block`` examples at a time."""
        streams = [part.blocks(n_examples, rng=rng, block=block) for part in self.parts]
        return (np.concatenate(beside, axis=1) for beside in zip(*streams, strict=True))

    def predict(self) -> LayerPrediction:
        """Return what follows from the parts' laws."""
        return LayerPrediction(parts=tuple(part.predict() for part in self.parts))
