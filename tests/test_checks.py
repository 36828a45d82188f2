"""Argument checks: what passes comes back unchanged in value, what does not is named."""

import numpy as np
import pytest

from rote.activity import checks

NAN, INFINITY = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("closed", "inside", "outside"),
    [("", [1e-300, 1 - 1e-16], [0, 1]), ("0", [0], [1]), ("1", [1], [0]), ("01", [0, 1], [-1e-300])],
)
def test_probability_minds_its_ends(closed, inside, outside):
    for value in inside:
        assert checks.check_probability("rate", value, closed=closed) == value
    for value in outside:
        with pytest.raises(ValueError, match="rate must lie in"):
            checks.check_probability("rate", value, closed=closed)


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (
            lambda: checks.check_probability("rate", 1.2),
            ValueError,
            r"rate must lie in \(0, 1\), got 1.2$",
        ),
        (
            lambda: checks.check_probability("rate", [0.1, 0.2, -1], closed="01"),
            ValueError,
            r"rate must lie in \[0, 1\], got -1.0 at unit 2$",
        ),
        (lambda: checks.check_probability("rate", NAN), ValueError, "rate must be finite, got nan$"),
        (
            lambda: checks.as_floats("weight", [1, -INFINITY]),
            ValueError,
            "weight must be finite, got -inf$",
        ),
        (
            lambda: checks.as_floats("weight", "0.5"),
            TypeError,
            "weight must hold numbers, got str of dtype",
        ),
        (
            lambda: checks.as_floats("weight", None),
            TypeError,
            "hold numbers, got NoneType of dtype object",
        ),
        (lambda: checks.as_floats("weight", True), TypeError, "hold numbers, got bool of dtype bool"),
        (
            lambda: checks.as_floats("weight", 1j),
            TypeError,
            "hold numbers, got complex of dtype complex128",
        ),
        (
            lambda: checks.as_floats("weight", [[1], [1, 2]]),
            TypeError,
            "hold numbers, got a ragged list",
        ),
        (
            lambda: checks.one_number("rate", np.zeros(1)),
            TypeError,
            r"rate must be one number, got shape \(1,\)",
        ),
        (
            lambda: checks.unit_values("rate", 0.5),
            ValueError,
            r"rate must have shape \(n_units,\), got \(\)",
        ),
        (lambda: checks.unit_values("rate", []), ValueError, r"shape \(n_units,\), got \(0,\)"),
        (lambda: checks.unit_values("rate", [[0.5]]), ValueError, r"shape \(n_units,\), got \(1, 1\)"),
        (lambda: checks.check_count("n_units", 0), ValueError, "n_units must be at least 1, got 0"),
        (lambda: checks.check_count("seed", -1, least=0), ValueError, "seed must be at least 0, got -1"),
        (
            lambda: checks.check_count("n_units", 2.0),
            TypeError,
            "n_units must be a whole number, got 2.0",
        ),
        (
            lambda: checks.check_count("n_units", True),
            TypeError,
            "n_units must be a whole number, got True",
        ),
        (
            lambda: checks.check_choice("order", "random", ("recorded", "class")),
            ValueError,
            "order must be one of recorded, class; got 'random'",
        ),
        (
            lambda: checks.as_activity("active", [[1, 0]]),
            TypeError,
            r"active must be boolean \(activation > 0\), got dtype int64",
        ),
        (
            lambda: checks.as_activity("active", np.zeros(3, dtype=bool)),
            ValueError,
            r"active must have shape \(n_examples, n_units\), got \(3,\)",
        ),
        (
            lambda: checks.as_activity("active", np.zeros((0, 3), dtype=bool)),
            ValueError,
            r"active must have shape \(n_examples, n_units\), got \(0, 3\)",
        ),
        (
            lambda: checks.check_generator(np.random.RandomState(0)),
            TypeError,
            "rng must be a numpy.random.Generator, got RandomState",
        ),
        (lambda: checks.check_generator(7), TypeError, "numpy.random.Generator, got int"),
    ],
)
def test_errors_name_the_argument_its_range_and_what_came(call, error, sentence):
    with pytest.raises(error, match=sentence):
        call()


def test_numbers_of_any_width_become_float64():
    for kind in (np.int8, np.uint64, np.float16, np.float32, np.longdouble):
        assert checks.as_floats("weight", np.ones(2, dtype=kind)).dtype == np.float64


def test_counts_of_any_width_become_int():
    for kind in (np.int8, np.uint64):
        assert type(checks.check_count("n_units", kind(3))) is int


def test_unit_values_are_a_copy_that_nobody_can_change():
    mine = np.array([0.1, 0.2])
    theirs = checks.unit_values("rate", mine)
    mine[0] = 0.9
    assert theirs.tolist() == [0.1, 0.2]
    with pytest.raises(ValueError, match="read-only"):
        theirs[0] = 0.9
