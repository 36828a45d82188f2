"""Rates of a layer's units in every class: units differ in how active and in how selective they are.

    m_i ~ Beta(mean·concentration, (1 - mean)·concentration)
    logit F_i ~ Normal(logit(class_share), class_share_spread²)
    p_ic | m_i, F_i ~ Beta(m_i s, (1 - m_i) s),    s = (1 - F_i) / F_i,

the law of allele frequencies in subpopulations of Balding and Nichols [1]_, with units for loci and
classes for subpopulations. The variance of a unit's rate between classes is F_i m_i (1 - m_i), so F_i is
its class share: 0 for a unit that takes no notice of the class, 1 for one that is either always or never
active in a class. ``class_share`` is that of the typical (median) unit, the spread is in logits.

With classes of probabilities q_c only C of all thinkable classes are there, and the share that lies
between them is on average over the rates, and for a layer of many units, of which F_i and m_i are
independent,

    Σ_i V_i / Σ_i p_i (1 - p_i) → E[F] (1 - Σ q²) / (1 - E[F] Σ q²).

.. [1] Balding and Nichols (1995), Genetica 96, 3-12.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, logit

from ..activity.arrays import Floats
from ..activity.checks import as_floats, check_count, check_generator, check_probability, one_number
from .discrete import check_distribution

_REACH = 34.0  # logits; class shares beyond are 0 or 1 to rounding
_LEAST = 1e-280  # rates below are 0; smaller shapes would leave the range of numbers
_Z = np.linspace(-9, 9, 721)  # standard deviations; their trapezoid sum is exact to rounding


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectiveRates:
    """Law of the class rates of ``n_units`` units."""

    n_units: int
    n_classes: int
    mean: float  # of the units' rates, in (0, 1)
    concentration: float  # a + b of their Beta law, above 0
    class_share: float  # of the typical unit, in (0, 1)
    class_share_spread: float = 0.0  # standard deviation of its logit over units, at least 0

    def __post_init__(self) -> None:
        check_count("n_units", self.n_units)
        check_count("n_classes", self.n_classes)
        for name in ("mean", "class_share"):
            one_number(name, check_probability(name, getattr(self, name)))
        if one_number("concentration", as_floats("concentration", self.concentration)) <= 0:
            raise ValueError(f"concentration must be above 0, got {self.concentration}")
        spread = one_number(
            "class_share_spread", as_floats("class_share_spread", self.class_share_spread)
        )
        if spread < 0:
            raise ValueError(f"class_share_spread must be at least 0, got {spread}")

    @property
    def beta(self) -> tuple[float, float]:
        """Shapes (a, b) of the Beta law of the units' rates over all thinkable classes."""
        return self.mean * self.concentration, (1 - self.mean) * self.concentration

    @property
    def mean_class_share(self) -> float:
        """Mean class share of the units, E[F]."""
        weight = np.exp(-0.5 * np.square(_Z))
        share = expit(logit(self.class_share) + self.class_share_spread * _Z)
        return float(weight @ share / weight.sum())

    def layer_class_share(self, class_probability: ArrayLike) -> float:
        """Return the class share of a large layer in ``n_classes`` classes of these probabilities.

        What :attr:`rote.activity.Statistics.class_share` measures; raises ``ValueError`` for
        probabilities that are not of ``n_classes`` classes.
        """
        probability = check_distribution("class_probability", class_probability)
        if probability.size != self.n_classes:
            raise ValueError(
                f"class_probability must have shape ({self.n_classes},), got {probability.shape}"
            )
        alike, mean = np.square(probability).sum(), self.mean_class_share
        return float(mean * (1 - alike) / (1 - mean * alike))

    def sample(self, *, rng: np.random.Generator) -> Floats:
        """Draw class rates ``(n_classes, n_units)`` for :class:`~rote.simulate.ClassConditional`."""
        rate = check_generator(rng).beta(*self.beta, size=self.n_units)
        rate = np.clip(rate, _LEAST, 1 - 2.0**-53)
        x = logit(self.class_share) + self.class_share_spread * rng.standard_normal(self.n_units)
        scale = np.exp(-np.clip(x, -_REACH, _REACH))
        shape = self.n_classes, self.n_units
        return rng.beta(rate * scale, (1 - rate) * scale, size=shape)
