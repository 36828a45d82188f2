"""How far the indicator may be believed: it judges networks that are not in the reference.

    python benchmarks/indicator.py [--folder results/indicator] [--mnist DIR] [--out docs]

trains networks of the reference's kind with other seeds, networks of other kinds, and networks that are
recorded along their training, and writes indicator.md and indicator.png. Stopped and started again, it
goes on where it was.
"""

import argparse
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = "1"

import pandas as pd
from page import table

from rote.figures.reliability import CAPTION, WITH, WITHOUT, draw_reliability
from rote.figures.style import save
from rote.inference.judgement import UNLIKE
from rote.inference.references import reference
from rote.validate.datasets import Dataset, digits, mnist
from rote.validate.networks import MIXED
from rote.validate.reference import LEARNING_RATES, Setup, at_epochs, draw_setup, make_rows
from rote.validate.reliability import judge_rows, leave_out, score_table, surprise
from rote.validate.training import Training

FIRST_SEED = 10_000  # the reference's count from 0
GROUPS = ("optimizer", "width", "depth", "batch_size", "n_examples")
EPOCHS = (0, 1, 2, 4, 7, 12, 20, 40, 80, 160, 320)
SHARES = {"generalizing": 0.0, MIXED: 0.5, "memorizing": 1.0}
MNIST_IMAGES = 1800  # about as many as digits has


def _deep(training: Training) -> Training:
    """At the lowest learning rate of the reference: at the highest, some would diverge."""
    hidden = training.hidden[:1] * 6
    return replace(training, hidden=hidden, learning_rate=LEARNING_RATES[training.optimizer][0])


def _of_width(width: int) -> Callable[[Training], Training]:
    return lambda training: replace(training, hidden=(width,) * len(training.hidden))


def _with(**changes: str | float) -> Callable[[Training], Training]:
    return lambda training: replace(training, **changes)


def _slow(training: Training) -> Training:
    return replace(training, learning_rate=LEARNING_RATES[training.optimizer][0] / 2)


KINDS = {  # of which the reference holds none
    "layers of 48 units": _of_width(48),
    "layers of 512 units": _of_width(512),
    "6 hidden layers": _deep,
    "359 examples": _with(held_out_share=0.8),
    "half the lowest learning rate": _slow,
    "L2 penalty 1e-3": _with(penalty="l2", strength=1e-3),
    "L1 penalty 3e-4": _with(penalty="l1", strength=3e-4),
}


def main() -> None:
    """Train what is missing, judge, write the page and draw the figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--networks", type=int, default=100, help="of the reference's kind (default: 100)"
    )
    parser.add_argument("--others", type=int, default=12, help="of each other kind (default: 12)")
    parser.add_argument("--repeats", type=int, default=3, help="seeds along training (default: 3)")
    parser.add_argument("--folder", type=Path, default=Path("results/indicator"), help="of what is kept")
    parser.add_argument(
        "--mnist", type=Path, help="folder of MNIST's files: judge networks on them, too"
    )
    parser.add_argument("--out", type=Path, default=Path("docs"), help="folder (default: docs)")
    options = parser.parse_args()

    data, folder = digits(), options.folder
    fresh = _learned(folder / "fresh", data, _setups(options.networks))
    along = _table(folder / "along", data, _along(options.repeats))
    others = {
        name: _learned(folder / name.replace(" ", "-"), data, _setups(options.others, change))
        for name, change in KINDS.items()
    }
    if options.mnist:
        images = _first(mnist(options.mnist), MNIST_IMAGES)
        others["MNIST"] = _learned(folder / "mnist", images, _setups(options.others))

    known = reference()
    indicator, networks = known.indicator(), _with_groups(known.networks)
    judged, followed, tables = {}, {}, {}
    for name, labels in ((WITH, True), (WITHOUT, False)):
        judged[name] = judge_rows(fresh, indicator, labels=labels)
        left = {group: leave_out(networks, group, labels=labels) for group in GROUPS}
        told = {kind: judge_rows(rows, indicator, labels=labels) for kind, rows in others.items()}
        tables[f"left_{labels}"], tables[f"told_{labels}"] = _scores(left), _scores(told)
        tables[f"surprise_{labels}"] = f"{surprise(judged[name]):.2g}"
        told = judge_rows(along, indicator, labels=labels).drop(columns="random_share")
        network = along["condition"] + "-" + along["seed"].astype(str)
        followed[name] = along.join(told).assign(network=network)
    page = Path(__file__).with_name("indicator_page.md").read_text(encoding="utf-8")
    page = page.format(
        reference=known.remarks[0],
        caption=CAPTION,
        n_reference=len(networks),
        n_fresh=len(fresh),
        fresh=_scores(judged),
        along=_along_table(followed),
        **tables,
    )
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "indicator.md").write_text(page, encoding="utf-8")
    save(draw_reliability(judged, followed), options.out / "indicator.png")
    print(f"wrote {options.out / 'indicator.md'} and {options.out / 'indicator.png'}", file=sys.stderr)


def _with_groups(networks: pd.DataFrame) -> pd.DataFrame:
    sizes = networks["hidden"].astype(str).str.split("-")
    return networks.assign(width=sizes.str[0], depth=sizes.str.len())


def _scores(judged: dict[str, pd.DataFrame]) -> str:
    """Return a table in Markdown, a row of scores for each set of judgements."""
    rows = [
        [name.replace("_", " "), f"{row.networks:.0f}", f"{row.brier:.3f}", f"{row.log:.3f}"]
        + [f"{100 * value:.0f} %" for value in (row.wrong_side, row.surely_wrong)]
        + [f"{row.share_error:.2f}"]
        + [f"{100 * value:.0f} %" for value in (row.coverage, row.unlike)]
        for name, row in zip(judged, score_table(judged).itertuples(), strict=True)
    ]
    header = ", networks, Brier, log score, wrong side, surely wrong, error of share, covered, unlike"
    return table(header, rows)


def _along_table(followed: dict[str, pd.DataFrame]) -> str:
    """Return a table in Markdown: what is told at each epoch, with labels and without."""
    shares = sorted(followed[WITH]["random_share"].unique())
    rows = []
    for epoch in EPOCHS:
        cells = {
            (name, share): part.query("epoch == @epoch and random_share == @share")
            for name, part in followed.items()
            for share in shares
        }
        known = [f"{100 * cells[WITH, share]['training_accuracy'].mean():.0f}" for share in shares]
        rows.append([str(epoch), " / ".join(known) + " %", *map(_told, cells.values())])
    told = (f"{name} {100 * share:.0f} %" for name in followed for share in shares)
    return table(", ".join(["epoch", "training accuracy", *told]), rows)


def _told(part: pd.DataFrame) -> str:
    unlike = int((part["likeness"] < UNLIKE).sum())
    return f"{part['probability'].mean():.2f}" + (f" ({unlike})" if unlike else "")


def _setups(n: int, change: Callable[[Training], Training] | None = None) -> list[Setup]:
    drawn = [draw_setup(FIRST_SEED + number) for number in range(n)]
    return [replace(one, training=change(one.training)) for one in drawn] if change else drawn


def _along(repeats: int) -> list[Setup]:
    how, seeds = Training(), range(2 * FIRST_SEED, 2 * FIRST_SEED + repeats)
    return [
        state
        for condition, share in SHARES.items()
        for seed in seeds
        for state in at_epochs(
            Setup(seed=seed, condition=condition, random_share=share, training=how), EPOCHS
        )
    ]


def _first(dataset: Dataset, n: int) -> Dataset:
    source = f"the first {n} of {dataset.source}"
    return replace(dataset, images=dataset.images[:n], labels=dataset.labels[:n], source=source)


def _table(folder: Path, dataset: Dataset, setups: list[Setup]) -> pd.DataFrame:
    return pd.DataFrame(make_rows(folder, dataset, setups, progress=_tell))


def _learned(folder: Path, dataset: Dataset, setups: list[Setup]) -> pd.DataFrame:
    table = _table(folder, dataset, setups)
    return table[table["reached"] == 1].reset_index(drop=True)


def _tell(title: str, share: float) -> None:
    if share == 0:
        print(title, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
