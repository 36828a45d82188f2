"""Each unit's likelihood in its log scale, tabulated under a law of magnitudes.

Bins are the same for all units, so that for a law of one shape log P_b(x) is computed once on a grid of
log scales x, and all units' log-likelihoods are one product, Σ_b H_ib log P_b(x). Under the null the
shape is each unit's own. Between the points of the grid they are cubic splines.

The grid reaches as far from the layer's center as its law can, by moments of the units' mean log
magnitudes. For a law with a variation, variations that matter are those within ``DROP`` of the layer's
highest likelihood, by a coarse maximum over center and spread.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.fft import dct
from scipy.interpolate import CubicSpline
from scipy.special import ndtri, psi

from ..activity.arrays import Floats
from ..activity.magnitude_bins import magnitude_edges
from ..activity.statistics import Statistics
from ..simulate.positive_normals import positive_moments
from .magnitude_laws import FREE, NULL, family_tails, log_bin_probability, null_tails
from .unit_curves import LogLikelihood, UnitCurves

N_SCALES = 257  # log scales at which bins' probabilities are computed
REACH = 7.0  # standard deviations of the layer's law that they hold on either side
VARIATIONS = (0.02, 20.0)  # that are looked at
N_VARIATIONS = (3, 5, 9, 17)  # Chebyshev points of a table, as many as it takes
TOLERANCE = 0.1  # nats; of the layer's log-likelihood between these points
SCAN = 9  # variations that look for where the likelihood is high
DROP = 30.0  # nats below the maximum at which a variation is out of the question
UNITS = 64  # whose bins are computed at once, where each has its own


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MagnitudeCurves:
    """Curves of a layer's units; under a law with a variation those of one variation after another."""

    units: UnitCurves  # of n_units, or of n_variations * n_units
    low: float  # log variation at the ends of the table
    high: float
    transform: Floats  # (n_variations, n_variations) from values at the points to Chebyshev coefficients


def magnitude_curves(statistics: Statistics, law: str) -> MagnitudeCurves:
    """Tabulate a layer; a ``ValueError`` without magnitudes of units that are active now and then."""
    count, edge = _binned(statistics)
    threshold = ndtri(known_rate(statistics))
    unit_scale = positive_moments(threshold)[0] if law == NULL else np.ones(threshold.size)
    center, spread, reach = _rough_law(count, edge, unit_scale)
    grid = np.linspace(center - reach, center + reach, N_SCALES)

    def at(log_variation: float) -> Floats:
        tails = family_tails(law, float(np.exp(log_variation)))
        return count @ log_bin_probability(edge, np.exp(grid), tails).T

    if law in FREE:
        return _by_variation(at, grid, (center, max(spread, reach / N_SCALES)))
    values = _null_values(count, edge, grid, threshold) if law == NULL else at(0.0)
    return MagnitudeCurves(units=_tabulated(grid, values), low=0.0, high=0.0, transform=np.ones((1, 1)))


def known_rate(statistics: Statistics) -> Floats:
    """Return exp E[log rate] under Jeffreys' prior, ``(n_units,)``: in (0, 1) for dead units too."""
    return np.exp(psi(statistics.active_count + 0.5) - psi(statistics.n_examples + 1))


def _binned(statistics: Statistics) -> tuple[Floats, Floats]:
    """Return the counts and ends of the bins in use; of units that say nothing the counts are 0."""
    if not statistics.n_magnitudes:
        raise ValueError("statistics must hold magnitudes, got none: measure with activation")
    sometimes = statistics.active_count < statistics.n_examples
    count = statistics.magnitude_histogram * sometimes[:, None]
    used = np.flatnonzero(count.any(axis=0))
    if not used.size:
        raise ValueError(
            f"statistics must have a unit that is active, though not always, got {statistics.n_units} "
            "units without one"
        )
    first, last = used[0], used[-1] + 1
    return count[:, first:last].astype(np.float64), magnitude_edges()[first : last + 1]


def _null_values(count: Floats, edge: Floats, grid: Floats, threshold: Floats) -> Floats:
    values = np.empty((len(count), grid.size))
    for start in range(0, len(count), UNITS):
        some = slice(start, start + UNITS)
        tails = null_tails(threshold[some, None, None])
        log_bin = log_bin_probability(edge, np.exp(grid), tails)
        values[some] = np.einsum("ub,ugb->ug", count[some], log_bin)
    return values


def _by_variation(
    at: Callable[[float], Floats], grid: Floats, law: tuple[float, float]
) -> MagnitudeCurves:
    """Tabulate at as many variations as it takes, judged at a rough ``law``, center and spread."""
    low, high = _region(at, grid)
    for n in N_VARIATIONS:
        place = np.cos(np.pi * np.arange(2 * n - 1) / (2 * n - 2))
        values = [at((low + high + (high - low) * x) / 2) for x in place]
        finer = _tabulated(grid, np.concatenate(values))
        terms = finer.log_likelihood(*law).reshape(place.size, -1).sum(axis=1)
        transform = _transform(n)
        between = np.cos(np.arange(n) * np.arccos(place[1::2])[:, None]) @ transform @ terms[::2]
        if (error := np.abs(between - terms[1::2]).max()) < TOLERANCE:
            kept = np.arange(len(finer.mass)).reshape(place.size, -1)[::2].ravel()
            units = UnitCurves(node=finer.node, mass=finer.mass[kept], log_factor=finer.log_factor[kept])
            return MagnitudeCurves(units=units, low=low, high=high, transform=transform)
    raise ValueError(
        f"the likelihood must be smooth in the variation from {np.exp(low):.3g} to {np.exp(high):.3g}, "
        f"got an error of {error:.2g} with {n} points"
    )


def _rough_law(count: Floats, edge: Floats, unit_scale: Floats) -> tuple[float, float, float]:
    """Return center and spread of log scales, and how far about it they and their errors reach.

    Mean magnitudes are scales times ``unit_scale``.
    """
    low, high = np.maximum(edge[0], edge[1] / 2), np.minimum(edge[-1], edge[-2] * 2)
    ends = np.concatenate([[low], edge[1:-1], [high]])
    middle = (ends[1:] + ends[:-1]) / 2
    number = count.sum(axis=1)
    some = number > 0
    number = number[some]
    mean, square = (count[some] @ middle**power / number for power in (1, 2))
    relative = max((number @ (square / mean**2 - 1)) / number.sum(), 0.3)
    center, spread, error = _law_by_moments(np.log(mean / unit_scale[some]), relative / number)
    return center, spread, REACH * (spread + 2 * error) + 1


def _law_by_moments(x: Floats, variance: Floats) -> tuple[float, float, float]:
    """Return center and spread of the law of x seen with ``variance``, and the spread's rough error.

    After DerSimonian and Laird (1986), Controlled Clinical Trials 7, 177-188.
    """
    weight = 1 / variance
    center = np.average(x, weights=weight)
    excess = weight @ np.square(x - center) - (x.size - 1)
    effective = weight.sum() - (weight @ weight) / weight.sum()
    between = max(excess / effective, 0.0) if effective > 0 else 0.0
    weight = 1 / (between + variance)
    return float(np.average(x, weights=weight)), np.sqrt(between), float(1 / np.sqrt(2 * weight.sum()))


def _region(at: Callable[[float], Floats], grid: Floats) -> tuple[float, float]:
    """Return ends that just hold all log variations within ``DROP`` of the most likely one."""
    low, high = np.log(VARIATIONS)
    while True:
        points = np.linspace(low, high, SCAN)
        value = np.array([_layer_value(at(point), grid) for point in points])
        near = np.flatnonzero(value >= value.max() - DROP)
        first, last = max(near[0] - 1, 0), min(near[-1] + 1, SCAN - 1)
        low, high = points[first], points[last]
        if last - first > SCAN // 2:
            return float(low), float(high)


def _layer_value(value: Floats, grid: Floats) -> float:
    """Return the layer's log-likelihood by a parabola at the top of each unit's curve ``value``."""
    unit, spacing = np.arange(len(value)), grid[1] - grid[0]
    top = np.clip(value.argmax(axis=1), 1, grid.size - 2)
    before, here, after = (value[unit, top + step] for step in (-1, 0, 1))
    curvature = np.maximum(2 * here - before - after, 1e-6)
    shift = np.clip((after - before) / (2 * curvature), -1, 1)
    x, variance = grid[top] + spacing * shift, spacing**2 / curvature
    center, spread, _ = _law_by_moments(x, variance)
    height = here + shift * (after - before) / 2 - curvature * shift**2 / 2
    total = spread**2 + variance
    return float((height + (np.log(variance / total) - np.square(x - center) / total) / 2).sum())


def _tabulated(grid: Floats, values: Floats) -> UnitCurves:
    return UnitCurves.tabulate(_spline(grid, values), len(values), low=grid[0], high=grid[-1])


def _spline(grid: Floats, values: Floats) -> LogLikelihood:
    """Return cubic splines through ``values`` ``(n_curves, n_scales)``, at points of each one's own."""
    coefficient = CubicSpline(grid, values, axis=1).c  # (4, n_scales - 1, n_curves)
    curve, spacing = np.arange(len(values))[:, None], grid[1] - grid[0]

    def at(x: Floats) -> Floats:
        place = np.clip(((x - grid[0]) / spacing).astype(int), 0, grid.size - 2)
        beyond, value = x - grid[place], 0.0
        for power in coefficient:
            value = value * beyond + power[place, curve]
        return value

    return at


def _transform(n: int) -> Floats:
    """Return the matrix that makes Chebyshev coefficients of values at cos(πj/(n - 1)), j = 0..n - 1."""
    matrix = dct(np.eye(n), type=1, axis=0) / (n - 1)
    matrix[[0, -1]] /= 2
    return matrix
