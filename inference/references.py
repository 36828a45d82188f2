"""Reference networks: signatures of networks of which it is known how many of their labels are random.

A reference is a table in a text file, a row for each network: its features
(:mod:`rote.inference.signature`), ``random_share``, and what else is known of it. Lines that begin
with # say what it is made of. The one that comes with the package holds perceptrons of many set-ups on
scikit-learn's digits (made by :mod:`rote.validate.reference`) and stands for networks like these.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Self

import pandas as pd

from ..activity.statistics import Statistics
from ..record.measures import measure
from ..record.recording import Recording
from .indicator import Indicator, IndicatorPrior, learn_indicator
from .judgement import Judgement
from .signature import FEATURES, network_signature

PACKAGED = Path(__file__).with_name("reference.csv")
REMARK = "# "
PRIOR = IndicatorPrior()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reference:
    """Networks to judge others by."""

    networks: pd.DataFrame  # columns FEATURES and random_share, and others
    remarks: tuple[str, ...] = ()  # what it is made of

    def __post_init__(self) -> None:
        due = [*FEATURES, "random_share"]
        if missing := [name for name in due if name not in self.networks]:
            raise ValueError(f"a reference must have the columns {', '.join(due)}; lacking {missing[0]}")

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """Read the table at ``path``; ``OSError`` for no file, ``ValueError`` for another kind."""
        lines = Path(path).read_text(encoding="utf-8").splitlines(keepends=True)
        remarks = tuple(line[len(REMARK) :].rstrip("\n") for line in lines if line.startswith(REMARK))
        rows = "".join(line for line in lines if not line.startswith(REMARK))
        try:
            return cls(networks=pd.read_csv(StringIO(rows)), remarks=remarks)
        except ValueError as error:  # Pandas' errors of parsing are ValueErrors, too
            raise ValueError(f"{path}: {error}") from error

    def text(self) -> str:
        """Return the table as :meth:`open` reads it."""
        head = "".join(f"{REMARK}{line}\n" for line in self.remarks)
        return head + self.networks.to_csv(index=False)

    def indicator(self, prior: IndicatorPrior = PRIOR) -> Indicator:
        """Return what the reference teaches."""
        features = list(FEATURES)
        share = self.networks["random_share"].to_numpy()
        return learn_indicator(self.networks[features].to_numpy(), share, prior=prior)


@cache
def reference() -> Reference:
    """Return the reference that comes with the package."""
    return Reference.open(PACKAGED)


def judge(
    network: Recording | Mapping[str, Statistics],
    *,
    by: Reference | None = None,
    labels: bool = True,
    prior: IndicatorPrior = PRIOR,
) -> Judgement:
    """Judge whether a network memorizes, from its activity on the examples it was trained on.

    ``network`` is a recording, of which the training examples are taken, or the statistics of its layers
    from input to output, as ``rote.measure`` returns them; ``by`` the reference, by default that of the
    package. Without ``labels`` only features are looked at that need none. Raises ``ValueError`` as
    :func:`~rote.inference.signature.network_signature` does, and what measuring raises.
    """
    layers = measure(network) if isinstance(network, Recording) else network
    signature = network_signature(layers, labels=labels)
    return (by or reference()).indicator(prior).judge(signature)
