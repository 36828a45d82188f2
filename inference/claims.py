"""What the hypotheses claim of a layer: quantities of a network, and how memorizing ones should differ.

A claim is about a number that each network has by itself, from the statistics of its layer or from its
weights, and about the sign of memorizing - generalizing. It names the scale on which networks are
compared and how much networks of one condition are thought to differ on it. Where theory gives no sign,
as for exponents (H7), the claim is that the two differ by more than a margin, in either direction.

H1 is about the rates of the living units. H2 and H3 rest on windowed counts: in random order a unit's
Fano factor is 1 - rate, so that H2 repeats H1 and is told for completeness; in class order the excess
over it is (W - 1) V / rate, V the variance of the rate between classes: how counts vary from class to
class, which goes with selectivity and with rate. H5 is the share of variance between classes. For both,
classes may be the labels that networks were trained towards, which for memorizing ones say nothing of
the image, or the true ones; each is a claim of its own. H4 is about correlation: a factor common to the
units; pairs, as the root mean square of their correlations freed of sampling noise; and the
participation ratio, also in proportion to (Σ v_i)² / Σ v_i², v_i = p_i (1 - p_i), which independent
units of the same rates would have. H6 takes the incoming weights, and their change since
initialization, as pools: their excess kurtosis and L1/L2 ratio (Gaussian 0 and .798, Laplace 3 and
.707). H7 takes slopes over a layer's living units,

    ln(mean magnitude) against ln(rate),    ln ‖change of the weights‖ against ln(rate),

the second the coherence exponent: ½ where presentations change a weight in unrelated ways, 1 where they
pull in one direction, about 0 under Adam.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats
from scipy.special import expit, logit

from ..activity.arrays import Floats
from ..activity.covariance import participation_ratio
from ..activity.statistics import Statistics
from ..activity.weights import weight_statistics
from ..activity.words import RARE
from .estimates import (
    distance_to_poisson,
    living_rate,
    pair_spread,
    rare_units,
    rate_exponent,
    unit_variance,
)
from .factor import most_likely_loading

MARGIN = 0.1  # of an exponent: less is called no difference


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A quantity of one network's layer, and how memorizing networks' should differ."""

    hypothesis: str
    quantity: str
    unit: str
    direction: str  # "lower", "higher", or "different": by more than ``margin``
    claim: str
    plain: Callable[[Any], float]  # a network's own estimate
    scale: str = "log"  # on which networks are compared; see SCALES
    spread: float = 0.2  # prior median of the standard deviation over networks, on that scale
    margin: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MeasuredLayer:
    """All that hypotheses ask of one network's layer; what one does not ask may be left out."""

    statistics: Statistics  # in classes of the labels trained towards
    true_classes: Statistics | None = None  # the same in true classes, for H3 and H5
    aligned: Statistics | None = None  # of the units turned to fire together, for H4
    weight: Floats | None = None  # (n_units, n_inputs) incoming weights, for H6 and H7
    initial: Floats | None = None  # (n_units, n_inputs) the same before training

    @property
    def magnitudes(self) -> Statistics | None:
        """The statistics, where activations were kept."""
        return self.statistics if self.statistics.n_magnitudes else None

    @property
    def change(self) -> Floats:
        """What training added to the weights: ``(n_units, n_inputs)``."""
        return self.weight - self.initial


def _itself(value: Floats) -> Floats:
    return value


SCALES = {  # there and back
    "log": (np.log, np.exp),
    "logit": (logit, expit),
    "identity": (_itself, _itself),
    "kurtosis": (lambda excess: np.log1p(excess / 3), lambda ratio: 3 * np.expm1(ratio)),
}

MEAN_RATE = Claim(
    hypothesis="H1",
    quantity="mean rate of living units",
    unit="activations per example",
    direction="lower",
    claim="units of memorizing networks are active more rarely",
    plain=lambda layer: float(living_rate(layer).mean()),
    scale="logit",
)
SKEWNESS = Claim(
    hypothesis="H1",
    quantity="skewness of the rates",
    unit="",
    direction="higher",
    claim="rates of memorizing networks are more right-skewed",
    plain=lambda layer: float(np.nan_to_num(stats.skew(living_rate(layer)))),
    scale="identity",
)
RARE_SHARE = Claim(
    hypothesis="H1",
    quantity=f"share of units active on fewer than {RARE:.0%} of examples".replace("%", " %"),
    unit="of the living units",
    direction="higher",
    claim="memorizing networks have more rare units",
    plain=lambda layer: float(np.divide(*rare_units(layer))),
)
FACTOR = Claim(
    hypothesis="H4",
    quantity="latent correlation by a common factor",
    unit="",
    direction="lower",
    claim="units of memorizing networks share a weaker common factor",
    plain=lambda layer: most_likely_loading(layer) ** 2,
)
PAIRS = Claim(
    hypothesis="H4",
    quantity="correlation of pairs (root mean square)",
    unit="",
    direction="lower",
    claim="pairs of units of memorizing networks are more weakly correlated",
    plain=lambda layer: pair_spread(layer),
)
PARTICIPATION = Claim(
    hypothesis="H4",
    quantity="participation ratio",
    unit="dimensions",
    direction="higher",
    claim="activity of memorizing networks spreads over more dimensions",
    plain=lambda layer: layer.participation_ratio,
)


RELATIVE_PARTICIPATION = Claim(
    hypothesis="H4",
    quantity="participation ratio over that of independent units",
    unit="",
    direction="higher",
    claim="activity of memorizing networks spreads over more dimensions than their rates account for",
    plain=lambda layer: layer.participation_ratio / participation_ratio(np.diag(unit_variance(layer))),
)
DISPERSION = Claim(
    hypothesis="H2",
    quantity="distance of the mean Fano factor from 1, random order",
    unit="",
    direction="lower",
    claim="counts of memorizing networks, in random order, are nearer to Poisson ones",
    plain=lambda layer: distance_to_poisson(layer.statistics),
    scale="logit",
)
SELECTIVITY = Claim(
    hypothesis="H3",
    quantity="mean excess Fano factor by labels trained towards",
    unit="",
    direction="lower",
    claim="counts of memorizing networks vary less between the labels trained towards",
    plain=lambda layer: float(np.nanmean(layer.statistics.excess_fano("class"))),
    scale="identity",
)
TRUE_SELECTIVITY = Claim(
    hypothesis="H3",
    quantity="mean excess Fano factor by true classes",
    unit="",
    direction="lower",
    claim="counts of memorizing networks vary less between true classes",
    plain=lambda layer: float(np.nanmean(layer.true_classes.excess_fano("class"))),
    scale="identity",
)
CLASS_SHARE = Claim(
    hypothesis="H5",
    quantity="share of variance between labels trained towards",
    unit="",
    direction="lower",
    claim="the labels trained towards account for less of the activity of memorizing networks",
    plain=lambda layer: layer.statistics.class_share,
    scale="identity",
    spread=0.02,
)
TRUE_CLASS_SHARE = Claim(
    hypothesis="H5",
    quantity="share of variance between true classes",
    unit="",
    direction="lower",
    claim="true classes account for less of the activity of memorizing networks",
    plain=lambda layer: layer.true_classes.class_share,
    scale="identity",
    spread=0.02,
)
WEIGHT_NORM = Claim(
    hypothesis="H6",
    quantity="norm of the weights (root mean square)",
    unit="",
    direction="higher",
    claim="weights of memorizing networks are larger",
    plain=lambda layer: float(np.sqrt(np.square(layer.weight).mean())),
)
WEIGHT_RATIO = Claim(
    hypothesis="H6",
    quantity="L1/L2 ratio of the weights",
    unit="",
    direction="lower",
    claim="weights of memorizing networks have a smaller L1/L2 ratio",
    plain=lambda layer: weight_statistics(layer.weight).l1_l2_ratio,
    scale="logit",
    spread=0.05,
)
WEIGHT_TAILS = Claim(
    hypothesis="H6",
    quantity="excess kurtosis of the weights",
    unit="",
    direction="higher",
    claim="weights of memorizing networks have heavier tails",
    plain=lambda layer: weight_statistics(layer.weight).excess_kurtosis,
    scale="kurtosis",
)
CHANGE_TAILS = Claim(
    hypothesis="H6",
    quantity="excess kurtosis of the weights' change",
    unit="",
    direction="higher",
    claim="the change that memorizing makes to weights has heavier tails",
    plain=lambda layer: weight_statistics(layer.change).excess_kurtosis,
    scale="kurtosis",
)
MAGNITUDE_EXPONENT = Claim(
    hypothesis="H7",
    quantity="exponent of the mean magnitude in the rate",
    unit="",
    direction="different",
    claim=f"the exponent with which magnitude goes with rate differs by more than {MARGIN}",
    plain=lambda layer: rate_exponent(layer.statistics.mean_magnitude, layer.statistics),
    scale="identity",
    margin=MARGIN,
)
COHERENCE = Claim(
    hypothesis="H7",
    quantity="coherence exponent (norm of the change in the rate)",
    unit="",
    direction="different",
    claim=f"the exponent with which weights move with rate differs by more than {MARGIN}",
    plain=lambda layer: rate_exponent(weight_statistics(layer.change).norm_l2, layer.statistics),
    scale="identity",
    margin=MARGIN,
)
CLAIMS = {  # of hypotheses that rest on each network's own number alone
    "H2": (DISPERSION,),
    "H3": (SELECTIVITY, TRUE_SELECTIVITY),
    "H5": (CLASS_SHARE, TRUE_CLASS_SHARE),
    "H6": (WEIGHT_NORM, WEIGHT_RATIO, WEIGHT_TAILS, CHANGE_TAILS),
    "H7": (MAGNITUDE_EXPONENT, COHERENCE),
}
PARTS = {  # of a MeasuredLayer that a claim asks besides its statistics
    TRUE_SELECTIVITY: ("true_classes",),
    TRUE_CLASS_SHARE: ("true_classes",),
    WEIGHT_NORM: ("weight",),
    WEIGHT_RATIO: ("weight",),
    WEIGHT_TAILS: ("weight",),
    CHANGE_TAILS: ("weight", "initial"),
    MAGNITUDE_EXPONENT: ("magnitudes",),
    COHERENCE: ("weight", "initial"),
}
# untrained networks have no change of weights, and no labels that they were trained towards
TRAINED_ONLY = (SELECTIVITY, CLASS_SHARE, CHANGE_TAILS, COHERENCE)
