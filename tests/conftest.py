"""Fixtures of all tests: a stream for each test, what an alarm is, the slow twin of a random word."""

import numpy as np
import pytest
from hypothesis import settings

FALSE_ALARM = 1e-6  # chance that correct code fails one stochastic comparison

# the same examples on every machine and in every run, however slow
settings.register_profile("rote", deadline=None, derandomize=True, database=None)
settings.load_profile("rote")


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> np.random.Generator:
    """A generator of its own for each test, fixed by the test's name."""
    return np.random.default_rng(list(request.node.nodeid.encode()))


@pytest.fixture
def agrees(record_property):
    """Return whether p-values raise no alarm: the smallest of n must exceed ``FALSE_ALARM / n``.

    What is compared goes into the JUnit report as ``p``.
    """

    def verdict(p_values) -> bool:
        p_values = np.atleast_1d(p_values)
        smallest = min(1.0, p_values.size * p_values.min())
        record_property("p", float(smallest))
        return bool(smallest > FALSE_ALARM)

    return verdict


@pytest.fixture
def rejects():
    """Return whether p-values of a near miss do raise the alarm: the negative control of a test."""

    def verdict(p_values) -> bool:
        p_values = np.atleast_1d(p_values)
        return bool(p_values.size * p_values.min() < FALSE_ALARM)

    return verdict


@pytest.fixture
def slow_word():
    """Return word number ``counter`` of a key in Python's own integers: the twin of ``streams.word``."""

    def word(key, counter: int) -> int:
        x = (int(key[0]) + int(counter) * 0x9E3779B97F4A7C15) % 2**64
        x = ((x ^ x >> 30) * 0xBF58476D1CE4E5B9) % 2**64 ^ int(key[1])
        x = ((x ^ x >> 27) * 0x94D049BB133111EB) % 2**64
        return x ^ x >> 31

    return word
