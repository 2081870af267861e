"""The command `autotl`: it parses and prints, and imports nothing heavy before it is needed."""

from __future__ import annotations

import gc
import os
import sys
import tempfile
import threading
import traceback
from typing import Annotated, NoReturn

import typer

from autotl import __version__
from autotl.cli import data, demo, fit, installation, models, prediction, registry
from autotl.cli.output import spare_characters
from autotl.errors import AutoTLError
from autotl.runtime import interruption

EXIT_INTERNAL_ERROR = 1
EXIT_INPUT_ERROR = 2

COMMANDS = (
    demo.demo,
    data.check, data.fix,
    fit.fit, fit.resume, fit.refit, fit.report,
    prediction.predict, prediction.index, models.export, models.serve,
    registry.register, registry.models, registry.promote,
    installation.ui, installation.plugins, installation.doctor,
)  # fmt: skip
"""In the order in which `autotl --help` lists them."""

app = typer.Typer(
    help="AutoTL: a folder of labelled images in; a tuned, honestly evaluated, deployable model out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in COMMANDS:
    app.command()(command)


@app.callback(invoke_without_command=True)
def _version(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit


def main() -> None:
    """Run the command line; the README lists the exit codes."""
    # A stop from outside, such as the app's stop button, ends a run as Ctrl-C does: with its best model saved.
    interruption.listen()
    # Our messages go to a copy of standard error, so that what C++ libraries write to the original can be silenced.
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1, errors="backslashreplace")
    spare_characters()
    try:
        app()
    except AutoTLError as error:
        typer.echo(f"Error: {error}", err=True)
        _leave(EXIT_INPUT_ERROR)
    except Exception as error:
        with tempfile.NamedTemporaryFile("w", prefix="autotl-", suffix=".log", delete=False) as log:
            traceback.print_exc(file=log)
        typer.echo(
            f"AutoTL failed because of a fault of its own: {type(error).__name__}: {error}\n"
            f"The details are in {log.name}; please report them.",
            err=True,
        )
        _leave(EXIT_INTERNAL_ERROR)
    finally:
        # The interpreter's last garbage collection would visit every object of the frameworks, which takes seconds.
        gc.freeze()
        gc.disable()


def _leave(code: int) -> NoReturn:
    """End the process; at once if a thread is still importing a framework, because a normal exit would abort it."""
    if any(thread.daemon for thread in threading.enumerate()):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)
