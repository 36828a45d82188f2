"""Figures: what is drawn is what was given, it is named, and the bytes repeat."""

from itertools import pairwise

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.text import Text
from scipy import stats

from rote.activity.measurement import measure
from rote.activity.words import CONDITIONS
from rote.figures.arm_weights import draw_arm_weights
from rote.figures.arms import DIRECTIONS, NORMS, WEIGHTS, draw_arms
from rote.figures.carries import carries
from rote.figures.correlation import draw_correlation, independent_twin, spectrum
from rote.figures.drawn_read_out import draw_drawn_read_out
from rote.figures.fano import draw_fano, sampling_band
from rote.figures.magnitudes import draw_magnitudes, fit_sigma
from rote.figures.norms import draw_norms
from rote.figures.population import draw_population
from rote.figures.rates import EDGES, beta_law, draw_rates
from rote.figures.read_out import draw_read_out
from rote.figures.spectra import draw_spectra
from rote.figures.style import COLOR, present, save, sign
from rote.figures.summary import STATISTICS, draw_summary
from rote.figures.tables import layer_rows, mean_sd, network_rows
from rote.figures.verdicts import draw_verdicts
from rote.figures.weights import draw_weights, standardized
from rote.inference.verdict import Level, Twin, Verdict
from rote.simulate.magnitudes import RectifiedMagnitude
from rote.validate.arms import ARMS

SEEDS, N_UNITS = (3, 4), 30
LAYERS = ("hidden_1", "hidden_2")


def frame(columns, n_rows, rng, layers=LAYERS):
    """A table with a block of rows for each condition, seed and layer, values uniform in (0, 1)."""
    blocks = [
        pd.DataFrame(
            {"condition": c, "seed": s, "layer": y} | {name: rng.random(n_rows) for name in columns}
        )
        for c in CONDITIONS
        for s in SEEDS
        for y in layers
    ]
    return pd.concat(blocks, ignore_index=True)


def units(rng, layers=LAYERS):
    columns = ("rate", "fano_factor", "class_fano_factor", "class_fano_factor_due", "mean_magnitude")
    table = frame(columns, N_UNITS, rng, layers)
    dead = table.groupby(["condition", "seed", "layer"]).head(1).index
    table.loc[dead, "rate"] = 0.0
    table.loc[dead, list(columns[1:])] = np.nan
    return table


def flat_law():
    share = np.full(EDGES.size - 1, 1 / (EDGES.size - 1))
    return pd.DataFrame({"mean": share, "low": share / 2, "high": share * 2})


def drawn(axes, color, n_points):
    """The (x, y) of the only line of ``n_points`` in ``color``, as line or as marker."""
    found = [
        np.array(line.get_xydata(), dtype=float)
        for line in axes.lines
        if color in (line.get_color(), line.get_markerfacecolor()) and len(line.get_xdata()) == n_points
    ]
    assert len(found) == 1
    return found[0]


def texts(figure):
    return [text.get_text() for text in figure.findobj(Text)]


def grid(figure, n_columns):
    return np.array(figure.axes).reshape(-1, n_columns)


def test_rates_are_distributions_of_living_units_beside_their_law(rng):
    table = units(rng)
    law = {(c, y): flat_law() for c in CONDITIONS for y in LAYERS}
    figure = draw_rates(table, law)
    axes = grid(figure, 2)
    here = table[(table["layer"] == "hidden_2") & (table["condition"] == "memorizing")]
    living = here.loc[here["rate"] > 0, "rate"]
    x, y = drawn(axes[0, 1], COLOR["memorizing"], len(living) + 1).T
    assert x[1:] == pytest.approx(np.sort(living))
    assert y == pytest.approx(np.linspace(0, 1, len(living) + 1))
    bars, band, center = (patch.get_data() for patch in axes[3, 1].patches)
    assert bars.values == pytest.approx(np.histogram(living, EDGES)[0] / len(living))
    assert center.values == pytest.approx(flat_law()["mean"])
    assert band.values == pytest.approx(flat_law()["high"])
    assert band.baseline == pytest.approx(flat_law()["low"])
    assert f"dead: {len(SEEDS)} of {len(SEEDS) * N_UNITS} units" in texts(figure)
    assert {"hidden layer 1", "hidden layer 2", *CONDITIONS} <= set(texts(figure))


def test_beta_law_is_the_posteriors():
    mean, concentration = np.array([[0.2, 0.4]]), np.array([[3.0, 5.0]])
    coords = {"condition": ["memorizing"]}
    dims = ("chain", "draw", "condition")
    posterior = xr.Dataset(
        {
            "condition_mean": (dims, mean[..., None]),
            "condition_concentration": (dims, concentration[..., None]),
        },
        coords=coords,
    )
    shares = [
        np.diff(stats.beta.cdf(EDGES, m * k, (1 - m) * k))
        for m, k in zip(mean[0], concentration[0], strict=True)
    ]
    law = beta_law(posterior, "memorizing")
    assert law["mean"].to_numpy() == pytest.approx(np.mean(shares, axis=0))
    assert law["low"].to_numpy() == pytest.approx(np.quantile(shares, 0.05, axis=0))
    assert law["mean"].sum() == pytest.approx(1)


def test_fano_factors_stand_over_rates_and_over_what_is_due(rng):
    table = units(rng)
    figure = draw_fano(table, n_windows=71)
    axes = grid(figure, 2)
    here = table[
        (table["layer"] == "hidden_1") & (table["condition"] == "generalizing") & (table["rate"] > 0)
    ]
    color, n = COLOR["generalizing"], len(here)
    assert drawn(axes[0, 0], color, n) == pytest.approx(here[["rate", "fano_factor"]].to_numpy())
    assert drawn(axes[1, 0], color, n) == pytest.approx(here[["rate", "class_fano_factor"]].to_numpy())
    due = here[["class_fano_factor_due", "class_fano_factor"]].to_numpy()
    assert drawn(axes[2, 0], color, n) == pytest.approx(due.clip(0.01))
    rate, law = next(line for line in axes[0, 0].lines if len(line.get_xdata()) == 101).get_xydata().T
    assert law == pytest.approx(1 - rate)
    assert axes[1, 0].get_ylim() == axes[1, 1].get_ylim()


def test_sampling_band_holds_nine_in_ten_counts(rng):
    n_windows, window, n_units = 71, 20, 20_000
    for rate in (0.1, 0.5, 0.9):
        counts = rng.binomial(window, rate, (n_units, n_windows))
        mean = counts.mean(axis=1)
        low, high = sampling_band(mean / window, n_windows)
        fano = counts.var(axis=1, ddof=1) / mean
        inside = ((low <= fano) & (fano <= high)).mean()
        assert 0.89 < inside < 0.93  # 0.90 in the limit; 4.7 standard errors off: 1e-6
        below, above = sampling_band(mean / window, 2 * n_windows)  # the test can fail
        assert ((below <= fano) & (fano <= above)).mean() < 0.89


def test_population_counts_recorded_drawn_and_predicted(rng):
    count = np.arange(N_UNITS + 1)
    blocks = []
    for condition in CONDITIONS:
        for layer in LAYERS:
            for counted in ("active", "aligned"):
                recorded = rng.integers(1, 9, count.size)
                columns = {"population_count": count, "recorded": recorded, "predicted": recorded + 0.5}
                band = {"drawn_low": recorded - 1, "drawn_high": recorded + 1}
                names = {"condition": condition, "layer": layer, "counted": counted}
                blocks.append(pd.DataFrame(names | columns | band))
    table = pd.concat(blocks)
    figure = draw_population(table)
    axes = grid(figure, 4)
    here = table.query("condition == 'memorizing' and layer == 'hidden_2' and counted == 'active'")
    xy = here[["population_count", "recorded"]].to_numpy()
    assert drawn(axes[2, 2], COLOR["memorizing"], count.size) == pytest.approx(xy)
    law = next(line for line in axes[2, 2].lines if line.get_marker() == "None").get_ydata()
    assert law == pytest.approx(here["predicted"].to_numpy())
    assert axes[2, 2].get_xlabel() == "count of units"
    assert "hidden layer 2\naligned units" in texts(figure)


def test_correlation_draws_spectra_and_participation_ratios(rng):
    recorded = {
        (c, y): [measure(rng.random((200, 12)) < 0.3) for _ in SEEDS] for c in CONDITIONS for y in LAYERS
    }
    twins = {
        k: [independent_twin(each, rng=rng) for each in networks] for k, networks in recorded.items()
    }
    table = frame(("participation_ratio",), 1, rng)
    figure = draw_correlation(recorded, twins, table)
    axes = grid(figure, 2)
    shares = spectrum(recorded["memorizing", "hidden_1"][0])
    assert shares.sum() == pytest.approx(1)
    assert (np.diff(shares) <= 0).all()
    lines = [line.get_ydata() for line in axes[1, 0].lines if line.get_color() == COLOR["memorizing"]]
    assert any(np.array_equal(line, shares) for line in lines)
    assert len(lines) == 2 * len(SEEDS)
    here = table[(table["layer"] == "hidden_1") & (table["condition"] == "memorizing")]
    points = drawn(axes[2, 0], COLOR["memorizing"], len(SEEDS))
    assert points[:, 1] == pytest.approx(here["participation_ratio"].to_numpy())
    assert [tick.get_text() for tick in axes[2, 0].get_xticklabels()] == list(CONDITIONS)


def test_spectrum_of_a_layer_that_never_changes_is_nan():
    assert np.isnan(spectrum(measure(np.ones((5, 3), dtype=bool)))).all()


def test_independent_twin_keeps_rates_and_nothing_else(rng, agrees):
    active = np.repeat(rng.random((4_000, 1)) < 0.4, 6, axis=1)
    twin = independent_twin(measure(active), rng=rng)
    assert twin.n_examples == 4_000
    z = (twin.rate - active.mean(axis=0)) / np.sqrt(active.mean() * (1 - active.mean()) / 4_000)
    assert agrees(2 * stats.norm.sf(np.abs(z)))
    assert np.abs(twin.pair_correlation).max() < 5.5 / np.sqrt(4_000)  # 15 pairs: 6e-7


def test_weights_are_densities_beside_both_laws(rng):
    weight = {(c, y): standardized(rng.normal(size=(40, 25))) for c in CONDITIONS for y in LAYERS}
    change = {place: entries for place, entries in weight.items() if place[0] != "initialized"}
    table = frame(
        ("weight_excess_kurtosis", "weight_l1_l2_ratio", "change_excess_kurtosis", "change_l1_l2_ratio"),
        1,
        rng,
    )
    table.loc[table["condition"] == "initialized", ["change_excess_kurtosis", "change_l1_l2_ratio"]] = (
        np.nan
    )
    figure = draw_weights(weight, change, table)
    axes = grid(figure, 2)
    assert len(axes[0, 0].patches) == len(CONDITIONS)
    assert len(axes[1, 0].patches) == len(CONDITIONS) - 1
    density = axes[0, 0].patches[0].get_data()
    assert np.nansum(density.values * np.diff(density.edges)) == pytest.approx(1)
    gaussian, laplace = (line.get_xydata().T for line in axes[0, 0].lines)
    assert gaussian[1] == pytest.approx(stats.norm.pdf(gaussian[0]))
    assert np.trapezoid(laplace[1] * laplace[0] ** 2, laplace[0]) == pytest.approx(1, abs=0.01)
    marks = [line.get_ydata()[0] for line in axes[3, 1].lines[:2]]
    assert marks == pytest.approx([0.79788, 0.70711], abs=1e-5)


def test_constant_weights_cannot_be_standardized():
    with pytest.raises(ValueError, match="got a constant matrix"):
        standardized(np.ones((2, 3)))


def test_sigma_is_found_and_dead_or_constant_units_are_left_out():
    rate = np.array([0.0, 0.1, 0.5, 0.9, 1.0])
    magnitude = np.append(np.nan, 2.5 * RectifiedMagnitude.from_rate(rate[1:4]).mean)
    assert fit_sigma(rate, np.append(magnitude, 99.0)) == pytest.approx((2.5, 0))
    assert np.isnan(fit_sigma(np.array([0.0, 1.0]), np.array([np.nan, 1.0]))).all()


def test_magnitudes_stand_over_rates(rng):
    table = units(rng)
    axes = grid(draw_magnitudes(table), 2)
    here = table[
        (table["layer"] == "hidden_2") & (table["condition"] == "initialized") & (table["rate"] > 0)
    ]
    xy = drawn(axes[0, 1], COLOR["initialized"], len(here))
    assert xy == pytest.approx(
        here[["rate", "mean_magnitude"]].to_numpy().clip([5e-4, 0], [1 - 5e-4, 9])
    )


def layer_table(rng):
    columns = dict.fromkeys([*STATISTICS, *(column for _, _, column, _ in _statistics())])
    rows = [("training", "label"), ("training", "true_label"), ("held-out", "true_label")]
    return pd.concat([frame(columns, 1, rng).assign(examples=e, classes=c) for e, c in rows])


def _statistics():
    from rote.figures.tables import STATISTICS as told

    return told


def test_summary_fills_training_and_leaves_held_out_open(rng):
    table = layer_table(rng)
    figure = draw_summary(table)
    here = table.query("condition == 'memorizing' and layer == 'hidden_2' and examples == 'training'")
    here = here[here["classes"] == "label"]
    filled = [
        line.get_ydata()
        for line in figure.axes[0].lines
        if line.get_marker() == "^" and line.get_markerfacecolor() == COLOR["memorizing"]
    ]
    assert len(filled) == len(LAYERS)
    assert filled[1] == pytest.approx(here["mean_rate"].to_numpy())
    assert {"mean rate", "participation ratio", "training examples"} <= set(texts(figure))


def verdict(**changes):
    levels = {
        c: Level(estimate=0.1 * n, interval=(0.1 * n - 0.05, 0.1 * n + 0.05))
        for n, c in enumerate(CONDITIONS)
    }
    told = {
        "hypothesis": "H1",
        "layer": "hidden_1",
        "quantity": "mean rate",
        "unit": "activations per example",
        "claim": "memorizing units are rarer",
        "direction": "lower",
        "null": "no difference",
        "estimate": -0.2,
        "interval": (-0.3, -0.1),
        "probability": 0.9999,
        "baseline": 0.1,
        "twin": Twin(name="Test", statistic=-0.2, p_value=0.5, smallest_p=0.5, superiority=0.0),
        "n_networks": 4,
        "data": "made up",
        "levels": levels,
    }
    return Verdict(**(told | changes))


def test_verdicts_show_levels_differences_and_decisions():
    same_sign = Twin(name="Test", statistic=0.2, p_value=0.5, smallest_p=0.5, superiority=1.0)
    other = {"layer": "hidden_2", "estimate": 0.3, "interval": (0.1, 0.4), "twin": same_sign}
    refuted = verdict(probability=0.02, **other)
    undecided = verdict(hypothesis="H4", quantity="correlation", unit="(a number)", probability=0.5)
    figure = draw_verdicts([verdict(), refuted, undecided])
    axes = grid(figure, 2)
    lines = [line.get_xdata() for line in axes[0, 1].lines if line.get_ls() == "-"]
    assert [tuple(x) for x in lines if len(x) == 2] == [(-0.3, -0.1), (0.1, 0.4)]
    assert [x[0] for x in lines if len(x) == 1] == [-0.2, 0.3]
    level = [line for line in axes[1, 0].lines if line.get_color() == COLOR["memorizing"]]
    assert level[0].get_xdata() == pytest.approx((0.15, 0.25))
    assert level[1].get_xdata() == pytest.approx([0.2])
    assert {"P > 0.999\nsupported", "P = 0.020\nrefuted", "P = 0.500\nundecided"} <= set(texts(figure))
    assert axes[0, 0].get_title(loc="left") == "H1: memorizing units are rarer"
    assert axes[0, 0].get_xlabel() == "mean rate"
    assert axes[1, 1].get_xlabel() == "difference (a number)"


def test_verdicts_that_the_plain_statistics_oppose_are_marked():
    twin = Twin(name="Test", statistic=0.01, p_value=0.5, smallest_p=0.5, superiority=0.6)
    assert "P > 0.999\nsupported †" in texts(draw_verdicts([verdict(twin=twin)]))


def test_differences_that_are_called_none_are_marked():
    margins = [
        draw_verdicts([verdict(**told)]).axes[1].patches
        for told in ({"direction": "different", "margin": 0.1, "no_difference": 0.2}, {})
    ]
    assert list(map(len, margins)) == [1, 0]
    assert margins[0][0].get_extents().width > 0


def test_no_verdicts_are_an_error():
    with pytest.raises(ValueError, match="verdicts must hold one at least"):
        draw_verdicts([])


def test_unknown_condition_is_named():
    assert present(["memorizing", "initialized", "memorizing"]) == ["initialized", "memorizing"]
    with pytest.raises(ValueError, match=r"condition must be one of initialized, .*; got mixed"):
        present(["mixed"])


@pytest.mark.parametrize("kind", ["png", "pdf"])
def test_same_figure_same_bytes_whatever_the_users_settings(kind, rng, tmp_path):
    table = units(rng, layers=("hidden_1",))
    save(sign(draw_magnitudes(table), "digits"), tmp_path / f"a.{kind}")
    with mpl.rc_context({"font.size": 30, "lines.linewidth": 9, "pdf.fonttype": 3, "savefig.dpi": 20}):
        before = dict(mpl.rcParams)
        save(sign(draw_magnitudes(table), "digits"), tmp_path / f"b.{kind}")
        assert dict(mpl.rcParams) == before
    content = (tmp_path / f"a.{kind}").read_bytes()
    assert content == (tmp_path / f"b.{kind}").read_bytes()
    assert b"CreationDate" not in content
    assert (b"/Type3" in content) is False
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"a.{kind}", f"b.{kind}"]


@pytest.mark.parametrize("n_layers", [1, 3])
def test_text_is_legible_for_any_number_of_layers(n_layers, rng, tmp_path):
    layers = tuple(f"hidden_{depth}" for depth in range(1, n_layers + 1))
    figure = sign(draw_fano(units(rng, layers), n_windows=30), "digits")
    save(figure, tmp_path / "fano.png")  # any warning of the layout is an error
    assert min(text.get_fontsize() for text in figure.findobj(Text)) >= 7


def test_networks_that_failed_are_told_in_words():
    columns = {"loss": 0.1, "held_out_accuracy": 0.1, "seed": 0}
    table = pd.DataFrame(
        [
            {"network": "initialized-0", "condition": "initialized", "reached": 0, "epochs": 0},
            {"network": "generalizing-0", "condition": "generalizing", "reached": 1, "epochs": 9},
            {"network": "memorizing-0", "condition": "memorizing", "reached": 0, "epochs": 50},
        ]
    ).assign(training_accuracy=[0.1, 1.0, 0.98765], **columns)
    rows = network_rows(table)
    assert [row["failed"] for row in rows] == [False, False, True]
    assert rows[2]["state"] == "NOT all training labels learned within 50 epochs"
    assert rows[2]["training"] == "98.77 %"


def test_layer_table_gives_mean_and_deviation_over_networks(rng):
    table = layer_table(rng)
    rows = {row["name"]: row for row in layer_rows(table)["hidden layer 2"]}
    here = table.query("layer == 'hidden_2' and condition == 'generalizing' and examples == 'training'")
    own, true = (here.loc[here["classes"] == c, "class_share"] for c in ("label", "true_label"))
    assert rows["Variance between classes"]["cells"][2] == mean_sd(own)
    assert rows["Variance between true classes"]["cells"][2] == mean_sd(true)
    assert rows["Excess kurtosis of weights"]["cells"][1::2] == [""] * len(CONDITIONS)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ([1.0, 1.2], "1.10 ± 0.14"),
        ([-0.0012, -0.0010], "−0.00110 ± 0.00014"),
        ([1000.0, 1300.0], "1150 ± 212"),
        ([0.5], "0.5"),
        ([2.0, 2.0], "2"),
        ([np.nan, np.nan], "–"),
    ],
)
def test_digits_follow_the_deviation(values, told):
    assert mean_sd(pd.Series(values)) == told


def bridge(n_seeds=2):
    arms = ["adam", "sgd", "l1"]
    rows = [(arm, c, seed) for arm in arms for c in CONDITIONS[1:] for seed in range(n_seeds)]
    table = pd.DataFrame(rows, columns=["arm", "condition", "seed"]).assign(layer="hidden_1")
    for quantity in (*WEIGHTS, *NORMS, *DIRECTIONS):
        for column in filter(None, (quantity.column, quantity.beside, quantity.third)):
            table[column] = np.linspace(0, 1, len(table))
    return table


def test_every_network_of_every_arm_is_a_point_and_its_prediction_an_open_one():
    table = bridge()
    figure = draw_arms(table, WEIGHTS)
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == ["adam", "sgd", "l1"]
    points = [line for line in figure.axes[0].lines if line.get_linestyle() == "None"]
    crosses = [line for line in points if line.get_marker() == "x"]
    filled = [line for line in points if line.get_mfc() != "white" and line.get_marker() != "x"]
    assert sum(len(line.get_xdata()) for line in filled) == len(table)
    assert len(points) == 3 * len(filled) == 3 * len(crosses)
    seen = np.sort(np.concatenate([line.get_xdata() for line in filled]))
    assert seen == pytest.approx(np.sort(table["change_l1_l2_ratio"]))


def test_slopes_and_erased_shares_are_those_of_the_units():
    rate = np.linspace(0.05, 0.95, 40)
    units = pd.concat(
        pd.DataFrame({"rate": rate, "initial_rate": rate, "change_norm_l2": 3 * rate**0.5}).assign(
            arm=arm, condition=condition, layer="hidden_1", erased=rate < 0.4
        )
        for arm in ("adam", "sgd", "l1")
        for condition in CONDITIONS[1:]
    )
    figure = draw_norms(units)
    assert [text.get_text() for text in figure.axes[0].texts] == ["s = 0.50"] * 2
    (line, *_) = figure.axes[2].lines
    due = [
        (rate[(rate >= low) & (rate < high)] < 0.4).mean() for low, high in pairwise((0.05, 0.2, 0.5, 1))
    ]
    assert line.get_ydata() == pytest.approx(due)
    (critical,) = figure.axes[2].patches
    assert critical.get_x() == pytest.approx(ARMS["l1"]["strength"])
    assert critical.get_width() == pytest.approx(9 * ARMS["l1"]["strength"])


def test_weights_of_the_arms_stand_beside_the_laws_and_their_prediction():
    low = np.linspace(-4, 3.9, 80)
    parts = []
    for arm in ("adam", "l1"):
        for condition in CONDITIONS if arm == "adam" else CONDITIONS[1:]:
            share = stats.norm.pdf(low + 0.05) * 0.1
            due = np.nan if condition == "initialized" else stats.laplace.pdf(low + 0.05) * 0.1
            frame = pd.DataFrame({"low": low, "share": share, "due_share": due})
            parts.append(frame.assign(arm=arm, condition=condition, layer="hidden_1", what="weight"))
            parts.append(frame.assign(arm=arm, condition=condition, layer="hidden_1", what="change"))
    figure = draw_arm_weights(pd.concat(parts))
    first, second = figure.axes
    assert (len(first.patches), len(second.patches)) == (3, 2)
    assert first.patches[0].get_data().values == pytest.approx(stats.norm.pdf(low + 0.05))
    lines = [line for line in first.lines if line.get_linestyle() == "-"]
    assert len(lines) == 2  # nothing is predicted of initialized weights
    assert lines[0].get_ydata() == pytest.approx(stats.laplace.pdf(low + 0.05))
    assert [axes.get_ylabel() for axes in figure.axes] == ["adam\ndensity", "l1\ndensity"]


def test_spectra_are_means_over_networks_beside_those_predicted():
    table = pd.DataFrame(
        [(c, seed, rank) for c in CONDITIONS[1:] for seed in (0, 1) for rank in (1, 2, 3)],
        columns=["condition", "seed", "rank"],
    ).assign(arm="sgd", layer="hidden_1", due=0.3)
    table["change"] = np.where(table["seed"] == 0, 0.2, 0.6)
    seen, due = draw_spectra(table).axes[0].lines[:2]
    assert seen.get_ydata() == pytest.approx([0.4] * 3)
    assert due.get_ydata() == pytest.approx([0.3] * 3)
    assert due.get_linestyle() == "--"


def test_drawn_read_outs_are_means_of_draws_with_lone_units_dotted():
    table = pd.DataFrame(
        [
            (k, p, s, d)
            for k in CONDITIONS[1:]
            for p in ("l1", "l2")
            for s in (3.0, 30.0)
            for d in (0, 1)
        ],
        columns=["kind", "penalty", "strength", "draw"],
    ).assign(norm_l2=1.0, lone_norm_l2=2.0, lone_survivors=0.25)
    table["survivors"] = np.where(table["draw"] == 0, 0.2, 0.6)
    sizes = pd.DataFrame(
        {"size": [0.0, 0.5, 1.0], "share": [0.2, 0.5, 1.0], "lone_share": [0.3, 0.6, 1.0]}
    )
    weights = pd.concat(
        sizes.assign(kind=k, penalty=p, strength=30.0) for k in CONDITIONS[1:] for p in ("l1", "l2")
    )
    axes = draw_drawn_read_out(table, weights).axes
    points = axes[0].lines[0].get_ydata()
    assert points == pytest.approx([0.4, 0.4])
    assert any(line.get_ydata() == pytest.approx([0.25, 0.25]) for line in axes[0].lines)
    full, dotted = axes[3].lines[:2]
    assert full.get_ydata() == pytest.approx([0.2, 0.5, 1.0])
    assert dotted.get_ydata() == pytest.approx([0.3, 0.6, 1.0])


def test_sentences_tell_what_the_tables_say():
    table = bridge().assign(due_l1_l2_ratio=0.6, change_l1_l2_ratio=0.62, rates_only_l1_l2_ratio=0.8)
    table["column_exponent"] = np.where(table["arm"] == "sgd", 0.9, 0.1)
    table = table.assign(row_fit=0.5, row_fit_activity=0.1, row_fit_read_out=0.6, spectrum_error=0.1)
    table.loc[table["arm"] == "l1", "due_l1_l2_ratio"] = 0.3
    back = pd.DataFrame({"arm": ["adam", "l1"], "condition": "memorizing", "layer": "hidden_1"}).assign(
        moments="recorded", rate_error=0.01, correlation_slope=[1.02, 0.9], population_distance=0.1,
        independent_distance=0.2,
    )  # fmt: skip
    told = carries(table, back)
    assert "Without a penalty the L1/L2 ratio is predicted to 0.05 in 4 of 4" in told[0]
    assert "in 0 of 2 arms, conditions and layers; predicted less seen is farthest off, −0.32" in told[1]
    assert "off by 0.18 in the mean, from joint activity, read-out and inputs by 0.02" in told[2]
    assert "holds in part" in told[3]
    assert "in 2 of 6 (by arm: adam 0.10 to 0.10; sgd 0.90 to 0.90" in told[3]
    assert "better than with either alone in 0 of 6" in told[4]
    assert "farthest from 1 by −0.10 in l1, memorizing, hidden layer 1" in told[-1]


def test_read_outs_are_means_over_networks_with_lone_units_dotted():
    table = pd.DataFrame(
        [(c, p, s, seed) for c in CONDITIONS for p in ("l1", "l2") for s in (1, 10) for seed in (0, 1)],
        columns=["condition", "penalty", "strength", "seed"],
    ).assign(layer="hidden_1", norm_l2=1.0, lone_norm_l2=2.0, unexplained=0.5, lone_survivors=0.25)
    table["survivors"] = np.where(table["seed"] == 0, 0.2, 0.6)
    full, dotted = draw_read_out(table).axes[0].lines[:2]
    assert full.get_ydata() == pytest.approx([0.4, 0.4])
    assert dotted.get_ydata() == pytest.approx([0.25, 0.25])
    assert dotted.get_linestyle() == ":"
