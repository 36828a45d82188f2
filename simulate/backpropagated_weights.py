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
its mean size takes the law of the variance for the Gamma law with the same mean and variance, which is
right to the second order in κ₄/κ₂² and so for units active often.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..activity.arrays import Floats
from ..activity.checks import as_floats
from .correlation_matrices import check_symmetric, triangular_factor
from .process import Process
from .schedules import check_initial_sd, check_learning_rate, learning_rates
from .weight_laws import gamma_ratio
from .weight_prediction import Terms, WeightPrediction
from .writing_kernels import BLOCK, Weights, normal_weights, presentations, write


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
        with np.errstate(divide="ignore", invalid="ignore"):
            shape = np.where(cumulants[3] > 0, 3 * cumulants[1] ** 2 / cumulants[3], np.inf)
        return WeightPrediction(
            n_inputs=self.n_inputs,
            cumulants=cumulants,
            mean_size=np.sqrt(cumulants[1]) * gamma_ratio(shape),
            terms=lambda: self._terms(rates),
            fourth_cumulants=lambda: self._fourth_cumulants(rates),
        )

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
        given, lengths = self._given(rates, 4), np.empty(len(self.inputs))
        for start in range(0, lengths.size, BLOCK):
            inputs = self.inputs[start : start + BLOCK].astype(np.float64)
            lengths[start : start + BLOCK] = np.square(inputs).sum(axis=1)
        return (float(given @ lengths**2 * cumulant),) * 2


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
