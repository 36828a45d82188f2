"""Laws of weights between heavy and light tails, with the Laplace and the Gaussian as landmarks.

Generalized normal [1]_, the prior of a penalty Σ|w|^q, with exponent q and scale α:

    f(w) = q / (2αΓ(1/q)) exp(-|w/α|^q),    sd² = α² Γ(3/q)/Γ(1/q),
    E|w|/√E w² = Γ(2/q)/√(Γ(1/q)Γ(3/q)),    excess kurtosis Γ(5/q)Γ(1/q)/Γ(3/q)² - 3;

q = 1 is Laplace, what an L1 penalty expects, and q = 2 Gaussian, what an L2 penalty does.

Variance-gamma [2]_, a normal number whose variance has a Gamma law of shape k: the law of weights that
are written often, and into units whose rates are Gamma(k). With β = √(2k)/sd,

    w = mean + sd √(g/k) z,    g ~ Gamma(k),    z ~ N(0, 1),
    f(w) = β/(√π Γ(k)) (β|w|/2)^(k-½) K_{k-½}(β|w|),    E|w|/√E w² = √(2/π) Γ(k+½)/(Γ(k)√k),

both about the mean, and excess kurtosis 3/k. Shape 1 is Laplace exactly, an infinite shape Gaussian.
The sum of n such numbers is again one, of shape nk.

.. [1] Subbotin (1923), Mat. Sb. 31, 296-301; Nadarajah (2005), J. Appl. Stat. 32, 685-694.
.. [2] Madan and Seneta (1990), J. Business 63, 511-524.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq, minimize_scalar
from scipy.special import gammaincc, gammaln, kve, modstruve, ndtr, poch

from ..activity.arrays import Counts, Floats
from ..activity.checks import as_floats, check_generator, one_number

EXPONENTS = 0.05, 100.0  # between which an exponent is looked for
_LARGE = 50.0  # shape or order from which expansions in its inverse are exact to 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneralizedNormal:
    """Weights about zero of which an exponent q is the norm that they obey."""

    exponent: float  # q, in [0.05, 100]
    sd: float = 1.0  # above 0

    def __post_init__(self) -> None:
        exponent = one_number("exponent", as_floats("exponent", self.exponent))
        if not EXPONENTS[0] <= exponent <= EXPONENTS[1]:
            raise ValueError(f"exponent must lie in [0.05, 100], got {exponent}")
        object.__setattr__(self, "exponent", exponent)
        object.__setattr__(self, "sd", _above_zero("sd", self.sd))

    @classmethod
    def matching(cls, *, l1_l2_ratio: float, sd: float = 1.0) -> Self:
        """Return the law that has this E|w|/√E w²; a ``ValueError`` where no exponent does."""
        ratio = one_number("l1_l2_ratio", as_floats("l1_l2_ratio", l1_l2_ratio))
        low, high = (_normal_ratio(exponent) for exponent in EXPONENTS)
        if not low < ratio < high:
            raise ValueError(f"l1_l2_ratio must lie in ({low:.3g}, {high:.5f}), got {ratio}")
        root = brentq(lambda log: _normal_ratio(np.exp(log)) - ratio, *np.log(EXPONENTS), xtol=1e-14)
        return cls(exponent=float(np.exp(root)), sd=sd)

    @classmethod
    def fit(cls, weight: ArrayLike) -> Self:
        """Return the law under which weights of any shape are most likely.

        Raises ``ValueError`` where no exponent in [0.05, 100] is: if many weights are exactly 0, or if
        all are of one size.
        """
        size = np.abs(as_floats("weight", weight)).ravel()
        if not size.any():
            raise ValueError("weight must hold more than zeros")
        root_mean_square = np.sqrt(np.square(size).mean())
        with np.errstate(divide="ignore"):
            log_size = np.log(size / root_mean_square)

        def loss(log: float) -> float:
            exponent = np.exp(log)
            power = np.exp(exponent * log_size).mean()
            return np.log(power * exponent) / exponent + gammaln(1 / exponent) - log + 1 / exponent

        low, high = np.log(EXPONENTS)
        best = minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-7}).x
        if not low + 1e-4 < best < high - 1e-4:
            raise ValueError(f"no exponent in [0.05, 100] is most likely, got {np.exp(best):.3g}")
        exponent = np.exp(best)
        scale = root_mean_square * (exponent * np.exp(exponent * log_size).mean()) ** (1 / exponent)
        return cls(exponent=float(exponent), sd=float(scale / _normal_scale(exponent)))

    @property
    def scale(self) -> float:
        """Scale α, at which the density is 1/e of its peak."""
        return float(self.sd * _normal_scale(self.exponent))

    @property
    def l1_l2_ratio(self) -> float:
        """E|w| / √E w²."""
        return float(_normal_ratio(self.exponent))

    @property
    def excess_kurtosis(self) -> float:
        """Fourth central moment over the squared variance, less 3."""
        one, three, five = gammaln(np.array([1.0, 3.0, 5.0]) / self.exponent)
        return float(np.exp(five + one - 2 * three) - 3)

    def pdf(self, weight: ArrayLike) -> Floats:
        """Return the density at ``weight``, in its shape."""
        return np.exp(self.log_pdf(weight))

    def log_pdf(self, weight: ArrayLike) -> Floats:
        """Return the log of the density at ``weight``, in its shape."""
        size = np.abs(as_floats("weight", weight)) / self.scale
        peak = np.log(self.exponent / (2 * self.scale)) - gammaln(1 / self.exponent)
        return peak - size**self.exponent

    def cdf(self, weight: ArrayLike) -> Floats:
        """Return the probability of weights up to ``weight``, in its shape."""
        weight = as_floats("weight", weight)
        size = (np.abs(weight) / self.scale) ** self.exponent
        tail = 0.5 * gammaincc(1 / self.exponent, size)
        return np.where(weight < 0, tail, 1 - tail)

    def sample(self, shape: tuple[int, ...], *, rng: np.random.Generator) -> Floats:
        """Draw weights of a shape."""
        size = check_generator(rng).standard_gamma(1 / self.exponent, shape) ** (1 / self.exponent)
        return self.scale * size * rng.choice([-1.0, 1.0], shape)


@dataclass(frozen=True, slots=True, kw_only=True)
class VarianceGamma:
    """Weights, or single changes of weights, of a given mean and of tails that a shape tells."""

    sd: float  # above 0
    shape: float = np.inf  # above 0: 1 is Laplace, inf Gaussian
    mean: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "sd", _above_zero("sd", self.sd))
        object.__setattr__(self, "mean", one_number("mean", as_floats("mean", self.mean)))
        if self.shape != np.inf:
            object.__setattr__(self, "shape", _above_zero("shape", self.shape))

    @property
    def l1_l2_ratio(self) -> float:
        """E|w - mean| / sd."""
        return float(gamma_ratio(self.shape))

    @property
    def excess_kurtosis(self) -> float:
        """Fourth central moment over the squared variance, less 3."""
        return 3 / self.shape

    @property
    def moments(self) -> Floats:
        """Raw moments of order 1 to 4."""
        mean, square = self.mean, self.sd**2
        fourth = mean**4 + 6 * mean**2 * square + 3 * square**2 * (1 + 1 / self.shape)
        return np.array([mean, mean**2 + square, mean**3 + 3 * mean * square, fourth])

    def pdf(self, weight: ArrayLike) -> Floats:
        """Return the density at ``weight``, in its shape; infinite at the mean of shapes up to ½."""
        return np.exp(self.log_pdf(weight))

    def log_pdf(self, weight: ArrayLike) -> Floats:
        """Return the log of the density at ``weight``, in its shape; infinite where the density is."""
        deviation = np.abs(as_floats("weight", weight) - self.mean) / self.sd
        if self.shape == np.inf:
            return -0.5 * deviation**2 - np.log(self.sd * np.sqrt(2 * np.pi))
        order, beta = self.shape - 0.5, np.sqrt(2 * self.shape)
        z = beta * np.maximum(deviation, 1e-300)
        log = order * np.log(z / 2) + _log_bessel(order, z) - gammaln(self.shape)
        at_mean = np.inf if order <= 0 else gammaln(order) - gammaln(self.shape) - np.log(2)
        peak = np.log(beta / (self.sd * np.sqrt(np.pi)))
        return np.where(deviation < 1e-290, at_mean, log) + peak

    def cdf(self, weight: ArrayLike) -> Floats:
        """Return the probability of weights up to ``weight``, in its shape.

        For shapes k < 50 by ∫₀ᶻ tᵛ K_v(t) dt = 2^(v-1) √π Γ(v+½) z (K_v L_{v-1} + K_{v-1} L_v),
        v = k - ½ (DLMF 10.43.2); else as the mean of the normal law over that of its variance.
        """
        deviation = (as_floats("weight", weight) - self.mean) / self.sd
        if self.shape == np.inf:
            return ndtr(deviation)
        if self.shape >= _LARGE:
            return _mixed_cdf(deviation, self.shape)
        order, z = self.shape - 0.5, np.minimum(np.sqrt(2 * self.shape) * np.abs(deviation), 600.0)
        z = np.maximum(z, 1e-30)
        before = kve(order, z) * np.exp(-z) * modstruve(order - 1, z)
        after = kve(order - 1, z) * np.exp(-z) * modstruve(order, z)
        inner = np.where(z > 200, 1.0, np.minimum(z * (before + after), 1.0))
        return 0.5 + 0.5 * np.sign(deviation) * inner

    def sample(self, shape: tuple[int, ...], *, rng: np.random.Generator) -> Floats:
        """Draw weights of a shape."""
        return self.sample_sums(np.ones(shape, dtype=np.int64), rng=rng)

    def sample_sums(self, n_terms: Counts, *, rng: np.random.Generator) -> Floats:
        """Draw one sum of ``n_terms`` numbers for each of its entries, at the cost of two numbers."""
        variance = np.asarray(n_terms, dtype=np.float64)
        centre = self.mean * variance
        if self.shape != np.inf:
            variance = check_generator(rng).standard_gamma(self.shape * variance) / self.shape
        return centre + self.sd * np.sqrt(variance) * check_generator(rng).standard_normal(centre.shape)


def gamma_ratio(shape: ArrayLike) -> Floats:
    """Return √(2/π) Γ(k+½)/(Γ(k)√k), the ratio E|w|/√E w² of variance-gamma weights of shapes k."""
    shape = np.asarray(shape, dtype=np.float64)
    small, inverse = np.minimum(shape, _LARGE), 1 / np.maximum(shape, _LARGE)
    tail = 1 - inverse / 8 * (1 - inverse / 16 * (1 + inverse * 5 / 8 * (1 - inverse * 21 / 160)))
    return np.sqrt(2 / np.pi) * np.where(shape < _LARGE, poch(small, 0.5) / np.sqrt(small), tail)


def _above_zero(name: str, value: float) -> float:
    number = one_number(name, as_floats(name, value))
    if number <= 0:
        raise ValueError(f"{name} must be above 0, got {number}")
    return number


def _normal_ratio(exponent: float) -> float:
    one, two, three = gammaln(np.array([1.0, 2.0, 3.0]) / exponent)
    return np.exp(two - (one + three) / 2)


def _normal_scale(exponent: float) -> float:
    one, three = gammaln(np.array([1.0, 3.0]) / exponent)
    return np.exp((one - three) / 2)


def _log_bessel(order: float, z: Floats) -> Floats:
    """Return log K_v(z), by Debye's expansion (DLMF 10.41.4) for orders from 50 on.

    Near zero K_v outgrows the numbers, but not its limit Γ(v)(z/2)^(-v)/2 (DLMF 10.30.2).
    """
    if order < _LARGE:
        value, size = kve(order, z), max(abs(order), 1e-300)
        limit = gammaln(size) - np.log(2) - size * np.log(z / 2)
        return np.where(np.isinf(value), limit, np.log(value) - z)
    root = np.hypot(order, z)
    t = order / root
    first = (3 * t - 5 * t**3) / 24
    second = (81 * t**2 - 462 * t**4 + 385 * t**6) / 1152
    third = (30375 * t**3 - 369603 * t**5 + 765765 * t**7 - 425425 * t**9) / 414720
    series = -first / order + second / order**2 - third / order**3
    log = np.log(z / (order + root))
    return 0.5 * np.log(np.pi / (2 * root)) - root - order * log + np.log1p(series)


def _mixed_cdf(deviation: Floats, shape: float) -> Floats:
    spread = np.linspace(-9, 9, 121) / np.sqrt(shape)  # of log g about log k
    weight = np.exp(shape * (spread - np.expm1(spread)))
    inside = ndtr(deviation[..., None] * np.exp(-spread / 2))
    return inside @ (weight / weight.sum())
