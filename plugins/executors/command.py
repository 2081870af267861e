"""Workers that a command starts, such as `srun` or `ssh`: on other machines, without a plugin for each scheduler."""

from __future__ import annotations

import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from autotl.errors import in_one_line
from autotl.hookspecs import hookimpl
from autotl.interfaces import Crew, Executor
from autotl_plugins.executors._processes import worker_processes

PLACE = "{}"
"""In a line: where the command of a worker comes, as one quoted string; elsewhere it is appended."""
QUOTING = ("ssh", "rsh")
"""Programs that join their arguments, for a shell that takes them apart again."""
SHELLS = ("sh", "bash", "dash", "zsh", "ksh", "fish")
ANSWER_SECONDS = 60.0
"""How long a line may take to run a short command, before any work."""
EXAMPLE = "--executor 'command:ssh HOST' or --executor 'command:srun -n1'"


def filled(line: str, command: Sequence[str]) -> list[str]:
    """Program and arguments that run a command by a line; ValueError, with the reason, where the line cannot."""
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise ValueError(f"the line {line!r} cannot be read as a command: {error}") from None
    if not words:
        raise ValueError(f"it needs a line that starts a worker: {EXAMPLE}")
    if any(PLACE in word for word in words):
        return [word.replace(PLACE, shlex.join(command)) for word in words]
    if words[-1] == "-c" and Path(words[0]).name in SHELLS:
        raise ValueError(f"{line!r} takes the command as one word; write {line} {PLACE}, as in 'sh -c {PLACE}'")
    if Path(words[0]).name in QUOTING:
        return [*words, shlex.join(command)]
    return [*words, *command]


@dataclass(frozen=True)
class Look:
    """What a line finds where it runs a command. obstacle: why it cannot be used, empty if it can.

    has_python: whether this installation is there, under the same path. machine: its name. Both are known if the line
    runs a command, even if the run folder is not seen.
    """

    obstacle: str = ""
    has_python: bool = False
    machine: str = ""


@contextmanager
def start(crew: Crew) -> Iterator[None]:
    """Start each worker by the line that the user gave; it reads the address of the store from its standard input."""
    found = look(crew.option, str(crew.log.parent))
    program = crew.program if found.has_python else ("autotl",)
    if found.machine != platform.node() and crew.first_line.startswith("sqlite"):
        crew.tell(
            f"the trials are in a file that workers on {found.machine} share, and network drives do not lock files "
            "reliably: keep them in a database, such as --storage postgresql+pg8000://USER@HOST/DATABASE"
        )

    def command(number: int) -> list[str]:
        return filled(crew.option, [*program, *crew.remote_arguments(number)])

    # The address of the store is among these: it is read from standard input.
    left_out = dict.fromkeys(crew.environment)
    with worker_processes(crew, command, lambda _number: left_out, crew.first_line):
        yield


def obstacle(option: str, run: str) -> str:
    """Try the line: it has to run a command, where there is AutoTL and the run folder is to be seen."""
    look.cache_clear()  # what was in the way may have been removed since
    return look(option, run).obstacle


@lru_cache(maxsize=1)
def look(option: str, run: str) -> Look:
    """Run a short command by a line. run: the run folder, which may not exist yet, or a URL."""
    try:
        program = filled(option, ["true"])[0]
    except ValueError as error:
        return Look(str(error))
    if shutil.which(program) is None:
        return Look(f"there is no program {program!r} on this machine; correct the line {option!r}")
    if "://" in run:
        return _ask(option, "")
    folder = next(path for path in (Path(run), *Path(run).parents) if path.is_dir())
    with tempfile.NamedTemporaryFile(prefix=".autotl-", dir=folder) as probe:
        return _ask(option, probe.name)


def _ask(option: str, file: str) -> Look:
    """file: what has to be seen there, empty for nothing."""
    there = [f"test -x {shlex.quote(sys.executable)} && echo python", "command -v autotl >/dev/null && echo autotl"]
    there += [f"test -f {shlex.quote(file)} && echo file"] if file else []
    script = "; ".join(["uname -n", *there, "echo end"])
    try:
        told = subprocess.run(
            filled(option, ["sh", "-c", script]), stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=ANSWER_SECONDS, check=False, start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        return Look(f"{option!r} cannot be started: {error}")
    except subprocess.TimeoutExpired:
        return Look(
            f"{option!r} did not answer within {ANSWER_SECONDS:g} seconds. In a queue, start AutoTL within a job "
            "(salloc, sbatch); for ssh, use a key that needs no password"
        )
    answers = told.stdout.split()
    if told.returncode or answers[-1:] != ["end"]:
        why = in_one_line(told.stderr or told.stdout) or "it printed nothing"
        return Look(f"{option!r} cannot run a command (exit code {told.returncode}): {why}")
    if file and "file" not in answers:
        return Look(
            f"{option!r} leads to a machine that does not see {Path(file).parent}, where the run is to be written. Put "
            "the run (--run), the data and AUTOTL_CACHE into folders that all machines share, or share the run by a "
            "URL and keep its trials in a database: --share s3://BUCKET/runs/x --storage "
            "postgresql+pg8000://USER@HOST/DATABASE",
            "python" in answers,
            answers[0],
        )
    if "python" not in answers and "autotl" not in answers:
        return Look(
            f"{option!r} leads to a machine on which there is neither {sys.executable} nor a command autotl; install "
            f"AutoTL there, and name its folder in the line, such as: ssh HOST 'PATH=/opt/autotl/bin:$PATH {PLACE}'"
        )
    return Look("", "python" in answers, answers[0])


@hookimpl
def register_executors() -> Iterable[Executor]:
    """Offer workers that a command starts."""
    return [Executor("command", start, obstacle)]
