"""The command line: parses and shows, decides nothing. Nothing heavy is imported before it is needed."""

from __future__ import annotations

import gc
import os
import signal
import sys
import tempfile
import threading
import traceback
from typing import Annotated, NoReturn

import typer

from autotl import __version__
from autotl.cli import data, fit, installation, models
from autotl.errors import AutoTLError

EXIT_FAULT_OF_OURS = 1
EXIT_FAULT_OF_INPUT = 2

app = typer.Typer(
    help="AutoTL: a folder of labelled images in; a tuned, honestly evaluated, deployable model out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
COMMANDS = (
    fit.fit, fit.resume, fit.refit, data.check, data.fix, fit.report, models.predict, models.index, models.export,
    models.serve, models.register, models.models, models.promote, installation.plugins, installation.doctor, fit.demo,
    installation.ui,
)  # fmt: skip
for command in COMMANDS:
    app.command()(command)


@app.callback(invoke_without_command=True)
def _version(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit


def main() -> None:
    """Run the command line; every way it can end has its exit code (see the README)."""
    # A stop from outside, such as the app's stop button, ends a run like Ctrl-C does: with its best model saved.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # Our messages go to a copy of standard error, so that the chatter of C++ libraries on the original can be silenced.
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1, errors="backslashreplace")
    try:
        app()
    except AutoTLError as error:
        typer.echo(f"Error: {error}", err=True)
        _leave(EXIT_FAULT_OF_INPUT)
    except Exception as error:
        with tempfile.NamedTemporaryFile("w", prefix="autotl-", suffix=".log", delete=False) as log:
            traceback.print_exc(file=log)
        typer.echo(
            f"AutoTL failed, and it is not your fault: {type(error).__name__}: {error}\n"
            f"The details are in {log.name}; please report them.",
            err=True,
        )
        _leave(EXIT_FAULT_OF_OURS)
    finally:
        # The interpreter's last collection would look at every object of the frameworks, for seconds.
        gc.freeze()
        gc.disable()


def _leave(code: int) -> NoReturn:
    """End the process; at once where a thread still imports a framework, which the interpreter's end would abort."""
    if any(thread.daemon for thread in threading.enumerate()):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)
