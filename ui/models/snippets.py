"""Code to copy: how a model is used elsewhere, with its own folder, address and columns filled in."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from autotl_ui.models.exportable_models import Takeable

PORT = 5055


@dataclass(frozen=True)
class Snippet:
    """A piece of code. language: as highlighters call it. needs: what has to be there, in one sentence."""

    title: str
    language: str
    code: str
    needs: str


def snippets(model: Takeable, *, store: str, port: int = PORT) -> list[Snippet]:
    """How to use a model. store: MLflow's address; port: where it is served, or could be."""
    picture = str(next(iter(model.pictures), Path("photo.jpg")))
    columns = ", ".join(model.columns) or "label, and one for each class"
    table = f" It takes a table with one column, image, and answers with the columns {columns}."
    found = [
        Snippet(
            "Python, without MLflow", "python", _by_itself(model.folder, picture),
            "Needs onnxruntime, pillow and numpy only: pip install -r requirements.txt, which lies in the folder.",
        ),
        Snippet(
            "Terminal, without MLflow", "bash",
            f"python {shlex.quote(str(model.folder / 'predictor.py'))} {shlex.quote(picture)}",
            "Needs onnxruntime, pillow and numpy only. It prints JSON.",
        ),
        Snippet(
            "Python, with MLflow, by folder", "python", _by_mlflow(repr(str(model.folder)), picture),
            f"Needs mlflow, onnxruntime, pillow, numpy.{table}",
        ),
    ]  # fmt: skip
    if model.address:
        found.append(
            Snippet(
                "Python, with MLflow, by address", "python",
                _by_mlflow(repr(model.address), picture, f"mlflow.set_tracking_uri({store!r})\n"),
                f"Whoever loads it by an alias gets the version that bears the alias at that moment.{table}",
            )
        )  # fmt: skip
    return [
        *found,
        Snippet(
            "Serve it over HTTP", "bash",
            f"mlflow models serve -m {shlex.quote(str(model.folder))} -h 127.0.0.1 -p {port} --env-manager local",
            "Needs mlflow, onnxruntime, pillow, numpy. It takes some 10 to 30 s to start, then answers until Ctrl+C.",
        ),
        Snippet(
            "Ask the server (curl)", "bash", curl(picture, port),
            f"Needs a server that is up: the command above, or the button under Serve.{table}",
        ),
    ]  # fmt: skip


def curl(picture: str, port: int) -> str:
    """A request for one picture, as a shell command for Linux and macOS."""
    return (
        f"base64 < {shlex.quote(picture)} | tr -d '\\n' \\\n"
        """  | sed 's/.*/{"dataframe_split": {"columns": ["image"], "data": [["&"]]}}/' \\\n"""
        f"  | curl -sS http://127.0.0.1:{port}/invocations -H 'Content-Type: application/json' --data @-"
    )


def _by_itself(folder: Path, picture: str) -> str:
    return f"""\
import sys

folder = {str(folder)!r}
sys.path.insert(0, folder)
from predictor import Predictor

model = Predictor(folder)
for found in model.predict([{picture!r}]):
    print(found["label"], found["probabilities"])
"""


def _by_mlflow(model: str, picture: str, before: str = "") -> str:
    return f"""\
from pathlib import Path

import mlflow
import pandas as pd

{before}model = mlflow.pyfunc.load_model({model})
pictures = [{picture!r}]
table = pd.DataFrame({{"image": [Path(picture).read_bytes() for picture in pictures]}})
print(model.predict(table))
"""
