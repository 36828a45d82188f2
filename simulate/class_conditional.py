"""Class-conditional activity: an example has a class, and the units' rates depend on it.

Given its class c, drawn with probability q_c, the units of an example are independent with rates p_ic:

    p_i = Σ_c q_c p_ic,    cov_ij = Cov_c(p_ic, p_jc),    V_i = Var_c(p_ic).

All correlation is signal. In windows of W examples of one class a unit's count has the Fano factor
1 - p_i + (W - 1) V_i / p_i; of the layer's variance, Σ V_i / Σ p_i (1 - p_i) lies between classes.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..activity.arrays import Activity, Counts, Floats
from ..activity.checks import as_floats, check_choice, check_count, check_probability
from ..activity.measurement import WINDOW
from ..activity.statistics import ORDERS
from ..activity.streams import Key, draw_keys, uniforms
from .discrete import check_distribution, invert
from .drawing import Chords
from .population import poisson_binomial_pmf
from .prediction import Prediction
from .rare import BoundedMixture


@dataclass(frozen=True, kw_only=True, eq=False)
class ClassPrediction(Prediction):
    """Laws of a layer whose examples have classes."""

    class_probability: Floats  # (n_classes,)
    class_rate: Floats  # (n_classes, n_units)
    window: int  # examples of one class in a window of the Fano factor

    @property
    def class_variance(self) -> Floats:
        """Variance of each unit's rate between classes: ``(n_units,)``."""
        return self.class_probability @ np.square(self.class_rate - self.rate)

    @property
    def class_share(self) -> float:
        """Share of the layer's variance that lies between classes; nan for one that never changes."""
        total = self.variance.sum()
        return float(self.class_variance.sum() / total) if total > 0 else float("nan")

    def fano_factor(self, order: str = "recorded") -> Floats:
        """Return variance over mean of windowed counts, ``(n_units,)``; nan for dead units by class.

        ``order`` is ``"recorded"`` (a random one) or ``"class"`` (windows hold examples of one class).
        """
        if check_choice("order", order, ORDERS) == "recorded":
            return 1 - self.rate
        dead = np.full(self.n_units, np.nan)
        selective = np.divide(self.class_variance, self.rate, out=dead, where=self.rate > 0)
        return 1 - self.rate + (self.window - 1) * selective


@dataclass(frozen=True, kw_only=True, eq=False)
class ClassConditional(BoundedMixture):
    """Units with a rate of their own in every class, independent within a class."""

    class_probability: Floats  # (n_classes,) of sum 1
    class_rate: Floats  # (n_classes, n_units) probability that a unit is active, in [0, 1]
    tight = True

    def __post_init__(self) -> None:
        probability = check_distribution("class_probability", self.class_probability)
        rate = np.array(as_floats("class_rate", self.class_rate))
        if rate.ndim != 2 or rate.shape[0] != probability.size or rate.shape[1] == 0:
            raise ValueError(
                f"class_rate must have shape ({probability.size}, n_units), a row for each class, "
                f"got {rate.shape}"
            )
        for number, row in enumerate(rate):
            check_probability(f"class_rate[{number}]", row, closed="01")
        rate.setflags(write=False)
        object.__setattr__(self, "class_probability", probability)
        object.__setattr__(self, "class_rate", rate)

    @property
    def n_units(self) -> int:
        """Number of units."""
        return self.class_rate.shape[1]

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return self.class_probability.size

    def sample_labels(self, n_examples: int, *, rng: np.random.Generator) -> Counts:
        """Draw the classes of examples: ``(n_examples,)``, from 0."""
        places = np.arange(check_count("n_examples", n_examples), dtype=np.uint64)
        return self.latent(draw_keys(rng, 1)[0], places)

    def sample_given(self, labels: ArrayLike, *, rng: np.random.Generator) -> Activity:
        """Draw activity of examples of known classes, ``labels`` ``(n_examples,)``, in their order.

        Raises ``TypeError`` for labels other than whole numbers, ``ValueError`` for another shape or for
        one outside [0, n_classes).
        """
        labels = np.asarray(labels)
        if labels.dtype.kind not in "iu":
            raise TypeError(f"labels must be whole numbers, got dtype {labels.dtype}")
        if labels.ndim != 1 or labels.size == 0:
            raise ValueError(f"labels must have shape (n_examples,), got {labels.shape}")
        if labels.min() < 0 or labels.max() >= self.n_classes:
            found = f"[{labels.min()}, {labels.max()}]"
            raise ValueError(f"labels must lie in [0, {self.n_classes - 1}], got {found}")
        units = {"class_probability": self.class_probability, "class_rate": self.class_rate}
        return _Labelled(labels=labels.astype(np.int64), **units).sample(labels.size, rng=rng)

    def sample_with_labels(
        self, n_examples: int, *, rng: np.random.Generator
    ) -> tuple[Activity, Counts]:
        """Draw activity ``(n_examples, n_units)`` and the classes ``(n_examples,)`` behind it.

        Its law is that of :meth:`sample`, its random numbers are others.
        """
        labels = self.sample_labels(n_examples, rng=rng)
        return self.sample_given(labels, rng=rng), labels

    def predict(self, *, window: int = WINDOW) -> ClassPrediction:
        """Return the laws of this process in closed form; ``window`` is that of class-ordered counts."""
        rate = self.class_probability @ self.class_rate
        weight = np.sqrt(self.class_probability)[:, None]
        return ClassPrediction(
            rate=rate,
            shared=(weight * (self.class_rate - rate)).T,
            population=lambda: self.class_probability @ poisson_binomial_pmf(self.class_rate),
            class_probability=self.class_probability,
            class_rate=self.class_rate,
            window=check_count("window", window, least=2),
        )

    def latent(self, key: Key, examples: NDArray[np.uint64]) -> Counts:
        """Return each example's class."""
        return invert(self.class_probability, uniforms(key, examples))

    def chords(self, latent: Counts) -> Chords:
        """Return the rates of each example's class."""
        return Chords.exact(self.class_rate, latent)

    @property
    def rarity(self) -> float:
        """Mean rate."""
        return float((self.class_probability @ self.class_rate).mean())

    def bounds(self) -> Floats:
        """Return the rates of each class."""
        return self.class_rate

    def neighbourhood(self, latent: Counts) -> Counts:
        """Return each example's class."""
        return latent

    def given(self, latent: Counts, units: NDArray[np.int64]) -> Floats:
        """Return the rates of ``units`` in classes ``latent``."""
        return self.class_rate[latent, units]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Labelled(ClassConditional):
    """The same units, with the classes of the examples known."""

    labels: Counts  # (n_examples,)

    def latent(self, _key: Key, examples: NDArray[np.uint64]) -> Counts:
        return self.labels[examples]
