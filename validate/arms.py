"""The arms of the experiment: how networks are trained beside the main way, Adam without penalty.

An arm changes some settings of the :class:`~rote.validate.training.Training` it is given. Strengths of
the penalties are a weak and a strong one, with which most perceptrons of 128 units still learn random
labels of the digits; "l1 sgd" has the strong L1 penalty with plain proximal steps, whose metric is the
same for all weights.
Where nothing else is said a network stops at its first perfect epoch, far from where loss and penalty
balance; the ``long`` arms go on to epoch 1000, the learning rate falling from epoch 500 on, since steps
of one size keep a network moving about that place.
"""

from dataclasses import replace

from ..activity.checks import check_choice
from .training import Training

MAIN = "adam"
LONG = 1000  # epochs
_LONG = {"final_epoch": LONG, "falls_from": LONG // 2}
ARMS: dict[str, dict[str, str | float]] = {
    "sgd": {"optimizer": "sgd", "learning_rate": 0.1},
    "l2 weak": {"penalty": "l2", "strength": 1e-4},
    "l2": {"penalty": "l2", "strength": 1e-3},
    "l2 long": {"penalty": "l2", "strength": 1e-3} | _LONG,
    "l1 weak": {"penalty": "l1", "strength": 1e-4},
    "l1": {"penalty": "l1", "strength": 3e-4},
    "l1 sgd": {"optimizer": "sgd", "learning_rate": 0.1, "penalty": "l1", "strength": 3e-4},
    "l1 long": {"penalty": "l1", "strength": 3e-4} | _LONG,
}


def arm_training(arm: str, training: Training) -> Training:
    """Return ``training`` as ``arm``, one of ``ARMS``, has it; ``ValueError`` for another."""
    return replace(training, **ARMS[check_choice("arm", arm, tuple(ARMS))])
