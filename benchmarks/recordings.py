"""How fast recordings are written, read and measured, beside plain NumPy on the same bytes.

    python benchmarks/recordings.py [--examples 500000] [--units 1024]

A layer of random bits is written in batches to a netCDF file and a Zarr folder, read back, and measured:
with and without co-activation, which is work for every pair of units. Beside them stand ``numpy.save``
and ``numpy.load`` of the same words, the time to count their bits in memory, and the float32 product for
co-activation on as many threads. Medians of several runs, wall time.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import rote
from rote.activity.packing import unpack
from rote.record.files import verify

BATCH = 16_384


def seconds(work: Callable[[], object], repeats: int) -> float:
    """Return the median wall time of ``work``, which is run once before."""
    work()
    taken = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def main() -> None:
    """Print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--examples", type=int, default=500_000, help="default: 500,000")
    parser.add_argument("--units", type=int, default=1024, help="default: 1,024")
    parser.add_argument("--repeats", type=int, default=5, help="runs of each (default: 5)")
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    words = rng.integers(2**64, size=(options.examples, options.units // 64), dtype=np.uint64)
    for _ in range(2):
        words &= rng.integers(2**64, size=words.shape, dtype=np.uint64)
    notes = {"condition": "unknown", "seed": 0, "epoch": 0, "source": "random bits"}
    label = np.zeros(options.examples, dtype=np.int64)
    with tempfile.TemporaryDirectory() as folder:
        netcdf, plain = Path(folder) / "a.nc", Path(folder) / "a.npy"
        numbers = iter(range(1000))

        def write(path: Path) -> None:
            with rote.record.writer(path, {"relu1": options.units}, **notes) as out:
                for start in range(0, options.examples, BATCH):
                    out.append({"relu1": words[start : start + BATCH]})
                out.examples(label=label)

        def measured(**how: bool) -> object:
            with rote.record.open(netcdf) as recording:
                return rote.record.measure(recording, **how)

        def read() -> np.ndarray:
            with rote.record.open(netcdf) as recording:
                return recording["relu1"].words()

        def product() -> np.ndarray:
            values = unpack(words[:60_000], options.units).astype(np.float32)
            return values.T @ values

        cases = [
            ("write with numpy.save", lambda: np.save(plain, words)),
            ("write netCDF in batches", lambda: write(netcdf)),
            ("write Zarr in batches", lambda: write(Path(folder) / f"{next(numbers)}.zarr")),
            ("read with numpy.load", lambda: np.load(plain)),
            ("count bits in memory", lambda: np.bitwise_count(words).sum()),
            ("verify netCDF", lambda: verify(netcdf)),
            ("open and read netCDF, checked", read),
            ("open and measure, without pairs", lambda: measured(pairs=False)),
            ("open and measure, with pairs", measured),
        ]
        size = words.nbytes / 1e9
        title = f"{options.units:,} units x {options.examples:,} examples"
        print(f"| {title} | GB of bits a second |\n|---|---|")
        for name, work in cases:
            print(f"| {name} | {size / seconds(work, options.repeats):.2f} |", flush=True)
        tally = seconds(lambda: rote.measure(unpack(words[:60_000], options.units)), options.repeats)
        matrix = seconds(product, options.repeats)
        print(f"\n60,000 examples: all statistics {tally:.2f} s, float32 product alone {matrix:.2f} s")


if __name__ == "__main__":
    main()
