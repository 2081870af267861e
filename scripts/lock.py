"""Write the pinned versions of everything installed here but this project, one requirement a line, into two files.

requirements.lock: what AutoTL needs to run, with TensorFlow and the app. requirements-dev.lock: what comes on top for
tests, types and documentation.
"""

from __future__ import annotations

import importlib.metadata
import re
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
USED = ("autotl", ("cpu", "text", "ui"))
# Extras that a person installs, and CI to test them: PyAV, pi-heif and psycopg for the licences of what their wheels
# bundle, OpenVINO for its size.
LEFT_OUT = {"autotl", "pip", "wheel", "av", "pi-heif", "psycopg", "psycopg-binary", "openvino", "openvino-telemetry"}


def main() -> None:
    """Write both files."""
    versions = {_plain(found.name): found.version for found in importlib.metadata.distributions()}
    used = _needed(*USED)
    for file, belongs in (("requirements.lock", True), ("requirements-dev.lock", False)):
        names = sorted(name for name in set(versions) - LEFT_OUT if (name in used) is belongs)
        (ROOT / file).write_text("".join(f"{name}=={versions[name]}\n" for name in names))


def _needed(name: str, extras: tuple[str, ...]) -> set[str]:
    """A distribution with extras, and all that it needs in turn."""
    seen: set[tuple[str, tuple[str, ...]]] = set()
    waiting = [(name, extras)]
    while waiting:
        one = waiting.pop()
        if one in seen:
            continue
        seen.add(one)
        try:
            requires = importlib.metadata.requires(one[0]) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        for needed in map(Requirement, requires):
            if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in one[1] or ("",)):
                waiting.append((_plain(needed.name), tuple(sorted(needed.extras))))
    return {_plain(found) for found, _ in seen}


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    main()
