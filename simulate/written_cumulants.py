"""Cumulants and mean size of a sum of changes that a random number of presentations writes.

A unit is presented s times with an example, and its weight changes by learning_rate · g each time. All
counts of rote belong to one family [1]_, told by the rate λ = E s and the dispersion D of

    log E (1 + z)^s = -log(1 - Dλz) / D :    Bernoulli D = -1,  Poisson D → 0,  negative binomial D > 0,

whose Fano factor is 1 + Dλ and whose factorial cumulants are f_n = (n-1)! D^(n-1) λ^n. So with raw
moments m_n of g the sum over independent examples t has the cumulants κ_n = Σ_t learning_rate_t^n c_n,

    c_1 = f_1 m_1,    c_2 = f_1 m_2 + f_2 m_1²,    c_3 = f_1 m_3 + 3 f_2 m_1 m_2 + f_3 m_1³,
    c_4 = f_1 m_4 + f_2 (4 m_1 m_3 + 3 m_2²) + 6 f_3 m_1² m_2 + f_4 m_1⁴:

for a Poisson count λ m_n, as in every compound Poisson sum. The mean size follows from the
characteristic function φ of the sum, a product over examples,

    E|w| = 2/π ∫₀^∞ (1 - Re φ(θ)) / θ² dθ.

.. [1] The (a, b, 0) class: Panjer (1981), ASTIN Bulletin 12, 22-26.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom, nbinom, poisson

from ..activity.arrays import Floats
from .weight_laws import VarianceGamma

_LEVELS = 32  # distinct learning rates that are told apart
_END = 14.0  # of log θ, in units of 1/√E w²: beyond it the integrand's limits are integrated
_STEP = 0.1  # in log θ, and a finer one where φ turns often before it is small,
_TURNS = 0.25  # by so much of a mean over its standard deviation
_FAR = 100.0  # means beyond so many standard deviations do not change sign
_CELLS = 1 << 18  # units times steps held at once


def unit_cumulants(rate: Floats, dispersion: Floats, moments: Floats) -> Floats:
    """Return c_1 … c_4 of one example for units ``(n_units,)`` and changes of ``moments`` m_1 … m_4."""
    f1, f2 = rate, dispersion * rate**2
    f3, f4 = 2 * dispersion * rate * f2, 6 * dispersion**2 * rate**2 * f2
    m1, m2, m3, m4 = moments
    return np.stack(
        [
            f1 * m1,
            f1 * m2 + f2 * m1**2,
            f1 * m3 + 3 * f2 * m1 * m2 + f3 * m1**3,
            f1 * m4 + f2 * (4 * m1 * m3 + 3 * m2**2) + 6 * f3 * m1**2 * m2 + f4 * m1**4,
        ]
    )


def mean_size(
    rate: Floats, dispersion: Floats, change: VarianceGamma, learning_rates: Floats, initial_sd: float
) -> Floats:
    """Return E|w| of the units' weights, ``(n_units,)``.

    Exact to 1e-6 for up to 32 distinct ``learning_rates`` ``(n_examples,)``. More are taken in 16 groups
    of neighbours, each as two rates with the group's mean and mean square.
    """
    level, number = _levels(learning_rates)
    first, second, *_ = unit_cumulants(rate, dispersion, change.moments)
    mean, variance = first * (number @ level), second * (number @ level**2) + initial_sd**2
    sizes = np.abs(mean)
    spread = np.sqrt(np.maximum(variance, 0))
    random = np.flatnonzero((spread > 0) & (sizes < _FAR * spread))
    turns = np.maximum(np.abs(mean[random]) / spread[random], min(abs(change.mean) / change.sd, _FAR))
    finenesses = np.ceil(np.maximum(1.0, _TURNS * turns))
    for fineness in np.unique(finenesses):
        units = random[finenesses == fineness]
        log = np.arange(-_END, _END, _STEP / fineness)
        for part in np.array_split(units, -(-units.size * log.size // _CELLS)):
            scale = np.hypot(mean[part], spread[part])
            theta = np.exp(log) / scale[:, None]
            lost = _lost(theta, rate[part], dispersion[part], change, level, number, initial_sd)
            ends = lost[:, 0] * np.exp(-log[0]) + lost[:, -1] * np.exp(-log[-1])
            inner = (lost * np.exp(-log)).sum(axis=1) * (log[1] - log[0])
            sizes[part] = 2 / np.pi * (inner + ends * (1 - (log[1] - log[0]) / 2)) * scale
    return sizes


def _levels(learning_rates: Floats) -> tuple[Floats, Floats]:
    """Return distinct learning rates, or those of groups, and how many examples have each."""
    level, number = np.unique(learning_rates, return_counts=True)
    if level.size > _LEVELS:
        groups = np.array_split(np.sort(learning_rates), _LEVELS // 2)
        mean = np.array([group.mean() for group in groups])
        sd = np.array([group.std() for group in groups])
        level = np.concatenate([mean - sd, mean + sd])
        number = np.tile([group.size / 2 for group in groups], 2)
    return level, number.astype(np.float64)


def _lost(
    theta: Floats,
    rate: Floats,
    dispersion: Floats,
    change: VarianceGamma,
    level: Floats,
    number: Floats,
    initial_sd: float,
) -> Floats:
    """Return 1 - Re φ at ``theta`` ``(n_units, n_steps)``, without cancellation where θ is small."""
    log_size, angle = _log_characteristic(theta, rate, dispersion, change, level, number, initial_sd)
    return 2 * np.exp(log_size) * np.square(np.sin(angle / 2)) - np.expm1(log_size)


def pooled_characteristic(
    theta: Floats,
    rate: Floats,
    dispersion: Floats,
    change: VarianceGamma,
    learning_rates: Floats,
    initial_sd: float,
) -> NDArray[np.complex128]:
    """Return the mean over units of φ at ``theta`` ``(n_steps,)``, with learning rates as above."""
    level, number = _levels(learning_rates)
    alike, times = np.unique(np.stack([rate, dispersion]), axis=1, return_counts=True)
    total = np.zeros(theta.size, dtype=np.complex128)
    for (one, other), often in zip(alike.T, times, strict=True):
        of = np.array([one]), np.array([other]), change, level, number, initial_sd
        log_size, angle = _log_characteristic(theta[None], *of)
        total += often * np.exp(log_size[0] + 1j * angle[0])
    return total / rate.size


def log_never(rate: Floats, dispersion: Floats, n_examples: int) -> Floats:
    """Return the log of the probability of no presentation in ``n_examples``: ``(n_units,)``."""
    drops = dispersion * rate
    with np.errstate(divide="ignore", invalid="ignore"):
        each = np.where(dispersion == 0, -rate, -np.log1p(drops) / dispersion)
    return n_examples * each


def count_quantiles(share: Floats, rate: Floats, dispersion: Floats, n_examples: int) -> Floats:
    """Return quantiles of how often units are presented: ``(n_shares, n_units)``."""
    share, found = share[:, None], np.zeros((share.size, rate.size))
    for kind, units in (
        ("bernoulli", dispersion < 0),
        ("poisson", dispersion == 0),
        ("negative", dispersion > 0),
    ):
        if not units.any():
            continue
        each, gain = rate[units], 1 / np.where(units, dispersion, 1.0)[units]
        if kind == "bernoulli":  # binomial of gain sides
            law = binom(np.maximum(np.round(-gain * n_examples), 1), np.minimum(-each / gain, 1))
        elif kind == "poisson":
            law = poisson(each * n_examples)
        else:
            law = nbinom(gain * n_examples, gain / (gain + each))
        found[:, units] = law.ppf(share)
    return found


def _log_characteristic(
    theta: Floats,
    rate: Floats,
    dispersion: Floats,
    change: VarianceGamma,
    level: Floats,
    number: Floats,
    initial_sd: float,
) -> tuple[Floats, Floats]:
    """Return log |φ| and the angle of φ at ``theta`` ``(n_units, n_steps)``."""
    log_size, angle = -0.5 * np.square(initial_sd * theta), np.zeros_like(theta)
    rate, dispersion = rate[:, None], dispersion[:, None]
    inverse = -1 / np.where(dispersion == 0, np.inf, dispersion)
    for one, times in zip(level, number, strict=True):
        square, turn = np.square(change.sd * one * theta) / 2, change.mean * one * theta
        gauss = change.shape == np.inf
        log_change = -square if gauss else -change.shape * np.log1p(square / change.shape)
        size = np.exp(log_change)
        real = np.expm1(log_change) - 2 * size * np.square(np.sin(turn / 2))  # of z, the change's φ - 1
        imaginary = size * np.sin(turn)
        x, y = -dispersion * rate * real, -dispersion * rate * imaginary
        with np.errstate(divide="ignore"):  # a unit that is always active has no φ of its own
            half = 0.5 * np.log1p(np.maximum(2 * x + x**2 + y**2, -1))
        log_size += times * np.where(dispersion == 0, rate * real, inverse * half)
        angle += times * np.where(dispersion == 0, rate * imaginary, inverse * np.arctan2(y, 1 + x))
    return log_size, angle
