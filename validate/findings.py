"""What hypotheses come to, as files, and hypotheses asked of recordings from anywhere.

fits/MODEL-LAYER.nc           posteriors over networks, where a model was fitted
fits/HYPOTHESIS-LAYER.json    the verdicts of one hypothesis on one layer
verdicts.json, verdicts.csv   all verdicts, the classical tests corrected for their number
numbers.csv                   what each claim compares: a number of each layer of each trained network
pooled.json, pooled.csv       what random labels do to these numbers, over all layers together
"""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import pandas as pd

from ..activity.measurement import WINDOW
from ..activity.words import CONDITIONS
from ..inference.claims import PARTS, Claim, MeasuredLayer
from ..inference.hypotheses import HYPOTHESES, NEEDS, Finding, answer
from ..inference.pooling import POOLED, PooledEffect, own_number, pool_layers
from ..inference.verdict import Verdict, correct_twins
from ..record.recording import Recording
from ..record.writing import written_aside
from .fits import measured_layer
from .steps import Progress, Steps, alone_in, silent, write_json, write_table

VERDICTS = ("verdicts.json", "verdicts.csv")
POOLED_FILES = ("pooled.json", "pooled.csv")
SETTINGS = "test.json"

type RecordedKey = tuple[str, int, float]
"""Condition, seed and share of random labels of a recording; 0 for untrained ones."""


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
) -> tuple[list[Verdict], list[PooledEffect]]:
    """Ask hypotheses of recordings, on the training examples of every layer; write and return answers.

    The recordings are of initialized, generalizing and memorizing networks, two of each at least, which
    share condition and seed with no other; each seed stands for equal initial weights. By default all
    hypotheses are asked that the recordings can answer: H6 and H7 need weights, and each trained
    network's seed among the initialized ones, H7 activations; H3 and H5 need true labels. Networks of
    condition "mixed", whose attribute ``random_share`` tells how many of their labels are random, take
    part where all layers are pooled. A killed run goes on where it stopped. Raises ``ValueError`` for
    recordings that cannot be compared or lack what is asked, and what fits raise.
    """
    with ExitStack() as stack, alone_in(folder):
        every = _opened(paths, stack)
        layers = next(iter(every.values())).layers
        lacking = _lacking(every)
        if hypotheses is None:
            hypotheses = [one for one in HYPOTHESES if not lacking & set(NEEDS.get(one, ()))]
        write_json(folder / SETTINGS, {"window": window, "seed": seed, "draws": draws})
        inputs = [*(str(Path(path).resolve()) for path in paths), SETTINGS]
        measured = lru_cache(maxsize=1)(partial(_measured, every, window=window))
        steps = Steps(folder, len(layers) * (len(hypotheses) + 1) + 1, progress)
        told, numbers = [], []
        for layer in layers:
            for hypothesis in hypotheses:
                work = partial(_ask, folder, hypothesis, layer, measured, seed=seed, draws=draws)
                told.append(told_path(hypothesis, layer))
                steps.run(f"{hypothesis} {layer}", [told[-1]], work, inputs=inputs)
            numbers.append(f"fits/numbers-{layer}.csv")
            claims = [one for one in POOLED if one.hypothesis in hypotheses]
            claims = [one for one in claims if not lacking & set(PARTS.get(one, ()))]
            work = partial(_write_numbers, folder / numbers[-1], claims, layer, measured)
            steps.run(f"numbers {layer}", [numbers[-1]], work, inputs=inputs)
        work = partial(_pool, folder, numbers, seed=seed, draws=draws)
        outputs = ["numbers.csv", *POOLED_FILES]
        steps.run("over layers", outputs, work, inputs=[*numbers, SETTINGS])
        pooled = json.loads((folder / POOLED_FILES[0]).read_text(encoding="utf-8"))
        return write_verdicts(folder, told), [PooledEffect.from_dict(one) for one in pooled]


def _opened(paths: Sequence[str | Path], stack: ExitStack) -> dict[RecordedKey, Recording]:
    networks: dict[RecordedKey, Recording] = {}
    for path in paths:
        recording = stack.enter_context(Recording.open(path))
        key = recording.condition, recording.seed, _random_share(recording)
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


def _random_share(recording: Recording) -> float:
    """Return the share of random labels: 0 for untrained networks, too."""
    known = dict(zip(CONDITIONS, (0.0, 0.0, 1.0), strict=True))
    if recording.condition in known:
        return known[recording.condition]
    if "random_share" not in recording.attrs:
        raise ValueError(
            f"recording {recording.network} must tell in its attribute random_share how many of its "
            f"labels are random, got none; other conditions are {', '.join(CONDITIONS)}"
        )
    return float(recording.attrs["random_share"])


def _lacking(networks: Mapping[RecordedKey, Recording]) -> set[str]:
    """Return which parts of a :class:`MeasuredLayer` some recording cannot give."""
    layers = [one[name] for one in networks.values() for name in one.layers]
    lacking = set()
    if any(one.true_label is None for one in networks.values()):
        lacking.add("true_classes")
    if any(layer.weight_in is None for layer in layers):
        lacking.add("weight")
    if any("activation" not in layer.parts for layer in layers):
        lacking.add("magnitudes")
    initialized = {seed for condition, seed, _ in networks if condition == CONDITIONS[0]}
    if any(seed not in initialized for _, seed, _ in networks):
        lacking.add("initial")
    return lacking


def _measured(
    networks: Mapping[RecordedKey, Recording], layer: str, *, window: int
) -> dict[RecordedKey, MeasuredLayer]:
    initial = {seed: one for (condition, seed, _), one in networks.items() if condition == CONDITIONS[0]}
    return {
        key: measured_layer(recording, layer, initial=initial.get(key[1]), window=window)
        for key, recording in networks.items()
    }


def _ask(
    folder: Path,
    hypothesis: str,
    layer: str,
    measured: Callable[[str], Mapping[RecordedKey, MeasuredLayer]],
    tell: Callable[[float], object],
    *,
    seed: int,
    draws: int,
) -> None:
    layers = {key[:2]: one for key, one in measured(layer).items() if key[0] in CONDITIONS}
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


def _write_numbers(
    path: Path,
    claims: Sequence[Claim],
    layer: str,
    measured: Callable[[str], Mapping[RecordedKey, MeasuredLayer]],
    tell: Callable[[float], object],
) -> None:
    """Write each trained network's own number for each of ``claims``."""
    rows = []
    for (condition, seed, share), one in measured(layer).items():
        if condition != CONDITIONS[0]:
            who = {"condition": condition, "seed": seed, "random_share": share, "layer": layer}
            rows += [
                {"hypothesis": claim.hypothesis, "quantity": claim.quantity}
                | who
                | {"value": own_number(claim, one)}
                for claim in claims
            ]
    write_table(path, pd.DataFrame(rows))
    tell(1.0)


def _pool(
    folder: Path, paths: Sequence[str], tell: Callable[[float], object], *, seed: int, draws: int
) -> None:
    """Write the numbers of all layers as one table, and what random labels do to each quantity."""
    numbers = pd.concat([pd.read_csv(folder / path) for path in paths])
    known = {(claim.hypothesis, claim.quantity): claim for claim in POOLED}
    groups, pooled = list(numbers.groupby(["hypothesis", "quantity"], sort=False)), []
    for place, (name, rows) in enumerate(groups):
        own = {(row.layer, row.seed, row.random_share): row.value for row in rows.itertuples()}
        rng = np.random.default_rng([seed, *f"pool {name[1]}".encode()])
        pooled.append(pool_layers(known[name], own, rng=rng, draws=draws).as_dict())
        tell((place + 1) / len(groups))
    write_table(folder / "numbers.csv", numbers)
    write_json(folder / POOLED_FILES[0], pooled)
    write_table(folder / POOLED_FILES[1], pd.json_normalize(pooled))
