"""Shared features: a unit is active where any of the features it is wired to is present.

Feature f is present on an example with probability π_f, independently of the others, and unit i has
noise of its own ε_i. Any set A of units is silent if none of the features of any of them is present,

    P(all of A silent) = Π_{i∈A} (1 - ε_i) · Π_{f ∈ ∪_A F_i} (1 - π_f),

so with ℓ_f = -log(1 - π_f) and L = wiring · diag(ℓ) · wiringᵀ, which sums the features of both units,

    1 - p_i = (1 - ε_i) exp(-L_ii),    cov_ij = (1 - p_i)(1 - p_j)(exp L_ij - 1) ≥ 0.

A memorizing unit is wired to a feature of m of T examples, π = m/T; a generalizing unit to a feature
that a class or more share, π = 1/C and above. The population count has no closed form.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from ..activity.arrays import Activity, Counts, Floats
from ..activity.checks import as_floats, check_count, check_probability, interval, unit_values
from ..activity.events import Events
from ..activity.kernel import kernel, over_blocks
from .event_rows import none_active
from .independent import IndependentBernoulli
from .prediction import PairPrediction
from .process import Draw, EventDraw, Process
from .rare_counts import sort, with_room
from .wiring import Wiring, as_sparse

_RARE = 1 / 64  # mean number of hits of a unit below which events cost less than cells


@dataclass(frozen=True, kw_only=True, eq=False)
class SharedFeatures(Process):
    """Units driven by features, and by noise of their own."""

    feature_probability: Floats  # (n_features,) probability that a feature is present, in [0, 1]
    wiring: Wiring  # kept as a sparse array (n_units, n_features)
    noise: Floats | float = 0.0  # (n_units,) probability to be active without a feature, in [0, 1]

    def __post_init__(self) -> None:
        probability = _check_features(self.feature_probability)
        wiring = as_sparse(self.wiring, probability.size)
        noise = check_probability("noise", self.noise, closed="01")
        if noise.shape not in ((), wiring.shape[:1]):
            raise ValueError(
                f"noise must be one number or one for each of {wiring.shape[0]} units, got {noise.shape}"
            )
        object.__setattr__(self, "feature_probability", probability)
        object.__setattr__(self, "wiring", wiring)
        object.__setattr__(self, "noise", unit_values("noise", np.broadcast_to(noise, wiring.shape[:1])))

    @classmethod
    def memorizing(
        cls,
        *,
        n_units: int,
        n_examples: int,
        feature_examples: int = 1,
        n_features: int | None = None,
        noise: ArrayLike = 0.0,
    ) -> Self:
        """Build units each wired to a feature of ``feature_examples`` among ``n_examples``.

        Units take the features in turn; by default each has its own, so that they are independent.
        """
        probability = _share("feature_examples", feature_examples, "n_examples", n_examples)
        return cls._in_turn(n_units, n_units if n_features is None else n_features, probability, noise)

    @classmethod
    def generalizing(
        cls,
        *,
        n_units: int,
        n_classes: int,
        feature_classes: int = 1,
        n_features: int | None = None,
        noise: ArrayLike = 0.0,
    ) -> Self:
        """Build units each wired to a feature that ``feature_classes`` of ``n_classes`` share.

        Units take the features in turn; by default there are as many as classes.
        """
        probability = _share("feature_classes", feature_classes, "n_classes", n_classes)
        return cls._in_turn(n_units, n_classes if n_features is None else n_features, probability, noise)

    @classmethod
    def _in_turn(cls, n_units: int, n_features: int, probability: float, noise: ArrayLike) -> Self:
        n_units, n_features = check_count("n_units", n_units), check_count("n_features", n_features)
        unit = np.arange(n_units)
        ones = np.ones(n_units, dtype=np.bool_)
        wiring = sparse.csr_array((ones, (unit, unit % n_features)), shape=(n_units, n_features))
        return cls(feature_probability=np.full(n_features, probability), wiring=wiring, noise=noise)

    @property
    def n_units(self) -> int:
        """Number of units."""
        return self.wiring.shape[0]

    @property
    def n_features(self) -> int:
        """Number of features."""
        return self.wiring.shape[1]

    @property
    def log_silent(self) -> Floats:
        """Logarithm of each unit's probability of silence: ``(n_units,)``, -inf if always active."""
        with np.errstate(divide="ignore"):
            return np.log1p(-self.noise) - self.wiring @ _absence(self.feature_probability)

    def draw(self, rng: np.random.Generator) -> Draw:
        """Take what the features take, then the noise; rare layers cost their events."""
        features = IndependentBernoulli(rate=self.feature_probability).draw(rng)
        noise = IndependentBernoulli(rate=self.noise).draw(rng) if self.noise.any() else None
        start, units = self._by_feature

        def cells(first: int, last: int) -> Activity:
            if noise is None:
                active = np.zeros((last - first, self.n_units), dtype=np.bool_)
            else:
                active = noise.cells(first, last)
            return _switch_on(active, features.cells(first, last), start, units)

        def list_events(first: int, last: int) -> Events:
            present = features.events(first, last)
            own = none_active(last - first, self.n_units) if noise is None else noise.events(first, last)
            length = np.empty(last - first, dtype=np.int64)
            reached = present.start, present.unit, start, units
            unit = _reach(length, *reached, own.start, own.unit, self.n_units)
            return Events(start=np.append(0, np.cumsum(length)), unit=unit, n_units=self.n_units)

        hits = (self.feature_probability * np.diff(start)).sum() + self.noise.sum()
        if hits < _RARE * self.n_units:
            return EventDraw.of(self.n_units, list_events)
        return Draw(self.n_units, cells)

    @cached_property
    def _by_feature(self) -> tuple[Counts, NDArray[np.int32]]:
        """Where the units of each feature begin, and these units."""
        by_feature = self.wiring.T.tocsr()
        return by_feature.indptr.astype(np.int64), by_feature.indices.astype(np.int32)

    def all_silent(self, units: ArrayLike) -> float:
        """Return the probability that all of ``units``, numbers of distinct units, are silent."""
        units = np.asarray(units, dtype=np.int64)
        union = self.wiring[units].sum(axis=0) > 0
        quiet = np.prod(1 - self.noise[units])
        return float(quiet * np.prod(1 - self.feature_probability[union]))

    def predict(self) -> PairPrediction:
        """Return the laws of rates and pairs in closed form; the population count has none."""
        return PairPrediction(rate=-np.expm1(self.log_silent), pairs=self._pairs)

    def _pairs(self, units: slice) -> Floats:
        absence = sparse.diags_array(_absence(self.feature_probability))
        both = (self.wiring[units] @ absence @ self.wiring.T).toarray()
        silent = np.exp(self.log_silent)
        scale = silent[units, None] * silent
        return np.multiply(scale, np.expm1(both), out=np.zeros_like(both), where=scale > 0)


def _absence(probability: Floats) -> Floats:
    """Return -log of the probability that a feature is absent; inf for one always present."""
    with np.errstate(divide="ignore"):
        return -np.log1p(-probability)


def _share(part_name: str, part: int, whole_name: str, whole: int) -> float:
    part, whole = check_count(part_name, part), check_count(whole_name, whole)
    if part > whole:
        raise ValueError(f"{part_name} must be at most {whole_name}={whole}, got {part}")
    return part / whole


def _check_features(value: ArrayLike) -> Floats:
    numbers = np.array(as_floats("feature_probability", value))
    if numbers.ndim != 1 or numbers.size == 0:
        raise ValueError(f"feature_probability must have shape (n_features,), got {numbers.shape}")
    wrong = np.flatnonzero((numbers < 0) | (numbers > 1))
    if wrong.size:
        found = f"{numbers[wrong[0]]} at feature {wrong[0]}"
        raise ValueError(f"feature_probability must lie in {interval('01')}, got {found}")
    numbers.setflags(write=False)
    return numbers


def _switch_on(active: Activity, present: Activity, start: Counts, units: NDArray[np.int32]) -> Activity:
    """Make the units of all present features active: in place, and returned."""

    def fill(first: int, last: int) -> None:
        _activate(active[first:last], present[first:last], start, units)

    over_blocks(fill, len(active), least=256)
    return active


@kernel
def _activate(active: Activity, present: Activity, start: Counts, units: NDArray[np.int32]) -> None:
    for example in range(active.shape[0]):
        for feature in range(present.shape[1]):
            if present[example, feature]:
                for place in range(start[feature], start[feature + 1]):
                    active[example, units[place]] = True


@kernel
def _reach(
    length: Counts,
    begin: Counts,
    feature: NDArray[np.int32],
    start: Counts,
    units: NDArray[np.int32],
    own_begin: Counts,
    own: NDArray[np.int32],
    n_units: int,
) -> NDArray[np.int32]:
    """Return the units of features present and those active by themselves, each once and in order."""
    active, found = np.empty(64 + own.size, dtype=np.int32), 0
    seen = np.full(n_units, -1, dtype=np.int64)  # the last example on which a unit was listed
    for example in range(length.size):
        before, n_own = found, own_begin[example + 1] - own_begin[example]
        active = with_room(active, found, n_own)
        for place in range(own_begin[example], own_begin[example + 1]):
            active[found] = own[place]
            seen[own[place]] = example
            found += 1
        for event in range(begin[example], begin[example + 1]):
            one = feature[event]
            active = with_room(active, found, start[one + 1] - start[one])
            for place in range(start[one], start[one + 1]):
                unit = units[place]
                active[found] = unit
                found += seen[unit] != example
                seen[unit] = example
        sort(active[before:found])
        length[example] = found - before
    return active[:found].copy()
