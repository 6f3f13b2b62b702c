"""One command from its arguments to its exit code."""

import sys
import traceback

import typer

from sknnmm.cli.command import Stopped, command
from sknnmm.cli.cv import cv
from sknnmm.cli.fit import fit
from sknnmm.cli.predict import predict
from sknnmm.cli.report import report
from sknnmm.cli.simulate import simulate
from sknnmm.cli.words import in_options

BAD_INPUT, UNEXPECTED, INTERRUPTED = 2, 1, 130
OF_INPUT = ValueError, TypeError, OSError, ImportError, FloatingPointError

app = typer.Typer(
    help="""Genomic prediction through the omics: from files to a report.

    sknnmm simulate --out demo

    sknnmm fit --config demo/run.toml --out results

    sknnmm predict --model results --genotypes demo/new.bed
    --covariates demo/new_covariates.csv --out new

    sknnmm cv --config demo/run.toml --group family --out folds

    sknnmm report --model results --cv folds
    """,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for function in (simulate, fit, predict, cv, report):
    app.command(function.__name__)(command(function))


def run(arguments: list[str]) -> int:
    """Run the command and return its exit code; what is wrong is one line on stderr."""
    try:
        return app(arguments or ["--help"], prog_name="sknnmm", standalone_mode=False) or 0
    except Stopped as stop:
        text = f"{stop} Run the same command again." if str(stop) else "nothing is kept."
        return _say("stopped", text, INTERRUPTED)
    except OF_INPUT as error:
        _show_traceback(arguments)
        return _say("error", _message(error), BAD_INPUT)
    except Exception as error:
        if hasattr(error, "format_message"):  # of typer: an option that is wrong or lacking
            return _say("error", f"{error.format_message().rstrip('.')}. See --help.", BAD_INPUT)
        _show_traceback(arguments)
        text = f"{type(error).__name__}: {error}. This should not happen: --debug shows where."
        return _say("error", text, UNEXPECTED)


def _message(error):
    if isinstance(error, FileNotFoundError) and error.filename:
        return f"{error.filename} does not exist. Check the path."
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}."
    return in_options(str(error))


def _say(kind, text, code):
    print(f"sknnmm: {kind}: {' '.join(text.split())}", file=sys.stderr)
    return code


def _show_traceback(arguments):
    if "--debug" in arguments:
        traceback.print_exc()
