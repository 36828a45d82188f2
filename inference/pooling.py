"""One answer over all layers of all networks: how a quantity goes with the share of random labels.

A claim of :mod:`rote.inference.claims` is about a number of one layer. Here the numbers of all layers of
all trained networks are taken together, networks of mixed labels among them, on the scale of the claim:

    y = base + seed effect + random_share · effect + network effect,

with effects of layers pooled towards one another (:mod:`rote.inference.effect`). ``effect`` is that of
labels all random against none, in a typical layer. The share of rare units and the common factor have
laws of their own around their hierarchies (:mod:`rote.inference.hypotheses`): they are not among the
claims that are :data:`POOLED`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Self

import numpy as np

from .claims import (
    CLAIMS,
    MEAN_RATE,
    PAIRS,
    PARTICIPATION,
    RELATIVE_PARTICIPATION,
    SCALES,
    SKEWNESS,
    Claim,
    MeasuredLayer,
)
from .effect import EffectPrior, LayerKey, effect_model
from .posterior import Progress, sample
from .verdict import Level, chance, claimed_probability, decide, level

POOLED = (
    *(MEAN_RATE, SKEWNESS, PAIRS, PARTICIPATION, RELATIVE_PARTICIPATION),
    *(claim for claims in CLAIMS.values() for claim in claims),
)
ON_SCALE = {"log": "logarithm", "logit": "logit", "identity": "itself", "kurtosis": "ln(1 + excess/3)"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PooledEffect:
    """What random labels do to one quantity, over layers and networks."""

    hypothesis: str
    quantity: str
    claim: str
    direction: str
    scale: str  # on which effects are told; see ON_SCALE
    effect: Level  # in a typical layer: labels all random minus none
    probability: float  # of the claimed direction, or of the likelier one beyond ``margin``
    margin: float
    no_difference: float | None  # probability of an effect within the margin
    layers: dict[str, Level]  # the effect in each layer, drawn towards the typical one
    n_networks: int
    random_shares: tuple[float, ...]  # that networks have

    @property
    def decision(self) -> str:
        """Return ``supported``, ``refuted`` or ``undecided``."""
        return decide(self.probability, self.no_difference)

    @property
    def sentence(self) -> str:
        """Return the answer in words."""
        low, high = self.effect.interval
        each = ", ".join(f"{name} {one.estimate:+.3g}" for name, one in self.layers.items())
        shares = ", ".join(f"{100 * share:.0f}" for share in self.random_shares)
        return (
            f"{self.hypothesis}, over {len(self.layers)} layer{'s' * (len(self.layers) > 1)}: "
            f"that {self.claim} is {self.decision} "
            f"(probability {chance(self.probability)}). {self.quantity[0].upper()}{self.quantity[1:]} "
            f"({ON_SCALE[self.scale]}), all labels random minus none: {self.effect.estimate:+.3g} in a "
            f"typical layer (90 % interval {low:+.3g} to {high:+.3g}; {each}; "
            f"{self.n_networks} networks with {shares} % of their labels random)."
        )

    @classmethod
    def from_dict(cls, values: dict[str, object]) -> Self:
        """Return the answer that :meth:`as_dict` told; decision and sentence are made anew."""
        plain = {name: value for name, value in values.items() if name not in ("decision", "sentence")}
        plain["random_shares"] = tuple(plain["random_shares"])
        plain["effect"] = Level.from_dict(plain["effect"])
        plain["layers"] = {name: Level.from_dict(one) for name, one in plain["layers"].items()}
        return cls(**plain)

    def as_dict(self) -> dict[str, object]:
        """Return plain values, fit for JSON."""
        return asdict(self) | {"decision": self.decision, "sentence": self.sentence}


def own_number(claim: Claim, layer: MeasuredLayer) -> float:
    """Return a network's own number on one layer; ``ValueError`` as the claim's quantity raises it."""
    return claim.plain(layer.statistics if claim.hypothesis in ("H1", "H4") else layer)


def pool_layers(
    claim: Claim,
    numbers: Mapping[LayerKey, float],
    *,
    rng: np.random.Generator,
    prior: EffectPrior | None = None,
    draws: int = 1000,
    progress: Progress | None = None,
) -> PooledEffect:
    """Answer one of the claims of :data:`POOLED` from own numbers of layers, seeds and random shares.

    Raises ``ValueError`` for fewer than two shares or a number that is not finite on the claim's scale,
    and :class:`~rote.inference.posterior.ConvergenceError`.
    """
    prior = EffectPrior() if prior is None else prior
    there, _ = SCALES[claim.scale]
    unit = claim.spread / prior.network_sd[0]
    values = {key: float(there(number)) / unit for key, number in numbers.items()}
    tree = sample(
        effect_model(values, prior=prior),
        kind="effect",
        prior=prior,
        rng=rng,
        draws=draws,
        progress=progress,
    )
    posterior = tree["posterior"]
    effect = unit * posterior["effect"].to_numpy().ravel()
    margin = claim.margin
    return PooledEffect(
        hypothesis=claim.hypothesis,
        quantity=claim.quantity,
        claim=claim.claim,
        direction=claim.direction,
        scale=claim.scale,
        effect=level(effect),
        probability=claimed_probability(effect, direction=claim.direction, margin=margin),
        margin=margin,
        no_difference=float((np.abs(effect) <= margin).mean()) if margin else None,
        layers={
            str(name): level(unit * posterior["layer_effect"].sel(layer=name).to_numpy().ravel())
            for name in posterior["layer"].to_numpy()
        },
        n_networks=len({(seed, share) for _, seed, share in numbers}),
        random_shares=tuple(sorted({share for _, _, share in numbers})),
    )
