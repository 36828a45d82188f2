"""Weights written by errors that come back through the read-out, as in one layer of back-propagation.

    w_i = w⁰_i + Σ_t η_t s_it δ_it x_t,    δ_t = read_outᵀ e_t,    e_t ~ N(0, error_covariance),

with given inputs x_t, learning rates η_t, and errors e_t of the outputs drawn anew for each example. All
units see the same inputs and errors, so two units' weights resemble one another as far as the units are
active together and are read out alike: with P_ij = P(s_i s_j = 1) and
G = read_outᵀ error_covariance read_out,

    E[Δw_ia Δw_jb] = (P ∘ G)_ij Σ_t η_t² x_ta x_tb,    ∘ elementwise,

exactly, for the errors of different examples are unrelated. A weight's odd cumulants are 0, and

    κ₂ = p_i G_ii Σ_t η_t² x_tj²,    κ₄ = 3 p_i (1 - p_i) G_ii² Σ_t η_t⁴ x_tj⁴,

products of a unit's and an input's share: units whose p_i G_ii have the squared coefficient of variation
c_λ² and inputs whose strengths Σ_t x_tj² have c_v² give all weights together the excess kurtosis
3(1 + c_λ²)(1 + c_v²) - 3, and more where writing is rare. Given the active examples a weight is normal;
its mean size takes the law of the variance for the Gamma law with the same mean and variance, of shape
3κ₂²/κ₄, which is right to 2e-4 from shape 20 on. Below, where writing is rare, the variance's own
transform is integrated (:mod:`rote.simulate.input_strengths`): the Gamma law would give a unit that is
active once in two runs a mean size a fifth too great.

Singular values are those of the mean second moments, so units must be active often: of 100 units with 60
inputs and 5 outputs the greater half are within 7 % where each is active 20 times, and off by up to 23
and 59 % at 5 and at 1 times, the greatest ones being predicted too small. Draws tell them at any rate.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..activity.arrays import Floats
from ..activity.checks import as_floats
from .correlation_matrices import check_symmetric, triangular_factor
from .input_strengths import InputStrengths
from .process import Process
from .schedules import (
    check_independent_examples,
    check_initial_sd,
    check_learning_rate,
    learning_rates,
)
from .weight_laws import gamma_ratio
from .weight_prediction import Terms, WeightPrediction
from .writing_kernels import BLOCK, Weights, normal_weights, presentations, write

_GAMMA = 20.0  # shape from which the Gamma law of the variance is taken
_SAMPLE = 2048  # weights whose law is had
_PART = 1 << 14  # weights at once
_CELLS = 1 << 21  # weights times steps at once


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BackpropagatedWeights:
    """Incoming weights of a layer, a change being an error times the inputs of the example."""

    process: Process  # that tells when units are active
    inputs: NDArray  # (n_given, n_inputs) real numbers, presented in turn and then from the start again
    read_out: Floats  # (n_outputs, n_units) weights out of the layer
    error_covariance: Floats | None = None  # (n_outputs, n_outputs), the identity if None
    initial_sd: float = 0.0  # of normal initial weights, at least 0
    learning_rate: Floats | float = 1.0  # one number, or one for each example

    def __post_init__(self) -> None:
        if not isinstance(self.process, Process):
            found = type(self.process).__name__
            raise TypeError(f"process must be a process of Bernoulli units, got {found}")
        check_independent_examples(self.process)
        read_out = np.array(as_floats("read_out", self.read_out))
        if read_out.ndim != 2 or read_out.shape[0] == 0 or read_out.shape[1] != self.process.n_units:
            wanted = f"(n_outputs, n_units={self.process.n_units})"
            raise ValueError(f"read_out must have shape {wanted}, got {read_out.shape}")
        read_out.setflags(write=False)
        covariance = _error_covariance(self.error_covariance, len(read_out))
        object.__setattr__(self, "inputs", _check_inputs(self.inputs))
        object.__setattr__(self, "read_out", read_out)
        object.__setattr__(self, "error_covariance", covariance)
        object.__setattr__(self, "initial_sd", check_initial_sd(self.initial_sd))
        object.__setattr__(self, "learning_rate", check_learning_rate(self.learning_rate))

    @property
    def n_inputs(self) -> int:
        """Number of inputs."""
        return self.inputs.shape[1]

    @property
    def read_out_gram(self) -> Floats:
        """G = read_outᵀ error_covariance read_out, the covariance of δ: ``(n_units, n_units)``."""
        return self.read_out.T @ self.error_covariance @ self.read_out

    def sample(self, n_examples: int, *, rng: np.random.Generator) -> Weights:
        """Draw the weights after ``n_examples``: ``(n_units, n_inputs)``.

        Sums are made in single precision, an example after the other, as networks make theirs.
        """
        rates = learning_rates(self.learning_rate, n_examples)
        active = presentations(self.process, n_examples, rng=rng)
        shape = self.process.n_units, self.n_inputs
        weights = normal_weights(rng, shape, self.initial_sd)
        back = np.ascontiguousarray((_factor(self.error_covariance).T @ self.read_out).T)
        for start, events in zip(range(0, n_examples, BLOCK), active, strict=True):
            example = np.arange(start, start + events.n_examples)
            errors = rates[example, None] * rng.standard_normal((example.size, back.shape[1]))
            inputs = self.inputs[example % len(self.inputs)].astype(np.float32, copy=False)
            write(weights, events, np.ascontiguousarray(inputs), errors, back)
        return weights

    def predict(self, n_examples: int) -> WeightPrediction:
        """Return the laws of the weights after ``n_examples``, in closed form."""
        rates = learning_rates(self.learning_rate, n_examples)
        rate, power = self.process.predict().rate, np.einsum("oi,op,pi->i", *self._form())
        square, fourth = self._strength(rates, 2), self._strength(rates, 4)
        cumulants = np.zeros((4, rate.size, self.n_inputs))
        cumulants[1] = np.outer(rate * power, square) + self.initial_sd**2
        cumulants[3] = np.outer(3 * rate * (1 - rate) * power**2, fourth)
        return WeightPrediction(
            n_inputs=self.n_inputs,
            cumulants=cumulants,
            mean_size=self._mean_size(cumulants, rate, power, rates),
            terms=lambda: self._terms(rates),
            fourth_cumulants=lambda: self._fourth_cumulants(rates),
            characteristic=lambda theta: self._characteristic(theta, cumulants[1], rate, power, rates),
            zero_share=self._zero_share(rate, power, rates),
            square_variances=lambda: self._square_variances(rate, power, rates),
        )

    def _mean_size(self, cumulants: Floats, rate: Floats, power: Floats, rates: Floats) -> Floats:
        """Return E|w|, ``(n_units, n_inputs)``: by a Gamma law of the variance, or by its own."""
        square, fourth = cumulants[1], cumulants[3]
        with np.errstate(divide="ignore", invalid="ignore"):
            shape = np.where(fourth > 0, 3 * square**2 / fourth, np.inf)
        size = np.sqrt(square) * gamma_ratio(shape)
        unit, place = np.nonzero(shape < _GAMMA)
        if unit.size:
            strengths, start = InputStrengths.of(self.inputs, rates), self.initial_sd**2
            for part in np.array_split(np.arange(unit.size), -(-unit.size // _PART)):
                row, column = unit[part], place[part]
                of = column, rate[row], power[row], square[row, column], start
                size[row, column] = np.sqrt(2 / np.pi) * strengths.mean_root(*of)
        return size

    def _characteristic(
        self, theta: Floats, square: Floats, rate: Floats, power: Floats, rates: Floats
    ) -> Floats:
        """Return the mean φ of all weights, or of 2,048 at equal steps of the order of variances."""
        order = np.argsort(square, axis=None)
        if order.size > _SAMPLE:
            order = order[((np.arange(_SAMPLE) + 0.5) * order.size / _SAMPLE).astype(np.int64)]
        unit, place = np.divmod(order, self.n_inputs)
        strengths, total = InputStrengths.of(self.inputs, rates), np.zeros(theta.size)
        for part in np.array_split(np.arange(order.size), -(-order.size * theta.size // _CELLS)):
            u = np.broadcast_to(theta**2 / 2, (part.size, theta.size))
            row = unit[part]
            log = strengths.log_transform(u, place[part], rate[row], power[row])
            total += np.exp(log - self.initial_sd**2 * u).sum(axis=0)
        return total / order.size

    def _zero_share(self, rate: Floats, power: Floats, rates: Floats) -> float:
        """Return the probability that a weight is exactly 0."""
        if self.initial_sd > 0:
            return 0.0
        given = self._given(rates, 0) if rates.all() else self._given((rates > 0).astype(float), 1)
        often = given @ (self.inputs != 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            never = np.exp(np.where(often > 0, np.log1p(-rate)[:, None] * often, 0.0))
        return float(np.where(power[:, None] > 0, never, 1.0).mean())

    def _square_variances(self, rate: Floats, power: Floats, rates: Floats) -> Floats:
        """Return 2 tr (E M)² + 3 p (1 - p) G² Σ_t η_t⁴ |x_t|⁴, M the covariance given the activity."""
        columns, start = self._columns(rates), self.initial_sd**2
        strength = rate * power
        square = strength**2 * np.square(columns).sum() + self.n_inputs * start**2
        square += 2 * strength * start * np.trace(columns)
        return 2 * square + 3 * rate * (1 - rate) * power**2 * self._fourth_lengths(rates)

    def _fourth_lengths(self, rates: Floats) -> float:
        """Return Σ_t η_t⁴ |x_t|⁴."""
        given, lengths = self._given(rates, 4), np.empty(len(self.inputs))
        for start in range(0, lengths.size, BLOCK):
            inputs = self.inputs[start : start + BLOCK].astype(np.float64)
            lengths[start : start + BLOCK] = np.square(inputs).sum(axis=1)
        return float(given @ lengths**2)

    def _form(self) -> tuple[Floats, Floats, Floats]:
        return self.read_out, self.error_covariance, self.read_out

    def _given(self, rates: Floats, order: int) -> Floats:
        """Return Σ η_t^order of each given input's presentations: ``(n_given,)``."""
        example = np.arange(rates.size) % len(self.inputs)
        return np.bincount(example, rates**order, minlength=len(self.inputs))

    def _strength(self, rates: Floats, order: int) -> Floats:
        """Return Σ_t (η_t x_tj)^order, of order 2 or 4: ``(n_inputs,)``."""
        given, total = self._given(rates, order), np.zeros(self.n_inputs)
        for start in range(0, given.size, BLOCK):
            square = np.square(self.inputs[start : start + BLOCK].astype(np.float64))
            total += given[start : start + BLOCK] @ (square if order == 2 else np.square(square))
        return total

    def _terms(self, rates: Floats) -> Terms:
        both = self._together() * self.read_out_gram
        written = both, self._strength(rates, 2).sum(), lambda: self._columns(rates)
        if self.initial_sd == 0:
            return [written]
        initial = self.initial_sd**2 * np.eye(self.process.n_units)
        return [written, (initial, self.n_inputs, lambda: np.eye(self.n_inputs))]

    def _columns(self, rates: Floats) -> Floats:
        """Return Σ_t η_t² x_t x_tᵀ: ``(n_inputs, n_inputs)``."""
        given, columns = self._given(rates, 2), np.zeros((self.n_inputs, self.n_inputs))
        for start in range(0, given.size, BLOCK):
            inputs = self.inputs[start : start + BLOCK].astype(np.float64)
            columns += inputs.T @ (given[start : start + BLOCK, None] * inputs)
        return columns

    def _together(self) -> Floats:
        """Return P, the probability that two units are active: ``(n_units, n_units)``."""
        predicted = self.process.predict()
        return predicted.covariance + np.outer(predicted.rate, predicted.rate)

    def _fourth_cumulants(self, rates: Floats) -> tuple[float, float]:
        """Return Σ_t (η_t |x_t|)⁴ [E|v|⁴ - (tr A)² - 2 tr A²], v = s ∘ δ and A = P ∘ G, for both sums.

        What an example writes is one product v xᵀ, all of whose squares are in one singular value.
        """
        together, gram = self._together(), self.read_out_gram
        power, both = np.diag(gram), together * gram
        fourth = np.vdot(together, np.outer(power, power) + 2 * gram**2)
        cumulant = fourth - np.trace(both) ** 2 - 2 * np.square(both).sum()
        return (self._fourth_lengths(rates) * cumulant,) * 2


def _check_inputs(inputs: ArrayLike) -> NDArray:
    """Return the caller's own inputs, which may be large; raise unless a finite real matrix."""
    numbers = np.asarray(inputs)
    if numbers.dtype.kind not in "iuf":
        raise TypeError(f"inputs must hold numbers, got dtype {numbers.dtype}")
    if numbers.ndim != 2 or 0 in numbers.shape:
        raise ValueError(f"inputs must have shape (n_given, n_inputs), got {numbers.shape}")
    if not (np.isfinite(numbers.min()) and np.isfinite(numbers.max())):
        raise ValueError("inputs must be finite, got infinite or not-a-number ones")
    return numbers


def _error_covariance(covariance: ArrayLike | None, n_outputs: int) -> Floats:
    checked = (
        np.eye(n_outputs)
        if covariance is None
        else check_symmetric("error_covariance", covariance, n_outputs)
    )
    _factor(checked)
    checked.setflags(write=False)
    return checked


def _factor(covariance: Floats) -> Floats:
    remedy = "errors need a covariance matrix"
    return triangular_factor("error_covariance", covariance, remedy=remedy)
