"""The processes of the comparison: how rote draws them, and the best plain NumPy for each."""

import numpy as np
import peers
from scipy.special import ndtr, ndtri
from timing import Case, Rival, Work

from rote.simulate import (
    CommonSources,
    DichotomizedGaussian,
    ExchangeableBernoulli,
    FactorGaussian,
    LatentGaussian,
)


def cases(rng: np.random.Generator) -> list[Case]:
    """Return all cases."""
    return [alike(rng), rare(rng), one_factor(rng), five_factors(rng), full(rng), counts(rng)]


def numpy_rival(method: str, draw: Work) -> Rival:
    """Return a rival in NumPy alone, which needs no setting up."""
    return Rival(package="numpy", method=method, build=lambda: draw)


def alike(rng: np.random.Generator) -> Case:
    """Exchangeable units."""
    n_units, n_examples, rate, correlation = 1000, 10_000, 0.05, 0.1
    ours = ExchangeableBernoulli(n_units=n_units, rate=rate, correlation=correlation, mixing="beta")
    probit = ExchangeableBernoulli(n_units=n_units, rate=rate, correlation=correlation, mixing="probit")

    def idiom() -> np.ndarray:
        propensity = rng.beta(*ours.beta, size=(n_examples, 1)).astype(np.float32)
        return rng.random((n_examples, n_units), dtype=np.float32) < propensity

    latent = np.full((n_units, n_units), probit.loading**2)
    np.fill_diagonal(latent, 1)
    return Case(
        name="exchangeable",
        about="1,000 units × 10,000 examples, rate .05, correlation .1",
        ours=lambda: ours.sample(n_examples, rng=rng),
        rivals=(
            numpy_rival("float32 uniforms below a Beta propensity", idiom),
            *peers.normals(latent, np.full(n_units, rate), n_examples, rng),
            *peers.spikes(n_units, n_examples, rate, correlation),
            peers.brian(n_units, rng.beta(*ours.beta, size=n_examples)),
        ),
    )


def rare(rng: np.random.Generator) -> Case:
    """Exchangeable units that are mostly silent, as events."""
    n_units, n_examples, rate, correlation = 10_000, 10_000, 1e-3, 0.05
    ours = ExchangeableBernoulli(n_units=n_units, rate=rate, correlation=correlation, mixing="beta")

    def idiom() -> list[np.ndarray]:
        active = rng.binomial(n_units, rng.beta(*ours.beta, size=n_examples))
        return [rng.choice(n_units, count, replace=False, shuffle=False) for count in active]

    return Case(
        name="rare",
        about="10,000 units × 10,000 examples, rate .001, correlation .05, as events",
        ours=lambda: ours.sample_events(n_examples, rng=rng),
        rivals=(
            numpy_rival("binomial counts, units chosen for each", idiom),
            *peers.spikes(n_units, n_examples, rate, correlation),
            peers.brian(n_units, rng.beta(*ours.beta, size=n_examples)),
        ),
    )


def one_factor(rng: np.random.Generator) -> Case:
    """Units with rates of their own and one factor."""
    n_units, n_examples, loading = 1000, 60_000, 0.3
    rate = rng.beta(0.5, 5, n_units)
    ours = DichotomizedGaussian(rate=rate, loading=loading)

    def idiom() -> np.ndarray:
        drawn = np.empty((n_examples, n_units), dtype=np.bool_)
        own = np.sqrt(1 - loading**2)
        for first in range(0, n_examples, 1000):  # in blocks that stay in cache
            z = rng.standard_normal((1000, 1))
            given = ndtr((ndtri(rate) + loading * z) / own).astype(np.float32)
            drawn[first : first + 1000] = rng.random((1000, n_units), dtype=np.float32) < given
        return drawn

    latent = np.full((n_units, n_units), loading**2)
    np.fill_diagonal(latent, 1)
    return Case(
        name="one factor",
        about="1,000 units × 60,000 examples, rates Beta(.5, 5), loading .3",
        ours=lambda: ours.sample(n_examples, rng=rng),
        rivals=(
            numpy_rival("float32 uniforms below Φ, in blocks", idiom),
            *peers.normals(latent, rate, n_examples, rng, large=True),
        ),
    )


def five_factors(rng: np.random.Generator) -> Case:
    """Units with five factors."""
    n_units, n_examples, n_factors = 200, 60_000, 5
    loading = rng.normal(scale=0.3, size=(n_units, n_factors)).clip(-0.4, 0.4)
    ours = FactorGaussian(rate=np.full(n_units, 0.2), loading=loading)
    weight = loading.T.astype(np.float32)
    own = np.sqrt(1 - (loading**2).sum(axis=1)).astype(np.float32)

    def idiom() -> np.ndarray:
        factors = rng.standard_normal((n_examples, n_factors), dtype=np.float32)
        noise = rng.standard_normal((n_examples, n_units), dtype=np.float32)
        return factors @ weight + own * noise > -np.float32(ndtri(0.2))

    return Case(
        name="five factors",
        about="200 units × 60,000 examples, rate .2",
        ours=lambda: ours.sample(n_examples, rng=rng),
        rivals=(numpy_rival("float32 normals, factors times loadings", idiom),),
    )


def full(rng: np.random.Generator) -> Case:
    """Units with any latent matrix."""
    n_units, n_examples = 200, 60_000
    latent = np.fromfunction(lambda i, j: 0.9 ** abs(i - j), (n_units, n_units))
    rate = np.full(n_units, 0.2)
    ours = LatentGaussian(rate=rate, latent_correlation=latent)
    root = np.linalg.cholesky(latent).T.astype(np.float32)

    def idiom() -> np.ndarray:
        normal = rng.standard_normal((n_examples, n_units), dtype=np.float32)
        return normal @ root > -np.float32(ndtri(0.2))

    return Case(
        name="full matrix",
        about="200 units × 60,000 examples, rate .2, latent correlation .9 to the power of the distance",
        ours=lambda: ours.sample(n_examples, rng=rng),
        rivals=(
            numpy_rival("float32 normals times the Cholesky root", idiom),
            *peers.normals(latent, rate, n_examples, rng),
            peers.vine(n_units, n_examples, rate),
        ),
    )


def counts(rng: np.random.Generator) -> Case:
    """Poisson counts with a common source."""
    n_units, n_examples, rate, correlation = 1000, 10_000, 2.0, 0.2
    ours = CommonSources.from_correlation(rate=np.full(n_units, rate), correlation=correlation)

    def idiom() -> np.ndarray:
        own = rng.poisson((1 - correlation) * rate, (n_examples, n_units))
        return own + rng.poisson(correlation * rate, (n_examples, 1))

    return Case(
        name="Poisson",
        about="1,000 units × 10,000 examples, mean 2, correlation .2, one common source",
        ours=lambda: ours.sample(n_examples, rng=rng),
        rivals=(
            numpy_rival("own counts and the source's", idiom),
            *peers.spikes(n_units, n_examples, rate, correlation),
        ),
    )
