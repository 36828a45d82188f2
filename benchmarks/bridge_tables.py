"""The tables of docs/bridge.md that no other command gives, measured again.

    python benchmarks/bridge_tables.py

Perceptrons 64-128-128-10 on digits, two seeds, trained as in the study: laws of magnitudes, and activity
predicted from weights by the moments of the data, over all examples and within classes. Drawn layers of
200 units and 5,000 examples: what a penalized read-out leaves.
"""

import numpy as np
import pandas as pd

from rote.activity.words import CONDITIONS
from rote.simulate import BetaRates, DichotomizedGaussian, IndependentBernoulli, LoneUnits
from rote.validate import Training, digits, record_network
from rote.validate.magnitude_fits import magnitude_fits
from rote.validate.read_out import solve_read_out
from rote.validate.way_back import prediction_errors

STRENGTHS = (1.0, 10.0, 30.0, 100.0, 300.0)
ERRORS = ["rate_spread", "rate_error", "correlation_slope", "correlation_error", "correlation_spread"]
ERRORS += ["magnitude_error", "population_shift", "population_distance", "independent_distance"]


def networks() -> None:
    """Print laws of magnitudes and errors of activity predicted from weights."""
    dataset, laws, errors = digits(), [], []
    for condition in CONDITIONS:
        for seed in (0, 1):
            how = {"condition": condition, "seed": seed, "training": Training()}
            recording = record_network(dataset, keep_activation="float32", **how)
            laws.append(magnitude_fits(recording))
            for classes in (None, "true_label", "label"):
                rng = np.random.default_rng([seed, *condition.encode()])
                table = prediction_errors(recording, dataset.images, rng=rng, classes=classes)
                errors.append(table.assign(classes=classes or "none"))
    show(pd.concat(laws), ["condition", "layer", "law"], ["log_density", "best_share"])
    show(pd.concat(errors), ["condition", "layer", "moments", "classes"], ERRORS)


def read_outs() -> None:
    """Print what penalties leave of a memorizing and of a generalizing layer."""
    rng = np.random.default_rng(0)
    for name, (a, b), loading in (("memorizing", (1, 199), 0.0), ("generalizing", (2, 10), 0.4)):
        rate = BetaRates(n_units=200, mean=a / (a + b), concentration=a + b).sample(rng=rng)
        alone = IndependentBernoulli(rate=rate)
        process = DichotomizedGaussian(rate=rate, loading=loading) if loading else alone
        activity, weight = process.sample(5000, rng=rng), rng.choice([-1.0, 1.0], size=200)
        lone = LoneUnits(rate=rate, target=weight, n_examples=5000)
        print(f"\n{name}: {int(activity.any(axis=0).sum())} living units")
        for penalty in ("l1", "l2"):
            solved = solve_read_out(activity, activity @ weight, penalty=penalty, strength=STRENGTHS)
            columns = {"survivors": solved.survivors, "norm_l1": solved.norm_l1}
            columns |= {"norm_l2": solved.norm_l2, "unexplained": solved.unexplained}
            if penalty == "l1":
                columns["lone_survivors"] = lone.survivors(STRENGTHS)
            print(pd.DataFrame(columns, index=STRENGTHS).round(3).to_string())


def show(table: pd.DataFrame, by: list[str], columns: list[str]) -> None:
    """Print means over networks."""
    print(table.groupby(by, sort=False)[columns].mean().round(4).to_string(), flush=True)


if __name__ == "__main__":
    networks()
    read_outs()
