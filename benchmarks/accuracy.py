"""The correlation that units get where .05 was asked for, as they become rare.

Each package ends up with a latent correlation r of two normals; what two units of rate p then have is

    [Φ₂(h, h; r) - p²] / [p (1 - p)],    h = Φ⁻¹(p),

by adaptive quadrature of Plackett's integral (1954) to 1e-12, which is no code of rote's. Elephant has
no latent correlation: a unit is active in a bin that holds an event, common or its own, in closed form.
"""

import warnings
from collections.abc import Callable
from importlib.util import find_spec

import numpy as np
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import ndtri
from scipy.stats import multivariate_normal
from timing import Rival

from rote.simulate import LatentGaussian

TARGET = 0.05
RATES = (0.05, 0.01, 1e-3, 1e-4, 1e-5)

type OfRate = Callable[[float], float]


def implied(rate: float, latent: float) -> float:
    """Return the correlation of two units of this rate and latent correlation."""
    h = ndtri(rate)
    covariance, _ = quad(
        lambda angle: np.exp(-h * h / (1 + np.sin(angle))),
        0,
        np.arcsin(latent),
        epsabs=0,
        epsrel=1e-12,
        limit=200,
    )
    return covariance / (2 * np.pi * rate * (1 - rate))


def rote(rate: float) -> float:
    """Return the latent correlation of rote's process."""
    wanted = np.full((2, 2), TARGET) + (1 - TARGET) * np.eye(2)
    process = LatentGaussian.from_correlation(rate=[rate, rate], correlation=wanted)
    return process.latent_correlation[0, 1]


def scipy_root(rate: float) -> float:
    """Return the root of SciPy's bivariate normal probability less the one wanted."""
    h = ndtri(rate)
    both = rate**2 + TARGET * rate * (1 - rate)

    def excess(latent: float) -> float:
        return multivariate_normal.cdf([h, h], cov=[[1, latent], [latent, 1]]) - both

    return brentq(excess, 0, 1 - 1e-9, xtol=1e-14)


def bindata() -> OfRate:
    """Return what bindata interpolates in a table of its own."""
    from bindata.bindata import bincorr2commonprob, commonprob2sigma

    def latent(rate: float) -> float:
        wanted = np.full((2, 2), TARGET) + (1 - TARGET) * np.eye(2)
        both = bincorr2commonprob(np.array([rate, rate]), wanted)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it interpolates
            return float(commonprob2sigma(both)[0, 1])

    return latent


def as_given(package: str) -> Rival:
    """Return a package that takes a latent correlation, and is given the target for want of a rule."""
    method = "the target as latent correlation"
    return Rival(package=package, method=method, build=lambda: through(lambda _: TARGET))


def through(latent: OfRate) -> OfRate:
    """Return the correlation at a rate, by way of the latent correlation at this rate."""
    return lambda rate: implied(rate, latent(rate))


def elephant(rate: float) -> float:
    """Return the correlation itself, from counts of mean ``rate`` that share the part ``TARGET``."""
    silent = np.exp(-rate)
    return silent**2 * np.expm1(TARGET * rate) / (silent * (1 - silent))


RIVALS = (
    Rival(package="rote", method="from_correlation", build=lambda: through(rote)),
    Rival(package="scipy", method="root of the normal probability", build=lambda: through(scipy_root)),
    Rival(package="bindata", method="its table, interpolated", build=lambda: through(bindata())),
    Rival(package="elephant", method="rate and coincidence rate", build=lambda: elephant),
    *map(as_given, ("statsmodels", "openturns", "copulae", "copulas", "pyvinecopulib")),
)


def table() -> list[list[str]]:
    """Return a row for each package: name, correlation at each of ``RATES``, greatest relative error."""
    rows = []
    for rival in RIVALS:
        name = f"{rival.package}: {rival.method}"
        if find_spec(rival.package) is None:
            rows.append([name, *["not installed"] * len(RATES), ""])
        else:
            rows.append([name, *_row(rival.build())])
    return rows


def _row(correlation: OfRate) -> list[str]:
    reached = [_number(correlation, rate) for rate in RATES]
    errors = [abs(number / TARGET - 1) for number in reached if not isinstance(number, str)]
    cells = [number if isinstance(number, str) else f"{number:.5f}" for number in reached]
    return [*cells, f"{max(errors):.0e}"]


def _number(correlation: OfRate, rate: float) -> float | str:
    try:
        return correlation(rate)
    except (ValueError, KeyError) as error:
        return type(error).__name__
