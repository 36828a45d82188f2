"""The report: every figure as files, and one page of HTML that holds all of it and needs nothing else.

    figures/NAME.png, figures/NAME.pdf   each figure, for the screen and for a paper
    report.html                          verdicts, tables, figures, limits, settings, versions

The same results and the same version of rote give the same bytes, but for the last digits of
coordinates in PDFs, which the solver of the layout leaves open.
"""

from collections.abc import Callable
from pathlib import Path

from ..record.writing import written_aside
from ..validate.results import Results
from ..validate.steps import MEMORY, Progress, Steps, alone_in, silent
from .catalogue import CATALOGUE
from .page import report_page
from .style import save

REPORT_STEPS = 2  # that report_study counts: the figures, the page
NEEDED = (
    "networks.csv",
    "layers.csv",
    "units.csv",
    "twins.csv",
    "population.csv",
    "weight_map.csv",
    "read_out.csv",
    "drawn_read_out.csv",
    "drawn_weights.csv",
    "magnitude_laws.csv",
    "bridge.csv",
    "bridge_units.csv",
    "bridge_spectra.csv",
    "bridge_densities.csv",
    "way_back.csv",
    "verdicts.json",
)
KINDS = ("png", "pdf")


def report_study(
    results: Results, *, progress: Progress = silent, before: int = 0, again: bool = False
) -> Path:
    """Draw the figures of a finished study, write its report, and return the report's path.

    Both are steps like those of :func:`rote.validate.study.run_study`, skipped where their files are
    there and whole unless ``again``; ``before`` counts the steps that went before, for the numbering.
    Raises ``FileNotFoundError`` for a study that is not finished, and ``BlockingIOError`` if another
    process is at work in its folder.
    """
    check_finished(results)
    folder = results.folder
    drawings = [f"figures/{entry.name}.{kind}" for entry in CATALOGUE for kind in KINDS]
    with alone_in(folder):
        steps = Steps(folder, before + REPORT_STEPS, progress)
        steps.passed = before
        sources = _sources(results)
        for title, outputs, inputs, work in (
            ("draw figures", drawings, sources, _draw),
            ("write report", ["report.html"], [*sources, *drawings], _write),
        ):
            if again:
                (folder / MEMORY / f"{title.replace(' ', '-')}.json").unlink(missing_ok=True)
            steps.run(title, outputs, lambda tell, work=work: work(results, tell), inputs=inputs)
    return folder / "report.html"


def check_finished(results: Results) -> None:
    """Raise ``FileNotFoundError`` unless everything that figures are drawn from is there."""
    if missing := [name for name in _sources(results) if not (results.folder / name).is_file()]:
        raise FileNotFoundError(
            f"{results.folder} holds no finished study ({', '.join(missing)} missing): finish it with "
            f"`rote reproduce --out {results.folder}` and the options that it was begun with"
        )


def _sources(results: Results) -> list[str]:
    """Return the files that figures and report are made from."""
    sources = [*NEEDED]
    if (results.folder / "layers.csv").is_file():
        sources += [f"fits/rates-{layer}.nc" for layer in results.layer_names]
        sources += [f"recordings/{network}.nc" for network in dict.fromkeys(results.layers["network"])]
    return sources


def _draw(results: Results, tell: Callable[[float], object]) -> None:
    for number, entry in enumerate(CATALOGUE):
        tell(number / len(CATALOGUE))
        figure = entry.draw(results)
        for kind in KINDS:
            save(figure, results.folder / "figures" / f"{entry.name}.{kind}")


def _write(results: Results, _tell: Callable[[float], object]) -> None:
    with written_aside(results.folder / "report.html") as aside:
        aside.write_text(report_page(results), encoding="utf-8")
