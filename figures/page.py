"""The page of the report: what its template is given. All text is escaped, all pictures are inside."""

import base64
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from ..validate.arms import ARMS
from ..validate.results import Results
from .carries import carries
from .catalogue import CATALOGUE, facts, footer, of_trained
from .style import present
from .tables import BRIDGE, SHAPES, back_rows, bridge_rows, layer_rows, network_rows, trained
from .verdicts import opposed

SYMBOLS = {"supported": "✔", "refuted": "✘", "undecided": "?"}
TRAINING = ("optimizer", "learning_rate", "batch_size", "held_out_share", "trained_with")


def report_page(results: Results) -> str:
    """Return the page as HTML; its figures are read from the study's folder."""
    template = Path(__file__).with_name("report.html.jinja").read_text(encoding="utf-8")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    settings = dict(results.settings)
    made_with = settings.pop("made_with")
    networks, table = network_rows(results.networks), results.networks
    with results.recording("generalizing", results.seeds[0]) as recording:
        source, attributes = recording.source, recording.attrs
    training = {name: attributes[name] for name in TRAINING if name in attributes}
    return environment.from_string(template).render(
        footer=footer(results),
        facts=facts(results),
        trained=[trained(table, condition) for condition in ("generalizing", "memorizing")],
        verdicts=results.verdicts,
        symbols=SYMBOLS,
        opposed=opposed,
        networks=networks,
        failed=[row["network"] for row in networks if row["failed"]],
        conditions=present(table["condition"]),
        layers=layer_rows(results.layers),
        carries=carries(results.bridge, results.way_back),
        bridges=[
            {"columns": [name for name, _ in columns], "rows": bridge_rows(bridge, columns)}
            for bridge, columns in (
                (of_trained(results.bridge), BRIDGE),
                (results.bridge, SHAPES),
            )
        ],
        back=back_rows(results.way_back),
        arms=_arms(),
        figures=[
            {
                "name": entry.name,
                "title": entry.title,
                "caption": entry.caption(results),
                "data": _encoded(results.folder / "figures" / f"{entry.name}.png"),
            }
            for entry in CATALOGUE
        ],
        source=source,
        settings={_words(name): _words(value) for name, value in (settings | training).items()},
        versions=made_with,
        misfit=_misfit(results),
        n_verdicts=len(results.verdicts),
    )


def _arms() -> str:
    """Return in words how the arms are trained."""
    return "; ".join(
        f"{arm}: " + ", ".join(f"{_words(name)} {value}" for name, value in settings.items())
        for arm, settings in ARMS.items()
    )


def _misfit(results: Results) -> str:
    """Return in a sentence how far the drawn processes are from the recorded layers."""
    trained = results.layers.query("examples == 'training' and classes == 'label'")
    recorded, drawn = trained["participation_ratio"], results.twins["participation_ratio"]
    return (
        f"Processes drawn at the fitted parameters have a participation ratio of {drawn.min():.0f} to "
        f"{drawn.max():.0f}, the recorded layers one of {recorded.min():.0f} to {recorded.max():.0f}: "
        "real layers are correlated in more directions than one factor has."
    )


def _words(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value).replace("_", " ")


def _encoded(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode("ascii")
