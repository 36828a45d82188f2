"""The stages of a study: what each does with what is there, and which files it leaves.

Each is called by :func:`rote.validate.study.run_study` with a function to tell the share done.
"""

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd

from ..activity.words import CONDITIONS
from ..inference.claims import MeasuredLayer
from ..inference.hypotheses import Finding, answer
from ..simulate.independent import IndependentBernoulli
from ..simulate.rates import BetaRates
from ..simulate.weight_laws import VarianceGamma
from ..simulate.weight_map import weight_sweep
from ..simulate.written_weights import WrittenWeights
from .arms import MAIN, arm_training
from .bridge import bridge_tables
from .datasets import Dataset
from .findings import write_finding
from .magnitude_fits import magnitude_fits
from .networks import record_network
from .read_out import drawn_read_outs, read_out_rows
from .results import Results
from .settings import Study
from .steps import write_table
from .tables import layer_rows, network_row, unit_rows
from .twins import draw_twins
from .way_back import prediction_errors

SHAPES = (0.5, 0.7, 1.0, 1.5, 2.5, 5.0, 15.0, 100.0)  # of the units' nearly Gamma rates
STRENGTHS = (3.0, 10.0, 30.0, 100.0, 300.0)  # of the penalty on a read-out
LOADINGS = (0.0, 0.3, 0.6)  # on a factor common to the units
BRIDGE = {  # parts of the bridge's tables, and the files that hold them
    "layers": "bridge.csv",
    "units": "bridge_units.csv",
    "spectra": "bridge_spectra.csv",
    "densities": "bridge_densities.csv",
}
ARM_PARTS = (*BRIDGE, "back")  # that each arm and seed leaves
ARM_DRAWS = 10_000  # for the law of an arm's population count: it errs by less than .017 (99 %)
DRAWN = 10  # layers of each kind drawn for read-outs
DRAWN_FILES = ("drawn_read_out.csv", "drawn_weights.csv")


def train_network(
    study: Study,
    dataset: Dataset,
    condition: str,
    seed: int,
    path: Path,
    tell: Callable[[float], object],
) -> None:
    """Train and record one network at ``path``."""
    recording = record_network(
        dataset,
        condition=condition,
        seed=seed,
        training=study.training,
        keep_activation="float32",
        progress=lambda _epoch, accuracy: tell(accuracy),
    )
    recording.save(path)


def measure_networks(study: Study, results: Results, tell: Callable[[float], object]) -> None:
    """Write the tables of networks, layers and units."""
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


def train_arm(
    study: Study,
    results: Results,
    dataset: Dataset,
    arm: str,
    seed: int,
    outputs: list[str],
    tell: Callable[[float], object],
) -> None:
    """Train one seed's networks as ``arm`` has it, and write their rows of the bridge's tables."""
    tables, back = [], []
    for number, condition in enumerate(CONDITIONS[1:]):
        tell(number / 2)
        recording = record_network(
            dataset,
            condition=condition,
            seed=seed,
            training=arm_training(arm, study.training),
            keep_activation="float32",
        )
        with results.recording("initialized", seed) as initial:
            tables.append(bridge_tables(recording, initial, dataset.images, arm=arm))
        rng = study.rng(f"way back {arm} {condition} {seed}")
        errors = prediction_errors(recording, dataset.images, rng=rng, n_draws=ARM_DRAWS)
        back.append(errors.assign(arm=arm))
    for output, name in zip(outputs, BRIDGE, strict=False):
        write_table(results.folder / output, pd.concat([getattr(one, name) for one in tables]))
    write_table(results.folder / outputs[-1], pd.concat(back))


def weigh_networks(
    study: Study,
    results: Results,
    dataset: Dataset,
    paths: list[str],
    tell: Callable[[float], object],
) -> None:
    """Write the bridge's tables: the main networks and, from ``paths``, those of the arms."""
    tables = []
    for number, (condition, seed) in enumerate(study.networks):
        with (
            results.recording(condition, seed) as now,
            results.recording("initialized", seed) as initial,
        ):
            tables.append(bridge_tables(now, initial, dataset.images, arm=MAIN))
        tell(number / len(study.networks))
    for place, (name, output) in enumerate(BRIDGE.items()):
        parts = [part for one in tables if (part := getattr(one, name)) is not None]
        parts += [pd.read_csv(results.folder / path) for path in paths[place :: len(BRIDGE) + 1]]
        write_table(results.folder / output, pd.concat(parts))


def predict_back(
    study: Study,
    results: Results,
    dataset: Dataset,
    paths: list[str],
    tell: Callable[[float], object],
) -> None:
    """Write how far activity predicted from weights is from what was recorded; arms from ``paths``."""
    tables = []
    for number, (condition, seed) in enumerate(study.networks):
        rng = study.rng(f"way back {condition} {seed}")
        with results.recording(condition, seed) as recording:
            errors = prediction_errors(recording, dataset.images, rng=rng)
            tables.append(errors.assign(arm=MAIN))
        tell(number / len(study.networks))
    tables += [pd.read_csv(results.folder / path) for path in paths[len(BRIDGE) :: len(BRIDGE) + 1]]
    write_table(results.folder / "way_back.csv", pd.concat(tables))


def read_networks(study: Study, results: Results, tell: Callable[[float], object]) -> None:
    """Write what a penalized read-out leaves of each layer, and which law its magnitudes follow."""
    read, loud = [], []
    for number, (condition, seed) in enumerate(study.networks):
        with results.recording(condition, seed) as recording:
            read.append(read_out_rows(recording, strength=STRENGTHS))
            loud.append(magnitude_fits(recording))
        tell(number / len(study.networks))
    write_table(results.folder / "read_out.csv", pd.concat(read))
    write_table(results.folder / "magnitude_laws.csv", pd.concat(loud))


def read_drawn_layers(study: Study, results: Results, _tell: Callable[[float], object]) -> None:
    """Write what a penalty leaves of drawn layers of memorizing and of generalizing units."""
    rng = study.rng("drawn read-outs")
    for name, table in zip(DRAWN_FILES, drawn_read_outs(DRAWN, STRENGTHS, rng=rng), strict=True):
        write_table(results.folder / name, table)


def map_weights(study: Study, results: Results, _tell: Callable[[float], object]) -> None:
    """Write which weights theory gives to which rates and correlations; no network is in it."""
    n_units, laws = 256, [BetaRates(n_units=256, mean=0.02, concentration=k / 0.02) for k in SHAPES]
    writing = WrittenWeights(
        process=IndependentBernoulli(rate=np.full(n_units, 0.02)),
        n_inputs=128,
        change=VarianceGamma(sd=1.0),
    )
    rng = study.rng("weight map")
    swept = weight_sweep(writing, rates=laws, loading=LOADINGS, n_examples=20_000, rng=rng)
    shape, loading = np.meshgrid(SHAPES, LOADINGS, indexing="ij")
    columns = {"shape": shape, "loading": loading} | {
        field.name: getattr(swept, field.name) for field in fields(swept)
    }
    table = pd.DataFrame({name: np.ravel(values) for name, values in columns.items()})
    write_table(results.folder / "weight_map.csv", table)


def fit_layer(
    study: Study, results: Results, hypothesis: str, layer: str, tell: Callable[[float], object]
) -> None:
    """Answer one hypothesis on one layer; write its posteriors and verdicts."""
    finding = _compare(study, results, hypothesis, layer, tell)
    write_finding(results.folder, hypothesis, layer, finding)


def _compare(
    study: Study, results: Results, hypothesis: str, layer: str, tell: Callable[[float], object]
) -> Finding:
    statistics = {network: results.statistics(*network)[layer] for network in study.networks}
    n_examples = next(iter(statistics.values())).n_examples
    how = {
        "layer": layer,
        "rng": study.rng(f"fit {hypothesis} {layer}"),
        "data": f"{n_examples} training examples of {study.dataset}, {study.seeds} seeds, trained for "
        + " and ".join(_epochs(results, condition) for condition in CONDITIONS[1:]),
        "draws": study.draws,
        "progress": lambda done, due: tell(done / due),
    }
    layers = {
        (condition, seed): MeasuredLayer(
            statistics=statistics[condition, seed],
            true_classes=results.statistics(condition, seed, classes="true_label")[layer],
            aligned=results.alignment(condition, seed, layer).aligned if hypothesis == "H4" else None,
            weight=results.weight(condition, seed, layer),
            initial=results.weight("initialized", seed, layer),
        )
        for condition, seed in study.networks
    }
    return answer(hypothesis, layers, **how)


def draw_processes(study: Study, results: Results, tell: Callable[[float], object]) -> None:
    """Draw processes at the fitted parameters and write their statistics."""
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


def _epochs(results: Results, condition: str) -> str:
    """Return how long the networks of a condition were trained, which moves what is compared."""
    epochs = results.networks.query("condition == @condition")["epochs"]
    return f"{epochs.min()} to {epochs.max()} ({condition})"
