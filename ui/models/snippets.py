"""Code to copy that uses a model elsewhere, with its folder, address and columns filled in."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from autotl_ui.models.exportable_models import ExportableModel

PORT = 5055


@dataclass(frozen=True)
class Snippet:
    """A piece of code. language: for the highlighter. needs: what it requires, in a sentence or two."""

    title: str
    language: str
    code: str
    needs: str


def snippets(model: ExportableModel, *, store: str, port: int = PORT) -> list[Snippet]:
    """How to use a model. store: the address of MLflow's store; port: where the model is served, or could be."""
    image = str(next(iter(model.images), Path("photo.jpg")))
    columns = ", ".join(model.columns) or "label, and one for each class"
    table = f" It takes a table with one column, image, and returns the columns {columns}."
    found = [
        Snippet(
            "Python, without MLflow", "python", _by_itself(model.folder, image),
            "Needs only onnxruntime, pillow and numpy: pip install -r requirements.txt, in the folder of the model.",
        ),
        Snippet(
            "Terminal, without MLflow", "bash",
            f"python {shlex.quote(str(model.folder / 'predictor.py'))} {shlex.quote(image)}",
            "Needs only onnxruntime, pillow and numpy. It prints JSON.",
        ),
        Snippet(
            "Python, with MLflow, by folder", "python", _by_mlflow(repr(str(model.folder)), image),
            f"Needs mlflow, onnxruntime, pillow, numpy.{table}",
        ),
    ]  # fmt: skip
    if model.address:
        found.append(
            Snippet(
                "Python, with MLflow, by address", "python",
                _by_mlflow(repr(model.address), image, f"mlflow.set_tracking_uri({store!r})\n"),
                f"An alias stands for the version that has it when the model is loaded.{table}",
            )
        )  # fmt: skip
    return [
        *found,
        Snippet(
            "Serve it over HTTP", "bash",
            f"mlflow models serve -m {shlex.quote(str(model.folder))} -h 127.0.0.1 -p {port} --env-manager local",
            "Needs mlflow, onnxruntime, pillow, numpy. It takes 10 to 30 s to start, and runs until Ctrl+C.",
        ),
        Snippet(
            "Ask the server (curl)", "bash", curl(image, port),
            f"Needs a running server: use the command above, or the button under Serve.{table}",
        ),
    ]  # fmt: skip


def curl(image: str, port: int) -> str:
    """A request for one image, as a shell command for Linux and macOS."""
    return (
        f"base64 < {shlex.quote(image)} | tr -d '\\n' \\\n"
        """  | sed 's/.*/{"dataframe_split": {"columns": ["image"], "data": [["&"]]}}/' \\\n"""
        f"  | curl -sS http://127.0.0.1:{port}/invocations -H 'Content-Type: application/json' --data @-"
    )


def _by_itself(folder: Path, image: str) -> str:
    return f"""\
import sys

folder = {str(folder)!r}
sys.path.insert(0, folder)
from predictor import Predictor

model = Predictor(folder)
for found in model.predict([{image!r}]):
    print(found["label"], found["probabilities"])
"""


def _by_mlflow(model: str, image: str, before: str = "") -> str:
    return f"""\
from pathlib import Path

import mlflow
import pandas as pd

{before}model = mlflow.pyfunc.load_model({model})
images = [{image!r}]
table = pd.DataFrame({{"image": [Path(image).read_bytes() for image in images]}})
print(model.predict(table))
"""
