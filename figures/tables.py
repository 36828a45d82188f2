"""The report's tables: how networks were trained, and statistics of layers over networks."""

import numpy as np
import pandas as pd

from .style import layer_title, present

STATISTICS = (  # what it is called, its unit, its column, the classes that it goes by
    ("Mean rate", "share of examples", "mean_rate", "label"),
    ("Median rate", "share of examples", "median_rate", "label"),
    ("Skewness of rates, living units", "", "rate_skewness", "label"),
    ("Units with rate below 0.05, dead ones included", "share of units", "rare_share", "label"),
    ("Dead units", "units", "dead_units", "label"),
    ("Fano factor, as presented", "", "fano_factor", "label"),
    ("Excess Fano factor, as presented", "", "excess_fano", "label"),
    ("Fano factor, by class", "", "class_fano_factor", "label"),
    ("Excess Fano factor, by class", "", "class_excess_fano", "label"),
    ("Excess Fano factor, by true class", "", "class_excess_fano", "true_label"),
    ("Variance between classes", "share", "class_share", "label"),
    ("Variance between true classes", "share", "class_share", "true_label"),
    ("Population count, mean", "units", "population_mean", "label"),
    ("Population count, variance", "units²", "population_variance", "label"),
    ("Pair correlation, mean", "", "mean_pair_correlation", "label"),
    ("Pair correlation, standard deviation", "", "sd_pair_correlation", "label"),
    ("Participation ratio", "dimensions", "participation_ratio", "label"),
    ("Mean magnitude", "activation", "mean_magnitude", "label"),
    ("Norm of weights, L1", "", "weight_norm_l1", "label"),
    ("Norm of weights, L2", "", "weight_norm_l2", "label"),
    ("L1/L2 ratio of weights", "", "weight_l1_l2_ratio", "label"),
    ("Excess kurtosis of weights", "", "weight_excess_kurtosis", "label"),
    ("Norm of change, L2", "", "change_norm_l2", "label"),
    ("L1/L2 ratio of change", "", "change_l1_l2_ratio", "label"),
    ("Excess kurtosis of change", "", "change_excess_kurtosis", "label"),
)
BRIDGE = (  # what it is called, its column
    ("L1/L2 ratio of the change", "change_l1_l2_ratio"),
    ("predicted", "due_l1_l2_ratio"),
    ("by rates alone", "rates_only_l1_l2_ratio"),
    ("Excess kurtosis of the change", "change_excess_kurtosis"),
    ("predicted", "due_excess_kurtosis"),
    ("by rates alone", "rates_only_kurtosis"),
    ("Agreement of row cosines", "row_fit"),
    ("Exponent of the inputs", "column_exponent"),
    ("Participation ratio", "change_participation_ratio"),
    ("predicted", "due_participation_ratio"),
    ("corrected", "corrected_participation_ratio"),
    ("Squares in the greatest singular value", "change_top_share"),
    ("predicted", "due_top_share"),
    ("Share along the mean input", "change_mean_share"),
    ("Coherence exponent", "coherence_exponent"),
    ("Imbalance", "imbalance"),
)
SHAPES = (  # of the weights themselves
    ("L1/L2 ratio", "weight_l1_l2_ratio"),
    ("predicted", "due_weight_l1_l2_ratio"),
    ("Excess kurtosis", "weight_excess_kurtosis"),
    ("predicted", "due_weight_excess_kurtosis"),
    ("Exponent q", "weight_exponent"),
    ("predicted", "due_weight_exponent"),
    ("Zero weights", "zero_weights"),
    ("Units erased", "erased"),
)
NONE = "–"


def network_rows(networks: pd.DataFrame) -> list[dict[str, object]]:
    """Return the texts of the table of networks, a row each, and whether training ``failed``."""
    return [
        {
            "network": row.network,
            "epochs": str(row.epochs),
            "training": f"{row.training_accuracy:.2%}".replace("%", " %"),
            "held_out": f"{row.held_out_accuracy:.1%}".replace("%", " %"),
            "loss": f"{row.loss:.3g}",
            "state": state(row),
            "failed": row.condition != "initialized" and not row.reached,
        }
        for row in networks.itertuples()
    ]


def state(network: object) -> str:
    """Return in words whether a network (a row of the table) learned all its training labels."""
    if network.condition == "initialized":
        return "not trained"
    if network.reached:
        return "all training labels learned"
    return f"NOT all training labels learned within {network.epochs} epochs"


def layer_rows(layers: pd.DataFrame) -> dict[str, list[dict[str, object]]]:
    """Return the texts of the table of statistics: for each layer a row for each statistic.

    ``cells`` holds mean ± sd over networks for each condition, on training and on held-out examples.
    A statistic of weights, which knows no examples, has its second text empty.
    """
    rows: dict[str, list[dict[str, object]]] = {}
    conditions = present(layers["condition"])
    for layer, here in layers.groupby("layer", sort=False):
        for name, unit, column, classes in STATISTICS:
            cells = []
            for condition in conditions:
                of_condition = here[here["condition"] == condition]
                training = of_condition[
                    (of_condition["examples"] == "training") & (of_condition["classes"] == classes)
                ]
                cells.append(mean_sd(training[column]))
                held_out = of_condition[of_condition["examples"] == "held-out"]
                of_weights = column.startswith(("weight", "change"))
                cells.append("" if of_weights else mean_sd(held_out[column]))
            row = {"name": name, "unit": unit, "cells": cells}
            rows.setdefault(layer_title(layer), []).append(row)
    return rows


def bridge_rows(
    bridge: pd.DataFrame, columns: tuple[tuple[str, str], ...]
) -> dict[str, list[dict[str, object]]]:
    """Return for each layer the rows, an arm and condition each, of a table of named ``columns``."""
    rows: dict[str, list[dict[str, object]]] = {}
    groups = bridge.groupby(["layer", "arm", "condition"], sort=False)
    for (layer, arm, condition), here in groups:
        cells = [mean_sd(here[column]) for _, column in columns]
        rows.setdefault(layer_title(layer), []).append(
            {"arm": arm, "condition": condition, "cells": cells}
        )
    return rows


def back_rows(way_back: pd.DataFrame) -> list[dict[str, object]]:
    """Return the rows of the table of activity predicted from weights and recorded inputs."""
    columns = ("rate_error", "magnitude_error", "correlation_slope", "correlation_error")
    columns += ("population_distance", "independent_distance")
    here = way_back[way_back["moments"] == "recorded"]
    return [
        {
            "layer": layer_title(layer),
            "arm": arm,
            "condition": condition,
            "cells": [mean_sd(rows[column]) for column in columns],
        }
        for (layer, arm, condition), rows in here.groupby(["layer", "arm", "condition"], sort=False)
    ]


def mean_sd(values: pd.Series) -> str:
    """Return mean ± standard deviation, to the deviation's second digit; a dash if nothing is known."""
    known = values.dropna()
    if known.empty:
        return NONE
    mean, deviation = known.mean(), known.std()
    if len(known) == 1 or not deviation > 0:
        told = f"{mean:.3g}"
    else:
        decimals = int(np.clip(1 - np.floor(np.log10(deviation)), 0, 6))
        told = f"{mean:.{decimals}f} ± {deviation:.{decimals}f}"
    return told.replace("-", "−")


def trained(networks: pd.DataFrame, condition: str) -> str:
    """Return in words how long the networks of a condition were trained, and to which loss."""
    rows = networks[networks["condition"] == condition]
    epochs, loss = rows["epochs"], rows["loss"]
    return (
        f"{condition} networks for {epochs.min()} to {epochs.max()} epochs, "
        f"to a loss of {loss.min():.2g} to {loss.max():.2g}"
    )
