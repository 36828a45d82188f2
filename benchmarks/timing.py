"""What a comparison is, and how it is timed: in turns, as CPU seconds of the whole process.

Ours and a rival run one after the other, several times; the ratio is the median of the ratios of
neighbours, so that other work on the machine touches both. CPU seconds count all threads of a process.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec

PATIENCE = 8.0  # seconds after which a rival is not run again
LEAST = 0.02  # seconds that one measurement lasts at least, by calling several times

type Work = Callable[[], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """Another way to the same activity."""

    package: str  # to import
    method: str  # in words
    build: Callable[[], Work]  # imports the package and sets it up, which is not timed
    large: bool = False  # takes tens of seconds or gigabytes: run with --large only


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A process drawn, and its rivals."""

    name: str  # one word or two, for the figure
    about: str  # units, examples and parameters
    ours: Work
    rivals: tuple[Rival, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One rival in one case; what was not run has no numbers but a reason."""

    case: Case
    rival: Rival
    ours: float = float("nan")  # CPU seconds
    theirs: float = float("nan")
    ratio: float = float("nan")
    missing: str = ""


def once(work: Work) -> float:
    """Return CPU seconds of one call, the mean of as many as last ``LEAST``."""
    calls, started = 0, time.process_time()
    while (taken := time.process_time() - started) < LEAST or not calls:
        work()
        calls += 1
    return taken / calls


def median_of(work: Work, repeats: int) -> float:
    """Return the median CPU seconds of a call, after one that is not counted."""
    work()
    return statistics.median(once(work) for _ in range(repeats))


def compare(case: Case, rival: Rival, *, repeats: int, large: bool) -> Result:
    """Run ours and a rival in turns."""
    if find_spec(rival.package) is None:
        return Result(case=case, rival=rival, missing="not installed")
    if rival.large and not large:
        return Result(case=case, rival=rival, missing="only with --large")
    case.ours()
    try:
        theirs_work = rival.build()
        ours, theirs = [once(case.ours)], [once(theirs_work)]  # also compiles and fills caches
    except Exception as error:  # a rival that cannot do a case is a result
        return Result(case=case, rival=rival, missing=f"fails: {type(error).__name__}")
    while len(theirs) < 1 + repeats and sum(theirs) < PATIENCE:
        ours.append(once(case.ours))
        theirs.append(once(theirs_work))
    kept = slice(1 if len(theirs) > 1 else 0, None)
    pairs = list(zip(ours, theirs, strict=True))[kept]
    return Result(
        case=case,
        rival=rival,
        ours=statistics.median(mine for mine, _ in pairs),
        theirs=statistics.median(other for _, other in pairs),
        ratio=statistics.median(other / mine for mine, other in pairs),
    )


def installed(package: str) -> str:
    """Return the version of a package, or that it is not installed."""
    return "not installed" if find_spec(package) is None else version(package)
