"""Argument checks: each names the argument, its allowed range and what came."""

import numpy as np
from numpy.typing import ArrayLike

from .arrays import Floats


def interval(closed: str) -> str:
    """Return the unit interval as written in errors: ``closed="0"`` gives ``[0, 1)``."""
    return f"{'[' if '0' in closed else '('}0, 1{']' if '1' in closed else ')'}"


def check_probability(name: str, value: ArrayLike, *, closed: str = "") -> Floats:
    """Return ``value`` as floats; raise unless all lie in (0, 1) or at an end in ``closed``."""
    numbers = as_floats(name, value)
    low = numbers >= 0 if "0" in closed else numbers > 0
    high = numbers <= 1 if "1" in closed else numbers < 1
    wrong = np.flatnonzero(~(low & high))
    if wrong.size:
        found = numbers.flat[wrong[0]]
        where = f" at unit {wrong[0]}" if numbers.ndim else ""
        raise ValueError(f"{name} must lie in {interval(closed)}, got {found}{where}")
    return numbers


def check_count(name: str, value: int, *, least: int = 1) -> int:
    """Return ``value`` as an int; raise unless it is a whole number of at least ``least``."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} must be a whole number, got {value!r}")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")
    return int(value)


def check_choice(name: str, value: str, choices: tuple[str, ...]) -> str:
    """Return ``value``; raise unless it is one of ``choices``."""
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}; got {value!r}")
    return value


def as_floats(name: str, value: ArrayLike) -> Floats:
    """Return ``value`` as an array of floats; raise if it holds anything but finite numbers."""
    try:
        numbers = np.asarray(value)
    except ValueError as error:  # rows of unequal length
        raise TypeError(f"{name} must hold numbers, got a ragged {type(value).__name__}") from error
    if numbers.dtype.kind not in "iuf":
        raise TypeError(f"{name} must hold numbers, got {type(value).__name__} of dtype {numbers.dtype}")
    numbers = numbers.astype(np.float64, copy=False)
    if not np.isfinite(numbers).all():
        found = numbers.flat[np.flatnonzero(~np.isfinite(numbers))[0]]
        raise ValueError(f"{name} must be finite, got {found}")
    return numbers


def one_number(name: str, numbers: Floats) -> float:
    """Return checked ``numbers`` as a float; raise unless they are a single one."""
    if numbers.ndim:
        raise TypeError(f"{name} must be one number, got shape {numbers.shape}")
    return float(numbers)


def unit_values(name: str, values: ArrayLike) -> Floats:
    """Return a read-only copy of ``values``; raise unless it is one number for each of some units."""
    numbers = np.array(as_floats(name, values))
    if numbers.ndim != 1 or numbers.size == 0:
        raise ValueError(f"{name} must have shape (n_units,), got {numbers.shape}")
    numbers.setflags(write=False)
    return numbers


def as_activity(name: str, value: ArrayLike) -> np.ndarray:
    """Return ``value``; raise unless boolean of shape ``(n_examples, n_units)``, neither empty."""
    active = np.asarray(value)
    if active.dtype != np.bool_:
        raise TypeError(f"{name} must be boolean (activation > 0), got dtype {active.dtype}")
    if active.ndim != 2 or 0 in active.shape:
        raise ValueError(f"{name} must have shape (n_examples, n_units), got {active.shape}")
    return active


def check_generator(rng: np.random.Generator) -> np.random.Generator:
    """Return ``rng``; raise unless it is a NumPy generator."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng must be a numpy.random.Generator, got {type(rng).__name__}")
    return rng
