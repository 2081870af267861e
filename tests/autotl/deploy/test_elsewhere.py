"""A champion of each kind works where there is neither AutoTL nor TensorFlow nor scikit-learn's pickles."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from finished_trials import run_candidate

from autotl.trial import Training
from autotl.workflows.conclusion import save_early

ROOT = Path(__file__).parents[3]
HEADS = ("logistic", "linear-svm", "rbf-svm", "random-forest", "knn", "dense")
REPLAY = """
import json, sys
from pathlib import Path
import numpy as np, pandas as pd, mlflow
for absent in ("autotl", "tensorflow", "keras", "onnx", "skl2onnx"):
    try:
        __import__(absent)
    except ImportError:
        continue
    raise SystemExit(f"{absent} is installed here")
for folder in map(Path, sys.argv[1:]):
    items = json.loads((folder / "replay" / "expected.json").read_text())["items"]
    images = pd.DataFrame({"image": [(folder / "replay" / item["file"]).read_bytes() for item in items]})
    found = mlflow.pyfunc.load_model(str(folder)).predict(images)
    difference = np.abs(found.drop(columns="label").to_numpy() - [item["probabilities"] for item in items]).max()
    print(folder.name, difference)
    assert difference < 1e-4, folder.name
"""


@pytest.fixture
def champions(context: Any, candidate: Callable[..., Any], tmp_path: Path) -> list[Path]:
    """The deployable of one champion of each kind."""
    candidates = [candidate(head) for head in HEADS]
    training = Training(trainable_stages=2, learning_rate=1e-3, weight_decay=1e-4, augment=True)
    candidates.append(candidate("dense", "top", "avg", training=training))
    folders = []
    for number, chosen in enumerate(candidates):
        save_early(context, run_candidate(context, chosen, number))
        kept = tmp_path / f"{chosen.strategy}-{chosen.head.name}"
        folders.append(Path(shutil.copytree(context.run.champion, kept)))
    return folders


@pytest.mark.heavy
def test_every_kind_of_champion_replays_with_only_mlflow_and_its_own_requirements(
    champions: list[Path], tmp_path: Path
) -> None:
    environment = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    python = environment / "bin" / "python"
    install = [python, "-m", "pip", "install", "-q", "-c", ROOT / "requirements.lock", "mlflow"]
    subprocess.run([*install, "-r", champions[0] / "requirements.txt"], check=True)
    env = {**os.environ, "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false", "PYTHONPATH": ""}
    done = subprocess.run([python, "-c", REPLAY, *champions], capture_output=True, text=True, cwd=tmp_path, env=env)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == len(HEADS) + 1
