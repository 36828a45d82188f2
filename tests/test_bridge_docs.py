"""The example of docs/bridge.md runs as written, and what it draws is what it predicts."""

import re
from pathlib import Path

import pytest

DOCS = (Path(__file__).parents[1] / "docs" / "bridge.md").read_text(encoding="utf-8")
TOLERANCE = {"excess kurtosis": 0.15, "greatest singular value": 0.06}  # relative; others 0.03


def test_a_layer_from_its_rates_on(capsys):
    (code,) = re.findall(r"```python\n(.*?)```", DOCS, re.S)
    exec(code, {})
    told = capsys.readouterr().out
    rows = [line.rsplit(maxsplit=2) for line in told.splitlines()[:6]]
    for name, predicted, drawn in rows:
        assert float(drawn) == pytest.approx(float(predicted), rel=TOLERANCE.get(name, 0.03)), name
    whole, rare = map(float, re.search(r"q ([\d.]+); .* alone ([\d.]+)", told).groups())
    assert whole < rare < 2
    quiet, loud = map(float, re.search(r"magnitude ([\d.]+) of rare and ([\d.]+)", told).groups())
    assert quiet < loud
