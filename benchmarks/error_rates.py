"""Error rates and power of verdicts and classical tests, measured again: docs/error_rates.md and .png.

    python benchmarks/error_rates.py [--initialized 960] [--generalizing 320] [--sets 1000] [--out docs]

Null networks are perceptrons 64-128-128-10 on digits, untrained or trained to generalize; every network
takes part in one comparison of each size. The words of the page are in error_rates_page.md.
"""

import argparse
import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd

from rote.figures.error_rates import draw_error_rates
from rote.figures.style import save
from rote.validate import Training, digits
from rote.validate.error_rates import ANSWERS, Simulated, compare, compare_claim, pooled_rates, rates
from rote.validate.null_networks import TOLD, claim_values

SIZES = (4, 6, 8)  # networks of each condition in a null comparison
SIMULATED = (2, 4, 6, 8, 16)
SPREADS = (0.2, 1.0, 3.0, 5.0)  # sd between simulated networks, over what claims expect
DIFFERENCES = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0)  # in standard deviations between networks
N_TWINS = 100  # simulated comparisons on which classical tests are run
HEADS = {
    "for_none": "Bayes factor of 3 for none",
    "for_some": "of 3 for some",
    "permutation": "permutation, p ≤ .05",
    "mixed_model": "mixed model",
}


def null_comparisons(values: pd.DataFrame) -> pd.DataFrame:
    """Return every comparison of null networks: a row for each claim, layer, size and group."""
    tables = []
    for (layer, quantity), rows in values.groupby(["layer", "quantity"], sort=False):
        for n_networks in SIZES:
            table = compare_claim(TOLD[quantity], rows["value"].to_numpy(), n_networks)
            who = {"layer": layer, "quantity": quantity, "n_networks": n_networks}
            tables.append(table.assign(hypothesis=TOLD[quantity].hypothesis, group=table.index, **who))
    return pd.concat(tables, ignore_index=True)


def simulated_nulls(n_sets: int) -> pd.DataFrame:
    """Return comparisons of networks from the hierarchy without a difference."""
    tables = []
    for network_sd in SPREADS:
        for n_networks in SIMULATED:
            process = Simulated(n_networks=n_networks, network_sd=network_sd)
            rng = np.random.default_rng([n_networks, int(10 * network_sd)])
            n_twins = N_TWINS if network_sd == 1 and n_networks in SIZES else 0
            table = compare(process.sample(n_sets, rng=rng), process.networks, n_twins=n_twins)
            tables.append(table.assign(network_sd=network_sd, n_networks=n_networks))
    return pd.concat(tables, ignore_index=True)


def simulated_power(n_sets: int) -> pd.DataFrame:
    """Return comparisons of networks from the hierarchy with differences."""
    tables = []
    for difference in DIFFERENCES:
        for n_networks in SIMULATED:
            process = Simulated(n_networks=n_networks, difference=difference)
            rng = np.random.default_rng([n_networks, int(10 * difference), 1])
            table = compare(process.sample(n_sets, rng=rng), process.networks, n_twins=0)
            tables.append(table.assign(difference=difference, n_networks=n_networks))
    return pd.concat(tables, ignore_index=True)


def either(comparisons: pd.DataFrame) -> pd.DataFrame:
    """Return the comparisons with any direction called under one name, for the figure."""
    called = np.where(comparisons["decision"] == "undecided", "undecided", "supported")
    return comparisons.assign(decision=called)


def answers(table: pd.DataFrame, by: dict[str, str]) -> str:
    """Return shares in Markdown, a row for each value of ``by`` (columns to heads)."""
    told = [f"{row.share:.3f} ({row.low:.3f}–{row.high:.3f})" for row in table.itertuples()]
    wide = table.assign(told=told).groupby([*by, "answer"], sort=False)["told"].first().unstack("answer")
    wide = wide[[answer for answer in ANSWERS if answer in wide]].rename(columns=HEADS).fillna("–")
    return markdown(wide.reset_index().rename(columns=by))


def spreads(values: pd.DataFrame) -> str:
    """Return in Markdown how much null networks differ, in what claims expect."""
    sd = values.groupby(["hypothesis", "quantity", "condition", "layer"], sort=False)["value"].std()
    wide = sd.unstack(["condition", "layer"]).round(2)
    wide.columns = [f"{condition}, {layer.replace('_', ' ')}" for condition, layer in wide.columns]
    return markdown(wide.reset_index())


def powers(table: pd.DataFrame) -> str:
    """Return the probability of "supported" in Markdown: networks by difference."""
    supported = table[table["answer"] == "supported"]
    wide = supported.pivot(index="n_networks", columns="difference", values="share").map("{:.2f}".format)
    wide.columns = [f"{difference:g} sd" for difference in wide.columns]
    return markdown(wide.reset_index().rename(columns={"n_networks": "networks"}))


def markdown(table: pd.DataFrame) -> str:
    """Return a table in Markdown."""
    lines = [list(table.columns), ["---"] * table.shape[1], *table.to_numpy().tolist()]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def main() -> None:
    """Measure everything and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--initialized", type=int, default=960, help="untrained networks")
    parser.add_argument("--generalizing", type=int, default=320, help="trained networks")
    parser.add_argument("--sets", type=int, default=1000, help="simulated comparisons of each kind")
    parser.add_argument("--out", type=Path, default=Path("docs"), help="folder of the page")
    asked = parser.parse_args()
    how, values = {"training": Training()}, []
    for condition in ("initialized", "generalizing"):
        seeds = range(getattr(asked, condition))
        values.append(claim_values(digits(), condition=condition, seeds=seeds, **how))
    print("networks are trained and measured", flush=True)
    null = pd.concat([null_comparisons(one).assign(condition=one["condition"].iat[0]) for one in values])
    null["cluster"] = null["condition"] + null["group"].astype(str)
    null["quantity"] = null["quantity"].where(null["hypothesis"] != "H7", "H7")
    print("null networks are compared", flush=True)
    simulated, power = simulated_nulls(asked.sets), simulated_power(asked.sets // 2)
    write(asked.out, vars(asked), pd.concat(values), null, simulated, power)


def write(
    out: Path,
    asked: dict[str, object],
    values: pd.DataFrame,
    null: pd.DataFrame,
    simulated: pd.DataFrame,
    power: pd.DataFrame,
) -> None:
    """Write the page and its figure."""
    directed = null[null["quantity"] != "H7"]
    by = {"condition": "networks", "n_networks": "of each kind"}
    sides = {"network_sd": "sd over that expected", "n_networks": "of each kind"}
    four = directed[directed["n_networks"] == SIZES[0]]
    powers_of = rates(power, ["n_networks", "difference"])
    page = Path(__file__).with_name("error_rates_page.md").read_text(encoding="utf-8")
    page = page.format(
        initialized=asked["initialized"],
        generalizing=asked["generalizing"],
        sets=asked["sets"],
        power_sets=asked["sets"] // 2,
        twins=N_TWINS,
        pooled=answers(pooled_rates(directed, list(by), cluster="group"), by),
        claims=answers(pooled_rates(four, ["quantity"], cluster="cluster"), {"quantity": "quantity"}),
        h7=answers(pooled_rates(null[null["quantity"] == "H7"], list(by), cluster="group"), by),
        spreads=spreads(values),
        simulated=answers(rates(simulated, list(sides)), sides),
        power=powers(powers_of),
    )
    out.mkdir(parents=True, exist_ok=True)
    (out / "error_rates.md").write_text(page, encoding="utf-8")
    drawn = [
        pooled_rates(either(directed), ["condition", "n_networks"], cluster="group"),
        rates(either(simulated), ["network_sd", "n_networks"]),
    ]
    drawn[0]["source"] = drawn[0]["condition"] + " networks"
    drawn[1]["source"] = "simulated, sd × " + drawn[1]["network_sd"].map("{:g}".format)
    called = pd.concat(drawn).query("answer == 'supported'")
    found = powers_of[powers_of["answer"] == "supported"]
    save(draw_error_rates(called, found), out / "error_rates.png")


if __name__ == "__main__":
    main()
