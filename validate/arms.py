"""The arms of the experiment: how networks are trained beside the main way, Adam without penalty.

An arm changes some settings of the :class:`~rote.validate.training.Training` it is given. Strengths of
the penalties are a weak and a strong one, with which most perceptrons of 128 units still learn random
labels of the digits.
Where nothing else is said a network stops at its first perfect epoch, far from where loss and penalty
balance; the ``long`` arms go on to epoch 1000.
"""

from dataclasses import replace

from ..activity.checks import check_choice
from .training import Training

MAIN = "adam"
LONG = 1000  # epochs
ARMS: dict[str, dict[str, str | float]] = {
    "sgd": {"optimizer": "sgd", "learning_rate": 0.1},
    "l2 weak": {"penalty": "l2", "strength": 1e-4},
    "l2": {"penalty": "l2", "strength": 1e-3},
    "l2 long": {"penalty": "l2", "strength": 1e-3, "final_epoch": LONG},
    "l1 weak": {"penalty": "l1", "strength": 1e-4},
    "l1": {"penalty": "l1", "strength": 3e-4},
    "l1 long": {"penalty": "l1", "strength": 3e-4, "final_epoch": LONG},
}


def arm_training(arm: str, training: Training) -> Training:
    """Return ``training`` as ``arm``, one of ``ARMS``, has it; ``ValueError`` for another."""
    return replace(training, **ARMS[check_choice("arm", arm, tuple(ARMS))])
