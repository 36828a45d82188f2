"""The command line: parse, call, print."""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from . import __version__
from .terminal import Teller

EXAMPLES = """\
examples:
  rote reproduce                                 the whole study on handwritten digits, into results/
  rote reproduce --dataset mnist --data DIR      the same on MNIST; downloads it if DIR lacks it
  rote figures --out results                     figures and report again, from a finished study
  rote info results/recordings/memorizing-0.nc   what is in a recording
  rote fit results/recordings/memorizing-0.nc    posteriors of the law of its layers' rates
  rote test results/recordings/*.nc --out told   what the hypotheses come to on recordings
  rote judge results/recordings/memorizing-0.nc  does this network memorize?
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


FIT_EPILOG = """\
models:
  rates            Beta law of the rates, and dead units
  rate_mixture     rare and common units, and dead ones; each unit's kind
  exchangeable     one rate and one correlation, of units that are all alike
  factor           one common factor, of units with different rates
  classes          how class-selective units are
  dispersion       beta-binomial counts in windows
  gamma_poisson    Gamma-Poisson counts in windows
  magnitudes       how loud units are (needs activations)
  magnitude_rate   loudness against rate (needs activations)
  weights          the norm that each unit's weights obey (needs weights)
  pooled_weights   the law of all weights as one pool (needs weights)
  coherence        change of weights against rate (needs weights, --initial)

examples:
  rote fit results/recordings/memorizing-0.nc --model factor --out fits
  rote fit results/recordings/memorizing-0.nc --model rates rate_mixture --out compared
"""


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
        help="posteriors of models for the layers of a recording",
        description="Fit models to the layers of a recording, on its training examples; write "
        "posteriors (ArviZ DataTrees in netCDF) and tables: summary, predictive checks, kinds of units. "
        "Several models of the same data are compared. Stopped and started again, it goes on where it "
        "was.",
        epilog=FIT_EPILOG,
        formatter_class=formatter,
    )
    fit.add_argument("file", metavar="FILE", type=Path, help="a recording: .nc, .zarr or .npz")
    fit.add_argument(
        "--model", nargs="+", default=["rates"], help="one of those below, or several (default: rates)"
    )
    fit.add_argument("--layers", nargs="+", help="names of layers (default: all)")
    fit.add_argument(
        "--initial", type=Path, help="recording of the network before training, for coherence"
    )
    fit.add_argument("--window", type=int, default=20, help="examples in a window (default: 20)")
    fit.add_argument("--out", type=Path, default=Path("fits"), help="folder (default: fits)")
    fit.add_argument("--seed", type=int, default=0, help="of the sampler (default: 0)")
    fit.add_argument("--draws", type=int, default=1000, help="of each of 4 chains (default: 1000)")
    fit.set_defaults(command=_fit)

    test = commands.add_parser(
        "test",
        help="what the hypotheses come to on recordings",
        description="Ask hypotheses H1 to H7 of recordings of initialized, generalizing and memorizing "
        "networks, two of each at least; networks of mixed labels join in where all layers are pooled. "
        "Stopped and started again, it goes on where it was.",
        epilog="example:\n  rote test results/recordings/*.nc --hypotheses H1 H4 --out told\n",
        formatter_class=formatter,
    )
    test.add_argument("files", metavar="FILE", nargs="+", type=Path, help="recordings")
    test.add_argument("--hypotheses", nargs="+", help="H1 ... H7 (default: all that can be answered)")
    test.add_argument("--out", type=Path, default=Path("told"), help="folder (default: told)")
    test.add_argument("--seed", type=int, default=0, help="of the sampler (default: 0)")
    test.add_argument("--draws", type=int, default=1000, help="of each of 4 chains (default: 1000)")
    test.set_defaults(command=_test)

    judge = commands.add_parser(
        "judge",
        help="does a network memorize? from its recording alone",
        description="Tell from a recording alone, on its training examples, how likely its network "
        "memorizes and how many of its labels are random; or that it is unlike the reference.",
        epilog="example:\n  rote judge results/recordings/*.nc --json judged.json\n",
        formatter_class=formatter,
    )
    judge.add_argument("files", metavar="FILE", nargs="+", type=Path, help="recordings")
    judge.add_argument(
        "--reference", type=Path, help="table of networks to judge by (default: the package's)"
    )
    judge.add_argument("--without-labels", action="store_true", help="look only at what needs no labels")
    judge.add_argument("--json", type=Path, metavar="OUT", help="write what is told to this file, too")
    judge.set_defaults(command=_judge)

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
    from .validate.fits import fit_recording

    with Teller() as tell:
        tables = fit_recording(
            options.file,
            options.out,
            models=options.model,
            layers=options.layers,
            initial=options.initial,
            window=options.window,
            seed=options.seed,
            draws=options.draws,
            progress=tell,
        )
    print(tables["summary.csv"].round(4).to_string(index=False))
    if "checks.csv" in tables:
        for layer, sentence in tables["checks.csv"][["layer", "sentence"]].to_numpy():
            print(f"{layer}: {sentence}")
    if "comparison.csv" in tables:
        print(tables["comparison.csv"].round(3).to_string(index=False))


def _test(options: argparse.Namespace) -> None:
    from .validate.findings import ask_recordings

    how = {"hypotheses": options.hypotheses, "seed": options.seed, "draws": options.draws}
    with Teller() as tell:
        verdicts, pooled = ask_recordings(options.files, options.out, progress=tell, **how)
    for told in (*verdicts, *pooled):
        print(told.sentence)


def _judge(options: argparse.Namespace) -> None:
    from .inference.references import Reference, judge
    from .record.recording import Recording
    from .validate.steps import write_json

    by, told = Reference.open(options.reference) if options.reference else None, {}
    for path in options.files:
        with Recording.open(path) as recording:
            judgement = judge(recording, by=by, labels=not options.without_labels)
        told[str(path)] = judgement.as_dict()
        print(f"{path}: {judgement.sentence}")
    if options.json:
        write_json(options.json, told)


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


if __name__ == "__main__":
    sys.exit(main())
