"""Verdict: one record for what a hypothesis comes to on one layer.

It states the claim and the null, the posterior of the difference, the untrained baseline, and a
classical test beside it. It can go either way: a claim whose opposite is probable is refuted.

Decisions fall at a probability of .95. Of equal networks that differ from one another as a claim
expects, or less, at most one verdict in twenty is wrong on each side, however few there are. Where they
differ far more, the prior of the scales makes few networks too sure: at three times the expected
standard deviation four networks of each condition call a false direction in 17 % of comparisons instead
of 10 %, two in 21 % (docs/error_rates.md). The permutation test does not lean on that prior.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import Self

import numpy as np
from statsmodels.stats.multitest import multipletests

from ..activity.arrays import Floats
from ..activity.checks import check_choice

DIRECTIONS = ("lower", "higher", "different")
INTERVAL = (0.05, 0.95)  # ends of 90 %, equal tails
SUPPORTED, REFUTED = 0.95, 0.05  # posterior probability of the claimed direction
MOST_ODDS = 1000  # told of a Bayes factor; beyond, it leans on the far tails of normal laws


@dataclass(frozen=True, slots=True, kw_only=True)
class Twin:
    """A classical test of the same difference, on the networks' plain statistics."""

    name: str  # of the test
    statistic: float  # mean difference, memorizing - generalizing; of ranks: superiority
    p_value: float  # two-sided
    smallest_p: float  # that so many networks can reach
    superiority: float  # P(a memorizing network's value exceeds a generalizing one's), ties half
    p_corrected: float | None = None  # over all verdicts told together; see correct_twins
    interval: tuple[float, float] | None = None  # 90 % of the statistic, where the test has one


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """Posterior median and 90 % interval."""

    estimate: float
    interval: tuple[float, float]

    @classmethod
    def from_dict(cls, values: dict[str, object]) -> Self:
        """Return the level of plain values."""
        return cls(estimate=values["estimate"], interval=tuple(values["interval"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One hypothesis about one quantity of one layer, and the evidence."""

    hypothesis: str  # "H1"
    layer: str
    quantity: str  # "mean rate"
    unit: str  # of the estimate, in words
    claim: str  # what is claimed of memorizing networks, in words
    direction: str  # that the claim gives the difference: "lower", "higher", "different"
    null: str  # in words
    estimate: float  # posterior median of memorizing - generalizing
    interval: tuple[float, float]  # 90 %, equal tails
    probability: float  # of the claimed direction, or of the likelier one beyond ``margin``
    baseline: float | None  # posterior median in the initialized networks, where they have the quantity
    twin: Twin  # the permutation test
    n_networks: int  # memorizing and generalizing ones
    data: str  # what was measured
    margin: float = 0.0  # of the direction "different": smaller differences are called none
    no_difference: float | None = None  # probability of such a difference
    bayes_factor: float | None = None  # no difference over a difference; see rote.inference.difference
    levels: dict[str, Level] = field(default_factory=dict)  # each condition's typical network
    changes: dict[str, Level] = field(default_factory=dict)  # trained conditions - initialized
    others: dict[str, Twin] = field(default_factory=dict)  # tests beside the twin, p not corrected

    def __post_init__(self) -> None:
        check_choice("direction", self.direction, DIRECTIONS)
        if (self.margin > 0) != (self.direction == "different"):
            raise ValueError(
                f"margin must be above 0 for the direction different and 0 else, got {self.margin}"
            )
        if (self.no_difference is None) == (self.direction == "different"):
            raise ValueError(
                "no_difference must be told for the direction different and for no other, "
                f"got {self.no_difference}"
            )
        if not 0 <= self.probability <= 1:
            raise ValueError(f"probability must lie in [0, 1], got {self.probability}")
        if self.bayes_factor is not None and not self.bayes_factor >= 0:
            raise ValueError(f"bayes_factor must be 0 or above, got {self.bayes_factor}")

    @property
    def decision(self) -> str:
        """Return ``supported``, ``refuted`` or ``undecided``."""
        return decide(self.probability, self.no_difference)

    @property
    def sentence(self) -> str:
        """Return the verdict in words."""
        low, high = self.interval
        corrected = self.twin.p_corrected
        unit = f" {self.unit}" if self.unit else ""
        smaller = f", of a smaller difference {chance(self.no_difference)}" if self.margin else ""
        untrained = "" if self.baseline is None else f"initialized networks: {self.baseline:.3g}; "
        none = "" if self.bayes_factor is None else f"; evidence for no difference {self._odds}"
        others = "".join(f"; {one.name}: p = {one.p_value:.3g}" for one in self.others.values())
        return (
            f"{self.hypothesis}, {self.layer}: that {self.claim} is {self.decision} (probability "
            f"{chance(self.probability)}{smaller}{none}). "
            f"{self.quantity[0].upper()}{self.quantity[1:]}, memorizing minus generalizing: "
            f"{self.estimate:+.3g}{unit} (90 % interval {low:+.3g} to {high:+.3g}; "
            f"{untrained}{self.n_networks} networks). "
            f"{self.twin.name} of no difference: {self.twin.statistic:+.3g}, p = {self.twin.p_value:.3g}"
            + (f", corrected {corrected:.3g}" if corrected is not None else "")
            + f" (at least {self.twin.smallest_p:.3g} with so many networks){others}."
        )

    @property
    def _odds(self) -> str:
        """Return the Bayes factor as odds of no difference to a difference."""
        if self.bayes_factor < 1 / MOST_ODDS:
            return f"below 1:{MOST_ODDS}"
        if self.bayes_factor < 1:
            return f"1:{1 / self.bayes_factor:.3g}"
        return f"{self.bayes_factor:.3g}:1" if self.bayes_factor <= MOST_ODDS else f"above {MOST_ODDS}:1"

    def as_dict(self) -> dict[str, object]:
        """Return plain values, fit for JSON."""
        return asdict(self) | {"decision": self.decision, "sentence": self.sentence}

    @classmethod
    def from_dict(cls, values: dict[str, object]) -> Self:
        """Return the verdict that :meth:`as_dict` told; decision and sentence are made anew."""
        plain = {name: value for name, value in values.items() if name not in ("decision", "sentence")}
        plain["interval"] = tuple(plain["interval"])
        plain["twin"] = _twin(plain["twin"])
        plain["others"] = {name: _twin(one) for name, one in plain.get("others", {}).items()}
        for name in ("levels", "changes"):
            plain[name] = {key: Level.from_dict(one) for key, one in plain[name].items()}
        return cls(**plain)


def _twin(values: dict[str, object]) -> Twin:
    interval = values.get("interval")
    return Twin(**values | {"interval": None if interval is None else tuple(interval)})


def decide(probability: float, no_difference: float | None = None) -> str:
    """Return ``supported``, ``refuted`` or ``undecided``.

    From the posterior probability of the claimed direction, and that of a difference within the margin
    where the claim has one.
    """
    if probability >= SUPPORTED:
        return "supported"
    against = 1 - probability if no_difference is None else no_difference
    return "refuted" if against >= 1 - REFUTED else "undecided"


def claimed_probability(difference: Floats, *, direction: str, margin: float = 0.0) -> float:
    """Return the share of draws in the claimed direction, or in the likelier one beyond the margin."""
    below = float((difference < -margin).mean())
    above = float((difference > margin).mean())
    if direction == "different":
        return max(below, above)
    return below if direction == "lower" else 1 - below


def level(draws: Floats) -> Level:
    """Return median and 90 % interval of ``draws``."""
    low, high = np.quantile(draws, INTERVAL)
    return Level(estimate=float(np.median(draws)), interval=(float(low), float(high)))


def chance(probability: float) -> str:
    """Return a probability in words that do not claim certainty."""
    if probability > 0.999:
        return "above 0.999"
    return "below 0.001" if probability < 0.001 else f"{probability:.3f}"


def correct_twins(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Return the verdicts with the twins' p-values corrected for their number (Holm, 1979).

    To be called once, on all verdicts that are told together. Posterior probabilities stay as they are:
    they are statements about each quantity, partially pooled within its model, not error rates.
    """
    verdicts = list(verdicts)
    if not verdicts:
        return []
    corrected = multipletests([verdict.twin.p_value for verdict in verdicts], method="holm")[1]
    return [
        replace(verdict, twin=replace(verdict.twin, p_corrected=float(p)))
        for verdict, p in zip(verdicts, np.asarray(corrected), strict=True)
    ]
