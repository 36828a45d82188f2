"""Balance of ReLU units: reached under a penalty, conserved without one."""

from dataclasses import replace

import numpy as np
import pytest

from rote.simulate import Penalty, weight_balance

N_UNITS, N_EXAMPLES = 8, 30
SETUP = np.random.default_rng(2)
X = SETUP.normal(size=(N_EXAMPLES, 3))
Y = np.stack([np.abs(X[:, 0]) - X[:, 1], np.maximum(X[:, 2], 0.5)], axis=1)


def initial():
    rng = np.random.default_rng(5)
    return [
        rng.normal(0, 0.7, (N_UNITS, 3)),
        rng.normal(0, 0.3, N_UNITS),
        rng.normal(0, 0.4, (2, N_UNITS)),
    ]


def gradients(weight_in, bias, weight_out):
    """Gradients of the mean squared error of a ReLU network with one hidden layer, by hand."""
    before = X @ weight_in.T + bias
    hidden = np.maximum(before, 0)
    error = (hidden @ weight_out.T - Y) / N_EXAMPLES
    back = (error @ weight_out) * (before > 0)
    return back.T @ X, back.sum(axis=0), error.T @ hidden


def trained(penalty, *, step, n_steps, patience=np.inf):
    """Descend the loss plus penalty; L1 by soft thresholds, so that its zeros are exact.

    Steps shrink after ``patience`` of them: at a kink of a ReLU, descent goes to and fro by a step.
    """
    parameters = initial()
    strengths = [penalty.weight_in, penalty.bias, penalty.weight_out]
    for count in range(n_steps):
        now = step / (1 + count / patience)
        slopes = gradients(*parameters)
        for number, (slope, strength) in enumerate(zip(slopes, strengths, strict=True)):
            moved, pull = parameters[number] - now * slope, now * strength * penalty.power
            if penalty.power == 2:
                parameters[number] = moved - pull * parameters[number]
            else:
                parameters[number] = np.sign(moved) * np.maximum(np.abs(moved) - pull, 0)
    return parameters


@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize("bias", [0.0, 0.1, 0.025], ids=["free", "penalized", "less so"])
def test_a_penalty_balances_what_it_penalizes(power, bias):
    penalty = Penalty(power=power, weight_in=0.1, bias=bias, weight_out=0.05)
    parameters = trained(penalty, step=0.1, n_steps=8000, patience=2000)
    found = weight_balance(*parameters, penalty=penalty)
    alive = found.outgoing > 0.01 * found.outgoing.max()
    assert alive.sum() >= 2
    np.testing.assert_allclose(found.relative[alive], 0, atol=2e-3)
    for other in (
        replace(penalty, bias=0.1 - bias),
        replace(penalty, weight_out=0.1),
        replace(penalty, power=3 - power),
    ):
        missed = weight_balance(*parameters, penalty=other)
        assert np.abs(missed.relative[alive]).max() > 0.03


def test_without_a_penalty_the_difference_stays():
    counted = Penalty(power=2, bias=1.0)
    start = weight_balance(*initial(), penalty=counted).residual
    end = [
        weight_balance(
            *trained(Penalty(power=2, weight_in=0, weight_out=0), step=step, n_steps=int(4 / step)),
            penalty=counted,
        )
        for step in (0.004, 0.002)
    ]
    assert np.abs(start).max() > 1
    drift = [np.abs(one.residual - start).max() for one in end]
    assert drift[1] < 0.01
    assert drift[1] / drift[0] == pytest.approx(0.5, abs=0.05)  # of the steps, not of the flow
    moved = [
        np.abs(one.incoming - weight_balance(*initial(), penalty=counted).incoming).max() for one in end
    ]
    assert min(moved) > 0.1


def test_sides_are_sums_over_the_penalized():
    weight_in, bias, weight_out = [[3.0, -4.0], [0.0, 0.0]], [-2.0, 0.0], [[1.0, 0.0], [-1.0, 0.0]]
    squares = weight_balance(weight_in, bias, weight_out, penalty=Penalty(power=2, bias=0.5))
    assert squares.incoming.tolist() == [27, 0]
    assert squares.residual.tolist() == [25, 0]
    assert squares.relative[0] == pytest.approx(25 / 29)
    assert np.isnan(squares.relative[1])
    sizes = weight_balance(weight_in, None, weight_out, penalty=Penalty(power=1, weight_out=3.0))
    assert sizes.incoming.tolist() == [7, 0]
    assert sizes.outgoing.tolist() == [6, 0]
    kernels = weight_balance(
        np.ones((4, 2, 3, 3)), None, np.ones((5, 4, 2, 2)), penalty=Penalty(power=1)
    )
    assert kernels.residual.tolist() == [-2] * 4


@pytest.mark.parametrize(
    ("act", "sentence"),
    [
        (lambda: Penalty(power=3), r"power must be 1 \(L1\) or 2 \(weight decay\), got 3"),
        (lambda: Penalty(power=1, bias=-1), "bias must be at least 0, got -1"),
        (
            lambda: weight_balance([1.0], None, [[1.0]], penalty=Penalty(power=1)),
            r"weight_in must have shape \(n_units, n_inputs, \.\.\.\), got \(1,\)",
        ),
        (
            lambda: weight_balance([[1.0]], None, [[1.0, 2.0]], penalty=Penalty(power=1)),
            r"weight_out must have shape \(n_outputs, n_units=1, \.\.\.\), got \(1, 2\)",
        ),
        (
            lambda: weight_balance([[1.0]], [1.0, 2.0], [[1.0]], penalty=Penalty(power=1)),
            r"bias must have shape \(n_units=1,\), got \(2,\)",
        ),
    ],
)
def test_impossible_penalties_and_layers_are_named(act, sentence):
    with pytest.raises(ValueError, match=sentence):
        act()
