"""The processes of the comparison: how rote draws them, and the best plain NumPy for each."""

from collections.abc import Callable
from functools import partial

import numpy as np
import peers
from scipy.special import ndtr, ndtri, pdtr
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


BLOCK = 250  # examples that a NumPy idiom draws at once: they stay in cache, which doubles its speed


def in_blocks(draw: Callable[[int, int], np.ndarray], shape: tuple[int, int], dtype: type) -> np.ndarray:
    """Return what ``draw(first, last)`` gives of successive blocks of examples, in one array."""
    drawn = np.empty(shape, dtype=dtype)
    for first in range(0, len(drawn), BLOCK):
        last = min(first + BLOCK, len(drawn))
        drawn[first:last] = draw(first, last)
    return drawn


def distinct_units(n_units: int, counts: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return cells, example·n_units + unit in order: ``counts`` distinct units of each example.

    All are drawn at once, and those that fell on one unit again, until none is missing: exact.
    """
    example = np.repeat(np.arange(counts.size, dtype=np.int64), counts)
    cells = np.empty(0, dtype=np.int64)
    while example.size:
        more = example * n_units + rng.integers(n_units, size=example.size)
        cells = np.sort(np.concatenate([cells, more]))
        again = cells[1:] == cells[:-1]
        example = cells[1:][again] // n_units
        cells = np.concatenate([cells[:1], cells[1:][~again]])
    return cells


def numpy_rival(method: str, draw: Work) -> Rival:
    """Return a rival in NumPy alone, which needs no setting up."""
    return Rival(package="numpy", method=method, build=lambda: draw)


def of_both_precisions(method: str, draw: Callable[[type], np.ndarray]) -> list[Rival]:
    """Return rivals that draw random numbers of 24 bits, the fastest, and of 53."""
    return [numpy_rival(f"{x.__name__} {method}", partial(draw, x)) for x in (np.float32, np.float64)]


def alike(rng: np.random.Generator) -> Case:
    """Exchangeable units."""
    n_units, n_examples, rate, correlation = 1000, 10_000, 0.05, 0.1
    ours = ExchangeableBernoulli(n_units=n_units, rate=rate, correlation=correlation, mixing="beta")
    probit = ExchangeableBernoulli(n_units=n_units, rate=rate, correlation=correlation, mixing="probit")

    def idiom(dtype: type) -> np.ndarray:
        propensity = rng.beta(*ours.beta, size=(n_examples, 1)).astype(dtype)

        def draw(first: int, last: int) -> np.ndarray:
            return rng.random((last - first, n_units), dtype=dtype) < propensity[first:last]

        return in_blocks(draw, (n_examples, n_units), np.bool_)

    latent = np.full((n_units, n_units), probit.loading**2)
    np.fill_diagonal(latent, 1)
    return Case(
        name="exchangeable",
        about="1,000 units × 10,000 examples, rate .05, correlation .1",
        ours=lambda: ours.sample(n_examples, rng=rng),
        rivals=(
            *of_both_precisions("uniforms below a Beta propensity, in blocks", idiom),
            *peers.normals(latent, np.full(n_units, rate), n_examples, rng),
            *peers.spikes(n_units, n_examples, rate, correlation),
            peers.brian(n_units, rng.beta(*ours.beta, size=n_examples)),
        ),
    )


def rare(rng: np.random.Generator) -> Case:
    """Exchangeable units that are mostly silent, as events."""
    n_units, n_examples, rate, correlation = 10_000, 10_000, 1e-3, 0.05
    ours = ExchangeableBernoulli(n_units=n_units, rate=rate, correlation=correlation, mixing="beta")

    def idiom() -> np.ndarray:
        active = rng.binomial(n_units, rng.beta(*ours.beta, size=n_examples))
        return distinct_units(n_units, active, rng)

    def choices() -> list[np.ndarray]:
        active = rng.binomial(n_units, rng.beta(*ours.beta, size=n_examples))
        return [rng.choice(n_units, count, replace=False, shuffle=False) for count in active]

    return Case(
        name="rare",
        about="10,000 units × 10,000 examples, rate .001, correlation .05, as events",
        ours=lambda: ours.sample_events(n_examples, rng=rng),
        rivals=(
            numpy_rival("binomial counts, all units at once, repeated ones again", idiom),
            numpy_rival("binomial counts, units chosen for each example", choices),
            *peers.spikes(n_units, n_examples, rate, correlation),
            peers.brian(n_units, rng.beta(*ours.beta, size=n_examples)),
        ),
    )


def one_factor(rng: np.random.Generator) -> Case:
    """Units with rates of their own and one factor."""
    n_units, n_examples, loading = 1000, 60_000, 0.3
    rate = rng.beta(0.5, 5, n_units)
    ours = DichotomizedGaussian(rate=rate, loading=loading)

    def idiom(dtype: type) -> np.ndarray:
        own = np.sqrt(1 - loading**2)

        def draw(first: int, last: int) -> np.ndarray:
            z = rng.standard_normal((last - first, 1))
            given = ndtr((ndtri(rate) + loading * z) / own).astype(dtype)
            return rng.random((last - first, n_units), dtype=dtype) < given

        return in_blocks(draw, (n_examples, n_units), np.bool_)

    latent = np.full((n_units, n_units), loading**2)
    np.fill_diagonal(latent, 1)
    return Case(
        name="one factor",
        about="1,000 units × 60,000 examples, rates Beta(.5, 5), loading .3",
        ours=lambda: ours.sample(n_examples, rng=rng),
        rivals=(
            *of_both_precisions("uniforms below Φ, in blocks", idiom),
            *peers.normals(latent, rate, n_examples, rng, large=True),
        ),
    )


def five_factors(rng: np.random.Generator) -> Case:
    """Units with five factors."""
    n_units, n_examples, n_factors = 200, 60_000, 5
    loading = rng.normal(scale=0.3, size=(n_units, n_factors)).clip(-0.4, 0.4)
    ours = FactorGaussian(rate=np.full(n_units, 0.2), loading=loading)

    def idiom(dtype: type) -> np.ndarray:
        weight = loading.T.astype(dtype)
        own = np.sqrt(1 - (loading**2).sum(axis=1)).astype(dtype)

        def draw(first: int, last: int) -> np.ndarray:
            factors = rng.standard_normal((last - first, n_factors), dtype=dtype)
            noise = rng.standard_normal((last - first, n_units), dtype=dtype)
            return factors @ weight + own * noise > -dtype(ndtri(0.2))

        return in_blocks(draw, (n_examples, n_units), np.bool_)

    return Case(
        name="five factors",
        about="200 units × 60,000 examples, rate .2",
        ours=lambda: ours.sample(n_examples, rng=rng),
        rivals=tuple(of_both_precisions("normals, factors times loadings, in blocks", idiom)),
    )


def full(rng: np.random.Generator) -> Case:
    """Units with any latent matrix."""
    n_units, n_examples = 200, 60_000
    latent = np.fromfunction(lambda i, j: 0.9 ** abs(i - j), (n_units, n_units))
    rate = np.full(n_units, 0.2)
    ours = LatentGaussian(rate=rate, latent_correlation=latent)

    def idiom(dtype: type) -> np.ndarray:
        root = np.linalg.cholesky(latent).T.astype(dtype)

        def draw(first: int, last: int) -> np.ndarray:
            normal = rng.standard_normal((last - first, n_units), dtype=dtype)
            return normal @ root > -dtype(ndtri(0.2))

        return in_blocks(draw, (n_examples, n_units), np.bool_)

    return Case(
        name="full matrix",
        about="200 units × 60,000 examples, rate .2, latent correlation .9 to the power of the distance",
        ours=lambda: ours.sample(n_examples, rng=rng),
        rivals=(
            *of_both_precisions("normals times the Cholesky root, in blocks", idiom),
            *peers.normals(latent, rate, n_examples, rng),
            peers.vine(n_units, n_examples, rate),
        ),
    )


def counts(rng: np.random.Generator) -> Case:
    """Poisson counts with a common source."""
    n_units, n_examples, rate, correlation = 1000, 10_000, 2.0, 0.2
    ours = CommonSources.from_correlation(rate=np.full(n_units, rate), correlation=correlation)

    edges = pdtr(np.arange(40), (1 - correlation) * rate)

    def source(first: int, last: int) -> np.ndarray:
        return rng.poisson(correlation * rate, (last - first, 1)).astype(np.uint8)

    def poisson() -> np.ndarray:
        def draw(first: int, last: int) -> np.ndarray:
            return rng.poisson((1 - correlation) * rate, (last - first, n_units)) + source(first, last)

        return in_blocks(draw, (n_examples, n_units), np.uint8)

    def inversion(dtype: type) -> np.ndarray:
        below_one = edges.astype(dtype)
        below_one = below_one[below_one < 1]

        def draw(first: int, last: int) -> np.ndarray:
            uniform = rng.random((last - first, n_units), dtype=dtype)
            count = np.repeat(source(first, last), n_units, axis=1)
            for edge in below_one:
                count += uniform >= edge
            return count

        return in_blocks(draw, (n_examples, n_units), np.uint8)

    return Case(
        name="Poisson",
        about="1,000 units × 10,000 examples, mean 2, correlation .2, one common source",
        ours=lambda: ours.sample(n_examples, rng=rng),
        rivals=(
            *of_both_precisions("uniforms against the edges of the law, in blocks", inversion),
            numpy_rival("own counts and the source's, in blocks", poisson),
            *peers.spikes(n_units, n_examples, rate, correlation),
        ),
    )
