"""What the default priors say, in quantities that people know: docs/priors_rates.png and its neighbours.

    python benchmarks/prior_figures.py [--draws 4000] [--out docs]

Priors do not depend on a layer, but a model is built for one: a small one, drawn here.
"""

import argparse
from pathlib import Path

import numpy as np
from timing import installed

from rote.activity.measurement import measure
from rote.figures.priors import PAGES, draw_priors, row_draws
from rote.figures.style import save, sign
from rote.inference.claims import MeasuredLayer

UNITS, EXAMPLES, CLASSES, INPUTS = 40, 500, 4, 30


def small_layer(rng: np.random.Generator) -> MeasuredLayer:
    """Draw a layer of units that are alike, of which everything is known."""
    label = rng.integers(CLASSES, size=EXAMPLES)
    activation = rng.normal(size=(EXAMPLES, 1)) + rng.normal(size=(EXAMPLES, UNITS)) - 1
    activation = np.maximum(activation, 0).astype(np.float32)
    statistics = measure(
        activation > 0, labels=label, activation=activation, window=20, pairs=True, rng=rng
    )
    initial = rng.normal(size=(UNITS, INPUTS))
    return MeasuredLayer(
        statistics=statistics,
        true_classes=statistics,
        aligned=statistics,
        weight=initial + rng.laplace(size=initial.shape),
        initial=initial,
    )


def main() -> None:
    """Draw from the priors of all rows, and write a figure for each page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=4000, help="of each prior (default: 4000)")
    parser.add_argument("--out", type=Path, default=Path("docs"), help="folder (default: docs)")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    footer = f"rote {installed('rote')}, default priors, {options.draws:,} draws, seed 0"
    for page, rows in PAGES.items():
        rng = np.random.default_rng(0)
        layer = small_layer(rng)
        draws = {row: row_draws(row, layer, rng=rng, n_draws=options.draws) for row in rows}
        save(sign(draw_priors(draws), footer), options.out / f"priors_{page}.png")


if __name__ == "__main__":
    main()
