"""What is asked of a study, and the names that follow from it."""

from dataclasses import dataclass

import numpy as np

from ..activity.checks import check_choice, check_count
from ..activity.words import CONDITIONS
from .arms import ARMS
from .training import Training

MODELS = {  # of each hypothesis, as they are saved; none where networks' own numbers are compared
    "H1": ("rates", "rare_share"),
    "H2": (),
    "H3": (),
    "H4": ("factor",),
    "H5": (),
    "H6": (),
    "H7": (),
}
DATASETS = ("digits", "mnist")
MOST_SEEDS = 16  # beyond, the exact permutation test has too many permutations to count out


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """What is asked of a study; two studies of equal settings end with equal results."""

    dataset: str = "digits"  # or "mnist": files in IDX format, in ``data``
    data: str | None = None  # folder of the data set's files
    seed: int = 0  # the first network seed; also seeds fits and draws
    seeds: int = 4  # networks of each condition
    hidden: tuple[int, ...] = (128, 128)  # units of each hidden layer
    max_epochs: int = 2000  # a network that is not perfect by then is reported so
    window: int = 20  # examples in a window of the Fano factor
    draws: int = 1000  # posterior draws of each of four chains
    arms: bool = True  # train with penalties and by plain gradient steps as well

    def __post_init__(self) -> None:
        check_choice("dataset", self.dataset, DATASETS)
        if self.dataset == "mnist" and self.data is None:
            raise ValueError("dataset mnist needs the folder of its files: give data (--data DIR)")
        check_count("seed", self.seed, least=0)
        if check_count("seeds", self.seeds, least=2) > MOST_SEEDS:
            raise ValueError(f"seeds must be at most {MOST_SEEDS}, got {self.seeds}")
        check_count("draws", self.draws, least=100)
        _ = self.training

    @property
    def networks(self) -> list[tuple[str, int]]:
        """Condition and seed of every network."""
        return [(c, s) for s in range(self.seed, self.seed + self.seeds) for c in CONDITIONS]

    @property
    def n_steps(self) -> int:
        """Number of steps of :func:`run_study`."""
        n_arms = len(self.arm_names) * self.seeds
        return len(self.networks) + n_arms + 8 + len(MODELS) * len(self.layers)

    @property
    def training(self) -> Training:
        """How the networks are trained, but for the arms."""
        return Training(hidden=self.hidden, max_epochs=self.max_epochs)

    @property
    def arm_names(self) -> list[str]:
        """Arms beside the main one."""
        return list(ARMS) if self.arms else []

    @property
    def layers(self) -> list[str]:
        """Names of the hidden layers."""
        return [f"hidden_{depth}" for depth in range(1, len(self.hidden) + 1)]

    def rng(self, purpose: str) -> np.random.Generator:
        """Return the generator of one purpose."""
        return np.random.default_rng([self.seed, *purpose.encode()])
