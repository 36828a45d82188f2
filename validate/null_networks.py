"""What networks that nothing distinguishes show: the numbers that claims compare, seed by seed.

Networks of one condition, trained from different seeds, differ by chance alone. Half of them called
memorizing and half generalizing, every claim about them is false in the way that error rates count.
"""

from collections.abc import Iterable

import pandas as pd

from ..inference.claims import (
    DISPERSION,
    MAGNITUDE_EXPONENT,
    MEAN_RATE,
    PAIRS,
    PARTICIPATION,
    RELATIVE_PARTICIPATION,
    SCALES,
    SKEWNESS,
    TRUE_CLASS_SHARE,
    TRUE_SELECTIVITY,
    Claim,
    MeasuredLayer,
)
from ..record.measures import measure
from .datasets import Dataset
from .networks import record_network
from .training import Training

OF_RATES = (MEAN_RATE, SKEWNESS, PAIRS, PARTICIPATION, RELATIVE_PARTICIPATION)
OF_LAYERS = (DISPERSION, TRUE_SELECTIVITY, TRUE_CLASS_SHARE, MAGNITUDE_EXPONENT)
TOLD = {
    claim.quantity: claim for claim in OF_RATES + OF_LAYERS
}  # claims that ask untrained networks too


def claim_values(
    dataset: Dataset, *, condition: str, seeds: Iterable[int], training: Training
) -> pd.DataFrame:
    """Train a network of each seed; return a row for each of its layers and claims of ``TOLD``.

    ``value`` is the claim's number on its unbounded scale, in the claim's own spread.
    """
    rows = []
    for seed in seeds:
        how = {"condition": condition, "seed": seed, "training": training}
        recording = record_network(dataset, keep_activation="float32", **how)
        by_label = measure(recording)
        by_class = measure(recording, classes="true_label")
        for layer, statistics in by_label.items():
            measured = MeasuredLayer(statistics=statistics, true_classes=by_class[layer])
            for quantity, claim in TOLD.items():
                value = in_spreads(claim, statistics if claim in OF_RATES else measured)
                rows.append((condition, seed, layer, claim.hypothesis, quantity, value))
    columns = ["condition", "seed", "layer", "hypothesis", "quantity", "value"]
    return pd.DataFrame(rows, columns=columns)


def in_spreads(claim: Claim, layer: object) -> float:
    """Return the number that a claim takes of a layer, on its unbounded scale and in its own spread."""
    there, _ = SCALES[claim.scale]
    return float(there(claim.plain(layer))) / claim.spread
