"""How fast recordings are written, read and counted, as ratios to plain NumPy on the same bytes.

    python benchmarks/recordings.py [--large] [--out docs/recording.md]

A layer of random bits, each unit active on an eighth of the examples, is written in batches, read back
and counted. Beside each case runs its yardstick, in turns: ``numpy.save`` or ``numpy.load`` of the same
words, a copy of them in memory, the float32 product of the same activity. What is told are CPU seconds
of the whole process, all threads, medians of several turns; at last a file that is not in memory is
read and measured by the clock. With ``--out`` the table takes the place of
the one between the marks in that page.
"""

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numba
import numpy as np
from page import machine, put, table
from timing import once

import rote
from rote.activity.exact_sums import MagnitudeSums
from rote.activity.intervals import Intervals
from rote.activity.packing import unpack
from rote.activity.popcount import coactive_count, population_count, turned
from rote.activity.windows import Windows
from rote.record import verify

BATCH, N_CLASSES = 16_384, 10
NOTES = {"condition": "unknown", "seed": 0, "epoch": 0, "source": "random bits"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Something done, and its yardstick on as many bytes."""

    name: str
    yardstick: str
    gigabytes: float
    ours: Callable[[], object]
    theirs: Callable[[], object]


def row(case: Comparison, repeats: int) -> list[str]:
    """Return what the table says of a case: gigabytes a second of both, and times as long."""
    case.ours(), case.theirs()
    pairs = [(once(case.ours), once(case.theirs)) for _ in range(repeats)]
    ours, theirs = (float(np.median(column)) for column in zip(*pairs, strict=True))
    ratio = float(np.median([mine / other for mine, other in pairs]))
    speeds = f"{case.gigabytes / ours:.2f}", f"{case.gigabytes / theirs:.2f}"
    return [case.name, case.yardstick, *speeds, f"{ratio:.1f}"]


def files(words: np.ndarray, n_units: int, folder: Path) -> list[Comparison]:
    """Return what is done with files."""
    rng, label = np.random.default_rng(1), np.arange(len(words)) % N_CLASSES
    paths = {name: folder / name for name in ("a.nc", "b.nc", "a.zarr", "shuffled.nc", "a.npy")}

    def write(name: str, *, shuffled: bool = False) -> None:
        shutil.rmtree(paths[name], ignore_errors=True)
        with rote.record.writer(paths[name], {"relu1": n_units}, **NOTES) as out:
            for start in range(0, len(words), BATCH):
                out.append({"relu1": words[start : start + BATCH]})
            order = {"order": rng.permutation(len(words))} if shuffled else {}
            out.examples(label=label, **order)

    def read(name: str) -> np.ndarray:
        with rote.record.open(paths[name]) as recording:
            return recording["relu1"].words()

    def measured(name: str, **how: object) -> object:
        with rote.record.open(paths[name]) as recording:
            return rote.measure(recording, **how)

    save, load = (lambda: np.save(paths["a.npy"], words)), (lambda: np.load(paths["a.npy"]))
    write("shuffled.nc", shuffled=True)
    saved, loaded = ("numpy.save", save), ("numpy.load", load)
    cases = [
        ("write netCDF in batches", saved, lambda: write("a.nc")),
        ("write Zarr in batches", saved, lambda: write("a.zarr")),
        ("open and read netCDF, checked", loaded, lambda: read("a.nc")),
        ("open and read Zarr, checked", loaded, lambda: read("a.zarr")),
        ("verify netCDF", loaded, lambda: verify(paths["a.nc"])),
        ("open and measure, without pairs", loaded, lambda: measured("a.nc", pairs=False)),
        ("… stored in another order", loaded, lambda: measured("shuffled.nc", pairs=False)),
        ("… and in a random order", loaded, lambda: measured("a.nc", pairs=False, rng=rng)),
        ("open and measure, with pairs", loaded, lambda: measured("a.nc")),
    ]
    size = words.nbytes / 1e9
    return [
        Comparison(name=name, yardstick=yardstick, gigabytes=size, ours=ours, theirs=theirs)
        for name, (yardstick, theirs), ours in cases
    ]


def by_the_clock(path: Path, repeats: int) -> str:
    """Return how fast a file that is not in memory is read, and measured: all threads, by the clock."""
    if not hasattr(os, "posix_fadvise"):
        return ""

    def read() -> None:
        part = bytearray(1 << 24)
        with path.open("rb", buffering=0) as file:
            while file.readinto(part):
                pass

    def measured() -> None:
        with rote.record.open(path) as recording:
            rote.measure(recording, pairs=False)

    def speed(work: Callable[[], None]) -> float:
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        started = time.perf_counter()
        work()
        return path.stat().st_size / 1e9 / (time.perf_counter() - started)

    ours, theirs = np.median([(speed(measured), speed(read)) for _ in range(repeats)], axis=0)
    return (
        f"\nBy the clock, on {numba.get_num_threads()} threads, with the file not in memory: measured "
        f"without pairs at {ours:.2f} GB/s, its bytes alone read at {theirs:.2f} GB/s.\n"
    )


def counts(words: np.ndarray, n_units: int) -> list[Comparison]:
    """Return what is counted of bits, and of activations, in memory."""
    rng, place = np.random.default_rng(2), np.arange(len(words))
    label = place % N_CLASSES
    by_class = place // N_CLASSES // 20 * N_CLASSES + label
    activation = rng.standard_gamma(2, size=(BATCH, n_units)).astype(np.float32)
    activation[~unpack(words[:BATCH], n_units)] = 0
    magnitudes = MagnitudeSums(n_units)

    def windows(number: np.ndarray, n_groups: int) -> None:
        counted = Windows(words.shape[1], 20, n_groups)
        for start in range(0, len(words), BATCH):
            counted.add(words[start : start + BATCH], number[start : start + BATCH])

    def intervals() -> None:
        counted = Intervals(n_units)
        for start in range(0, len(words), BATCH):
            counted.add(turned(words[start : start + BATCH]), start)

    cases = [
        ("population counts", lambda: population_count(words)),
        ("windows of 20 in the recorded order", lambda: windows(place // 20, 1)),
        (f"windows of 20 in each of {N_CLASSES} classes", lambda: windows(by_class, N_CLASSES)),
        ("intervals", intervals),
    ]
    copied = [
        Comparison(
            name=name, yardstick="copy", gigabytes=words.nbytes / 1e9, ours=ours, theirs=words.copy
        )
        for name, ours in cases
    ]
    magnitude = Comparison(
        name="magnitudes, of activations",
        yardstick="copy",
        gigabytes=activation.nbytes / 1e9,
        ours=lambda: magnitudes.add(words[:BATCH], activation),
        theirs=activation.copy,
    )
    return [*copied, magnitude]


def coactivation(n_units: int, n_examples: int) -> Comparison:
    """Return co-activation beside the matrix product."""
    active = np.random.default_rng(3).random((n_examples, n_units), dtype=np.float32) < 0.125
    values = active.astype(np.float32)
    return Comparison(
        name=f"co-activation, {n_units:,} units × {n_examples:,} examples",
        yardstick="float32 product",
        gigabytes=active.size / 8e9,
        ours=lambda: coactive_count(active),
        theirs=lambda: values.T @ values,
    )


def main() -> None:
    """Print a table in Markdown, or put it into a page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--examples", type=int, default=500_000, help="default: 500,000")
    parser.add_argument("--units", type=int, default=1024, help="default: 1,024")
    parser.add_argument("--repeats", type=int, default=5, help="turns of each (default: 5)")
    parser.add_argument("--large", action="store_true", help="also 4,096 units × 60,000 examples")
    parser.add_argument("--out", type=Path, help="page whose table is replaced")
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    words = rng.integers(2**64, size=(options.examples, options.units // 64), dtype=np.uint64)
    for _ in range(2):
        words &= rng.integers(2**64, size=words.shape, dtype=np.uint64)
    with tempfile.TemporaryDirectory() as folder:
        cases = files(words, options.units, Path(folder)) + counts(words, options.units)
        rows = [row(case, options.repeats) for case in cases]
        clock = by_the_clock(Path(folder) / "a.nc", options.repeats)
    sizes = [(options.units, 20_000), *([(4096, 60_000)] if options.large else [])]
    rows += [row(coactivation(*size), 1 if size[0] > 2000 else options.repeats) for size in sizes]
    text = (
        f"{options.units:,} units × {options.examples:,} examples, {words.nbytes / 1e6:.0f} MB of bits, "
        f"on {machine()}; GB of bits (magnitudes: of activations) a CPU second.\n\n"
        + table("what, yardstick, GB/s, yardstick GB/s, times as long", rows)
        + clock
    )
    if options.out is None:
        print(text)
    else:
        put(text, options.out, "recordings.py")


if __name__ == "__main__":
    main()
