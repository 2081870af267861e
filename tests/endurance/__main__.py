"""Kill runs at random moments, carry them on, and print what became of them: `make endurance MINUTES=60 SEED=0`."""

from __future__ import annotations

import argparse
import itertools
import json
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from postgres import started_postgres
from ray_nodes import started_ray_nodes

from endurance.commands import kill_commands
from endurance.report import Kill, is_sound, to_document, to_markdown
from endurance.rounds import BROKEN, Beside, Round, Setting

COMMANDS_PER_RUN = 2
FIRST_KILLS = 50
"""So many are made at least, however long it takes."""
POSTGRESQL = "postgresql"
"""As the storage: a server that is started for the harness."""
NODES = "NODES"
"""In the executor: the address of two nodes of Ray that are started for the harness."""


def write_digits(folder: Path, *, per_class: int) -> Path:
    """Handwritten digits as a folder of folders, which scikit-learn brings along."""
    from PIL import Image
    from sklearn.datasets import load_digits

    pixels, digits = load_digits(return_X_y=True)
    for digit in range(10):
        (folder / str(digit)).mkdir(parents=True)
        for place, image in enumerate(pixels[digits == digit][:per_class]):
            Image.fromarray((image.reshape(8, 8) * 15.9).astype("uint8")).save(folder / str(digit) / f"{place}.png")
    return folder


def main() -> int:
    parser = argparse.ArgumentParser(prog="endurance", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--kills", type=int, default=FIRST_KILLS, help="so many at least")
    parser.add_argument("--kills-per-run", type=int, default=4, help="beside those of commands")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--executor", default="", help=f"ray:{NODES} for a cluster of two nodes, which are killed too")
    parser.add_argument("--storage", default="", help=f"{POSTGRESQL} for a server that is started for the harness")
    parser.add_argument("--budget", default="40s")
    parser.add_argument("--data", type=Path, help="a folder of folders; digits where it is not given")
    parser.add_argument("--option", action="append", default=[], help="one more of `autotl fit`")
    parser.add_argument("--out", type=Path, help="for endurance.md and endurance.json, and what went wrong")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, _end)
    rng, kills = random.Random(given.seed), list[Kill]()
    try:
        with _servers(given) as beside:
            _play_rounds(given, rng, kills, beside)
    finally:  # also of what was interrupted
        table = to_markdown(kills)
        print(table)
        if given.out:
            given.out.mkdir(parents=True, exist_ok=True)
            (given.out / "endurance.md").write_text(f"{table}\n", encoding="utf-8")
            document = to_document(kills, seed=given.seed, minutes=given.minutes, workers=given.workers)
            (given.out / "endurance.json").write_text(json.dumps(document, indent=2), encoding="utf-8")
    return 0 if is_sound(kills) else 1


def _end(*_: object) -> None:
    """End, once, with what was started, and with the table."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(1)


@contextmanager
def _servers(given: argparse.Namespace) -> Iterator[Beside | None]:
    """Start what the options ask for, and name its addresses in them."""
    with ExitStack() as stack:
        if given.storage == POSTGRESQL:
            server = stack.enter_context(started_postgres())
            given.storage = server.address(server.new_database())
        if NODES not in given.executor:
            yield None
            return
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="autotl-nodes-")))
        nodes = stack.enter_context(started_ray_nodes(folder))
        given.executor = given.executor.replace(NODES, nodes.address)
        yield nodes


def _play_rounds(given: argparse.Namespace, rng: random.Random, kills: list[Kill], beside: Beside | None) -> None:
    until = time.monotonic() + 60 * given.minutes
    folder = Path(tempfile.mkdtemp(prefix="autotl-endurance-"))
    data = given.data or write_digits(folder / "digits", per_class=20)
    for number in itertools.count(1):
        if time.monotonic() >= until and len(kills) >= given.kills:
            break
        setting = Setting(folder, data, _options(given, number), {}, given.storage or None, beside)
        played = Round(setting, f"run-{number}", rng, kills)
        try:
            played.play(given.kills_per_run)
            if not any(kill.violations for kill in played.mine):
                kill_commands(played, rng, COMMANDS_PER_RUN)
        except Exception as error:  # such as an address that does not answer
            played.blame(BROKEN, f"the harness met {type(error).__name__}: {error}")
        finally:
            played.close()
        print(f"{len(kills)} kills, {sum(bool(kill.violations) for kill in kills)} with violations", flush=True)
        if not any(kill.violations for kill in played.mine):
            shutil.rmtree(played.folder, ignore_errors=True)
    if is_sound(kills):
        shutil.rmtree(folder, ignore_errors=True)


def _options(given: argparse.Namespace, number: int) -> tuple[str, ...]:
    """The options of a run: every other one fine-tunes, whatever the budget allows."""
    options = ["--seed", str(number), "--workers", str(given.workers), "--register", "endurance", *given.option]
    options += ["--budget", given.budget] if number % 2 else ["--strategy", "fine-tune", "--trials", "2"]
    options += ["--executor", given.executor] if given.executor else []
    return tuple(options)


if __name__ == "__main__":
    sys.exit(main())
