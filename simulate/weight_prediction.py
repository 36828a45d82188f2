"""What written weights are predicted to be, under the names that ``weight_statistics`` measures.

Everything follows from the cumulants κ_n of each weight, its mean size E|w|, and second moments that are
sums of products of one matrix for the units and one for the inputs,

    E[w_ia w_jb] = Σ_r R^r_ij C^r_ab,    Gram matrix of the rows  E[w_i · w_j] = Σ_r R^r_ij tr C^r.

Without a mean, the squared singular values s² of the matrix have the moments

    E Σ s² = Σ_r tr R^r tr C^r,    E (Σ s²)² = (E Σ s²)² + 2 Σ_rq tr R^r R^q tr C^r C^q + X,
    E Σ s⁴ = Σ_rq [tr R^r R^q tr C^r tr C^q + tr R^r tr R^q tr C^r C^q + tr R^r R^q tr C^r C^q] + Y,

by Isserlis' theorem, X and Y being sums of fourth joint cumulants, which are 0 for Gaussian weights.
Ratios of two statistics are predicted by the ratio of their expectations, which a large layer's own
ratio comes near to. The distribution of all weights together is had from their characteristic function.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammainc

from ..activity.arrays import Floats
from ..activity.covariance import correlation_matrix
from .inversion import CharacteristicLaw
from .singular_values import expected_singular_values
from .weight_laws import GeneralizedNormal

type Terms = list[tuple[Floats, float, Callable[[], Floats]]]
"""Second moments R ``(n_units, n_units)``, tr C, and what works C ``(n_inputs, n_inputs)`` out."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WeightPrediction:
    """Laws of a layer's incoming weights; the last axis has length 1 where all inputs are alike."""

    n_inputs: int
    cumulants: Floats  # (4, n_units, n_inputs or 1) of each weight, of order 1 to 4
    mean_size: Floats  # (n_units, n_inputs or 1) expected absolute weight
    terms: Callable[[], Terms]  # second moments, worked out when asked for
    fourth_cumulants: Callable[[], tuple[float, float]]  # X and Y
    characteristic: Callable[[Floats], NDArray]  # of a weight chosen at random, at θ ``(n_steps,)``
    zero_share: float  # probability that it is exactly 0
    square_variances: Callable[[], Floats]  # of the squared norms: ``(n_units,)``
    strengths: Callable[[], Floats] | None = None  # see ``singular_values``

    @property
    def n_units(self) -> int:
        """Number of units."""
        return self.mean_size.shape[0]

    @property
    def mean_square(self) -> Floats:
        """Expected squares of the weights: ``(n_units, n_inputs or 1)``."""
        return self.cumulants[1] + self.cumulants[0] ** 2

    @property
    def norm_l1(self) -> Floats:
        """Expected sum of absolute weights into a unit: ``(n_units,)``."""
        return self.mean_size.mean(axis=1) * self.n_inputs

    @property
    def norm_l2(self) -> Floats:
        """Root of the expected squared norm of the weights into a unit: ``(n_units,)``."""
        return np.sqrt(self.mean_square.mean(axis=1) * self.n_inputs)

    @property
    def norm_square_variance(self) -> Floats:
        """Variance of the squared norm of the weights into a unit: ``(n_units,)``."""
        return self.square_variances()

    def norm_cdf(self, norm: ArrayLike) -> Floats:
        """Return the probability of an L2 norm up to ``norm``, from 0 on; units on the last axis.

        Near, not exact: by the Gamma law of the squared norm that has its mean and variance. It does not
        know of the chance that a rare unit is never written at all.
        """
        mean, variance = self.norm_l2**2, self.norm_square_variance
        if not (variance > 0).all():
            unit = int(np.argmin(variance))
            raise ValueError(
                f"norm_cdf needs units whose norm varies, got a constant one at unit {unit}"
            )
        return gammainc(mean**2 / variance, np.square(norm) * mean / variance)

    def pdf(self, weight: ArrayLike) -> Floats:
        """Return the density at ``weight``, in its shape, of all weights together that are not 0."""
        return self._law().pdf(weight)

    def cdf(self, weight: ArrayLike) -> Floats:
        """Return the share of all weights together that lies up to ``weight``, in its shape."""
        return self._law().cdf(weight)

    def _law(self) -> CharacteristicLaw:
        one, two, _, four = self.cumulants
        if not two.any():
            raise ValueError("pdf and cdf need weights that vary")
        single = np.sqrt(np.divide(four, two, out=np.zeros_like(two), where=(two > 0) & (four > 0)))
        reach = (np.abs(one) + 12 * np.sqrt(two) + 6 * single).max()
        return CharacteristicLaw(
            characteristic=self.characteristic, reach=float(reach), zero=self.zero_share
        )

    @property
    def matrix_norm_l1(self) -> float:
        """Expected sum of all absolute weights."""
        return float(self.norm_l1.sum())

    @property
    def matrix_norm_l2(self) -> float:
        """Root of the expected sum of all squares, the Frobenius norm."""
        return float(np.sqrt(np.square(self.norm_l2).sum()))

    @property
    def l1_l2_ratio(self) -> float:
        """E|w| / √E w² of all weights together; nan where all are 0."""
        square = self.mean_square.mean()
        return float(self.mean_size.mean() / np.sqrt(square)) if square > 0 else np.nan

    @property
    def excess_kurtosis(self) -> float:
        """Excess kurtosis of all weights together; nan where they are all the same."""
        one, two, three, four = self.cumulants
        mean = one.mean()
        away = one - mean  # of the weight's mean from that of all
        square = (two + away**2).mean()
        fourth = (four + 3 * two**2 + 4 * away * three + 6 * away**2 * two + away**4).mean()
        return float(fourth / square**2 - 3) if square > 0 else np.nan

    @property
    def weight_excess_kurtosis(self) -> Floats:
        """Excess kurtosis of each weight: ``(n_units, n_inputs or 1)``; nan where it never changes."""
        with np.errstate(invalid="ignore"):
            return self.cumulants[3] / self.cumulants[1] ** 2

    @property
    def exponent(self) -> float:
        """Exponent q of the generalized normal law with this L1/L2 ratio; ``ValueError`` if none has."""
        return GeneralizedNormal.matching(l1_l2_ratio=self.l1_l2_ratio).exponent

    @property
    def gram(self) -> Floats:
        """Expected inner products of the units' weights: ``(n_units, n_units)``."""
        return sum(rows * trace for rows, trace, _ in self.terms())

    @property
    def row_cosine(self) -> Floats:
        """Cosine of every two units' weights, ``(n_units, n_units)``; nan for units without weights."""
        return correlation_matrix(self.gram)

    @property
    def singular_values(self) -> Floats:
        """Singular values of a large matrix with these second moments, the greatest first.

        ``(min(n_units, n_inputs),)``, as :func:`~rote.simulate.singular_values.expected_singular_values`
        tells them of normal weights. Where all that units share is how often they are written,
        ``strengths`` gives the variances of their weights as they come out, not only in the mean: units
        written rarely differ by chance. Elsewhere the mean second moments stand for those that come out,
        and units must be written often. Raises ``ValueError`` for weights with a mean.
        """
        (rows, _, work_out), *others = self._terms_without_mean("singular_values")
        if self.strengths is not None:
            return expected_singular_values(self.strengths(), _eigenvalues(work_out()))
        noise = 0.0
        for more_rows, _, more_columns in others:
            noise += _multiple_of_identity(more_rows) * _multiple_of_identity(more_columns())
        of_units, of_inputs = _eigenvalues(rows), _eigenvalues(work_out())
        return expected_singular_values(of_units, of_inputs, noise_sd=np.sqrt(noise))

    @property
    def participation_ratio(self) -> float:
        """Effective number of singular values, E (Σ s²)² / E Σ s⁴; nan where all weights are 0.

        Raises ``ValueError`` for weights with a mean.
        """
        of_units, traces, of_inputs = zip(*self._terms_without_mean("participation_ratio"), strict=True)
        rows = _products(of_units)
        columns = _products([work_out() for work_out in of_inputs])
        row, column = np.array([np.trace(one) for one in of_units]), np.array(traces)
        of_square, of_fourth = self.fourth_cumulants()
        total = (row @ column) ** 2 + 2 * np.vdot(rows, columns) + of_square
        fourth = column @ rows @ column + row @ columns @ row + np.vdot(rows, columns) + of_fourth
        return float(total / fourth) if fourth > 0 else np.nan

    def _terms_without_mean(self, name: str) -> Terms:
        if self.cumulants[0].any():
            raise ValueError(f"{name} needs weights without a mean")
        return self.terms()


def _products(matrices: Sequence[Floats]) -> Floats:
    """Return tr A B of every two symmetric ``matrices``."""
    return np.array([[np.vdot(one, other) for other in matrices] for one in matrices])


def _eigenvalues(matrix: Floats) -> Floats:
    """Return the eigenvalues of second moments, those that are 0 but for rounding as 0."""
    values = np.linalg.eigvalsh(matrix)
    return np.where(values > 1e-12 * values[-1], values, 0.0)


def _multiple_of_identity(matrix: Floats) -> float:
    factor = float(matrix[0, 0])
    if not np.array_equal(matrix, factor * np.eye(len(matrix))):
        raise ValueError("terms after the first must be multiples of the identity")
    return factor
