"""Weights written by activity: on each presentation a unit's incoming weights change a little.

    w_ij = w⁰_ij + Σ_t learning_rate_t Σ_{k≤s_it} g_ijtk,    w⁰ ~ N(0, initial_sd²),

where s_it tells whether, or how often, unit i is active on example t and every change g is a new
variance-gamma number. This is a compound sum over a unit's active examples [1]_: rare units have heavy
tails, and a layer whose rates have a Gamma law of shape k has weights that are variance-gamma of shape
k, as soon as units are active often. Correlation between units has no part in the law of a weight, which
is written by its own unit's activity alone. With changes that have a mean the squared norm is

    E|Δw_i|² = n_inputs [λ_i m₂ Σ_t η_t² + λ_i² m₁² ((Σ_t η_t)² + D Σ_t η_t²)],

η the learning rate and D the dispersion of :mod:`rote.simulate.written_cumulants`; so the slope of
log-norm against log-rate goes from ½, for unrelated changes, to 1, for coherent ones.

Sums are not drawn change by change. Given how often a unit is active, the sum of normal changes is one
normal number, and that of variance-gamma changes one variance-gamma number, for each weight and run of
equal learning rates: the cost is that of the activity and of the weights.

.. [1] Feller (1968), An Introduction to Probability Theory and Its Applications 1, chapter XII.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..activity.arrays import Counts, Floats
from ..activity.checks import check_count
from ..activity.events import Events
from .counts import CountArray, CountProcess
from .process import Process
from .schedules import (
    check_independent_examples,
    check_initial_sd,
    check_learning_rate,
    learning_rates,
)
from .weight_laws import VarianceGamma
from .weight_prediction import Terms, WeightPrediction
from .writing_kernels import BLOCK, Weights, normal_weights, presentations
from .written_cumulants import (
    count_quantiles,
    log_never,
    mean_size,
    pooled_characteristic,
    unit_cumulants,
)

_QUANTILES = 32  # of each unit's number of presentations


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WrittenWeights:
    """Incoming weights of a layer, every change a draw of its own."""

    process: Process | CountProcess  # that tells when units are active; counts count several times
    n_inputs: int
    change: VarianceGamma  # law of a single change, at learning rate 1
    initial_sd: float = 0.0  # of normal initial weights, at least 0
    learning_rate: Floats | float = 1.0  # one number, or one for each example

    def __post_init__(self) -> None:
        check_count("n_inputs", self.n_inputs)
        for name, kind in (("process", Process | CountProcess), ("change", VarianceGamma)):
            if not isinstance(getattr(self, name), kind):
                found = type(getattr(self, name)).__name__
                wanted = "a process of units" if name == "process" else "a VarianceGamma"
                raise TypeError(f"{name} must be {wanted}, got {found}")
        check_independent_examples(self.process)
        object.__setattr__(self, "initial_sd", check_initial_sd(self.initial_sd))
        object.__setattr__(self, "learning_rate", check_learning_rate(self.learning_rate))

    def sample(self, n_examples: int, *, rng: np.random.Generator) -> Weights:
        """Draw the weights after ``n_examples``: ``(n_units, n_inputs)``."""
        shape = self.process.n_units, self.n_inputs
        rates = learning_rates(self.learning_rate, n_examples)
        parts = _parts(self.process, n_examples, rng)
        if self.change.shape == np.inf:
            first, second = _sums(parts, rates, self.process.n_units)
            spread = np.sqrt(self.change.sd**2 * second + self.initial_sd**2)
            weights = normal_weights(rng, shape, spread[:, None])
            weights += (self.change.mean * first[:, None]).astype(np.float32)
            return weights
        weights = normal_weights(rng, shape, self.initial_sd).astype(np.float64)
        for rate, counts in _runs(parts, rates, self.process.n_units):
            units = np.flatnonzero(counts)
            n_terms = np.repeat(counts[units, None], self.n_inputs, axis=1)
            weights[units] += rate * self.change.sample_sums(n_terms, rng=rng)
        return weights.astype(np.float32)

    def predict(self, n_examples: int) -> WeightPrediction:
        """Return the laws of the weights after ``n_examples``, in closed form but for one integral."""
        rates = learning_rates(self.learning_rate, n_examples)
        rate, dispersion = self._activity()
        sums = np.array([np.sum(rates**order) for order in (1, 2, 3, 4)])
        cumulants = unit_cumulants(rate, dispersion, self.change.moments) * sums[:, None]
        cumulants[1] += self.initial_sd**2
        sizes = mean_size(rate, dispersion, self.change, rates, self.initial_sd)
        return WeightPrediction(
            n_inputs=self.n_inputs,
            cumulants=cumulants[:, :, None],
            mean_size=sizes[:, None],
            terms=lambda: self._terms(sums),
            fourth_cumulants=lambda: self._fourth_cumulants(sums[3]),
            characteristic=lambda theta: pooled_characteristic(
                theta, rate, dispersion, self.change, rates, self.initial_sd
            ),
            zero_share=self._zero_share(rates),
            square_variances=lambda: self._square_variances(cumulants, rates),
            strengths=lambda: self._strengths(sums),
        )

    def coherence_exponent(self, n_examples: int) -> Floats:
        """Return the slope of log E|Δw|² / 2 against log rate at each unit's rate: ``(n_units,)``.

        ½ for changes without a mean, nearly 1 where the mean of many changes outgrows their spread; nan
        for units that are never active.
        """
        rates = learning_rates(self.learning_rate, n_examples)
        rate, dispersion = self._activity()
        first, second, *_ = self.change.moments
        square = np.square(rates).sum()
        single = rate * second * square
        shared = rate**2 * first**2 * (rates.sum() ** 2 + dispersion * square)
        with np.errstate(invalid="ignore"):
            return 0.5 * (1 + shared / (single + shared))

    def _activity(self) -> tuple[Floats, Floats]:
        """Return rates and dispersions D = (Fano factor - 1) / rate of the units."""
        predicted = self.process.predict()
        excess = predicted.fano_factor() - 1
        living = predicted.rate > 0
        return predicted.rate, np.divide(excess, predicted.rate, where=living, out=np.zeros(living.size))

    def _terms(self, sums: Floats) -> Terms:
        predicted = self.process.predict()
        rate, n_inputs = predicted.rate, self.n_inputs
        spread = np.diag(rate * self.change.sd**2 * sums[1] + self.initial_sd**2)
        own = spread, n_inputs, lambda: np.eye(n_inputs)
        if self.change.mean == 0:
            return [own]
        counted = predicted.covariance * sums[1] + np.outer(rate, rate) * sums[0] ** 2
        return [own, (self.change.mean**2 * counted, n_inputs, lambda: np.ones((n_inputs, n_inputs)))]

    def _fourth_cumulants(self, square: float) -> tuple[float, float]:
        """Return those of (Σ s²)² and of Σ s⁴, for changes without a mean; ``square`` is Σ_t η_t⁴.

        Units share the variance of their weights as far as they are active together, and so do inputs.
        """
        predicted, n_inputs = self.process.predict(), self.n_inputs
        fourth = unit_cumulants(*self._activity(), self.change.moments)[3].sum()
        own = np.trace(predicted.covariance)
        pairs = predicted.covariance.sum() - own
        alike = n_inputs * fourth + n_inputs * (n_inputs - 1) * self.change.sd**4 * own
        between = n_inputs * self.change.sd**4 * pairs
        return square * (alike + n_inputs * between), square * (alike + between)

    def _zero_share(self, rates: Floats) -> float:
        """Return the probability that a weight is exactly 0, never having been written."""
        if self.initial_sd > 0:
            return 0.0
        return float(np.exp(log_never(*self._activity(), np.count_nonzero(rates))).mean())

    def _square_variances(self, cumulants: Floats, rates: Floats) -> Floats:
        """Return the variances of the squared norms: those of inputs, and of what inputs share.

        Given the activity a weight has the mean m₁A and the variance v B + initial_sd², with A and B the
        sums of η and of η² over presentations and v that of a change. All inputs share A and B.
        """
        one, two, three, four = cumulants
        own = four + 4 * three * one + 2 * two**2 + 4 * two * one**2
        counts = unit_cumulants(*self._activity(), np.ones(4))
        mean, variance = self.change.mean, self.change.sd**2

        def joint(n_a: int, n_b: int) -> Floats:
            return counts[n_a + n_b - 1] * np.sum(rates ** (n_a + 2 * n_b))

        a1, a2, a3, a4 = (joint(order, 0) for order in (1, 2, 3, 4))
        of_a = a4 + 4 * a3 * a1 + 2 * a2**2 + 4 * a2 * a1**2
        of_both = joint(2, 1) + 2 * a1 * joint(1, 1)
        shared = mean**4 * of_a + 2 * mean**2 * variance * of_both + variance**2 * joint(0, 2)
        return self.n_inputs * (own + (self.n_inputs - 1) * shared)

    def _strengths(self, sums: Floats) -> Floats:
        """Return the variances of weights, at quantiles of how often each unit is presented.

        A schedule counts as so many examples at one learning rate that mean and variance of a unit's
        variance are right. ``(n_units,)``: quantiles of all units in order, and means of neighbours.
        """
        rate, dispersion = self._activity()
        if sums[1] == 0:
            return np.full(rate.size, self.initial_sd**2)
        n_examples = max(1, round(sums[1] ** 2 / sums[3]))
        share = (np.arange(_QUANTILES) + 0.5) / _QUANTILES
        often = np.sort(count_quantiles(share, rate, dispersion, n_examples), axis=None)
        mean = often.reshape(rate.size, _QUANTILES).mean(axis=1)
        return self.change.sd**2 * sums[1] / n_examples * mean + self.initial_sd**2


def _parts(
    process: Process | CountProcess, n_examples: int, rng: np.random.Generator
) -> Iterator[Events | CountArray]:
    if isinstance(process, CountProcess):
        return process.blocks(n_examples, rng=rng, block=BLOCK, dtype=np.uint32)
    return presentations(process, n_examples, rng=rng)


def _sums(parts: Iterator[Events | CountArray], rates: Floats, n_units: int) -> tuple[Floats, Floats]:
    """Return Σ_t η_t s_it and Σ_t η_t² s_it: ``(n_units,)``."""
    first, second, start = np.zeros(n_units), np.zeros(n_units), 0
    for part in parts:
        if isinstance(part, Events):
            rate = np.repeat(rates[start : start + part.n_examples], part.population_count)
            first += np.bincount(part.unit, rate, minlength=n_units)
            second += np.bincount(part.unit, rate**2, minlength=n_units)
            start += part.n_examples
        else:
            rate = rates[start : start + len(part)]
            first += rate @ part
            second += rate**2 @ part
            start += len(part)
    return first, second


def _runs(
    parts: Iterator[Events | CountArray], rates: Floats, n_units: int
) -> Iterator[tuple[float, Counts]]:
    """Yield every run of equal learning rates, and how often each unit is active in it."""
    counts, start = np.zeros(n_units, dtype=np.int64), 0
    for part in parts:
        size = part.n_examples if isinstance(part, Events) else len(part)
        edges = np.flatnonzero(np.diff(rates[start : start + size])) + 1
        for first, last in zip([0, *edges], [*edges, size], strict=True):
            if first + start and rates[first + start] != rates[first + start - 1]:
                yield rates[first + start - 1], counts
                counts = np.zeros(n_units, dtype=np.int64)
            if isinstance(part, Events):
                units = part.unit[part.start[first] : part.start[last]]
                counts += np.bincount(units, minlength=n_units)
            else:
                counts += part[first:last].sum(axis=0, dtype=np.int64)
        start += size
    yield rates[-1], counts
