"""The page of results in Markdown, whose words are in page.md, its figure, and tables of other pages."""

import os
import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from accuracy import RATES, TARGET
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from scale import words_needed
from timing import Result, installed

from rote.figures.style import panels, save, sign, styled

PACKAGES = (
    *("rote", "numpy", "scipy", "numba", "statsmodels", "openturns", "copulae", "copulas"),
    *("pyvinecopulib", "bindata", "elephant", "brian2"),
)
MARKS = {  # how many times faster than the best NumPy idiom a case is meant to be
    "exchangeable": 15,
    "rare": 15,
    "one factor": 15,
    "five factors": 5,
    "full matrix": 2,
    "Poisson": 40,
}
LOOK = {  # Okabe and Ito's colours (2008): one for a kind of package; a marker for each package
    "numpy": ("#222222", "o"),
    "statsmodels": ("#0072B2", "s"),
    "openturns": ("#0072B2", "^"),
    "copulae": ("#0072B2", "D"),
    "copulas": ("#0072B2", "v"),
    "bindata": ("#56B4E9", "P"),
    "pyvinecopulib": ("#56B4E9", "X"),
    "brian2": ("#E69F00", "d"),
    "elephant": ("#D55E00", "h"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """All that is on the page."""

    results: list[Result]
    packed: list[list[str]]
    rarity: list[list[str]]
    events: list[list[str]]
    linearity: list[list[str]]
    wide_counts: list[list[str]]
    inversion: list[str]
    giant: dict[str, float]
    accuracy: list[list[str]]


def table(header: str, rows: list[list[str]]) -> str:
    """Return a table in Markdown; ``header`` names its columns, with commas between."""
    columns = header.split(", ")
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def put(text: str, path: Path, name: str) -> None:
    """Put ``text`` into a page between the marks of the benchmark ``name``."""
    begin, end = f"<!-- benchmarks/{name} -->\n", f"<!-- end of benchmarks/{name} -->\n"
    before, found, rest = path.read_text(encoding="utf-8").partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"{path} must hold the marks {begin.strip()} and {end.strip()}")
    path.write_text(before + begin + text + end + after, encoding="utf-8")


def machine() -> str:
    """Return processor and cores."""
    model = platform.processor() or platform.machine()
    listed = Path("/proc/cpuinfo")
    if listed.exists():
        named = [line for line in listed.read_text().splitlines() if line.startswith("model name")]
        model = named[0].partition(":")[2].strip() if named else model
    return f"{model}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


def markdown(measured: Measured) -> str:
    """Return the page: the tables in the words of page.md."""
    rates = [f"rate {rate:g}" for rate in RATES]
    return (
        (Path(__file__).with_name("page.md"))
        .read_text()
        .format(
            today=_today(),
            machine=machine(),
            versions=", ".join(f"{package} {installed(package)}" for package in PACKAGES),
            marks=table(
                "case, mark, fastest idiom, ratio, fastest of 53 bits, ratio", _marks(measured.results)
            ),
            rivals=_against(measured.results),
            packed=table("what, ns a cell, over a random bit, over the words needed", measured.packed),
            rarity=table(
                "rate, active units an example, ns for each, NumPy ns for each, ratio", measured.rarity
            ),
            processes=table("process, ns an active unit, of 50 examples", measured.events),
            wide_counts=table("units, ns a cell, ns a cell as events", measured.wide_counts),
            linearity=table("units, examples, ns a cell, ns a cell as bits", measured.linearity),
            inversion=table("rote µs, SciPy µs, ratio", [measured.inversion]),
            accuracy=table(", ".join(["package", *rates, "greatest relative error"]), measured.accuracy),
            target=f"{TARGET:g}",
            words=words_needed(),
            **measured.giant,
        )
    )


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


def _marks(results: list[Result]) -> list[list[str]]:
    """Return rows: a case, its mark, and the NumPy idioms that come nearest to rote, and how near."""
    rows = []
    for case, mark in MARKS.items():
        ratios = [
            (result.ratio, result.rival.method)
            for result in results
            if (result.case.name, result.rival.package) == (case, "numpy") and not result.missing
        ]
        if ratios:
            fine = [pair for pair in ratios if "float32" not in pair[1]]
            nearest = [(method, f"{ratio:.1f}") for ratio, method in (min(ratios), min(fine))]
            rows.append([case, f"{mark}", *nearest[0], *nearest[1]])
    return rows


def _against(results: list[Result]) -> str:
    """Return a heading and a table for each case."""
    parts = []
    for case in dict.fromkeys(result.case.name for result in results):
        some = [result for result in results if result.case.name == case]
        parts.append(f"### {case[0].upper()}{case[1:]}: {some[0].case.about}\n")
        parts.append(table("package, method, package s, rote s, ratio", list(map(_row, some))))
    return "\n".join(parts)


def _row(result: Result) -> list[str]:
    rival = result.rival
    if result.missing:
        return [rival.package, rival.method, "–", "–", result.missing]
    numbers = f"{result.theirs:.4f}", f"{result.ours:.4f}", f"{result.ratio:,.1f}"
    return [rival.package, rival.method, *numbers]


@styled
def _figure(results: list[Result]) -> Figure:
    cases = list(dict.fromkeys(result.case.name for result in results))
    figure, ((axes,),) = panels(1, 1, height=3.2)
    for place, case in enumerate(cases):
        ratios = [result for result in results if result.case.name == case and not result.missing]
        ratios.sort(key=lambda result: result.ratio)
        for rank, result in enumerate(ratios):
            color, marker = LOOK[result.rival.package]
            shift = 0.22 * (rank % 3 - 1) if len(ratios) > 3 else 0.0  # so that neighbours stay apart
            axes.plot(result.ratio, place + shift, marker, color=color, ms=5, mew=0.4, mec="white")
    axes.axvline(1, color="#999999", lw=0.8)
    for line in np.arange(len(cases) - 1) + 0.5:
        axes.axhline(line, color="#DDDDDD", lw=0.5)
    axes.set(
        xscale="log",
        xlabel="CPU time of the other package (rote = 1)",
        yticks=range(len(cases)),
        yticklabels=cases,
        ylim=(len(cases) - 0.5, -0.5),
    )
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.grid(axis="x", color="#EEEEEE", lw=0.5)
    axes.set_axisbelow(True)
    seen = {result.rival.package for result in results if not result.missing}
    handles = [
        Line2D([], [], ls="", marker=marker, color=color, ms=5, mew=0.4, mec="white", label=package)
        for package, (color, marker) in LOOK.items()
        if package in seen
    ]
    figure.legend(handles=handles, loc="outside right upper")
    return sign(figure, f"rote {installed('rote')}, {machine()}, {_today()}")


def draw(results: list[Result], path: Path) -> None:
    """Draw the ratios of all cases to ``path``."""
    save(_figure(results), path)
