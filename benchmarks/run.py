"""Speed as ratios, and accuracy: rote beside NumPy's best idiom and other packages, in one run.

    python benchmarks/run.py [--repeats 5] [--large] [--out docs]

writes benchmarks.md and benchmarks.png. Everything runs on one thread; the ratios carry over to other
machines, the seconds do not. A package that is missing is listed as missing: ``make bench`` installs all
of them into an environment of its own.
"""

import argparse
import os
import sys
import warnings
from pathlib import Path

for variable in (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "OPENTURNS_NUM_THREADS",
):
    os.environ[variable] = "1"

import accuracy
import numpy as np
import page
import scale
from cases import cases
from timing import Result, compare


def main() -> None:
    """Measure, write the page and draw the figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5, help="runs of each measurement (default: 5)")
    parser.add_argument("--large", action="store_true", help="also what takes tens of seconds")
    parser.add_argument("--out", type=Path, default=Path("docs"), help="folder (default: docs)")
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # of other packages

    rng, repeats = np.random.default_rng(0), options.repeats
    results = []
    for case in [*cases(rng), scale.coactivation(rng, large=options.large)]:
        for rival in case.rivals:
            result = compare(case, rival, repeats=repeats, large=options.large)
            print(_line(result), file=sys.stderr, flush=True)
            results.append(result)
    measured = page.Measured(
        results=results,
        packed=scale.packed(rng, repeats),
        rarity=scale.rarity(rng, repeats),
        events=scale.events(rng, repeats),
        linearity=scale.linearity(rng, repeats),
        wide_counts=scale.wide_counts(rng, repeats),
        inversion=scale.inversion(rng, repeats),
        giant=scale.giant_apart(),
        accuracy=accuracy.table(),
    )
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "benchmarks.md").write_text(page.markdown(measured))
    page.draw(results, options.out / "benchmarks.png")
    print(f"wrote {options.out / 'benchmarks.md'} and {options.out / 'benchmarks.png'}", file=sys.stderr)


def _line(result: Result) -> str:
    name = f"{result.case.name}: {result.rival.package}, {result.rival.method}"
    return f"{name}: {result.missing or f'{result.ratio:.3g} times'}"


if __name__ == "__main__":
    main()
