"""Models fitted to the layers of a recording, as files.

MODEL-LAYER.nc     the posterior of a layer, an ArviZ DataTree
summary.csv        mean, standard deviation, 90 % interval and diagnostics of every variable
checks.csv         statistics of each layer beside those of replicates under the fitted model
units.csv          with the model rate_mixture: each unit's probabilities of being dead, rare, common
comparison.csv     of several models: what each predicts of a unit left out, and its evidence
fit.json           what was asked for

A killed run goes on where it stopped. Models are compared on what they were all fitted to, so several
must be of the same data, which is known before anything is sampled.
"""

import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from ..activity.alignment import align
from ..activity.checks import check_choice, check_count
from ..activity.measurement import WINDOW
from ..inference.claims import MeasuredLayer
from ..inference.comparison import check_same_data, compare_models
from ..inference.fitting import fit
from ..inference.kinds import unit_kinds
from ..inference.models import MODELS, default_models
from ..inference.posterior import summarize
from ..inference.predictive_checks import check_model
from ..inference.replications import REPLICATIONS
from ..record.measures import tally
from ..record.recording import Recording
from ..record.writing import written_aside
from .steps import Progress, Steps, alone_in, silent, write_json, write_table

SETTINGS = "fit.json"
TABLES = ("summary.csv", "checks.csv", "units.csv", "comparison.csv")


def measured_layer(
    recording: Recording,
    layer: str,
    *,
    initial: Recording | None = None,
    window: int = WINDOW,
    aligned: bool = True,
) -> MeasuredLayer:
    """Return what a recording tells of one layer on its training examples.

    ``initial`` is the recording of the same network before training; without ``aligned`` units are not
    turned to fire together, for which the layer must fit into memory.
    """
    how = {"held_out": False, "window": window}
    true = None if recording.true_label is None else "true_label"
    return MeasuredLayer(
        statistics=tally(recording, layer, **how).statistics(),
        true_classes=true and tally(recording, layer, classes=true, **how).statistics(),
        aligned=align(recording[layer].active(False)).aligned if aligned else None,
        weight=recording[layer].weight_in,
        initial=None if initial is None else initial[layer].weight_in,
    )


def fit_recording(
    path: str | Path,
    folder: Path,
    *,
    models: Sequence[str] = ("rates",),
    layers: Sequence[str] | None = None,
    initial: str | Path | None = None,
    window: int = WINDOW,
    seed: int = 0,
    draws: int = 1000,
    progress: Progress = silent,
) -> dict[str, pd.DataFrame]:
    """Fit ``models`` to layers of the recording at ``path``, on its training examples.

    Writes the files above and returns the tables that there are, by name. ``layers`` are all by
    default; ``initial`` is the recording of the same network before training, which the coherence model
    needs; ``window`` is in examples. The factor is that of units turned to fire together, told from half
    of the examples (:mod:`rote.activity.alignment`). Raises ``ValueError`` for models of different data,
    unknown names, or what a model lacks or refuses, and what :func:`rote.inference.fit` raises.
    """
    for model in models:
        check_choice("models", model, tuple(MODELS))
    check_count("draws", draws)
    with ExitStack() as stack:
        recording = stack.enter_context(Recording.open(path))
        before = None if initial is None else stack.enter_context(Recording.open(initial))
        chosen = list(recording.layers if layers is None else layers)
        for layer in chosen:
            check_choice("layers", layer, tuple(recording.layers))
        take = partial(measured_layer, recording, initial=before, window=window)
        measured = lru_cache(maxsize=1)(partial(take, aligned="factor" in models))
        if len(models) > 1:
            _check_comparable(measured(chosen[0]), models)
        stack.enter_context(alone_in(folder))
        asked = {"recording": str(path), "initial": None if initial is None else str(initial)}
        write_json(folder / SETTINGS, asked | {"window": window, "seed": seed, "draws": draws})
        sources = [str(Path(one).resolve()) for one in (path, initial) if one is not None]
        steps = Steps(folder, len(chosen) * (len(models) + (len(models) > 1)), progress)
        told = []
        for layer in chosen:
            fits = []
            for model in models:
                fits += (outputs := [f"{model}-{layer}.nc", f".told/{model}-{layer}.json"])
                work = partial(_fit, folder, measured, model, layer, seed=seed, draws=draws)
                steps.run(f"fit {model} {layer}", outputs, work, inputs=[*sources, SETTINGS])
            told += fits[1::2]
            if len(models) > 1:
                told.append(f".told/comparison-{'-'.join(models)}-{layer}.json")
                work = partial(_compare, folder, measured, models, layer, told[-1], seed=seed)
                steps.run(f"compare {' '.join(models)} {layer}", [told[-1]], work, inputs=fits)
        return _write_tables(folder, told)


def _fit(
    folder: Path,
    measured: Callable[[str], MeasuredLayer],
    model: str,
    layer: str,
    tell: Callable[[float], object],
    *,
    seed: int,
    draws: int,
) -> None:
    """Fit one model to one layer; write its posterior, and the rows that it adds to the tables."""
    rng = np.random.default_rng([seed, *f"{model} {layer}".encode()])
    known = measured(layer)
    told = fit(
        known,
        model=model,
        rng=rng,
        draws=draws,
        progress=lambda done, due: tell(0.9 * done / due),
    )
    who = {"layer": layer, "model": model}
    table = summarize(told).rename_axis("variable").reset_index()
    rows = {"summary.csv": [who | row for row in table.to_dict("records")]}
    if model in REPLICATIONS:
        checks = check_model(known, told, rng=rng)
        rows["checks.csv"] = [
            {"layer": layer} | asdict(one) | {"sentence": one.sentence} for one in checks
        ]
    if model == "rate_mixture":
        kinds = unit_kinds(known.statistics, told)
        rows["units.csv"] = [
            {"layer": layer, "unit": unit, "dead": dead, "rare": rare, "common": common}
            for unit, (dead, rare, common) in enumerate(
                zip(kinds.dead, kinds.rare, kinds.common, strict=True)
            )
        ]
    with written_aside(folder / f"{model}-{layer}.nc") as aside:
        told.to_netcdf(aside, engine="h5netcdf")
    write_json(folder / f".told/{model}-{layer}.json", rows)


def _compare(
    folder: Path,
    measured: Callable[[str], MeasuredLayer],
    models: Sequence[str],
    layer: str,
    output: str,
    _tell: Callable[[float], object],
    *,
    seed: int,
) -> None:
    built = default_models(measured(layer), models)
    fitted = {}
    for model in models:
        with xr.open_datatree(folder / f"{model}-{layer}.nc", engine="h5netcdf") as tree:
            fitted[model] = built[model], tree.load()
    table = compare_models(fitted, rng=np.random.default_rng([seed, *f"compare {layer}".encode()]))
    rows = json.loads(table.rename_axis("model").reset_index().to_json(orient="records"))
    write_json(folder / output, {"comparison.csv": [{"layer": layer} | row for row in rows]})


def _check_comparable(layer: MeasuredLayer, models: Sequence[str]) -> None:
    """Raise ``ValueError`` before anything is sampled if models are not of the same data."""
    if len(set(models)) < len(models):
        raise ValueError(f"models must differ, got {', '.join(models)}")
    check_same_data(default_models(layer, models))


def _write_tables(folder: Path, told: Sequence[str]) -> dict[str, pd.DataFrame]:
    parts = [json.loads((folder / path).read_text(encoding="utf-8")) for path in told]
    tables = {}
    for name in TABLES:
        if rows := [row for part in parts for row in part.get(name, [])]:
            tables[name] = pd.DataFrame(rows)
            write_table(folder / name, tables[name])
    return tables
