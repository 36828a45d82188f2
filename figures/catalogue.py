"""Every figure of a study: its name, its title, what it is drawn from and what is said of it."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ..validate.arms import MAIN
from ..validate.results import Results
from ..validate.twins import N_REPLICATES
from . import (
    arm_weights,
    arms,
    correlation,
    drawn_read_out,
    fano,
    magnitude_laws,
    magnitudes,
    norms,
    population,
    rates,
    read_out,
    spectra,
    summary,
    verdicts,
    way_back,
    weight_map,
    weights,
)
from .style import present, sign


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One figure of a study."""

    name: str  # of its files
    title: str
    from_results: Callable[[Results], Figure]
    words: str  # the caption, with fields of ``facts``

    def draw(self, results: Results) -> Figure:
        """Draw the figure and write below it where it comes from."""
        return sign(self.from_results(results), footer(results))

    def caption(self, results: Results) -> str:
        """Return the caption, in one line."""
        return self.words.format(**facts(results)).replace("\n", " ")


def facts(results: Results) -> dict[str, object]:
    """Return the numbers that captions tell."""
    layers = results.layers
    n_examples = layers.groupby("examples")["n_examples"].first()
    n_units = layers.groupby("layer", sort=False)["n_units"].first().unique()
    n_training = int(n_examples["training"])
    return {
        "dataset": results.settings["dataset"],
        "n_seeds": len(results.seeds),
        "first_seed": results.seeds[0],
        "n_training": n_training,
        "n_held_out": int(n_examples["held-out"]),
        "n_counted": n_training // 2,
        "n_units": " or ".join(map(str, n_units)),
        "n_replicates": N_REPLICATES,
        "window": results.settings["window"],
        "n_windows": n_training // results.settings["window"],
        "bin_width": np.diff(rates.EDGES)[0],
        "least": fano.LEAST,
        "reach": weights.REACH,
    }


def footer(results: Results) -> str:
    """Return data, seeds, version and commit in one line."""
    seeds, made_with = results.seeds, results.settings["made_with"]
    version = f"rote {made_with['rote']}"
    if "commit" in made_with:
        version += f", commit {made_with['commit']}"
    return f"{results.settings['dataset']} · seeds {seeds[0]} to {seeds[-1]} · {version}"


def own_labels(results: Results) -> pd.DataFrame:
    """Return the rows of the layers' table on training examples, classes as trained towards."""
    layers = results.layers
    return layers[(layers["examples"] == "training") & (layers["classes"] == "label")]


def of_trained(bridge: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of networks that were trained."""
    return bridge[bridge["condition"] != "initialized"]


def _verdicts(results: Results, *, of_weights: bool) -> Figure:
    told = [v for v in results.verdicts if (v.hypothesis in ("H6", "H7")) == of_weights]
    return verdicts.draw_verdicts(told)


def _rates(results: Results) -> Figure:
    law = {}
    for layer in results.layer_names:
        with results.posterior("rates", layer) as tree:
            posterior = tree["posterior"].to_dataset().load()
        for condition in present(results.networks["condition"]):
            law[condition, layer] = rates.beta_law(posterior, condition)
    return rates.draw_rates(results.units, law)


def _fano(results: Results) -> Figure:
    return fano.draw_fano(results.units, n_windows=facts(results)["n_windows"])


def _population(results: Results) -> Figure:
    table = results.population
    return population.draw_population(table[table["seed"] == results.seeds[0]])


def _correlation(results: Results) -> Figure:
    rng = np.random.default_rng([results.seeds[0], *b"independent units"])
    recorded = {
        (condition, layer): [results.statistics(condition, seed)[layer] for seed in results.seeds]
        for condition in present(results.networks["condition"])
        for layer in results.layer_names
    }
    independent = {
        place: [correlation.independent_twin(statistics, rng=rng) for statistics in networks]
        for place, networks in recorded.items()
    }
    return correlation.draw_correlation(recorded, independent, own_labels(results))


def _weights(results: Results) -> Figure:
    weight, change = defaultdict(list), defaultdict(list)
    for seed in results.seeds:
        for layer in results.layer_names:
            initial = results.weight("initialized", seed, layer)
            for condition in present(results.networks["condition"]):
                now = results.weight(condition, seed, layer)
                weight[condition, layer].append(weights.standardized(now))
                if condition != "initialized":
                    change[condition, layer].append(weights.standardized(now - initial))
    pooled = ({place: np.concatenate(each) for place, each in of.items()} for of in (weight, change))
    return weights.draw_weights(*pooled, own_labels(results))


CATALOGUE = (
    Entry(
        name="verdicts",
        title="What each hypothesis on activity comes to",
        from_results=lambda results: _verdicts(results, of_weights=False),
        words=verdicts.CAPTION,
    ),
    Entry(
        name="weight_verdicts",
        title="What each hypothesis on weights and magnitudes comes to",
        from_results=lambda results: _verdicts(results, of_weights=True),
        words=verdicts.CAPTION,
    ),
    Entry(name="rates", title="Activation rates", from_results=_rates, words=rates.CAPTION),
    Entry(name="fano", title="Fano factor in two orders", from_results=_fano, words=fano.CAPTION),
    Entry(
        name="population", title="Population counts", from_results=_population, words=population.CAPTION
    ),
    Entry(
        name="correlation",
        title="Correlation, spectrum, participation ratio",
        from_results=_correlation,
        words=correlation.CAPTION,
    ),
    Entry(
        name="weights", title="Weights and their change", from_results=_weights, words=weights.CAPTION
    ),
    Entry(
        name="magnitudes",
        title="Magnitude against rate",
        from_results=lambda results: magnitudes.draw_magnitudes(results.units),
        words=magnitudes.CAPTION,
    ),
    Entry(
        name="magnitude_laws",
        title="Laws of magnitudes",
        from_results=lambda results: magnitude_laws.draw_magnitude_laws(results.magnitude_laws),
        words=magnitude_laws.CAPTION,
    ),
    Entry(
        name="read_out",
        title="What a penalty leaves of a read-out",
        from_results=lambda results: read_out.draw_read_out(results.read_out),
        words=read_out.CAPTION,
    ),
    Entry(
        name="drawn_read_out",
        title="Read-outs of drawn layers",
        from_results=lambda results: drawn_read_out.draw_drawn_read_out(
            results.drawn_read_out, results.drawn_weights
        ),
        words=drawn_read_out.CAPTION,
    ),
    Entry(
        name="weight_map",
        title="From the law of the rates to the norm that weights obey",
        from_results=lambda results: weight_map.draw_weight_map(results.weight_map),
        words=weight_map.CAPTION,
    ),
    Entry(
        name="bridge",
        title="Weights predicted from activity",
        from_results=lambda results: arms.draw_arms(of_trained(results.bridge), arms.WEIGHTS),
        words=arms.WEIGHTS_CAPTION,
    ),
    Entry(
        name="arm_weights",
        title="Weights without penalty, with L2 and with L1, beside their laws",
        from_results=lambda results: arm_weights.draw_arm_weights(results.bridge_densities),
        words=arm_weights.CAPTION,
    ),
    Entry(
        name="weight_shapes",
        title="Shapes of the weights, arm by arm",
        from_results=lambda results: arms.draw_arms(results.bridge, arms.SHAPES),
        words=arms.SHAPES_CAPTION,
    ),
    Entry(
        name="spectra",
        title="Singular values of the change",
        from_results=lambda results: spectra.draw_spectra(results.bridge_spectra),
        words=spectra.CAPTION,
    ),
    Entry(
        name="directions",
        title="Directions of the change, arm by arm",
        from_results=lambda results: arms.draw_arms(of_trained(results.bridge), arms.DIRECTIONS),
        words=arms.DIRECTIONS_CAPTION,
    ),
    Entry(
        name="norms",
        title="How far weights move, and which units L1 erases",
        from_results=lambda results: norms.draw_norms(results.bridge_units),
        words=norms.CAPTION,
    ),
    Entry(
        name="balance",
        title="Exponents, balance and erased units, arm by arm",
        from_results=lambda results: arms.draw_arms(of_trained(results.bridge), arms.NORMS),
        words=arms.NORMS_CAPTION,
    ),
    Entry(
        name="way_back",
        title="Activity predicted from weights",
        from_results=lambda results: way_back.draw_way_back(
            results.way_back[results.way_back["arm"] == MAIN]
        ),
        words=way_back.CAPTION,
    ),
    Entry(
        name="summary",
        title="Layer statistics, training and held-out",
        from_results=lambda results: summary.draw_summary(results.layers),
        words=summary.CAPTION,
    ),
)
