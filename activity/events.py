"""Activity as events: which units were active on each example, for layers that are mostly silent.

Compressed rows: the units active on example t, in ascending order, are ``unit[start[t]:start[t + 1]]``.
Memory follows the number of activations, not the number of cells. Of counts the events are those above
zero, and each has its count.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from .arrays import Activity, Counts


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Events:
    """Active units of each example."""

    start: Counts  # (n_examples + 1,) where each example's units begin
    unit: NDArray[np.int32]  # (n_events,)
    n_units: int

    @property
    def n_examples(self) -> int:
        """Number of examples."""
        return self.start.size - 1

    @property
    def population_count(self) -> Counts:
        """Number of active units on each example: ``(n_examples,)``."""
        return np.diff(self.start)

    @property
    def active_count(self) -> Counts:
        """Number of examples on which each unit is active: ``(n_units,)``."""
        return np.bincount(self.unit, minlength=self.n_units)

    def sparse(self) -> csr_array:
        """Return a SciPy sparse array of shape ``(n_examples, n_units)``."""
        shape = (self.n_examples, self.n_units)
        return csr_array((np.ones(self.unit.size, dtype=np.bool_), self.unit, self.start), shape=shape)

    def dense(self) -> Activity:
        """Return the same activity as booleans: ``(n_examples, n_units)``."""
        active = np.zeros((self.n_examples, self.n_units), dtype=np.bool_)
        active[np.repeat(np.arange(self.n_examples), self.population_count), self.unit] = True
        return active


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CountEvents:
    """Counts above zero of each example."""

    active: Events  # where they are
    count: NDArray[np.unsignedinteger]  # (n_events,) each above zero

    @property
    def population_count(self) -> Counts:
        """Sum of the counts of each example: ``(n_examples,)``."""
        total = np.concatenate([[0], np.cumsum(self.count, dtype=np.int64)])
        return np.diff(total[self.active.start])

    def sparse(self) -> csr_array:
        """Return a SciPy sparse array of counts, ``(n_examples, n_units)``."""
        shape = (self.active.n_examples, self.active.n_units)
        return csr_array((self.count, self.active.unit, self.active.start), shape=shape)

    def dense(self) -> NDArray[np.unsignedinteger]:
        """Return the same counts, zeros included: ``(n_examples, n_units)``."""
        return self.sparse().toarray()
