"""What is said of one network: how likely it memorizes, how many of its labels are random, or neither.

A network *memorizes*, here, if more than half of its labels are random. Under the default prior (none
random, all random, some share between: a third each) that is as likely as not before it is looked at.
"""

from dataclasses import dataclass

import numpy as np

from ..activity.arrays import Floats
from .verdict import chance

CELLS = 200
SHARES = np.r_[0.0, (np.arange(CELLS) + 0.5) / CELLS, 1.0]  # grid of the share of random labels
SHARES.setflags(write=False)
UNLIKE = 0.01  # likeness below which nothing is claimed
ENDS = (0.05, 0.95)  # of the interval


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Judgement:
    """The posterior of one network's share of random labels, and whether it may be believed.

    ``probability``, ``random_share`` and ``interval`` are ``None`` for a network unlike anything in the
    reference; ``weight``, ``more_than_half``, ``mean_share`` and ``span`` tell what it would have been.
    """

    weight: Floats  # (n_shares,) posterior probability of each of SHARES
    likeness: float  # how often a network of the reference's kind lies as far out, at most
    features: tuple[str, ...]  # that were looked at

    @property
    def like(self) -> bool:
        """Whether the reference holds anything like this network."""
        return self.likeness >= UNLIKE

    @property
    def more_than_half(self) -> float:
        """Posterior probability that more than half of the labels are random, believed or not."""
        return float(self.weight[SHARES > 0.5].sum())

    @property
    def mean_share(self) -> float:
        """Posterior mean of the share of labels that are random, believed or not."""
        return float(self.weight @ SHARES)

    @property
    def span(self) -> tuple[float, float]:
        """Interval of 90 % at least of that share, believed or not; both ends have their own weight."""
        low, high = np.minimum(np.searchsorted(np.cumsum(self.weight), ENDS), SHARES.size - 1)
        return float(SHARES[low]), float(SHARES[high])

    @property
    def probability(self) -> float | None:
        """Probability that the network memorizes: that more than half of its labels are random."""
        return self.more_than_half if self.like else None

    @property
    def random_share(self) -> float | None:
        """Posterior mean of the share of labels that are random."""
        return self.mean_share if self.like else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Posterior interval of that share, of 90 % at least."""
        return self.span if self.like else None

    @property
    def sentence(self) -> str:
        """The judgement in one sentence."""
        by = "" if any("class" in name for name in self.features) else ", judged without labels"
        if not self.like:
            return (
                f"unlike anything in the reference (likeness {self.likeness:.2g}){by}: "
                "no probability is claimed"
            )
        low, high = self.interval
        return (
            f"memorizes with probability {chance(self.probability)}; {100 * self.random_share:.0f} % "
            f"of its labels are random (90 % interval {100 * low:.0f} to {100 * high:.0f} %){by}; "
            f"likeness {self.likeness:.2g}"
        )

    def as_dict(self) -> dict[str, object]:
        """Return what JSON can hold."""
        return {
            "sentence": self.sentence,
            "probability": self.probability,
            "random_share": self.random_share,
            "interval": None if self.interval is None else list(self.interval),
            "none_random": float(self.weight[0]) if self.like else None,
            "all_random": float(self.weight[-1]) if self.like else None,
            "likeness": self.likeness,
            "features": list(self.features),
        }
