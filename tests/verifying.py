"""Calls verify.py of a run folder as a referee would, with NumPy alone, and changes what a run folder says."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Change = Callable[[Path], None]
_ONLY_NUMPY = """
import runpy, sys
sys.path.insert(0, sys.argv.pop(1))
sys.argv.pop(0)
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
finally:
    foreign = {name.split(".")[0] for name in sys.modules} - set(sys.stdlib_module_names)
    foreign -= {"__main__", "numpy", "cython_runtime"}
    print(*sorted(name for name in foreign if not name.startswith(("verify_", "_cython"))), file=sys.stderr)
"""


def only_numpy(folder: Path) -> Path:
    """Make a folder of packages that holds NumPy and no other."""
    installed = Path(np.__file__).parent.parent
    for name in ("numpy", "numpy.libs"):
        if (installed / name).exists():
            (folder / name).symlink_to(installed / name, target_is_directory=True)
    return folder


def verify(folder: Path, packages: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run verify.py of a run folder without any site-packages but these."""
    command = [sys.executable, "-I", "-S", "-c", _ONLY_NUMPY, str(packages), str(folder / "verify.py"), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def found(folder: Path, packages: Path) -> tuple[int, dict[str, Any]]:
    done = verify(folder, packages, "--json")
    return done.returncode, json.loads(done.stdout)


def in_json(name: str, change: Callable[[Any], None]) -> Change:
    """Change a JSON file of the folder."""

    def apply(folder: Path) -> None:
        path = folder / name
        document = json.loads(path.read_text(encoding="utf-8"))
        change(document)
        path.write_text(json.dumps(document), encoding="utf-8")

    return apply


def in_state(change: Callable[[Any], None]) -> Change:
    return in_json("run.json", change)


def in_result(change: Callable[[Any], None]) -> Change:
    return in_state(lambda state: change(state["result"]))


def in_arrays(name: str, change: Callable[[dict[str, np.ndarray]], None]) -> Change:
    """Change the arrays of an .npz file of the folder."""

    def apply(folder: Path) -> None:
        with np.load(folder / name) as arrays:
            kept = dict(arrays)
        change(kept)
        np.savez(folder / name, **kept)  # type: ignore[arg-type]

    return apply


def in_text(name: str, old: str, new: str) -> Change:
    def apply(folder: Path) -> None:
        text = (folder / name).read_text(encoding="utf-8")
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")

    return apply
