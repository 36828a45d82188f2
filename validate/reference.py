"""The making of a reference: networks of many set-ups, with none, some or all of their labels random.

A network to be judged is of a set-up of its own, and differs from those of the reference by more than
its seed. So no two networks of the reference share more than chance has it: each has a seed, a set-up
and a share of random labels drawn anew,

    depth, width        uniform over DEPTHS and WIDTHS, all hidden layers of one width
    optimizer           Adam or plain gradient steps; the logarithm of the learning rate uniform
    batch, held out     uniform over BATCHES and HELD_OUT: how many examples there are to learn
    random share        none, all, or uniform between: a third each, the indicator's own prior

What their signatures scatter by at one share then is what a further network of this kind differs by. A
few set-ups with several seeds each would be fewer networks than they are rows.

Networks are recorded at the first epoch that ends with every label learned; those that do not get so far
in MAX_EPOCHS are no part of it.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from ..inference.signature import network_signature
from ..record.measures import measure
from ..record.recording import Recording
from .datasets import Dataset
from .networks import MIXED, record_network
from .steps import Progress, Steps, alone_in, silent, write_json
from .training import Training, stream

DEPTHS = (2, 3, 4)  # hidden layers
WIDTHS = (64, 96, 128, 192, 256)  # units of each
LEARNING_RATES = {"adam": (5e-4, 4e-3), "sgd": (0.05, 0.2)}
BATCHES = (32, 64, 128)
HELD_OUT = (0.2, 0.5)
MAX_EPOCHS = 1500
TOLD = (
    *("random_share", "optimizer", "learning_rate", "batch_size", "penalty", "strength", "reached"),
    *("training_accuracy", "held_out_accuracy"),
)
LEAST_MIXED, MOST_MIXED = 0.02, 0.98  # nearer to none or all, a few labels decide

type Row = dict[str, str | float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """How one network of a reference is trained, and towards what."""

    seed: int
    condition: str
    random_share: float
    training: Training

    @property
    def name(self) -> str:
        """Name of the network, and of the epoch where that is not the first perfect one."""
        final = self.training.final_epoch
        return f"{self.condition}-{self.seed}" + ("" if final is None else f"-epoch-{final}")


def draw_setup(seed: int) -> Setup:
    """Return the set-up that belongs to ``seed``."""
    rng = stream(seed, "reference")
    kind = ("generalizing", "memorizing", MIXED)[rng.integers(3)]
    between = round(float(rng.uniform(LEAST_MIXED, MOST_MIXED)), 3)
    optimizer = ("adam", "sgd")[rng.integers(2)]
    low, high = LEARNING_RATES[optimizer]
    return Setup(
        seed=seed,
        condition=kind,
        random_share=between if kind == MIXED else float(kind == "memorizing"),
        training=Training(
            hidden=(int(rng.choice(WIDTHS)),) * int(rng.choice(DEPTHS)),
            optimizer=optimizer,
            learning_rate=float(low * (high / low) ** rng.uniform()),
            batch_size=int(rng.choice(BATCHES)),
            held_out_share=float(rng.choice(HELD_OUT)),
            max_epochs=MAX_EPOCHS,
        ),
    )


def at_epochs(setup: Setup, epochs: Iterable[int]) -> list[Setup]:
    """Return the network of ``setup`` after so many epochs: states of one and the same training."""
    return [replace(setup, training=replace(setup.training, final_epoch=epoch)) for epoch in epochs]


def record_setup(dataset: Dataset, setup: Setup) -> Recording:
    """Train and record the network of ``setup``."""
    return record_network(
        dataset,
        condition=setup.condition,
        seed=setup.seed,
        training=setup.training,
        random_share=setup.random_share if setup.condition == MIXED else None,
    )


def reference_row(recording: Recording, *, dataset: str) -> Row:
    """Return a recording's row in a reference: its signature, its random share, how it was trained.

    The share is the recording's attribute ``random_share``. Raises ``ValueError`` where that is missing,
    and what the signature raises.
    """
    if "random_share" not in recording.attrs:
        raise ValueError(
            f"recording {recording.network} must tell its random_share to be a reference: give it by "
            "attrs of Recording.from_arrays"
        )
    layers = measure(recording)
    told = {name: recording.attrs[name] for name in TOLD if name in recording.attrs}
    return (
        {"dataset": dataset, "seed": recording.seed, "condition": recording.condition}
        | {"hidden": "-".join(str(layer.n_units) for layer in layers.values())}
        | {"n_examples": next(iter(layers.values())).n_examples, "epoch": recording.epoch}
        | told
        | {name: round(value, 5) for name, value in network_signature(layers).items()}
    )


def make_rows(
    folder: Path, dataset: Dataset, setups: Sequence[Setup], *, progress: Progress = silent
) -> list[Row]:
    """Return the rows of the networks of ``setups``; column ``reached`` tells which learned every label.

    Rows are kept in ``folder`` by the networks' names: stopped and started again, the work goes on where
    it was. Set-ups that differ in training alone need a folder each.
    """
    with alone_in(folder):
        steps, paths = Steps(folder, len(setups), progress), []
        for setup in setups:
            paths.append(f"rows/{setup.name}.json")
            work = partial(_write_row, folder / paths[-1], dataset, setup)
            steps.run(setup.name, [paths[-1]], lambda _tell, work=work: work())
        return [json.loads((folder / path).read_text(encoding="utf-8")) for path in paths]


def _write_row(path: Path, dataset: Dataset, setup: Setup) -> None:
    recording = record_setup(dataset, setup)
    write_json(path, reference_row(recording, dataset=dataset.name))
