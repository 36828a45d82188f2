"""Laws of the population count: how many units of a layer are active on one example.

Given the latent state z of an example the units are independent, so the count is Poisson-binomial;
its law is that one averaged over z. For a one-factor dichotomized Gaussian

    p_i(z) = Φ((h_i + w_i z) / √(1 - w_i²)),    h_i = Φ⁻¹(rate_i),    w_i = loading_i,

and z is standard normal. The average over z is a trapezoid sum, which for a bump of width s under a
normal density converges faster than any power of the step: its error is about exp(-2π²s²/step²)
(Trefethen and Weideman, SIAM Review 56, 2014). The width of p_i(z) p_j(z) follows from the largest
loading w, s² = (1 - w²)/(1 + w²); the law of the count moves with z no faster than the Fisher
information of all units allows, s⁻² = Σ_i p_i'(z)²/(p_i(z)(1 - p_i(z))), however many units there are.

Loadings near 1 make p_i(z) too steep for one step of all z. The sum is then one of 20-point
Gauss-Legendre panels, narrow where a unit changes, |z + h_i/w_i| < 9 √(1 - w_i²)/|w_i|, and wide
elsewhere.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

from ..activity.arrays import Floats
from ..activity.checks import as_floats, check_probability, unit_values
from ..activity.kernel import kernel, over_blocks

REACH = 9.0  # standard deviations; a normal variable exceeds them once in 4e18 draws
_LEAST = 1e-290  # below lie the denormal numbers, a hundred times slower and of no weight
FINEST = 100_000  # nodes at most
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(20)
_PANEL = 3.0  # widths that it spans


def check_loading(loading: ArrayLike, n_units: int) -> Floats:
    """Return each unit's loading, ``(n_units,)``; raise unless all lie in (-1, 1)."""
    numbers = as_floats("loading", loading)
    if numbers.shape not in ((), (n_units,)):
        raise ValueError(
            f"loading must be one number or one for each of {n_units} units, got shape {numbers.shape}"
        )
    wrong = np.flatnonzero(np.abs(numbers) >= 1)
    if wrong.size:
        where = f" at unit {wrong[0]}" if numbers.ndim else ""
        raise ValueError(f"loading must lie in (-1, 1), got {numbers.flat[wrong[0]]}{where}")
    return unit_values("loading", np.broadcast_to(numbers, n_units))


def latent_grid(
    rate: Floats, loading: ArrayLike, *, width: float = np.inf, n_alike: int = 1
) -> tuple[Floats, Floats]:
    """Return nodes and weights (both ``(n_nodes,)``, weights sum to 1) that average over z.

    They resolve products of two units' rates, and bumps of ``width`` standard deviations; of each unit
    there are ``n_alike``. Raises ``ValueError`` for a layer of which so many units are so steep that
    ``FINEST`` nodes do not do.
    """
    steepest = float(np.max(np.square(loading), initial=0.0))
    width = min(1.0, np.sqrt((1 - steepest) / (1 + steepest)), width)
    n_nodes = int(np.ceil(2 * REACH / (0.7 * width + 1e-9)) + 1)
    if n_nodes > FINEST:
        return _graded_grid(rate, np.broadcast_to(loading, rate.shape), n_alike)
    z = np.linspace(-REACH, REACH, n_nodes)
    weight = np.exp(-0.5 * z**2)
    return z, weight / weight.sum()


def _graded_grid(rate: Floats, loading: Floats, n_alike: int = 1) -> tuple[Floats, Floats]:
    """Return nodes and weights of panels as wide as the units that change within them allow."""
    turn, spread = _steps(rate, loading)
    panel = np.empty(turn.size)
    for unit in range(turn.size):
        near = np.abs(turn - turn[unit]) < REACH * (spread + spread[unit])
        gentler = near & (spread >= spread[unit])  # steeper ones have panels of their own
        panel[unit] = _PANEL / np.sqrt((n_alike / spread[gentler] ** 2).sum())
    edges = [-REACH]
    while edges[-1] < REACH:
        behind = turn + REACH * spread <= edges[-1]
        ahead = np.where(behind, np.inf, np.abs(turn - edges[-1]) - REACH * spread)
        edges.append(min(REACH, edges[-1] + np.maximum(ahead, panel).min(initial=1.0)))
        if len(edges) * _NODES.size > FINEST:
            raise ValueError(
                f"loading must lie farther from -1 and 1 in so many units, got up to "
                f"{np.abs(loading).max():.10g} in size: their law takes more than {FINEST} nodes"
            )
    half, middle = np.diff(edges)[:, None] / 2, (np.add(edges[1:], edges[:-1]) / 2)[:, None]
    z = (middle + half * _NODES).ravel()
    weight = (half * _WEIGHTS).ravel() * np.exp(-0.5 * z**2)
    return z, weight / weight.sum()


def _steps(rate: Floats, loading: Floats) -> tuple[Floats, Floats]:
    """Return at which z the units that change do so, and within how much: both ``(n_changing,)``."""
    changes = (rate > 0) & (rate < 1) & (loading != 0)
    own = np.sqrt((1 - loading[changes]) * (1 + loading[changes]))
    return -ndtri(rate[changes]) / loading[changes], own / np.abs(loading[changes])


def count_width(rate: Floats, loading: ArrayLike) -> float:
    """Return how far z must move to move the law of the population count: a lower bound."""
    z, _ = latent_grid(rate, loading)  # fine enough not to step over the steepest unit
    own = np.sqrt(1 - np.square(loading))
    drive = (ndtri(rate) + np.multiply.outer(z, np.broadcast_to(loading, np.shape(rate)))) / own
    variance = ndtr(drive) * ndtr(-drive)
    slope = np.exp(-0.5 * drive**2) / np.sqrt(2 * np.pi) * loading / own
    information = np.divide(slope**2, variance, out=np.zeros_like(slope), where=variance > 1e-300)
    return float(1 / np.sqrt(max(information.sum(axis=1).max(), 1e-300)))


def conditional_rate(rate: ArrayLike, loading: ArrayLike, z: Floats) -> Floats:
    """Return the rates given the factor: ``(n_nodes, n_units)`` for z of shape ``(n_nodes,)``."""
    own = np.sqrt(1 - np.square(loading))
    return ndtr((ndtri(rate) + np.multiply.outer(z, np.broadcast_to(loading, np.shape(rate)))) / own)


def poisson_binomial_pmf(probability: Floats) -> Floats:
    """Return the law of the number of successes of independent trials, one row for each row.

    ``probability`` has shape ``(n_rows, n_units)``; the result ``(n_rows, n_units + 1)``. Exact: unit
    after unit is added by convolution, O(n_units²) for a row, all terms positive. Raises ``ValueError``
    for another number of axes or a probability outside [0, 1].
    """
    probability = np.ascontiguousarray(check_probability("probability", probability, closed="01"))
    if probability.ndim != 2:
        raise ValueError(f"probability must have shape (n_rows, n_units), got {probability.shape}")
    n_rows, n_units = probability.shape
    pmf = np.zeros((n_rows, n_units + 1))
    over_blocks(lambda start, stop: _convolve(probability, pmf, start, stop), n_rows, least=16)
    return pmf


def one_factor_pmf(rate: Floats, loading: ArrayLike) -> Floats:
    """Return the law of the population count, ``(n_units + 1,)``, of a one-factor layer.

    ``rate`` has shape ``(n_units,)``; ``loading`` in (-1, 1) is one number or one for each unit. Raises
    ``ValueError`` for other shapes or values.
    """
    rate = unit_values("rate", check_probability("rate", rate, closed="01"))
    loading = check_loading(loading, rate.size)
    z, weight = latent_grid(rate, loading, width=count_width(rate, loading))
    return weight @ poisson_binomial_pmf(conditional_rate(rate, loading, z))


def alike_pmf(n_units: int, rate: float, loading: float) -> Floats:
    """Return the law of :func:`one_factor_pmf` for units all alike: a binomial law averaged over z."""
    one = np.array([rate])
    width = count_width(one, loading) / np.sqrt(n_units)  # each unit informs as much
    z, weight = latent_grid(one, loading, width=width, n_alike=n_units)
    return binomial_mixture_pmf(n_units, conditional_rate(one, loading, z)[:, 0], weight)


def binomial_mixture_pmf(n_units: int, probability: Floats, weight: Floats) -> Floats:
    """Return Σ weight·Binomial(n_units, probability): ``(n_units + 1,)`` for parts ``(n_parts,)``."""
    pmf = np.zeros(n_units + 1)
    _add_binomials(pmf, probability, weight)
    return pmf


@kernel
def _add_binomials(pmf: Floats, probability: Floats, weight: Floats) -> None:
    """Add each part from its mode outwards, by the ratios of neighbours, as far as it can be written."""
    n_units = pmf.size - 1
    term = np.empty(pmf.size)
    for part in range(probability.size):
        hit = probability[part]
        if hit >= 1.0:
            pmf[n_units] += weight[part]
            continue
        odds, mode = hit / (1.0 - hit), min(n_units, int((n_units + 1) * hit))
        term[mode], total = 1.0, 1.0
        low = high = mode
        while high < n_units and term[high] > _LEAST:
            term[high + 1] = term[high] * odds * (n_units - high) / (high + 1)
            high += 1
            total += term[high]
        while low > 0 and term[low] > _LEAST:
            term[low - 1] = term[low] * low / (odds * (n_units - low + 1))
            low -= 1
            total += term[low]
        for count in range(low, high + 1):
            pmf[count] += weight[part] / total * term[count]


@kernel
def _convolve(probability: Floats, pmf: Floats, start: int, stop: int) -> None:
    n_units = probability.shape[1]
    before = np.empty(n_units + 1)
    for row in range(start, stop):
        after = pmf[row]
        after[0] = 1.0
        low, high = 0, 0  # the counts reached so far, less those that have underflowed
        for unit in range(n_units):
            hit = probability[row, unit]
            miss = 1.0 - hit
            before[low : high + 1] = after[low : high + 1]
            after[low] = before[low] * miss
            for count in range(low + 1, high + 1):
                after[count] = before[count] * miss + before[count - 1] * hit
            after[high + 1] = before[high] * hit
            high += 1
            while after[low] < _LEAST and low < high:
                after[low] = 0.0
                low += 1
            while after[high] < _LEAST and high > low:
                after[high] = 0.0
                high -= 1
