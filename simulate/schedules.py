"""Who is presented, and how strongly: what the laws of written weights ask of activity and steps.

Examples must be independent of one another; learning rates are one number, or a schedule of one for each
presentation.
"""

import numpy as np
from numpy.typing import ArrayLike

from ..activity.arrays import Floats
from ..activity.checks import as_floats, check_count, one_number
from .dispersed import DispersedBernoulli


def check_learning_rate(value: ArrayLike) -> Floats:
    """Return a read-only learning rate or schedule; raise unless all are finite and at least 0."""
    rates = np.array(as_floats("learning_rate", value))
    if rates.ndim > 1 or rates.size == 0:
        raise ValueError(f"learning_rate must be one number or (n_examples,), got shape {rates.shape}")
    if rates.min() < 0:
        raise ValueError(f"learning_rate must be at least 0, got {rates.min()}")
    rates.setflags(write=False)
    return rates


def check_initial_sd(value: float) -> float:
    """Return the standard deviation of initial weights; raise unless at least 0."""
    number = one_number("initial_sd", as_floats("initial_sd", value))
    if number < 0:
        raise ValueError(f"initial_sd must be at least 0, got {number}")
    return number


def learning_rates(learning_rate: Floats, n_examples: int) -> Floats:
    """Return the learning rate of each example; raise unless a schedule has as many as there are."""
    n_examples = check_count("n_examples", n_examples)
    if learning_rate.ndim and learning_rate.size != n_examples:
        wanted = f"that of the learning_rate's schedule, {learning_rate.size}"
        raise ValueError(f"n_examples must be {wanted}, got {n_examples}")
    return np.broadcast_to(learning_rate, n_examples)


def check_independent_examples(process: object) -> None:
    """Raise ``ValueError`` for a process, or a part of one, whose examples depend on one another."""
    if isinstance(process, DispersedBernoulli):
        raise ValueError(
            "process must draw its examples independently of one another, got DispersedBernoulli, whose "
            "examples depend on one another within windows: the laws of written weights do not hold then"
        )
    for part in getattr(process, "parts", ()):
        check_independent_examples(part)
