"""Numbers that a network's layer has by itself, as the claims of hypotheses compare them."""

import numpy as np
from scipy import stats

from ..activity.arrays import Floats
from ..activity.statistics import Statistics
from ..activity.words import RARE


def distance_to_poisson(layer: Statistics) -> float:
    """Return 1 - mean Fano factor; a ``ValueError`` unless the order looks random.

    In random order the mean excess Fano factor is 0 but for noise, at most that of one unit.
    """
    excess = float(np.nanmean(layer.excess_fano()))
    band = 5 * np.sqrt(2 / (layer.n_windows[0] - 1))
    if abs(excess) > band:
        raise ValueError(
            f"H2 needs examples in random order, got a mean excess Fano factor of {excess:.3g} in the "
            f"recorded order (at most {band:.2g} by chance): record the order of presentation"
        )
    return float(np.clip(1 - np.nanmean(layer.fano_factor()), 1e-3, 1 - 1e-3))


def rate_exponent(value: Floats, layer: Statistics) -> float:
    """Return the least-squares slope of ln value against ln rate over the living units."""
    living = ~layer.dead & (value > 0)
    if np.unique(layer.rate[living]).size < 2:
        raise ValueError("an exponent needs living units of two rates at least, got fewer")
    return float(stats.linregress(np.log(layer.rate[living]), np.log(value[living])).slope)


def living_rate(layer: Statistics) -> Floats:
    """Return the rates of the units that are not dead."""
    return layer.rate[~layer.dead]


def unit_variance(layer: Statistics) -> Floats:
    """Return p (1 - p) of each unit: ``(n_units,)``."""
    return layer.rate * (1 - layer.rate)


def pair_spread(layer: Statistics) -> float:
    """Return the root mean square of the pairs' correlations, freed of the noise of so many examples."""
    square = np.square(layer.pair_correlation).mean() - 1 / (layer.n_examples - 1)
    return float(np.sqrt(max(square, 1 / layer.n_examples**2)))


def rare_units(layer: Statistics) -> tuple[int, int]:
    """Return how many living units are rare, and how many are living."""
    living = living_rate(layer)
    return int((living < RARE).sum()), living.size
