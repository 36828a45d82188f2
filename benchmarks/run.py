"""Speed as ratios: each case beside the best plain NumPy idiom for it, in one run, medians of several.

    python benchmarks/run.py [--repeats 7]

Times are CPU seconds of one thread, so that other work on the machine disturbs them little; the ratios
carry over to other machines, the seconds do not.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np
from scipy.special import ndtr, ndtri

from rote.activity.popcount import coactive_count
from rote.simulate import DichotomizedGaussian, ExchangeableBernoulli, LatentGaussian

type Case = tuple[str, Callable[[], object], str, Callable[[], object]]


def cases(rng: np.random.Generator) -> list[Case]:
    """Return name, ours, what the peer is, and the peer."""
    alike = ExchangeableBernoulli(n_units=1000, rate=0.05, correlation=0.1, mixing="beta")
    rare = ExchangeableBernoulli(n_units=10_000, rate=1e-3, correlation=0.05, mixing="beta")
    rate = rng.beta(0.5, 5, 1000)
    factor = DichotomizedGaussian(rate=rate, loading=0.3)
    latent = np.fromfunction(lambda i, j: 0.9 ** abs(i - j), (200, 200))
    full = LatentGaussian(rate=np.full(200, 0.2), latent_correlation=latent)
    root = np.linalg.cholesky(latent).astype(np.float32)
    active = rng.random((60_000, 1024)) < 0.1

    def propensity(process: ExchangeableBernoulli, n_examples: int) -> np.ndarray:
        return rng.beta(*process.beta, size=n_examples).astype(np.float32)[:, None]

    def numpy_alike() -> np.ndarray:
        return rng.random((10_000, 1000), dtype=np.float32) < propensity(alike, 10_000)

    def numpy_rare() -> list[np.ndarray]:
        counts = rng.binomial(10_000, propensity(rare, 10_000)[:, 0])
        return [rng.choice(10_000, count, replace=False, shuffle=False) for count in counts]

    def numpy_factor() -> np.ndarray:
        drawn = np.empty((60_000, 1000), dtype=np.bool_)
        own = np.sqrt(1 - 0.3**2)
        for first in range(0, 60_000, 1000):  # in blocks that stay in cache
            z = rng.standard_normal((1000, 1))
            given = ndtr((ndtri(rate) + 0.3 * z) / own).astype(np.float32)
            drawn[first : first + 1000] = rng.random((1000, 1000), dtype=np.float32) < given
        return drawn

    def numpy_full() -> np.ndarray:
        normal = rng.standard_normal((60_000, 200), dtype=np.float32)
        return normal @ root.T > -np.float32(ndtri(0.2))

    def numpy_coactive() -> np.ndarray:
        values = active.astype(np.float32)
        return values.T @ values

    return [
        ("exchangeable, 1,000 units x 10,000 examples, rate .05, correlation .1",
         lambda: alike.sample(10_000, rng=rng), "uniform numbers below a Beta propensity", numpy_alike),
        ("the same as bits", lambda: alike.sample_packed(10_000, rng=rng),
         "and packed", lambda: np.packbits(numpy_alike(), axis=1)),
        ("rare, 10,000 x 10,000, rate .001, correlation .05, as events",
         lambda: rare.sample_events(10_000, rng=rng), "counts, and units chosen for each", numpy_rare),
        ("one factor, 1,000 x 60,000, rates Beta(.5, 5), loading .3",
         lambda: factor.sample(60_000, rng=rng), "uniform numbers below Φ in blocks", numpy_factor),
        ("full latent matrix, 200 x 60,000",
         lambda: full.sample(60_000, rng=rng), "normals times the Cholesky root, above h", numpy_full),
        ("co-activation counts, 1,024 units x 60,000",
         lambda: coactive_count(active), "float32 matrix product", numpy_coactive),
    ]  # fmt: skip


def seconds(work: Callable[[], object], repeats: int) -> float:
    """Return the median CPU time of ``work``, which is run once before."""
    work()
    taken = []
    for _ in range(repeats):
        started = time.thread_time()
        work()
        taken.append(time.thread_time() - started)
    return statistics.median(taken)


def main() -> None:
    """Print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7, help="runs of each case (default: 7)")
    repeats = parser.parse_args().repeats
    print("| case | rote, s | NumPy | NumPy, s | ratio |\n|---|---|---|---|---|")
    for name, ours, idiom, peer in cases(np.random.default_rng(0)):
        mine, theirs = seconds(ours, repeats), seconds(peer, repeats)
        print(f"| {name} | {mine:.4f} | {idiom} | {theirs:.4f} | {theirs / mine:.1f} |", flush=True)


if __name__ == "__main__":
    main()
