"""The README and the pages of docs/: their Python runs as written, their links lead somewhere."""

import re
import shlex
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import rote
from rote.cli import _parser
from rote.figures.priors import CAPTION, SHOWN
from rote.figures.priors import PAGES as FIGURE_PAGES
from rote.inference.models import MODELS
from rote.record import Recording

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MODELS_PAGE = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.slow
def test_the_five_lines_of_python_run(capsys):
    code, _ = re.findall(r"```python\n(.*?)```", README, re.S)
    names = {}
    exec(code, names)
    measured, predicted = map(float, capsys.readouterr().out.split())
    assert measured == pytest.approx(predicted, rel=0.05)
    loading = names["posterior"]["posterior"]["loading"]
    assert float(loading.mean()) == pytest.approx(0.3, abs=0.02)  # the layer's own; se about .005


def test_commands_are_known():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"^make ([\w-]+)|`make ([\w-]+)", README, re.M)):
        assert f"\n{max(target)}:" in makefile, target
    for line in re.findall(r"^rote (.*)$", README, re.M):
        _parser().parse_args(shlex.split(line, comments=True))


def links(page):
    return re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    assert [
        link for link in links(page) if "://" not in link and not (page.parent / link).exists()
    ] == []


def test_links_are_found():
    assert len(links(ROOT / "README.md")) > 8


@pytest.mark.slow
def test_the_page_of_models_runs(capsys):
    names = {}
    for code in re.findall(r"```python\n(.*?)```", MODELS_PAGE, re.S):
        exec(code, names)
    told = capsys.readouterr().out
    law, fitted = names["law"], names["posterior"]["posterior"]
    assert float(fitted["mean"].mean()) == pytest.approx(law.mean, abs=0.08)  # 4.8 standard errors
    kinds = names["kinds"]
    assert kinds.dead + kinds.rare + kinds.common == pytest.approx(np.ones(128))
    assert set(names["table"].index) == {"one law", "two laws"}
    assert names["table"]["probability"].sum() == pytest.approx(1)
    (verdict,) = names["finding"].verdicts
    assert verdict.hypothesis == "H2"
    assert verdict.estimate == pytest.approx(-0.15, abs=0.08)  # of the rates drawn
    for sentence in (verdict.claim, "The rates model", names["judgement"].sentence):
        assert sentence in told


def test_every_model_has_its_words_and_its_priors():
    for name, model in MODELS.items():
        assert f"| `{name}` | " in MODELS_PAGE
        assert re.search(rf"^### .*`{name}`", MODELS_PAGE, re.M), name
        for field in fields(model.prior):
            if field.name not in ("law", "rate"):  # no parameters, or said in words
                assert re.search(rf"\| .*`{field.name}`|{field.name}=", MODELS_PAGE), (name, field.name)


def test_priors_are_those_told():
    """Log-normal priors on the page of models are the defaults, and their ranges hold nine in ten."""
    found = re.findall(r"\| `(\w+)` \| log-normal \((\S+), (\S+)\): (\S+) to (\d*\.?\d+)", MODELS_PAGE)
    assert len(found) > 10
    defaults = [model.prior() for model in MODELS.values()]
    for name, *numbers in found:
        median, log_sd, low, high = map(float, numbers)
        assert (median, log_sd) in [getattr(prior, name, None) for prior in defaults], name
        for told, place in ((low, 0.05), (high, 0.95)):
            assert told == pytest.approx(stats.lognorm(log_sd, scale=median).ppf(place), rel=0.13), name


def test_priors_are_shown_with_their_caption():
    shown = set(re.findall(r"priors_(\w+)\.png", MODELS_PAGE))
    assert shown == set(FIGURE_PAGES)
    assert " ".join(CAPTION.format(shown=SHOWN).split()) in " ".join(MODELS_PAGE.split())


def test_measure_takes_activity_and_recordings(rng):
    active = rng.random((30, 4)) < 0.4
    recording = Recording.from_arrays(
        {"a": active}, label=[0] * 30, condition="memorizing", seed=0, epoch=1, source="drawn"
    )
    array, layers = rote.measure(active, window=5), rote.measure(recording, window=5)
    assert (layers["a"].coactive_count == array.coactive_count).all()


def test_what_records_a_network_is_what_the_docs_say():
    """The docs' lines are run by the tests that record PyTorch networks."""
    _, code = re.findall(r"```python\n(.*?)```", README, re.S)
    assert code in (ROOT / "docs" / "recording.md").read_text(encoding="utf-8")
