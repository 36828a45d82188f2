"""How often verdicts and classical tests err, and how often they find what there is.

Comparisons are answered as :mod:`rote.inference.hypotheses` answers them, by quadrature in place of
sampling (:mod:`rote.inference.value_quadrature`), in two settings:

    null networks  equal but for their seeds, in two groups of different seeds: no pairing
    simulated      difference · [memorizing] + seed_sd · u_seed + network_sd · e,    u, e ~ Normal(0, 1),
                   the hierarchy itself, seeds shared by the conditions

Numbers are in the spread of a claim, which is the prior median of network_sd and of seed_sd. A verdict
calls a direction at a posterior probability of .95: where its prior holds, 5 % of null comparisons go
wrong on each side. The prior of the scales has a say where few networks tell how much networks differ:
if they differ far more than a claim expects, a verdict is too sure.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from ..activity.arrays import Floats
from ..activity.checks import check_count, check_generator
from ..inference.claims import Claim
from ..inference.difference import Difference
from ..inference.networks import Networks
from ..inference.other_twins import other_twins
from ..inference.twin import permutation_twin
from ..inference.value_comparison import ValueComparisonPrior
from ..inference.value_quadrature import compare_sets
from ..inference.verdict import REFUTED, SUPPORTED

PAIR = ("generalizing", "memorizing")
AT_ONCE = 200  # sets of values: more would take more memory than time
SIGNIFICANT = 0.05  # p-value at which a classical test finds a difference
TELLING = 3.0  # Bayes factor that counts as evidence
ANSWERS = ("supported", "refuted", "for_none", "for_some", "permutation", "mixed_model", "ranks")


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """Networks drawn from the hierarchy, in a claim's spreads: both conditions of every seed."""

    n_networks: int  # of each condition
    difference: float = 0.0  # memorizing - generalizing
    network_sd: float = 1.0
    seed_sd: float = 1.0

    def __post_init__(self) -> None:
        check_count("n_networks", self.n_networks, least=2)
        for name in ("network_sd", "seed_sd"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must be 0 or above, got {getattr(self, name)}")

    @property
    def networks(self) -> Networks:
        """Which networks there are."""
        return Networks.ordered((c, seed) for c in PAIR for seed in range(self.n_networks))

    def sample(self, n_sets: int, *, rng: np.random.Generator) -> Floats:
        """Draw values ``(n_sets, 2 · n_networks)``, in the order of ``networks``."""
        check_generator(rng)
        seed = self.seed_sd * rng.standard_normal((n_sets, 1, self.n_networks))
        values = seed + self.network_sd * rng.standard_normal((n_sets, 2, self.n_networks))
        values[:, PAIR.index("memorizing")] += self.difference
        return values.reshape(n_sets, -1)


def groups(values: Floats, n_networks: int) -> tuple[Floats, Networks]:
    """Return disjoint groups of ``2 · n_networks`` values, of a network each, and what they are called.

    Groups are rows, and what does not fill one is left out: each network is in one group, so groups of
    independent networks are independent.
    """
    size = 2 * check_count("n_networks", n_networks, least=2)
    n_sets = len(values) // size
    if n_sets == 0:
        raise ValueError(f"values must be of {size} networks at least, got {len(values)}")
    keys = [(PAIR[n // n_networks], n) for n in range(size)]  # a seed of its own for each
    return values[: n_sets * size].reshape(n_sets, size), Networks.ordered(keys)


def compare(
    values: Floats,
    networks: Networks,
    *,
    direction: str = "higher",
    margin: float = 0.0,
    n_twins: int | None = None,
) -> pd.DataFrame:
    """Answer many comparisons of ``values``, ``(n_sets, n_networks)`` in spreads: a row for each.

    ``direction`` and ``margin`` (in spreads) are a claim's. ``n_twins`` is of how many sets classical
    tests are asked as well, by default of all: the others have nan for p-values.
    """
    prior = ValueComparisonPrior()
    unit = prior.spread.network[0]
    tables = []
    for start in range(0, len(values), AT_ONCE):
        posterior = compare_sets(unit * values[start : start + AT_ONCE], networks, prior=prior)
        tables.append(decide(posterior, direction=direction, margin=unit * margin))
    table = pd.concat(tables, ignore_index=True)
    asked = [_p_values(row, networks) for row in values[:n_twins]]
    return table.join(pd.DataFrame(asked, columns=list(ANSWERS[4:]), dtype=float))


def compare_claim(claim: Claim, values: Floats, n_networks: int) -> pd.DataFrame:
    """Answer a claim on :func:`groups` of null networks, of which ``values`` are in its spreads."""
    sets, networks = groups(values, n_networks)
    return compare(sets, networks, direction=claim.direction, margin=claim.margin / claim.spread)


def decide(difference: Difference, *, direction: str, margin: float) -> pd.DataFrame:
    """Return probability, decision and Bayes factor of each difference, as a verdict tells them."""
    below, above = difference.below(-margin), 1 - difference.below(margin)
    if direction == "different":
        probability, against = np.maximum(below, above), 1 - below - above
    else:
        probability = below if direction == "lower" else above
        against = 1 - probability
    told = np.where(against >= 1 - REFUTED, "refuted", "undecided")
    return pd.DataFrame(
        {
            "probability": probability,
            "decision": np.where(probability >= SUPPORTED, "supported", told),
            "bayes_factor": np.exp(difference.log_bayes_factor),
        }
    )


def rates(comparisons: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Return how often each answer was given, with 95 % intervals (Clopper and Pearson).

    Columns beside ``by``: ``answer`` (one of ``ANSWERS``), ``n`` comparisons, ``share``, ``low``,
    ``high``. The intervals are those of independent comparisons: ``by`` must tell apart what is not.
    """
    rows = []
    for key, group in comparisons.groupby(list(by), sort=False):
        for answer, given in _given(group).items():
            if len(given):
                low, high = proportion_confint(given.sum(), len(given), method="beta")
                rows.append((*key, answer, len(given), given.mean(), low, high))
    return pd.DataFrame(rows, columns=[*by, "answer", "n", "share", "low", "high"])


def pooled_rates(comparisons: pd.DataFrame, by: Sequence[str], *, cluster: str) -> pd.DataFrame:
    """Return the same over comparisons that are dependent within the values of the column ``cluster``.

    ``n`` counts clusters; the 95 % intervals are Student's, of the clusters' own shares, or those of
    :func:`rates` where all clusters have the same share.
    """
    rows = []
    for key, group in comparisons.reset_index(drop=True).groupby(list(by), sort=False):
        for answer, given in _given(group).items():
            share = given.groupby(group.loc[given.index, cluster]).mean()
            if len(share) > 1:
                reach = stats.t.ppf(0.975, len(share) - 1) * share.std() / np.sqrt(len(share))
                low, high = max(0.0, share.mean() - reach), min(1.0, share.mean() + reach)
                if reach == 0:
                    low, high = proportion_confint(share.sum(), len(share), method="beta")
                rows.append((*key, answer, len(share), share.mean(), low, high))
    return pd.DataFrame(rows, columns=[*by, "answer", "n", "share", "low", "high"])


def _given(comparisons: pd.DataFrame) -> dict[str, pd.Series]:
    """Return whether each answer was given, of the comparisons that were asked for it."""
    given = {
        "supported": comparisons["decision"] == "supported",
        "refuted": comparisons["decision"] == "refuted",
        "for_none": comparisons["bayes_factor"] >= TELLING,
        "for_some": comparisons["bayes_factor"] <= 1 / TELLING,
    }
    for test in ANSWERS[4:]:
        given[test] = comparisons[test].dropna() <= SIGNIFICANT
    return given


def _p_values(values: Floats, networks: Networks) -> dict[str, float]:
    known = dict(zip(networks.keys, values.tolist(), strict=True))
    told = {name: twin.p_value for name, twin in other_twins(known).items()}
    return {"permutation": permutation_twin(known).p_value} | told
