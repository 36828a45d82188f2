"""What hypotheses come to, as files, and hypotheses asked of recordings from anywhere.

fits/MODEL-LAYER.nc           posteriors over networks, where a model was fitted
fits/HYPOTHESIS-LAYER.json    the verdicts of one hypothesis on one layer
verdicts.json, verdicts.csv   all verdicts, the classical tests corrected for their number
"""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import cache, partial
from pathlib import Path

import numpy as np
import pandas as pd

from ..activity.alignment import align
from ..activity.checks import check_choice
from ..activity.measurement import WINDOW
from ..inference.claims import MeasuredLayer
from ..inference.fitting import fit
from ..inference.hypotheses import HYPOTHESES, NEEDS, Finding, answer
from ..inference.networks import NetworkKey
from ..inference.posterior import summarize
from ..inference.verdict import Verdict, correct_twins
from ..record.measures import measure
from ..record.recording import Recording
from ..record.writing import written_aside
from .steps import Progress, Steps, alone_in, silent, write_json, write_table

VERDICTS = ("verdicts.json", "verdicts.csv")


def told_path(hypothesis: str, layer: str) -> str:
    """Return where the verdicts of one hypothesis on one layer are kept until all are told together."""
    return f"fits/{hypothesis}-{layer}.json"


def write_finding(folder: Path, hypothesis: str, layer: str, finding: Finding) -> None:
    """Write posteriors and verdicts of one hypothesis on one layer."""
    for model, posterior in finding.posteriors.items():
        with written_aside(folder / f"fits/{model}-{layer}.nc") as aside:
            posterior.to_netcdf(aside, engine="h5netcdf")
    told = [verdict.as_dict() for verdict in finding.verdicts]
    write_json(folder / told_path(hypothesis, layer), told)


def write_verdicts(folder: Path, paths: Sequence[str]) -> list[Verdict]:
    """Write all verdicts of ``paths`` together, the classical tests corrected for their number."""
    files = [(folder / path).read_text(encoding="utf-8") for path in sorted(paths)]
    told = correct_twins(Verdict.from_dict(row) for file in files for row in json.loads(file))
    rows = [verdict.as_dict() for verdict in told]
    write_json(folder / VERDICTS[0], rows)
    write_table(folder / VERDICTS[1], pd.json_normalize(rows))
    return told


def ask_recordings(
    paths: Sequence[str | Path],
    folder: Path,
    *,
    hypotheses: Sequence[str] | None = None,
    window: int = WINDOW,
    seed: int = 0,
    draws: int = 1000,
    progress: Progress = silent,
) -> list[Verdict]:
    """Ask hypotheses of recordings, on the training examples of every layer; write and return verdicts.

    The recordings are of initialized, generalizing and memorizing networks, two of each at least, which
    share condition and seed with no other; each seed stands for equal initial weights. By default all
    hypotheses are asked that the recordings can answer: H6 and H7 need weights, and each trained
    network's seed among the initialized ones; H3 and H5 need true labels. A killed run goes on where it
    stopped. Raises ``ValueError`` for recordings that cannot be compared or lack what is asked, and what
    fits raise.
    """
    with ExitStack() as stack, alone_in(folder):
        networks = _opened(paths, stack)
        layers = next(iter(networks.values())).layers
        if hypotheses is None:
            lacking = _lacking(networks)
            hypotheses = [one for one in HYPOTHESES if not lacking & set(NEEDS.get(one, ()))]
        measured = cache(partial(_measured, networks, window=window))
        steps = Steps(folder, len(layers) * len(hypotheses), progress)
        told = []
        for layer in layers:
            for hypothesis in hypotheses:
                work = partial(_ask, folder, hypothesis, layer, measured, seed=seed, draws=draws)
                told.append(told_path(hypothesis, layer))
                inputs = [str(Path(path).resolve()) for path in paths]
                steps.run(f"{hypothesis} {layer}", [told[-1]], work, inputs=inputs)
        return write_verdicts(folder, told)


def fit_recording(
    recording: Recording,
    folder: Path,
    *,
    model: str = "rates",
    layers: Sequence[str] | None = None,
    seed: int = 0,
    draws: int = 1000,
    progress: Progress = silent,
) -> dict[str, str]:
    """Fit ``model`` to layers of a recording, on its training examples; return their summaries.

    Writes ``MODEL-LAYER.nc`` for each. The factor is that of units turned to fire together, told from
    half of the examples (:mod:`rote.activity.alignment`). Raises what :func:`rote.inference.fit` raises.
    """
    layers = recording.layers if layers is None else layers
    for layer in layers:
        check_choice("layers", layer, tuple(recording.layers))
    measured, summaries = measure(recording, held_out=False), {}
    for layer in layers:
        aligned = align(recording[layer].active(False)).aligned if model == "factor" else None
        rng = np.random.default_rng([seed, *f"{model} {layer}".encode()])
        posterior = fit(
            measured[layer] if aligned is None else aligned,
            model=model,
            rng=rng,
            draws=draws,
            progress=lambda done, due, layer=layer: progress(f"fit {model} {layer}", done / due),
        )
        folder.mkdir(parents=True, exist_ok=True)
        with written_aside(folder / f"{model}-{layer}.nc") as aside:
            posterior.to_netcdf(aside, engine="h5netcdf")
        summaries[layer] = summarize(posterior)
    return summaries


def _opened(paths: Sequence[str | Path], stack: ExitStack) -> dict[NetworkKey, Recording]:
    networks: dict[NetworkKey, Recording] = {}
    for path in paths:
        recording = stack.enter_context(Recording.open(path))
        key = recording.condition, recording.seed
        if key in networks:
            raise ValueError(
                f"recordings must differ in condition or seed, got {path} after another of both"
            )
        if networks and recording.layers != next(iter(networks.values())).layers:
            raise ValueError(f"recordings must have the same layers, got others in {path}")
        networks[key] = recording
    if not networks:
        raise ValueError("recordings must be named, got none")
    return networks


def _lacking(networks: Mapping[NetworkKey, Recording]) -> set[str]:
    """Return which parts of a :class:`MeasuredLayer` some recording cannot give."""
    lacking = set()
    if any(one.true_label is None for one in networks.values()):
        lacking.add("true_classes")
    if any(one[name].weight_in is None for one in networks.values() for name in one.layers):
        lacking.add("weight")
    if any(("initialized", seed) not in networks for _, seed in networks):
        lacking.add("initial")
    return lacking


def _measured(
    networks: Mapping[NetworkKey, Recording], layer: str, *, window: int
) -> dict[NetworkKey, MeasuredLayer]:
    measured = {}
    for (condition, seed), recording in networks.items():
        initial, how = networks.get(("initialized", seed)), {"held_out": False, "window": window}
        truth = recording.true_label is not None
        measured[condition, seed] = MeasuredLayer(
            statistics=measure(recording, **how)[layer],
            true_classes=measure(recording, classes="true_label", **how)[layer] if truth else None,
            aligned=align(recording[layer].active(False)).aligned,
            weight=recording[layer].weight_in,
            initial=None if initial is None else initial[layer].weight_in,
        )
    return measured


def _ask(
    folder: Path,
    hypothesis: str,
    layer: str,
    measured: Callable[[str], Mapping[NetworkKey, MeasuredLayer]],
    tell: Callable[[float], object],
    *,
    seed: int,
    draws: int,
) -> None:
    layers = measured(layer)
    counts = sorted({one.statistics.n_examples for one in layers.values()})
    finding = answer(
        hypothesis,
        layers,
        layer=layer,
        rng=np.random.default_rng([seed, *f"{hypothesis} {layer}".encode()]),
        data=f"{' or '.join(map(str, counts))} training examples, {len(layers)} networks",
        draws=draws,
        progress=lambda done, due: tell(done / due),
    )
    write_finding(folder, hypothesis, layer, finding)
