"""Make the reference that ships with the package: networks of known shares of random labels.

    python benchmarks/reference.py [--networks 300] [--folder results/reference] [--out FILE]

trains them one after another on scikit-learn's digits, on one core about a second each. Stopped and
started again, it goes on where it was. Reference seeds count from 0; what judges are tried on
(benchmarks/indicator.py) has others.
"""

import argparse
import os
import sys
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = "1"

import pandas as pd

from rote.inference.references import PACKAGED, Reference
from rote.validate.datasets import digits
from rote.validate.reference import draw_setup, make_rows
from rote.validate.versions import versions


def main() -> None:
    """Train what is missing and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", type=int, default=300, help="networks to train (default: 300)")
    parser.add_argument("--folder", type=Path, default=Path("results/reference"), help="of what is kept")
    parser.add_argument("--out", type=Path, default=PACKAGED, help="the table (default: the package's)")
    options = parser.parse_args()
    dataset, setups = digits(), [draw_setup(seed) for seed in range(options.networks)]
    rows = make_rows(options.folder, dataset, setups, progress=tell)
    rows = [row for row in rows if row["reached"]]
    remarks = (
        f"{len(rows)} of {len(setups)} networks that learned every label of {dataset.source}",
        "made by benchmarks/reference.py with "
        + ", ".join(f"{name} {version}" for name, version in versions().items()),
    )
    text = Reference(networks=pd.DataFrame(rows), remarks=remarks).text()
    options.out.write_text(text, encoding="utf-8")
    print(f"wrote {len(rows)} networks to {options.out} ({len(text) / 1000:.0f} kB)")


def tell(title: str, share: float) -> None:
    """Say on the terminal which network is being trained."""
    if share == 0:
        print(title, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
