"""Runs a deployable in an environment that holds its own requirements alone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

NEVER = ("autotl", "tensorflow", "keras", "onnx", "sklearn", "scipy", "mlflow", "pandas")
_REPLAY = """
import json, sys
from pathlib import Path
folder, *absent = sys.argv[1:]
for name in absent:
    try:
        __import__(name)
    except ImportError:
        continue
    raise SystemExit(f"{name} is installed here")
sys.path.insert(0, folder)
from predictor import Predictor
replay = Path(folder) / "replay"
items = json.loads((replay / "expected.json").read_text())["items"]
answers = Predictor(folder).predict([replay / item["file"] for item in items])
for answer, item in zip(answers, items, strict=True):
    found = list(answer["probabilities"].values())
    assert max(abs(a - b) for a, b in zip(found, item["probabilities"], strict=True)) < 1e-4
"""


def replay_alone(champion: Path, folder: Path, *, absent: Sequence[str] = NEVER) -> None:
    """Install the requirements of a deployable into a new environment below a folder, and replay it there.

    absent: packages that must not be installed in it. Fails if the probabilities differ by 1e-4 or more.
    """
    environment = folder / "venv"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    python = environment / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", "-r", champion / "requirements.txt"], check=True)
    done = subprocess.run(
        [python, "-c", _REPLAY, champion, *absent], capture_output=True, text=True, cwd=folder,
        env={**os.environ, "PYTHONPATH": ""}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
