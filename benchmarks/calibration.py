"""Simulation-based calibration of every model: docs/calibration.md and its figure from one run.

    python benchmarks/calibration.py --runs 200

Takes an hour on two cores. Ranks are kept in --out, a file for each scenario, so a run that was stopped
goes on where it was, and several may share the work: --part 0/2 and --part 1/2.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from rote.figures.calibration import CAPTION, draw_calibration
from rote.figures.style import save
from rote.validate.calibration import N_RANKS, calibrate
from rote.validate.scenarios import SCENARIOS

DOCS = Path(__file__).parents[1] / "docs"
TITLES = {
    "model": "model",
    "layers": "layers",
    "parameter": "parameter",
    "n_runs": "runs",
    "covered": "90 % interval holds the truth (90 % interval of that share)",
    "p_value": "p of uniform ranks",
    "left_out": "refused / not converged",
    "seconds": "seconds a fit",
}


@dataclass(frozen=True)
class Kept:
    """Where one scenario's ranks and rows are kept."""

    ranks: Path
    rows: Path


def main() -> None:
    """Run what is missing; write the page if nothing is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--out", type=Path, default=Path("calibration"))
    parser.add_argument("--part", default="0/1", help="which of how many shares of the scenarios")
    options = parser.parse_args()
    part, parts = map(int, options.part.split("/"))
    options.out.mkdir(parents=True, exist_ok=True)
    kept = [_kept(options.out, number) for number in range(len(SCENARIOS))]
    for number in range(part, len(SCENARIOS), parts):
        if not kept[number].rows.exists():
            _run(number, kept[number], options.runs)
    if all(one.rows.exists() for one in kept):
        _write(kept)


def _kept(folder: Path, number: int) -> Kept:
    name = f"{SCENARIOS[number].model}-{SCENARIOS[number].name}".replace(" ", "-").replace("/", "-")
    return Kept(ranks=folder / f"{name}-ranks.csv", rows=folder / f"{name}.csv")


def _run(number: int, kept: Kept, n_runs: int) -> None:
    scenario = SCENARIOS[number]
    rng = np.random.default_rng(list(f"{scenario.model} {scenario.name}".encode()))
    found = calibrate(scenario, n_runs=n_runs, rng=rng)
    who = {"model": scenario.model, "layers": scenario.name}
    tables = [pd.DataFrame(who | {"parameter": p, "rank": r}) for p, r in found.ranks.items()]
    pd.concat(tables).to_csv(kept.ranks, index=False)
    pd.DataFrame(found.rows()).to_csv(kept.rows, index=False)
    print(pd.DataFrame(found.rows()).to_string(), flush=True)


def _write(kept: list[Kept]) -> None:
    ranks = pd.concat([pd.read_csv(one.ranks) for one in kept])
    save(draw_calibration(ranks, n_ranks=N_RANKS), DOCS / "calibration.png")
    rows = pd.concat([pd.read_csv(one.rows) for one in kept])
    rows["covered"] = [f"{r.coverage:.3f} ({r.low:.3f}–{r.high:.3f})" for r in rows.itertuples()]
    rows["left_out"] = [f"{r.refused} / {r.failed}" for r in rows.itertuples()]
    rows["p_value"] = rows["p_value"].map("{:.2f}".format)
    rows["seconds"] = rows["seconds"].map("{:.1f}".format)
    lines = ["| " + " | ".join(TITLES.values()) + " |", "|" + "---|" * len(TITLES)]
    lines += ["| " + " | ".join(str(row[name]) for name in TITLES) + " |" for _, row in rows.iterrows()]
    page = (Path(__file__).parent / "calibration_page.md").read_text(encoding="utf-8")
    page = page.replace("{table}", "\n".join(lines)).replace("{caption}", CAPTION.replace("\n", " "))
    (DOCS / "calibration.md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
