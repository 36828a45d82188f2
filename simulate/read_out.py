"""Read-out weights that a penalty leaves to rare and to common units, in closed form.

A read-out minimises over its weights w, for s_it = 1 where unit i is active on example t of T,

    L2    ½ Σ_t (y_t - Σ_i w_i s_it)² + ½ λ Σ_i w_i²
    L1    ½ Σ_t (y_t - Σ_i w_i s_it)² + λ Σ_i |w_i|

For a unit that is active alone, on k examples on which the target is ȳ in the mean, the solution is

    L2    w = ȳ k / (k + λ)                        halved at k = λ
    L1    w = sign(ȳ) max(0, |ȳ| - λ / k)          erased up to k* = λ / |ȳ|,

so L2 makes what rare units say quieter and L1 erases it: units rarer than the **critical rate** k*/T
cannot be read out. The count k of a unit of rate p is Binomial(T, p).

Units that are active together share what they say. As T grows, S'S/T → E[ssᵀ] = C + p pᵀ and
S'y/T → E[s y], so that the L2 weights go to (E[ssᵀ] + λ/T)⁻¹ E[s y].
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import solve
from scipy.stats import binom

from ..activity.arrays import Floats
from ..activity.checks import as_floats, check_choice, check_count, check_probability, unit_values
from .correlation_matrices import check_symmetric

PENALTIES = ("l1", "l2")
_UNSEEN = 1e-16  # probability of counts in either tail that are left out of means


def check_strength(strength: ArrayLike) -> Floats:
    """Return the strengths λ of a penalty as floats; raise unless all are above 0."""
    numbers = as_floats("strength", strength)
    if numbers.size and numbers.min() <= 0:
        raise ValueError(f"strength must be above 0, got {numbers.min()}")
    return numbers


def lone_weight(target: ArrayLike, count: ArrayLike, *, penalty: str, strength: ArrayLike) -> Floats:
    """Return the weight of units that are active alone, on ``count`` examples; arguments broadcast.

    ``target`` is the mean target ȳ on those examples, ``penalty`` "l1" or "l2", ``strength`` its λ > 0.
    Units that are never active have weight 0.
    """
    target, count = as_floats("target", target), as_floats("count", count)
    if count.size and count.min() < 0:
        raise ValueError(f"count must not be negative, got {count.min()}")
    strength = check_strength(strength)
    if check_choice("penalty", penalty, PENALTIES) == "l2":
        return target * count / (count + strength)
    with np.errstate(divide="ignore"):  # a unit that is never active is below any threshold
        return np.sign(target) * np.maximum(0, np.abs(target) - strength / count)


def critical_rate(target: ArrayLike, *, strength: ArrayLike, n_examples: int) -> Floats:
    """Return the rate λ/(|ȳ| T) up to which L1 erases a unit that is active alone; arguments broadcast.

    Above 1 where no unit can be read out; infinite for a target of 0.
    """
    size = np.abs(as_floats("target", target))
    with np.errstate(divide="ignore"):
        return check_strength(strength) / (size * check_count("n_examples", n_examples))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LoneUnits:
    """Units that are never active together, and what is to be read out of each."""

    rate: Floats  # (n_units,) probability of being active, in [0, 1]
    target: Floats  # (n_units,) mean target ȳ where the unit is active; a number stands for all units
    n_examples: int

    def __post_init__(self) -> None:
        rate = unit_values("rate", check_probability("rate", self.rate, closed="01"))
        target = as_floats("target", self.target)
        if target.shape not in ((), rate.shape):
            raise ValueError(
                f"target must be one number or one for each of {rate.size} units, got {target.shape}"
            )
        check_count("n_examples", self.n_examples)
        object.__setattr__(self, "rate", rate)
        object.__setattr__(self, "target", unit_values("target", np.broadcast_to(target, rate.shape)))

    def survival(self, strength: ArrayLike) -> Floats:
        """Return the probability that L1 leaves a unit, ``(..., n_units)``, at each of ``strength``."""
        size, due = np.abs(self.target), check_strength(strength)[..., None]
        most = np.full(np.broadcast_shapes(size.shape, due.shape), np.inf)
        np.divide(due, size, out=most, where=size > 0)
        return binom.sf(np.floor(most), self.n_examples, self.rate)  # more than λ/|ȳ| examples

    def survivors(self, strength: ArrayLike) -> Floats:
        """Return the expected number of units that L1 leaves, in the shape of ``strength``."""
        return self.survival(strength).sum(axis=-1)

    def weight_moments(self, *, penalty: str, strength: float) -> tuple[Floats, Floats]:
        """Return E|w| and E[w²] of each unit's weight, both ``(n_units,)``: of the norms, if summed."""
        size, square = np.empty((2, self.rate.size))
        for units, weight, chance in self._laws(penalty, strength):
            size[units], square[units] = chance @ np.abs(weight), chance @ np.square(weight)
        return size, square

    def weight_law(self, *, penalty: str, strength: float) -> tuple[Floats, Floats]:
        """Return the values that a unit's weight may take, in order, and their probabilities.

        Both are ``(n_values,)``, of a unit chosen at random: the distribution of a layer's weights. One
        value is exactly 0, of units that were never active or, under L1, too rarely; under L2 a unit
        that is active at all keeps a weight. Raises ``ValueError`` for an unknown penalty.
        """
        parts = [(w, c * units.sum()) for units, w, c in self._laws(penalty, strength)]
        weight, chance = (np.concatenate(each) for each in zip(*parts, strict=True))
        value, place = np.unique(np.append(weight, 0.0), return_inverse=True)
        return value, np.bincount(place, np.append(chance, 0.0)) / self.rate.size

    def _laws(self, penalty: str, strength: float) -> Iterator[tuple[NDArray[np.bool_], Floats, Floats]]:
        """Yield units that are alike, the weights that they may have and their probabilities."""
        check_choice("penalty", penalty, PENALTIES)
        alike, place = np.unique(np.stack([self.rate, self.target]), axis=1, return_inverse=True)
        least = np.maximum(0, binom.ppf(_UNSEEN, self.n_examples, alike[0]))
        most = binom.isf(_UNSEEN, self.n_examples, alike[0])
        for number, (rate, target) in enumerate(alike.T):
            count = np.arange(least[number], most[number] + 1)
            weight = lone_weight(target, count, penalty=penalty, strength=strength)
            yield place == number, weight + 0.0, binom.pmf(count, self.n_examples, rate)


def limiting_ridge(
    rate: ArrayLike, covariance: ArrayLike, cross: ArrayLike, *, strength: float, n_examples: int
) -> Floats:
    """Return the L2 weights ``(n_units,)`` to which those of many examples converge.

    ``rate`` ``(n_units,)`` and ``covariance`` ``(n_units, n_units)`` are what a process predicts;
    ``cross`` ``(n_units,)`` is E[s_i y], the mean over all examples of target times activity. Weights of
    ``n_examples`` drawn scatter about it by order 1/√n_examples.
    """
    rate = unit_values("rate", check_probability("rate", rate, closed="01"))
    cross = as_floats("cross", cross)
    if cross.shape != rate.shape:
        raise ValueError(f"cross must have shape {rate.shape}, got {cross.shape}")
    second = check_symmetric("covariance", covariance, rate.size) + np.outer(rate, rate)
    each = check_strength(strength) / check_count("n_examples", n_examples)
    return solve(second + each * np.eye(rate.size), cross, assume_a="pos")
