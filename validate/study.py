"""The study: train networks that generalize and memorize, record, measure, fit, and say what follows.

    recordings/NETWORK.nc           every hidden layer on training and held-out examples
    networks.csv                    how each network was trained
    layers.csv, units.csv           statistics of each layer and of each unit
    fits/MODEL-LAYER.nc             posteriors over networks; MODEL is rates, rare_share, factor, ...
    twins.csv, population.csv       processes drawn at the fitted parameters, and measured
    arms/                           the same networks trained with penalties and by plain steps
    bridge.csv, bridge_units.csv    weights predicted from activity, and as they are, in every arm
    bridge_spectra.csv              their singular values, and
    bridge_densities.csv            their densities, beside those predicted
    read_out.csv                    what a penalty leaves of a read-out of each layer
    drawn_read_out.csv              and of drawn layers, and
    drawn_weights.csv               the distribution of their weights
    magnitude_laws.csv              laws of magnitudes, judged on held-out examples
    weight_map.csv                  weights that theory gives to rates and correlations
    way_back.csv                    activity predicted from weights, and as it is
    verdicts.json, verdicts.csv     what each hypothesis comes to, layer by layer

:func:`run_study` makes what is missing and skips what is there and whole, so a study that was killed
ends with the same files as one that was not.
"""

import hashlib
import json
from dataclasses import asdict
from functools import partial
from pathlib import Path

from . import stages
from .datasets import Dataset, digits, mnist
from .findings import VERDICTS, told_path, write_verdicts
from .results import SETTINGS, Results
from .settings import MODELS, Study
from .steps import Progress, Steps, alone_in, silent, write_json
from .versions import versions


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
            work = partial(stages.train_network, study, dataset, condition, seed, folder / output)
            steps.run(f"train and record {condition} {seed}", [output], work)
        results = Results(folder)
        tables = ["networks.csv", "layers.csv", "units.csv"]
        steps.run("measure", tables, partial(stages.measure_networks, study, results), inputs=recordings)
        tables = _run_arms(study, results, dataset, steps)
        work = partial(stages.weigh_networks, study, results, dataset, tables)
        inputs = [*recordings, *tables]
        steps.run("weights from activity", list(stages.BRIDGE.values()), work, inputs=inputs)
        work = partial(stages.predict_back, study, results, dataset, tables)
        steps.run("activity from weights", ["way_back.csv"], work, inputs=inputs)
        work = partial(stages.read_networks, study, results)
        steps.run("read out", ["read_out.csv", "magnitude_laws.csv"], work, inputs=recordings)
        work = partial(stages.read_drawn_layers, study, results)
        steps.run("read out drawn layers", list(stages.DRAWN_FILES), work)
        steps.run("weight map", ["weight_map.csv"], partial(stages.map_weights, study, results))
        told, factors = [], []
        for layer in study.layers:
            for hypothesis, models in MODELS.items():
                fits = [f"fits/{model}-{layer}.nc" for model in models]
                told.append(told_path(hypothesis, layer))
                factors += fits if "factor" in models else []
                work = partial(stages.fit_layer, study, results, hypothesis, layer)
                steps.run(f"fit {hypothesis} {layer}", [*fits, told[-1]], work, inputs=recordings)
        twins, verdicts = ["twins.csv", "population.csv"], list(VERDICTS)
        work = partial(stages.draw_processes, study, results)
        steps.run("twins", twins, work, inputs=[*recordings, *factors])
        steps.run("verdicts", verdicts, lambda _: write_verdicts(folder, told), inputs=told)
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


def _run_arms(study: Study, results: Results, dataset: Dataset, steps: Steps) -> list[str]:
    """Train each arm's networks of each seed; return the tables that this leaves."""
    tables = []
    for arm in study.arm_names:
        for seed in range(study.seed, study.seed + study.seeds):
            place = f"arms/{arm.replace(' ', '-')}-{seed}"
            outputs = [f"{place}-{part}.csv" for part in stages.ARM_PARTS]
            work = partial(stages.train_arm, study, results, dataset, arm, seed, outputs)
            inputs = [f"recordings/initialized-{seed}.nc"]
            steps.run(f"train {arm} {seed}", outputs, work, inputs=inputs)
            tables += outputs
    return tables
