"""The report: whole and self-contained from a finished study, one clear sentence from any other."""

import json
import re
import shutil
from html import escape
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from rote.figures.arms import DIRECTIONS, NORMS, SHAPES, WEIGHTS
from rote.figures.carries import carries
from rote.figures.catalogue import CATALOGUE, footer
from rote.figures.page import report_page
from rote.figures.report import REPORT_STEPS, report_study
from rote.figures.tables import BRIDGE
from rote.figures.tables import SHAPES as SHAPE_COLUMNS
from rote.figures.way_back import ERRORS, MOMENTS
from rote.figures.weight_map import PANELS
from rote.inference.verdict import Level, Twin, Verdict
from rote.record.recording import LayerWeights, Recording
from rote.validate.results import Results
from rote.validate.steps import alone_in
from rote.validate.tables import layer_rows, network_row, unit_rows
from rote.validate.twins import draw_twins

CONDITIONS, SEEDS, LAYERS = ("initialized", "generalizing", "memorizing"), (5, 6), ("hidden_1",)
N_TRAINING, N_HELD_OUT, N_UNITS, WINDOW = 120, 60, 14, 5


def record(condition, seed, folder):
    rng = np.random.default_rng([seed, len(condition)])
    n = N_TRAINING + N_HELD_OUT
    label = np.arange(n) % 3
    activation = np.maximum(0, rng.normal(rng.normal(0, 0.7, N_UNITS), 1, (n, N_UNITS)))
    weights = LayerWeights(weight_in=rng.normal(size=(N_UNITS, 9)), bias=np.zeros(N_UNITS))
    reached = condition == "generalizing"
    recording = Recording.from_arrays(
        dict.fromkeys(LAYERS, activation),
        label=label,
        true_label=label,
        held_out=np.arange(n) >= N_TRAINING,
        condition=condition,
        seed=seed,
        epoch=7 * (condition != "initialized"),
        source="ReLU perceptron <b>9-14-3</b> & noise",
        weights=dict.fromkeys(LAYERS, weights),
        keep_activation="float32",
        attrs={
            "training_accuracy": 1.0 if reached else 0.5,
            "held_out_accuracy": 0.9,
            "loss": 0.01,
            "reached": reached,
            "optimizer": "adam",
        },
    )
    recording.save(folder / "recordings" / f"{condition}-{seed}.nc")


def verdict(**changes):
    level = Level(estimate=0.5, interval=(0.4, 0.6))
    told = {
        "hypothesis": "H1",
        "layer": "hidden_1",
        "quantity": "mean <script>rate</script> & so on",
        "unit": "activations per example",
        "claim": "units of memorizing networks are active more rarely",
        "direction": "lower",
        "null": "no difference",
        "estimate": -0.2,
        "interval": (-0.3, -0.1),
        "probability": 0.99,
        "baseline": 0.5,
        "twin": Twin(name="Test", statistic=-0.2, p_value=0.5, smallest_p=0.5, superiority=0.0),
        "n_networks": 4,
        "data": "made up",
        "levels": dict.fromkeys(CONDITIONS, level),
    }
    return Verdict(**(told | changes))


def write_bridge(folder, rng):
    """Write made-up tables of weights predicted from activity and activity from weights."""
    arms = [(arm, condition) for arm in ("adam", "sgd", "l1") for condition in CONDITIONS[1:]]
    rows = [(arm, condition, seed) for arm, condition in arms for seed in SEEDS]
    bridge = pd.DataFrame(rows, columns=["arm", "condition", "seed"]).assign(layer=LAYERS[0])
    drawn = [q for qs in (WEIGHTS, SHAPES, DIRECTIONS, NORMS) for q in qs]
    columns = [column for q in drawn for column in (q.column, q.beside, q.third) if column]
    columns += [column for _, column in (*BRIDGE, *SHAPE_COLUMNS)] + [
        "row_fit_read_out",
        "spectrum_error",
    ]
    for column in columns:
        bridge[column] = rng.uniform(0, 1, len(bridge))
    start = [("adam", "initialized", seed) for seed in SEEDS]
    start = pd.DataFrame(start, columns=["arm", "condition", "seed"]).assign(layer=LAYERS[0])
    for _, column in SHAPE_COLUMNS:
        start[column] = np.nan if column.startswith("due") else 0.5
    pd.concat([start, bridge]).to_csv(folder / "bridge.csv", index=False)
    who = bridge[["arm", "condition", "seed", "layer"]]
    spectra = who.loc[who.index.repeat(3)].assign(rank=np.tile([1, 2, 3], len(who)))
    spectra.assign(change=0.5, due=0.4).to_csv(folder / "bridge_spectra.csv", index=False)
    densities = who.loc[who.index.repeat(4)].assign(low=np.tile([-2, -1, 0, 1], len(who)))
    densities = densities.assign(what="weight", share=0.25, due_share=0.2)
    densities.to_csv(folder / "bridge_densities.csv", index=False)
    units = bridge[["arm", "condition", "seed", "layer"]].loc[bridge.index.repeat(N_UNITS)]
    for column in ("rate", "initial_rate", "change_norm_l2"):
        units[column] = rng.uniform(0.1, 1, len(units))
    units["erased"] = rng.random(len(units)) < 0.3
    units.to_csv(folder / "bridge_units.csv", index=False)
    back = pd.DataFrame(
        [(a, c, m) for a in ("adam", "sgd") for c in CONDITIONS for m in MOMENTS],
        columns=["arm", "condition", "moments"],
    ).assign(layer=LAYERS[0], magnitude_error=0.1, correlation_slope=1.0)
    for column in (*ERRORS, *(scale for _, scale in ERRORS.values())):
        back[column] = rng.uniform(0, 0.1, len(back))
    back.to_csv(folder / "way_back.csv", index=False)
    read = pd.DataFrame(
        [(c, p, s) for c in CONDITIONS for p in ("l1", "l2") for s in (1.0, 10.0)],
        columns=["condition", "penalty", "strength"],
    ).assign(layer=LAYERS[0])
    for column in ("survivors", "lone_survivors", "norm_l2", "lone_norm_l2", "unexplained"):
        read[column] = rng.uniform(0.1, 1, len(read))
    read.to_csv(folder / "read_out.csv", index=False)
    drawn = pd.DataFrame(
        [(k, p, s) for k in CONDITIONS[1:] for p in ("l1", "l2") for s in (3.0, 30.0)] * 2,
        columns=["kind", "penalty", "strength"],
    )
    for column in ("survivors", "norm_l2"):
        drawn[column] = drawn[f"lone_{column}"] = rng.uniform(0.1, 1, len(drawn))
    drawn.to_csv(folder / "drawn_read_out.csv", index=False)
    sizes = drawn[:8].assign(size=0.5, share=0.3, lone_share=0.2)
    sizes.to_csv(folder / "drawn_weights.csv", index=False)
    laws = pd.DataFrame({"condition": CONDITIONS, "law": "gamma", "log_density": -0.1})
    laws.assign(layer=LAYERS[0]).to_csv(folder / "magnitude_laws.csv", index=False)
    weights = pd.DataFrame({"loading": [0.0, 0.0, 0.3, 0.3], "heterogeneity": [0.1, 1.0, 0.1, 1.0]})
    for name, (_, drawn) in PANELS.items():
        weights[name] = weights[drawn] = rng.uniform(1, 2, 4)
    weights.to_csv(folder / "weight_map.csv", index=False)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The folder of a finished study of small made-up networks."""
    folder = tmp_path_factory.mktemp("study")
    (folder / "recordings").mkdir()
    (folder / "fits").mkdir()
    settings = {"dataset": "made-up", "seed": SEEDS[0], "seeds": len(SEEDS), "hidden": [N_UNITS]}
    settings["made_with"] = {"rote": "0.0.0", "commit": "abc"}
    (folder / "study.json").write_text(json.dumps(settings | {"window": WINDOW}))
    weights = verdict(hypothesis="H6", baseline=None)
    told = [verdict(), verdict(hypothesis="H4", probability=0.5), weights]
    (folder / "verdicts.json").write_text(json.dumps([one.as_dict() for one in told]))
    networks, layers, units, population = [], [], [], []
    results = Results(folder)
    for seed in SEEDS:
        for condition in CONDITIONS:
            record(condition, seed, folder)
            with (
                results.recording(condition, seed) as now,
                results.recording("initialized", seed) as first,
            ):
                networks.append(network_row(now))
                layers += layer_rows(now, first, window=WINDOW)
                units.append(unit_rows(now, first, window=WINDOW))
    pd.DataFrame(networks).to_csv(folder / "networks.csv", index=False)
    pd.DataFrame(layers).to_csv(folder / "layers.csv", index=False)
    pd.concat(units).to_csv(folder / "units.csv", index=False)
    rng = np.random.default_rng(1)
    for condition in CONDITIONS:
        layer = results.alignment(condition, SEEDS[0], LAYERS[0])
        twins = draw_twins(layer, np.full(4, 0.3), rng=rng, n_replicates=3)
        names = {"condition": condition, "seed": SEEDS[0], "layer": LAYERS[0]}
        population.append(twins.population.assign(**names))
    twins.statistics.to_csv(folder / "twins.csv", index=False)
    pd.concat(population).to_csv(folder / "population.csv", index=False)
    write_bridge(folder, rng)
    dims = ("chain", "draw", "condition")
    law = {
        name: (dims, rng.uniform(low, high, (2, 30, len(CONDITIONS))))
        for name, low, high in (("condition_mean", 0.3, 0.6), ("condition_concentration", 1, 5))
    }
    posterior = xr.Dataset(law, coords={"condition": list(CONDITIONS)})
    tree = xr.DataTree.from_dict({"/posterior": posterior})
    tree.to_netcdf(folder / "fits" / f"rates-{LAYERS[0]}.nc", engine="h5netcdf")
    return folder


@pytest.fixture(scope="module")
def told(study):
    """What a first run of the report told of its progress, and the page."""
    steps = []
    path = report_study(Results(study), progress=lambda *step: steps.append(step), before=4)
    return steps, path.read_text(encoding="utf-8")


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.open = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_every_figure_is_drawn_and_counted(study, told):
    steps, _ = told
    assert {title for title, _ in steps} == {"[5/6] draw figures", "[6/6] write report"}
    assert [share for title, share in steps if "report" in title] == [0.0, 1.0]
    assert len({title for title, _ in steps}) == REPORT_STEPS
    for entry in CATALOGUE:
        assert (study / "figures" / f"{entry.name}.png").read_bytes().startswith(b"\x89PNG")
        assert (study / "figures" / f"{entry.name}.pdf").read_bytes().startswith(b"%PDF")
    assert not list(study.rglob(".*.part"))


def test_page_is_well_formed_and_needs_nothing_else(told):
    _, text = told
    page = Page(text)
    assert page.open == []
    assert [attrs["src"][:22] for tag, attrs in page.tags if tag == "img"] == [
        "data:image/png;base64,"
    ] * len(CATALOGUE)
    assert not {"script", "link", "iframe", "object"} & {tag for tag, _ in page.tags}
    assert all(attrs["href"].startswith("#") for tag, attrs in page.tags if tag == "a")
    anchors = {attrs.get("id") for _, attrs in page.tags}
    assert {attrs["href"][1:] for tag, attrs in page.tags if tag == "a"} <= anchors
    assert not re.search(r"url\(|@import", text)


def test_texts_from_outside_are_escaped(told):
    _, text = told
    assert "Mean &lt;script&gt;rate&lt;/script&gt; &amp; so on, memorizing minus" in text
    assert "&lt;b&gt;9-14-3&lt;/b&gt; &amp; noise" in text
    assert "<script" not in text


def test_page_tells_verdicts_networks_limits_and_origin(study, told):
    _, text = told
    assert re.search(r'class="supported"><span class="decision">✔ supported', text)
    assert "NOT all training labels learned within 7 epochs" in text
    assert "2 of 6 networks did not learn all their training labels:\nmemorizing-5, memorizing-6" in text
    assert f"On {N_TRAINING} training examples of made-up" in text
    assert "memorizing networks for 7 to 7 epochs" in text
    assert footer(Results(study)) in text
    assert "doi:10.1016/j.neucom.2024.128473" in text
    assert "doi:10.1007/978-3-032-21477-5_27" in text
    assert str(study) not in text


def test_page_tells_where_theory_carries_and_what_the_bridge_cannot(study, told):
    results = Results(study)
    for sentence in carries(results.bridge, results.way_back):
        assert escape(sentence, quote=False) in text_of(told[1])
    assert "Critical rates are those of units that are active alone" in told[1]


def text_of(page):
    return page.replace("&#39;", "'").replace("&#34;", '"')


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.name)
def test_captions_are_filled_in(entry, study):
    caption = entry.caption(Results(study))
    assert not re.search(r"[{}\n]", caption)
    assert caption.endswith(".")


@pytest.fixture
def one_figure(study, told, tmp_path, monkeypatch):
    """A copy of the study, of a catalogue of one figure, so that it can be drawn often."""
    for module in ("report", "page"):
        monkeypatch.setattr(f"rote.figures.{module}.CATALOGUE", CATALOGUE[:1])
    return shutil.copytree(study, tmp_path / "copy")


def test_finished_figures_are_kept_and_a_damaged_one_is_drawn_again(one_figure):
    report_study(Results(one_figure))
    drawing, page = one_figure / "figures" / f"{CATALOGUE[0].name}.pdf", one_figure / "report.html"
    content, text = drawing.read_bytes(), page.read_text()
    steps = []
    report_study(Results(one_figure), progress=lambda *step: steps.append(step))
    assert steps == [
        ("[1/2] draw figures (there already)", 1.0),
        ("[2/2] write report (there already)", 1.0),
    ]
    drawing.write_bytes(content[:100])
    report_study(Results(one_figure))
    assert drawing.read_bytes() == content  # and the same bytes as before
    assert page.read_text() == text


def test_again_draws_what_is_there(one_figure, monkeypatch):
    report_study(Results(one_figure))
    drawn = []
    monkeypatch.setattr("rote.figures.report.save", lambda _figure, path: drawn.append(path.suffix))
    report_study(Results(one_figure), again=True)
    assert drawn == [".png", ".pdf"]


@pytest.mark.parametrize(
    "missing", ["twins.csv", "verdicts.json", "fits/rates-hidden_1.nc", "layers.csv"]
)
def test_unfinished_study_is_named_and_left_alone(missing, study, tmp_path):
    copy = shutil.copytree(study, tmp_path / "copy", ignore=shutil.ignore_patterns("figures", ".steps"))
    (copy / missing).unlink()
    with pytest.raises(FileNotFoundError, match=rf"{missing} missing\): finish it with `rote reproduce"):
        report_study(Results(copy))
    assert not (copy / "figures").exists()


def test_two_at_work_in_one_folder_are_kept_apart(study):
    with alone_in(study), pytest.raises(BlockingIOError, match="another rote is at work"):
        report_study(Results(study))


def test_page_repeats(study, told):
    assert report_page(Results(study)) == told[1]
