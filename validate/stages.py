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
from .read_out import read_out_rows
from .results import Results
from .settings import Study
from .steps import write_table
from .tables import layer_rows, network_row, unit_rows
from .twins import draw_twins
from .way_back import prediction_errors

SHAPES = (0.5, 0.7, 1.0, 1.5, 2.5, 5.0, 15.0, 100.0)  # of the units' nearly Gamma rates
STRENGTHS = (3.0, 10.0, 30.0, 100.0, 300.0)  # of the penalty on a read-out
LOADINGS = (0.0, 0.3, 0.6)  # on a factor common to the units


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
    tables = []
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
    for output, parts in zip(outputs, zip(*tables, strict=True), strict=True):
        write_table(results.folder / output, pd.concat(parts))


def weigh_networks(
    study: Study,
    results: Results,
    dataset: Dataset,
    paths: list[str],
    tell: Callable[[float], object],
) -> None:
    """Write the bridge's tables: the main networks and, from ``paths``, those of the arms."""
    layers, units = [], []
    trained = [network for network in study.networks if network[0] != "initialized"]
    for number, (condition, seed) in enumerate(trained):
        with (
            results.recording(condition, seed) as now,
            results.recording("initialized", seed) as initial,
        ):
            of_layers, of_units = bridge_tables(now, initial, dataset.images, arm=MAIN)
        layers.append(of_layers)
        units.append(of_units)
        tell(number / len(trained))
    layers += [pd.read_csv(results.folder / path) for path in paths[::2]]
    units += [pd.read_csv(results.folder / path) for path in paths[1::2]]
    write_table(results.folder / "bridge.csv", pd.concat(layers))
    write_table(results.folder / "bridge_units.csv", pd.concat(units))


def predict_back(
    study: Study, results: Results, dataset: Dataset, tell: Callable[[float], object]
) -> None:
    """Write how far activity predicted from weights is from what was recorded."""
    tables = []
    for number, (condition, seed) in enumerate(study.networks):
        rng = study.rng(f"way back {condition} {seed}")
        with results.recording(condition, seed) as recording:
            tables.append(prediction_errors(recording, dataset.images, rng=rng))
        tell(number / len(study.networks))
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
