"""The study: train networks that generalize and memorize, record, measure, fit, and say what follows.

    recordings/NETWORK.nc           every hidden layer on training and held-out examples
    networks.csv                    how each network was trained
    layers.csv, units.csv           statistics of each layer and of each unit
    fits/MODEL-LAYER.nc             posteriors over networks; MODEL is rates, rare_share, factor, ...
    twins.csv, population.csv       processes drawn at the fitted parameters, and measured
    verdicts.json, verdicts.csv     what each hypothesis comes to, layer by layer

:func:`run_study` makes what is missing and skips what is there and whole, so a study that was killed
ends with the same files as one that was not.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from ..activity.checks import check_choice, check_count
from ..activity.words import CONDITIONS
from ..inference.claims import WeighedLayer
from ..inference.hypotheses import Finding, compare_correlation, compare_layers, compare_rates
from ..inference.verdict import Verdict, correct_twins
from ..record.writing import written_aside
from .datasets import Dataset, digits, mnist
from .networks import record_network
from .results import SETTINGS, Results
from .steps import Progress, Steps, alone_in, silent, write_json, write_table
from .tables import layer_rows, network_row, unit_rows
from .training import Training
from .twins import draw_twins
from .versions import versions

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

    def __post_init__(self) -> None:
        check_choice("dataset", self.dataset, DATASETS)
        if self.dataset == "mnist" and self.data is None:
            raise ValueError("dataset mnist needs the folder of its files: give data (--data DIR)")
        check_count("seed", self.seed, least=0)
        if check_count("seeds", self.seeds, least=2) > MOST_SEEDS:
            raise ValueError(f"seeds must be at most {MOST_SEEDS}, got {self.seeds}")
        check_count("draws", self.draws, least=100)
        Training(hidden=self.hidden, max_epochs=self.max_epochs)

    @property
    def networks(self) -> list[tuple[str, int]]:
        """Condition and seed of every network."""
        return [(c, s) for s in range(self.seed, self.seed + self.seeds) for c in CONDITIONS]

    @property
    def n_steps(self) -> int:
        """Number of steps of :func:`run_study`."""
        return len(self.networks) + 3 + len(MODELS) * len(self.layers)

    @property
    def layers(self) -> list[str]:
        """Names of the hidden layers."""
        return [f"hidden_{depth}" for depth in range(1, len(self.hidden) + 1)]

    def rng(self, purpose: str) -> np.random.Generator:
        """Return the generator of one purpose."""
        return np.random.default_rng([self.seed, *purpose.encode()])


def run_study(
    study: Study, folder: Path, *, progress: Progress = silent, more_steps: int = 0
) -> Results:
    """Bring ``folder`` to hold the whole study, and return its results.

    ``more_steps`` counts what the caller will do besides, for the numbering of steps. Raises
    ``ValueError`` if the folder holds a study of other settings, and ``BlockingIOError`` if another
    process is at work in it; neither changes a file.
    """
    with alone_in(folder):
        dataset = _load(study, progress)
        _settle(study, folder, dataset)
        steps = Steps(folder, study.n_steps + more_steps, progress)
        recordings = [f"recordings/{condition}-{seed}.nc" for condition, seed in study.networks]
        for (condition, seed), output in zip(study.networks, recordings, strict=True):
            work = partial(_train, study, dataset, condition, seed, folder / output)
            steps.run(f"train and record {condition} {seed}", [output], work)
        results = Results(folder)
        tables = ["networks.csv", "layers.csv", "units.csv"]
        steps.run("measure", tables, partial(_measure, study, results), inputs=recordings)
        told, factors = [], []
        for layer in study.layers:
            for hypothesis, models in MODELS.items():
                fits = [f"fits/{model}-{layer}.nc" for model in models]
                told.append(_told(hypothesis, layer))
                factors += fits if "factor" in models else []
                work = partial(_fit, study, results, hypothesis, layer)
                steps.run(f"fit {hypothesis} {layer}", [*fits, told[-1]], work, inputs=recordings)
        twins, verdicts = ["twins.csv", "population.csv"], ["verdicts.json", "verdicts.csv"]
        steps.run("twins", twins, partial(_twins, study, results), inputs=[*recordings, *factors])
        steps.run("verdicts", verdicts, partial(_verdicts, results, told), inputs=told)
    return results


def _settle(study: Study, folder: Path, dataset: Dataset) -> None:
    """Write the settings down, or raise if the folder's are others; data count by their content."""
    path, wanted = folder / SETTINGS, json.loads(json.dumps(asdict(study)))
    content = hashlib.sha256(dataset.images.tobytes() + dataset.labels.tobytes())
    wanted["data"] = f"sha256 {content.hexdigest()[:16]}"
    if path.exists():
        found = json.loads(path.read_text(encoding="utf-8"))
        other = [
            f"{name} {found.get(name, 'unknown')}" for name in wanted if found.get(name) != wanted[name]
        ]
        if other:
            raise ValueError(
                f"{folder} holds a study with {', '.join(other)}: give the same settings to go on with "
                "it, or choose another --out"
            )
    else:
        write_json(path, wanted | {"made_with": versions()})


def _load(study: Study, progress: Progress) -> Dataset:
    if study.dataset == "digits":
        return digits()

    def tell(name: str, done: int, due: int | None) -> None:
        progress(f"download {name}", done / due if due else 0.0)

    return mnist(study.data, progress=tell)


def _train(
    study: Study,
    dataset: Dataset,
    condition: str,
    seed: int,
    path: Path,
    tell: Callable[[float], object],
) -> None:
    recording = record_network(
        dataset,
        condition=condition,
        seed=seed,
        training=Training(hidden=study.hidden, max_epochs=study.max_epochs),
        keep_activation="float32",
        progress=lambda _epoch, accuracy: tell(accuracy),
    )
    recording.save(path)


def _measure(study: Study, results: Results, tell: Callable[[float], object]) -> None:
    networks, layers, units = [], [], []
    for number, (condition, seed) in enumerate(study.networks):
        with (
            results.recording(condition, seed) as now,
            results.recording("initialized", seed) as initial,
        ):
            networks.append(network_row(now))
            layers += layer_rows(now, initial, window=study.window)
            units.append(unit_rows(now, initial, window=study.window))
        tell(number / len(study.networks))
    write_table(results.folder / "networks.csv", pd.DataFrame(networks))
    write_table(results.folder / "layers.csv", pd.DataFrame(layers))
    write_table(results.folder / "units.csv", pd.concat(units))


def _fit(
    study: Study, results: Results, hypothesis: str, layer: str, tell: Callable[[float], object]
) -> None:
    finding = _compare(study, results, hypothesis, layer, tell)
    for model, posterior in finding.posteriors.items():
        with written_aside(results.folder / f"fits/{model}-{layer}.nc") as aside:
            posterior.to_netcdf(aside, engine="h5netcdf")
    told = [verdict.as_dict() for verdict in finding.verdicts]
    write_json(results.folder / _told(hypothesis, layer), told)


def _compare(
    study: Study, results: Results, hypothesis: str, layer: str, tell: Callable[[float], object]
) -> Finding:
    statistics = {network: results.statistics(*network)[layer] for network in study.networks}
    n_examples = next(iter(statistics.values())).n_examples
    how = {
        "layer": layer,
        "rng": study.rng(f"fit {hypothesis} {layer}"),
        "data": f"{n_examples} training examples of {study.dataset}, {study.seeds} seeds",
        "draws": study.draws,
        "progress": lambda done, due: tell(done / due),
    }
    if hypothesis == "H1":
        return compare_rates(statistics, **how)
    if hypothesis == "H4":
        aligned = {network: results.alignment(*network, layer).aligned for network in study.networks}
        return compare_correlation(statistics, aligned=aligned, **how)
    if hypothesis in ("H6", "H7"):
        weight = {network: results.weight(*network, layer) for network in study.networks}
        weighed = {
            (condition, seed): WeighedLayer(
                statistics=statistics[condition, seed],
                weight=weight[condition, seed],
                initial=weight["initialized", seed],
            )
            for condition, seed in study.networks
        }
        return compare_layers(hypothesis, weighed, **how)
    return compare_layers(hypothesis, statistics, **how)


def _told(hypothesis: str, layer: str) -> str:
    """Return where the verdicts of one fit are kept until all are told together."""
    return f"fits/{hypothesis}-{layer}.json"


def _twins(study: Study, results: Results, tell: Callable[[float], object]) -> None:
    statistics, population = [], []
    for number, (condition, seed) in enumerate(study.networks):
        for layer in study.layers:
            loading = results.posterior("factor", layer)["posterior"]["loading"]
            twins = draw_twins(
                results.alignment(condition, seed, layer),
                loading.sel(network=f"{condition}-{seed}").to_numpy().ravel(),
                rng=study.rng(f"twins {condition} {seed} {layer}"),
            )
            who = {
                "network": f"{condition}-{seed}",
                "condition": condition,
                "seed": seed,
                "layer": layer,
            }
            statistics.append(twins.statistics.assign(**who))
            population.append(twins.population.assign(**who))
        tell(number / len(study.networks))
    write_table(results.folder / "twins.csv", pd.concat(statistics))
    write_table(results.folder / "population.csv", pd.concat(population))


def _verdicts(results: Results, paths: list[str], _tell: Callable[[float], object]) -> None:
    files = [(results.folder / path).read_text(encoding="utf-8") for path in sorted(paths)]
    told = [Verdict.from_dict(row) for file in files for row in json.loads(file)]
    rows = [verdict.as_dict() for verdict in correct_twins(told)]
    write_json(results.folder / "verdicts.json", rows)
    write_table(results.folder / "verdicts.csv", pd.json_normalize(rows))
