"""Written weights beside a plain NumPy loop and a dense matrix product that ignores sparsity.

    python benchmarks/written.py [--repeats 5] [--out docs/bridge.md]

prints tables in Markdown: CPU seconds of one thread, in turns, the activity drawn in all of them. Then
4,096 units × 60,000 examples × 784 inputs are written, on as many threads as there are, each way in a
process of its own, whose peak memory is its. With ``--out`` the tables take the place of those between
the marks in that page.
"""

import argparse
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

LARGE = "independent", "backpropagated"
WAY = next((way for way in LARGE if way in sys.argv[1:]), None)
if WAY is None:  # the large ones use all cores
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[variable] = "1"

import numpy as np
from page import machine, put, table
from timing import Case, Rival, compare

from rote.simulate import BackpropagatedWeights, IndependentBernoulli, VarianceGamma, WrittenWeights

N_INPUTS, N_OUTPUTS = 784, 10
type Layer = WrittenWeights | BackpropagatedWeights


def layer(way: str, rate: float, n_units: int, n_examples: int, rng: np.random.Generator) -> Layer:
    """Return a layer whose units are written in one of the two ways."""
    process = IndependentBernoulli(rate=np.full(n_units, rate))
    if way == "independent":
        return WrittenWeights(process=process, n_inputs=N_INPUTS, change=VarianceGamma(sd=1.0))
    return BackpropagatedWeights(
        process=process,
        inputs=rng.standard_normal((n_examples, N_INPUTS), dtype=np.float32),
        read_out=rng.standard_normal((N_OUTPUTS, n_units)),
    )


def loop(written: Layer, n_examples: int, rng: np.random.Generator) -> Callable[[], np.ndarray]:
    """Return a plain loop over examples, each of which changes the rows of its active units."""

    def write() -> np.ndarray:
        active = written.process.sample(n_examples, rng=rng)
        weights = np.zeros((active.shape[1], N_INPUTS), dtype=np.float32)
        for example in range(n_examples):
            units = np.flatnonzero(active[example])
            if isinstance(written, WrittenWeights):
                weights[units] += rng.standard_normal((units.size, N_INPUTS), dtype=np.float32)
                continue
            error = rng.standard_normal(N_OUTPUTS)
            change = (error @ written.read_out[:, units]).astype(np.float32)
            weights[units] += change[:, None] * written.inputs[example]
        return weights

    return write


def dense(
    written: BackpropagatedWeights, n_examples: int, rng: np.random.Generator
) -> Callable[[], np.ndarray]:
    """Return one float32 matrix product of all changes, zeros included, with the inputs."""
    read_out = written.read_out.astype(np.float32)

    def write() -> np.ndarray:
        active = written.process.sample(n_examples, rng=rng)
        change = rng.standard_normal((n_examples, N_OUTPUTS), dtype=np.float32) @ read_out
        change *= active
        return change.T @ written.inputs

    return write


def cases(rng: np.random.Generator) -> list[Case]:
    """Return both ways at a common and at a rare rate."""
    n_units, n_examples, found = 1024, 8192, []
    for way in LARGE:
        for rate in (0.05, 0.005):
            written = layer(way, rate, n_units, n_examples, rng)
            rivals = [
                Rival(
                    package="numpy",
                    method="loop over examples",
                    build=lambda one=written: loop(one, n_examples, rng),
                )
            ]
            if way == "backpropagated":
                product = Rival(
                    package="numpy",
                    method="dense matrix product",
                    build=lambda one=written: dense(one, n_examples, rng),
                )
                rivals.append(product)
            about = f"{n_units:,} × {n_examples:,} × {N_INPUTS}; rate {rate:g}"
            ours = lambda one=written: one.sample(n_examples, rng=rng)  # noqa: E731
            found.append(Case(name=way, about=about, ours=ours, rivals=tuple(rivals)))
    return found


def giant(way: str) -> None:
    """Print a row: seconds to draw and to predict the large layer, and the peak memory."""
    rng, n_units, n_examples = np.random.default_rng(0), 4096, 60_000
    layer(way, 0.05, 8, 8, rng).sample(8, rng=rng)  # compiles
    written = layer(way, 0.05, n_units, n_examples, rng)
    inputs = getattr(written, "inputs", np.empty(0)).nbytes / 2**20
    started = time.perf_counter(), time.process_time()
    written.sample(n_examples, rng=rng)
    passed, worked = time.perf_counter() - started[0], time.process_time() - started[1]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    started = time.perf_counter()
    written.predict(n_examples)
    predicted = time.perf_counter() - started
    print(f"{way},{passed:.2f},{worked:.2f},{predicted:.2f},{peak:.0f},{inputs:.0f}")


def main() -> None:
    """Print the tables, or put them into a page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5, help="runs of each measurement (default: 5)")
    parser.add_argument("--out", type=Path, help="page whose tables are replaced")
    parser.add_argument("way", nargs="?", choices=LARGE, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        giant(options.way)
        return
    rows = []
    for case in cases(np.random.default_rng(0)):
        for rival in case.rivals:
            found = compare(case, rival, repeats=options.repeats, large=True)
            times = f"{found.ours:.4f}", f"{found.theirs:.4f}", f"{found.ratio:.1f}"
            rows.append([case.name, case.about, rival.method, *times])
    giants = [
        subprocess.run([sys.executable, __file__, way], check=True, capture_output=True, text=True)
        for way in LARGE
    ]
    text = (
        f"On {machine()}; CPU seconds of one thread:\n\n"
        + table("way, layer, NumPy, rote s, NumPy s, ratio", rows)
        + "\n4,096 units × 60,000 examples × 784 inputs, rate .05, on all cores:\n\n"
        + table(
            "way, s, CPU s, predicted in s, peak memory MiB, of that inputs MiB",
            [one.stdout.strip().split(",") for one in giants],
        )
    )
    if options.out is None:
        print(text)
    else:
        put(text, options.out, "written.py")


if __name__ == "__main__":
    main()
