"""The command `autotl`: it parses and prints, and imports nothing heavy before it is needed."""

from __future__ import annotations

import gc
import os
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Annotated, NoReturn

import typer

from autotl import __version__
from autotl.cli import (
    autoencode,
    data,
    debias,
    demo,
    estimate,
    evaluation,
    explanation,
    fit,
    installation,
    models,
    prediction,
    registry,
    storage,
    style,
    validation,
    worker,
)
from autotl.cli.output import drop_documents, keep_for_documents, spare_characters
from autotl.errors import AutoTLError
from autotl.runtime import interruption

EXIT_INTERNAL_ERROR = 1
EXIT_INPUT_ERROR = 2
EXIT_BROKEN_PIPE = 128 + 13
"""As of any program in a pipe whose reader has gone."""

COMMANDS = (
    demo.demo,
    data.check, data.fix,
    fit.fit, fit.resume, fit.refit, fit.report,
    prediction.predict, explanation.explain, evaluation.evaluate, prediction.index, models.export,
    models.serve,
    validation.validate, estimate.estimate, debias.debias,
    autoencode.autoencode,
    registry.register, registry.models, registry.promote,
    style.style,
    worker.worker, storage.storage_proxy, installation.ui, installation.plugins, installation.doctor,
)  # fmt: skip
"""In the order in which `autotl --help` lists them."""


def _version(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit


def command_line(commands: Iterable[Callable[..., None]]) -> typer.Typer:
    """Return the command line that has these commands, in their order."""
    made = typer.Typer(
        help="AutoTL: a folder of labelled images, texts or clips in; "
        "a tuned, honestly evaluated, deployable model out.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    for command in commands:
        made.command()(command)
    made.callback(invoke_without_command=True)(_version)
    return made


app = command_line(COMMANDS)


def main() -> None:
    """Run the command line; the README lists the exit codes."""
    _open_standard_files()
    # Typer and the settings use Pydantic, which would look for plugins of its own in everything that is installed.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    # A stop from outside, such as by a service manager, ends a run as Ctrl-C does: with its best model saved.
    interruption.listen()
    # Our messages go to a copy of standard error, so that what C++ libraries write to the original can be silenced.
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1, errors="backslashreplace")
    spare_characters()
    if {"--json", "--csv"} & set(sys.argv):
        keep_for_documents()
    try:
        _run()
    except AutoTLError as error:
        _say(f"Error: {error}")
        _leave(EXIT_INPUT_ERROR)
    except KeyboardInterrupt:  # before a command has begun; Typer makes an exit code of those that come later
        _leave(fit.EXIT_INTERRUPTED)
    except BrokenPipeError:  # the reader of our output, such as `head`, has stopped reading
        drop_documents()
        _leave(EXIT_BROKEN_PIPE)
    except Exception as error:
        if message := _condition(error):
            _say(f"Error: {message}")
            _leave(EXIT_INPUT_ERROR)
        _report_fault(error)
        _leave(EXIT_INTERNAL_ERROR)
    finally:
        # The interpreter's last garbage collection would visit every object of the frameworks, which takes seconds.
        gc.freeze()
        gc.disable()


def _run() -> None:
    if addresses := [argument for argument in sys.argv if "://" in argument]:
        from autotl.runtime.addresses import hide_secrets

        for address in addresses:
            hide_secrets(address)  # from here on its secrets are known, and left out of every message
    try:
        _needed(sys.argv[1:])()
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):  # Typer makes 1 of it, which stands for a fault of ours
            raise end.__context__ from None
        sys.stdout.flush()  # later, Python would only print that it could not be done
        raise


def _needed(arguments: list[str]) -> typer.Typer:
    """The part of the command line that a call needs.

    Typer builds every option of every command that it is given, which takes a quarter of the time of `autotl --help`.
    """
    if arguments in ([], ["--help"]):
        return command_line([_without_options(command) for command in COMMANDS])
    named = [command for command in COMMANDS if command.__name__.replace("_", "-") == arguments[0]]
    return command_line(named) if named else app


def _without_options(command: Callable[..., None]) -> Callable[[], None]:
    """A command that is only listed: by its name, and by the first line of its help."""

    def listed() -> None:
        """Do nothing: a call that lists the commands runs none."""

    listed.__name__, listed.__doc__ = command.__name__, command.__doc__
    return listed


def _condition(error: Exception) -> str:
    """What is wrong with the machine; empty if the error has another cause."""
    from autotl.runtime.conditions import explain

    return explain(error)


def _report_fault(error: Exception) -> None:
    """Say that the fault is ours, and write down where."""
    from autotl.runtime.addresses import without_secrets

    details = without_secrets("".join(traceback.format_exception(error)))
    try:
        with tempfile.NamedTemporaryFile("w", prefix="autotl-", suffix=".log", delete=False, encoding="utf-8") as log:
            log.write(details)
        where = f"The details are in {log.name}; please report them."
    except OSError:
        where = f"Please report the details:\n{details}"
    _say(f"AutoTL failed because of a fault of its own: {type(error).__name__}: {error}\n{where}")


def _say(text: str) -> None:
    """Print to standard error, without the secrets of addresses."""
    from autotl.runtime.addresses import without_secrets

    with suppress(OSError, ValueError):  # standard error may be closed
        typer.echo(without_secrets(text), err=True)


def _open_standard_files() -> None:
    """Open the null device for any closed standard stream, whose descriptor the next file would take otherwise."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, os.fdopen(number, "r" if number == 0 else "w", closefd=False))


def _leave(code: int) -> NoReturn:
    """End the process; at once if a thread is still importing a framework, because a normal exit would abort it."""
    if any(thread.daemon for thread in threading.enumerate()):
        with suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)
    sys.exit(code)
