"""Mixtures of processes: each example falls to one of several, at random.

With shares q_c and parts of rates p_ci and covariances cov_ij|c,

    p_i = Σ_c q_c p_ci,    cov_ij = Σ_c q_c cov_ij|c + Σ_c q_c (p_ci - p_i)(p_cj - p_j),

the noise and the signal part of a pair where the parts are classes: units that vary together within a
class, and classes that move them together. Where units are independent within a class, the mixture is
:class:`~rote.simulate.class_conditional.ClassConditional`. The population count's law is the mixture of
the parts' laws.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..activity.arrays import Activity, Counts, Floats
from ..activity.checks import check_count
from ..activity.events import Events
from ..activity.streams import Key, draw_keys, uniforms
from .discrete import check_distribution, invert
from .event_rows import dealt
from .prediction import PairPrediction
from .process import Draw, Process

_EXAMPLES = 1 << 16  # dealt at once


class Drawn(Protocol):
    """Anything that draws examples block by block: activity or activations."""

    def blocks(
        self, n_examples: int, *, rng: np.random.Generator, block: int = 4096
    ) -> Iterator[np.ndarray]:
        """Yield ``(block, n_units)`` at a time."""


def check_parts(share: Floats, parts: Sequence, kind: type) -> tuple[Floats, tuple]:
    """Return shares and parts; raise unless they are as many, of one ``kind`` and number of units."""
    share, parts = check_distribution("share", share), tuple(parts)
    if len(parts) != share.size:
        raise ValueError(f"parts must be as many as share, {share.size}, got {len(parts)}")
    for part in parts:
        if not isinstance(part, kind):
            raise TypeError(f"parts must be of class {kind.__name__}, got {type(part).__name__}")
    sizes = sorted({part.n_units for part in parts})
    if len(sizes) > 1:
        raise ValueError(f"parts must have one number of units, got {sizes[0]} and {sizes[-1]}")
    return share, parts


def mixed_covariance(share: Floats, mean: Floats, within: Sequence[Floats]) -> Floats:
    """Return the mean covariance ``within`` parts, and that between their ``mean`` ``(n_parts, n)``."""
    deviation = (mean - share @ mean) * np.sqrt(share)[:, None]
    return sum(q * part for q, part in zip(share, within, strict=True)) + deviation.T @ deviation


def mixed_blocks(
    share: Floats, parts: Sequence[Drawn], n_examples: int, *, rng: np.random.Generator, block: int
) -> Iterator[np.ndarray]:
    """Yield examples of the mixture, ``block`` at a time, whatever the block.

    Each part's examples are those that it draws by itself, in their order, where they fall.
    """
    n_examples, block = check_count("n_examples", n_examples), check_count("block", block)
    counters = np.arange(n_examples, dtype=np.uint64)
    which = invert(share, uniforms(draw_keys(rng, 1)[0], counters))
    count = np.bincount(which, minlength=share.size)
    drawn = [
        _Rows(part.blocks(int(n), rng=rng, block=block)) if n else None
        for part, n in zip(parts, count, strict=True)
    ]
    return (_dealt(which[first : first + block], drawn) for first in range(0, n_examples, block))


@dataclass(frozen=True, kw_only=True, eq=False)
class MixedProcess(Process):
    """Units that follow one of several processes on each example."""

    share: Floats  # (n_parts,) probability of each part; they sum to 1
    parts: Sequence[Process]  # of Bernoulli units, as many in each

    def __post_init__(self) -> None:
        share, parts = check_parts(self.share, self.parts, Process)
        object.__setattr__(self, "share", share)
        object.__setattr__(self, "parts", parts)

    @property
    def n_units(self) -> int:
        """Number of units."""
        return self.parts[0].n_units

    def draw(self, rng: np.random.Generator) -> Draw:
        """Take a key, then what the parts take: each draws its own examples, in their order."""
        key = draw_keys(rng, 1)[0]
        return _MixedDraw.of(_Deal(self.share, key), [part.draw(rng) for part in self.parts])

    def predict(self) -> PairPrediction:
        """Return the mixture of the parts' laws; of the population count, if all parts know theirs."""
        laws = [part.predict() for part in self.parts]
        rate = np.array([law.rate for law in laws])

        def pairs(units: slice) -> Floats:
            deviation = (rate - self.share @ rate) * np.sqrt(self.share)[:, None]
            within = sum(q * law.pairs(units) for q, law in zip(self.share, laws, strict=True))
            return within + deviation[:, units].T @ deviation

        def population() -> Floats:
            return self.share @ np.array([law.population_pmf for law in laws])

        return PairPrediction(rate=self.share @ rate, pairs=pairs, population=population)


@dataclass(slots=True, eq=False)
class _Deal:
    """Which part each example falls to, and how many of a part's examples come before it."""

    share: Floats
    key: Key
    place: int = 0  # an example, and
    before: Counts | None = None  # (n_parts,) how many examples of each part come before it

    def rows(self, first: int, last: int) -> list[tuple[Counts, int]]:
        """Return of each part its places among examples from ``first``, and the number of its first."""
        before = self._count_before(first)
        which = self._which(first, last)
        rows = [np.flatnonzero(which == part) for part in range(self.share.size)]
        self.place, self.before = last, before + [places.size for places in rows]
        return list(zip(rows, before.tolist(), strict=True))

    def _count_before(self, example: int) -> Counts:
        """Count from the end of the last block on, where that is not behind the example."""
        if self.before is None or self.place > example:
            self.place, self.before = 0, np.zeros(self.share.size, dtype=np.int64)
        while self.place < example:
            stop = min(self.place + _EXAMPLES, example)
            self.before = self.before + np.bincount(
                self._which(self.place, stop), minlength=self.share.size
            )
            self.place = stop
        return self.before

    def _which(self, first: int, last: int) -> Counts:
        return invert(self.share, uniforms(self.key, np.arange(first, last, dtype=np.uint64)))


@dataclass(frozen=True, slots=True, eq=False)
class _MixedDraw(Draw):
    """The draws of the parts, dealt to the examples that fall to them."""

    deal: _Deal
    parts: Sequence[Draw]

    @classmethod
    def of(cls, deal: _Deal, parts: Sequence[Draw]) -> "_MixedDraw":
        def cells(first: int, last: int) -> Activity:
            active = np.empty((last - first, parts[0].n_units), dtype=np.bool_)
            for part, (places, before) in zip(parts, deal.rows(first, last), strict=True):
                if places.size:
                    active[places] = part.cells(before, before + places.size)
            return active

        return cls(parts[0].n_units, cells, deal, parts)

    def events(self, first: int, last: int) -> Events:
        rows = [
            (places, part.events(before, before + places.size))
            for part, (places, before) in zip(self.parts, self.deal.rows(first, last), strict=True)
            if places.size
        ]
        return dealt([events for _, events in rows], [places for places, _ in rows], last - first)


class _Rows:
    """Rows of successive blocks, as many at a time as are asked for."""

    def __init__(self, blocks: Iterator[NDArray]) -> None:
        self.blocks, self.left = blocks, None

    def take(self, n_rows: int) -> NDArray:
        """Return the next ``n_rows`` rows."""
        held = [] if self.left is None else [self.left]
        missing = n_rows - sum(map(len, held))
        while missing > 0:
            held.append(next(self.blocks))
            missing -= len(held[-1])
        rows = np.concatenate(held)
        self.left = rows[n_rows:]
        return rows[:n_rows]


def _dealt(which: NDArray[np.int64], drawn: Sequence[_Rows | None]) -> np.ndarray:
    """Return a block of examples, each row taken from the part it falls to."""
    taken = [
        (np.flatnonzero(which == part), rows) for part, rows in enumerate(drawn) if rows is not None
    ]
    rows = np.concatenate([rows.take(places.size) for places, rows in taken if places.size])
    dealt = np.empty_like(rows)
    dealt[np.concatenate([places for places, _ in taken])] = rows
    return dealt
