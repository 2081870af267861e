"""How verify.py is called, and how it prints what it found."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

MOST_PRINTED = 50
"""Differences that are printed; --json has all."""


def command(arguments: list[str], text: str, folder: Path, verify: Callable[[Path], dict[str, Any]]) -> int:
    """Check the run folder that is named, else this folder; returns the exit code. text: what --help prints."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # a terminal may not support all characters of class names
        sys.stdout.reconfigure(errors="backslashreplace")
    given = [argument for argument in arguments if argument != "--json"]
    if given in (["--help"], ["-h"]):
        print(text)
        return 0
    if len(given) > 1 or any(argument.startswith("-") for argument in given):
        print(f"verify.py: found {' '.join(given)!r}, expected [RUN] [--json]", file=sys.stderr)
        return 2
    found = verify(Path(given[0]).resolve() if given else folder)
    if "--json" in arguments:
        print(json.dumps(found, indent=2, default=float))
    else:
        tell(found)
    return 0 if found["equal"] else 1


def tell(found: dict[str, Any]) -> None:
    """Print what was found, a line for each part."""
    print(f"{found['run']}: {found['n_recomputed']} numbers recomputed from stored predictions in {found['seconds']} s")
    if report := found.get("report"):
        print(f"report.html: {report['compared']} numbers compared; {len(report['not_compared'])} others are not")
    for name, own in found.get("targets", {}).items():
        print(f"target {name}: {own['n_recomputed']} numbers recomputed" if own else f"target {name} has no result")
    for part in found["not_recomputed"]:
        print(f"not recomputed: {part['n']} numbers such as {part['first'][0]}: {part['why']}")
    for one in found["differs"][:MOST_PRINTED]:
        print(f"DIFFERS {one['where']}: found {one['found']!r}, expected {one['expected']!r}")
    print("Nothing differs." if found["equal"] else f"{len(found['differs'])} differences.")
