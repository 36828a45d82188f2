"""The command line: parse, call, print."""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from . import __version__

EXAMPLES = """\
examples:
  rote reproduce                                 the whole study on handwritten digits, into results/
  rote reproduce --dataset mnist --data DIR      the same on MNIST; downloads it if DIR lacks it
  rote figures --out results                     figures and report again, from a finished study
  rote info results/recordings/memorizing-0.nc   what is in a recording
  rote fit results/recordings/memorizing-0.nc    posteriors of the law of its layers' rates
  rote test results/recordings/*.nc --out told   what the hypotheses come to on recordings
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return 0, or 2 after one sentence on what was wrong."""
    options = _parser().parse_args(arguments)
    try:
        options.command(options)
    except (ValueError, TypeError, OSError, RuntimeError) as error:
        print(f"rote: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("rote: stopped; the same command goes on where it stopped", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="rote",
        description="How units fire in networks that learn and in networks that memorize.",
        epilog=EXAMPLES,
        formatter_class=formatter,
    )
    parser.add_argument("--version", action="version", version=f"rote {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    reproduce = commands.add_parser(
        "reproduce",
        help="train, record, measure, fit, test, draw: the whole study",
        description="Run the whole study. Finished steps are kept: stop it at any moment and start it "
        "again with the same options, and it goes on where it was.",
        epilog="example:\n  rote reproduce --seeds 6 --out results\n",
        formatter_class=formatter,
    )
    reproduce.add_argument("--out", type=Path, default=Path("results"), help="folder (default: results)")
    reproduce.add_argument("--seed", type=int, default=0, help="first seed (default: 0)")
    reproduce.add_argument(
        "--seeds", type=int, default=4, help="networks of each condition, at least 2 (default: 4)"
    )
    reproduce.add_argument("--dataset", default="digits", help="digits (default) or mnist")
    reproduce.add_argument("--data", help="folder of the data set's files, for mnist")
    reproduce.add_argument(
        "--hidden",
        type=int,
        nargs="+",
        default=[128, 128],
        help="units of hidden layers (default: 128 128)",
    )
    reproduce.add_argument(
        "--max-epochs", type=int, default=2000, help="give a network up after so many (default: 2000)"
    )
    reproduce.add_argument(
        "--draws", type=int, default=1000, help="posterior draws of each of 4 chains (default: 1000)"
    )
    reproduce.add_argument(
        "--no-arms",
        action="store_true",
        help="leave out the networks trained with L1 and L2 penalties and by plain gradient steps",
    )
    reproduce.set_defaults(command=_reproduce)

    figures = commands.add_parser(
        "figures",
        help="draw figures and report of a finished study again",
        description="Draw figures and report of a finished study again.",
        epilog="example:\n  rote figures --out results\n",
        formatter_class=formatter,
    )
    figures.add_argument("--out", type=Path, default=Path("results"), help="folder (default: results)")
    figures.set_defaults(command=_figures)

    fit = commands.add_parser(
        "fit",
        help="posterior of one model for the layers of a recording",
        description="Fit a model to the layers of a recording, on its training examples; write a "
        "posterior (an ArviZ DataTree in netCDF) for each and print its summary.",
        epilog="example:\n  rote fit results/recordings/memorizing-0.nc --model factor --out fits\n",
        formatter_class=formatter,
    )
    fit.add_argument("file", metavar="FILE", type=Path, help="a recording: .nc, .zarr or .npz")
    fit.add_argument(
        "--model", default="rates", help="rates: Beta law of the rates (default), or factor: one factor"
    )
    fit.add_argument("--layers", nargs="+", help="names of layers (default: all)")
    fit.add_argument("--out", type=Path, default=Path("fits"), help="folder (default: fits)")
    fit.add_argument("--seed", type=int, default=0, help="of the sampler (default: 0)")
    fit.add_argument("--draws", type=int, default=1000, help="of each of 4 chains (default: 1000)")
    fit.set_defaults(command=_fit)

    test = commands.add_parser(
        "test",
        help="what the hypotheses come to on recordings",
        description="Ask hypotheses H1 to H7 of recordings of initialized, generalizing and memorizing "
        "networks, two of each at least. Stopped and started again, it goes on where it was.",
        epilog="example:\n  rote test results/recordings/*.nc --hypotheses H1 H4 --out told\n",
        formatter_class=formatter,
    )
    test.add_argument("files", metavar="FILE", nargs="+", type=Path, help="recordings")
    test.add_argument("--hypotheses", nargs="+", help="H1 ... H7 (default: all that can be answered)")
    test.add_argument("--out", type=Path, default=Path("told"), help="folder (default: told)")
    test.add_argument("--seed", type=int, default=0, help="of the sampler (default: 0)")
    test.add_argument("--draws", type=int, default=1000, help="of each of 4 chains (default: 1000)")
    test.set_defaults(command=_test)

    info = commands.add_parser(
        "info",
        help="what is in a recording; without FILE, which versions are at work",
        description="Print what is in a recording; without FILE, which versions are at work.",
        epilog="example:\n  rote info results/recordings/memorizing-0.nc\n",
        formatter_class=formatter,
    )
    info.add_argument(
        "file", nargs="?", metavar="FILE", type=Path, help="a recording: .nc, .zarr or .npz"
    )
    info.set_defaults(command=_info)
    return parser


def _reproduce(options: argparse.Namespace) -> None:
    from .figures.report import REPORT_STEPS, report_study
    from .validate.study import Study, run_study

    study = Study(
        dataset=options.dataset,
        data=options.data,
        seed=options.seed,
        seeds=options.seeds,
        hidden=tuple(options.hidden),
        max_epochs=options.max_epochs,
        draws=options.draws,
        arms=not options.no_arms,
    )
    started = time.monotonic()
    with Teller() as tell:
        results = run_study(study, options.out, progress=tell, more_steps=REPORT_STEPS)
        report = report_study(results, progress=tell, before=study.n_steps)
    for verdict in results.verdicts:
        print(verdict.sentence)
    print(f"report: {report} ({time.monotonic() - started:.0f} s)")


def _figures(options: argparse.Namespace) -> None:
    from .figures.report import report_study
    from .validate.results import Results

    with Teller() as tell:
        print(f"report: {report_study(Results(options.out), progress=tell, again=True)}")


def _fit(options: argparse.Namespace) -> None:
    from .record.recording import Recording
    from .validate.findings import fit_recording

    with Teller() as tell, Recording.open(options.file) as recording:
        how = {"layers": options.layers, "seed": options.seed, "draws": options.draws}
        summaries = fit_recording(recording, options.out, model=options.model, progress=tell, **how)
    for layer, summary in summaries.items():
        print(f"{layer}\n{summary}")


def _test(options: argparse.Namespace) -> None:
    from .validate.findings import ask_recordings

    how = {"hypotheses": options.hypotheses, "seed": options.seed, "draws": options.draws}
    with Teller() as tell:
        verdicts = ask_recordings(options.files, options.out, progress=tell, **how)
    for verdict in verdicts:
        print(verdict.sentence)


def _info(options: argparse.Namespace) -> None:
    from .record.description import describe
    from .record.npz import open_npz
    from .record.recording import Recording
    from .validate.versions import versions

    if options.file is None:
        print("\n".join(f"{name} {version}" for name, version in versions().items()))
        return
    opener = open_npz if options.file.suffix == ".npz" else Recording.open
    with opener(options.file) as recording:
        print(describe(recording))


class Teller:
    """Shows progress on the terminal: a bar that moves, or a line a step where nobody watches."""

    def __init__(self) -> None:
        self._bar = None
        self._title = ""

    def __enter__(self) -> "Teller":
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

            columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
            self._bar = Progress(*columns, console=Console(stderr=True))
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, title: str, share: float) -> None:
        """Show that ``share`` of the step ``title`` is done."""
        new, self._title = title != self._title, title
        if self._bar is None:
            if new:
                print(title, file=sys.stderr, flush=True)
            return
        if new:
            self._task = self._bar.add_task(title, total=1.0)
        self._bar.update(self._task, completed=share)


if __name__ == "__main__":
    sys.exit(main())
