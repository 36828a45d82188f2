"""How the cost grows: against the random bits themselves, with rarity, with units and examples.

``python benchmarks/scale.py`` draws 100,000 units on 1,000,000 examples as blocks of events, 10¹¹ cells,
and prints events, seconds and memory: a process of its own, since memory is counted for a whole process.
"""

import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from cases import distinct_units
from scipy.optimize import brentq
from scipy.special import ndtri
from scipy.stats import multivariate_normal
from timing import Case, Rival, median_of

from rote.activity.kernel import kernel
from rote.activity.popcount import coactive_count
from rote.activity.streams import draw_keys, word
from rote.simulate import (
    DichotomizedGaussian,
    ExchangeableBernoulli,
    GammaFrailty,
    IndependentBernoulli,
    Layer,
    MixedProcess,
    OneFactorPoisson,
    PopulationBernoulli,
    SharedFeatures,
    binary_covariance,
    latent_correlation,
)

UNITS, EXAMPLES, BLOCK = 100_000, 1_000_000, 10_000  # of the giant, and the examples of a block


@kernel
def _fill(words: np.ndarray, key: np.ndarray, first: int) -> None:
    for place in range(words.size):
        words[place] = word(key, np.uint64(first + place))


def word_cost(rng: np.random.Generator, repeats: int) -> float:
    """Return nanoseconds of a random word, written to an array that stays in cache."""
    words, (key,) = np.empty(4096, dtype=np.uint64), draw_keys(rng, 1)
    return 1e9 * median_of(lambda: _fill(words, key, 0), repeats) / words.size


def words_needed() -> float:
    """Return how many random words, on average, decide 64 units of a probability of any digits.

    A unit is decided at the first binary digit in which its number and the probability differ, digit k
    with chance 2⁻ᵏ, and a word gives one digit of 64 units: it takes the most of 64 such k.
    """
    undecided = 0.5 ** np.arange(64)
    return float((1 - (1 - undecided) ** 64).sum())


def packed(rng: np.random.Generator, repeats: int) -> list[list[str]]:
    """Return rows: process as bits, ns a cell, over a random bit's, over the words' it needs."""
    floor, needed = word_cost(rng, repeats) / 64, words_needed()
    costs = {"random bits": floor, "the random words that 64 units need": needed * floor}
    for mixing in ("beta", "two-point"):
        for n_units, rate in ((1000, 0.05), (1000, 0.5), (10_000, 0.05)):
            process = ExchangeableBernoulli(n_units=n_units, rate=rate, correlation=0.1, mixing=mixing)
            n_examples = 10_000_000 // n_units
            seconds = median_of(lambda p=process, n=n_examples: p.sample_packed(n, rng=rng), repeats)
            costs[f"{mixing} mixing, {n_units:,} units, rate {rate:g}"] = 100 * seconds
    return [
        [name, f"{cost:.4f}", f"{cost / floor:.1f}", f"{cost / floor / needed:.1f}"]
        for name, cost in costs.items()
    ]


def rarity(rng: np.random.Generator, repeats: int) -> list[list[str]]:
    """Return rows: rate, active units of an example, nanoseconds for each of them, over NumPy's."""
    n_units, rows = 100_000, []
    for rate in (1e-5, 1e-4, 1e-3, 1e-2):
        process = ExchangeableBernoulli(n_units=n_units, rate=rate, correlation=0.01, mixing="beta")
        n_examples = int(2e6 / (n_units * rate))

        def idiom(process: ExchangeableBernoulli = process, n_examples: int = n_examples) -> np.ndarray:
            active = rng.binomial(n_units, rng.beta(*process.beta, size=n_examples))
            return distinct_units(n_units, active, rng)

        def ours(process: ExchangeableBernoulli = process, n_examples: int = n_examples) -> object:
            return process.sample_events(n_examples, rng=rng)

        mine = 1e9 * median_of(ours, repeats) / (n_examples * n_units * rate)
        theirs = 1e9 * median_of(idiom, repeats) / (n_examples * n_units * rate)
        rows.append(
            [f"{rate:g}", f"{n_units * rate:g}", f"{mine:.1f}", f"{theirs:.0f}", f"{theirs / mine:.0f}"]
        )
    return rows


def events(rng: np.random.Generator, repeats: int) -> list[list[str]]:
    """Return rows: process, nanoseconds an active unit, of many examples and of few."""
    n_units, rows = 20_000, []
    rate = rng.gamma(1, 1e-3, n_units).clip(0, 0.9)
    alike = ExchangeableBernoulli(n_units=n_units, rate=1e-3, correlation=0.01, mixing="beta")
    frailty = GammaFrailty(rate=rate, shape=2.0)
    processes = {
        "exchangeable": alike,
        "any law of the population count": PopulationBernoulli(
            population_pmf=alike.predict().population_pmf
        ),
        "independent, rates of their own": IndependentBernoulli(rate=rate),
        "gamma frailty": frailty,
        "dichotomized Gaussian, loading .3": DichotomizedGaussian(rate=rate, loading=0.3),
        "memorizing features, with noise": SharedFeatures.memorizing(
            n_units=n_units, n_examples=1000, n_features=2000, noise=1e-5
        ),
        "a layer of frailty beside exchangeable": Layer(parts=[frailty, alike]),
        "a mixture of frailty and exchangeable": MixedProcess(share=[0.5, 0.5], parts=[frailty, alike]),
    }
    for name, process in processes.items():
        costs = []
        for n_examples in (5000, 50):
            due = n_examples * process.predict().rate.sum()
            draw = median_of(lambda p=process, n=n_examples: p.sample_events(n, rng=rng), repeats)
            costs.append(f"{1e9 * draw / due:.0f}")
        rows.append([name, *costs])
    return rows


def wide_counts(rng: np.random.Generator, repeats: int) -> list[list[str]]:
    """Return rows: units, nanoseconds a cell of one-factor counts, dense and as events."""
    rows = []
    for n_units in (200, 2000, 20_000):
        process = OneFactorPoisson(rate=rng.gamma(1, 2, n_units), loading=0.4)
        n_examples = 2_000_000 // n_units
        costs = (
            1e9 * median_of(lambda d=draw, n=n_examples: d(n, rng=rng), repeats) / (n_units * n_examples)
            for draw in (process.sample, process.sample_events)
        )
        rows.append([f"{n_units:,}", *(f"{cost:.1f}" for cost in costs)])
    return rows


def linearity(rng: np.random.Generator, repeats: int) -> list[list[str]]:
    """Return rows: units, examples, nanoseconds a cell of dense activity, the same as bits."""
    rows = []
    for n_units, n_examples in (
        (100, 10_000),
        (1000, 10_000),
        (10_000, 10_000),
        (1000, 1000),
        (1000, 100_000),
    ):
        process = ExchangeableBernoulli(n_units=n_units, rate=0.05, correlation=0.1, mixing="beta")
        dense, bits = (
            1e9 * median_of(lambda d=draw, n=n_examples: d(n, rng=rng), repeats) / (n_units * n_examples)
            for draw in (process.sample, process.sample_packed)
        )
        rows.append([f"{n_units:,}", f"{n_examples:,}", f"{dense:.3f}", f"{bits:.3f}"])
    return rows


def inversion(rng: np.random.Generator, repeats: int) -> list[str]:
    """Return microseconds of a pair's latent correlation: ours, SciPy's, and their ratio."""
    rate, other, latent = rng.uniform(0.001, 0.5, (3, 2000))
    covariance = binary_covariance(rate, other, latent)
    correlation = covariance / np.sqrt(rate * (1 - rate) * other * (1 - other))
    ours = median_of(lambda: latent_correlation(rate, other, correlation), repeats) / rate.size
    few = range(20)

    def by_scipy() -> None:
        for pair in few:
            h, k = ndtri(rate[pair]), ndtri(other[pair])
            both = covariance[pair] + rate[pair] * other[pair]
            brentq(
                lambda r, h=h, k=k, both=both: (
                    multivariate_normal.cdf([h, k], cov=[[1, r], [r, 1]]) - both
                ),
                0,
                1 - 1e-9,
            )

    theirs = median_of(by_scipy, repeats) / len(few)
    return [f"{1e6 * ours:.2f}", f"{1e6 * theirs:.0f}", f"{theirs / ours:.0f}"]


def coactivation(rng: np.random.Generator, *, large: bool) -> Case:
    """Return co-activation counts against a matrix product; 4,096 units if ``large``."""
    n_units, n_examples = 4096 if large else 1024, 60_000
    active = rng.random((n_examples, n_units), dtype=np.float32) < 0.1
    values = active.astype(np.float32)
    return Case(
        name="co-activation",
        about=f"{n_units:,} units × {n_examples:,} examples, from booleans",
        ours=lambda: coactive_count(active),
        rivals=(
            Rival(
                package="numpy", method="float32 matrix product", build=lambda: lambda: values.T @ values
            ),
        ),
    )


def giant() -> dict[str, float]:
    """Draw the giant in blocks; return events, CPU seconds, and the most MiB held before and after."""
    rng = np.random.default_rng(0)
    process = ExchangeableBernoulli(n_units=UNITS, rate=1e-4, correlation=0.01, mixing="beta")
    process.sample_events(10, rng=rng)  # loads or compiles the kernels
    before = _most_memory()
    started, events = time.process_time(), 0
    for part in process.event_blocks(EXAMPLES, rng=rng, block=BLOCK):
        events += part.unit.size
    seconds = time.process_time() - started
    return {"events": events, "seconds": seconds, "before": before, "after": _most_memory()}


def _most_memory() -> float:
    listed = Path("/proc/self/status")  # of this process alone; getrusage may start with its parent's
    if listed.exists():
        return float(listed.read_text().partition("VmHWM:")[2].split()[0]) / 2**10
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (2**20 if sys.platform == "darwin" else 2**10)


def giant_apart() -> dict[str, float]:
    """Return what :func:`giant` does in a process of its own."""
    done = subprocess.run([sys.executable, __file__], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


if __name__ == "__main__":
    print(json.dumps(giant()))
