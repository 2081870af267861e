"""Code to copy that uses a model elsewhere, with its folder, address and columns filled in."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from autotl.data.item_kinds import CLIPS, IMAGES, PAIRS, TEXTS, ItemKind
from autotl_ui.models.exportable_models import ExportableModel
from autotl_ui.models.requests import curl

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
    kind = model.kind
    usual = {IMAGES: "photo.jpg", TEXTS: "text.txt", CLIPS: "clip.mp4"}.get(kind, "row.pair")
    item = str(next(iter(model.items), Path(usual)))
    others = "onnxruntime, pillow, numpy" if kind is IMAGES else "and the packages in the model's requirements.txt"
    with_mlflow = f"Needs mlflow, {others}"
    needed = "onnxruntime, pillow and numpy" if kind is IMAGES else "the few packages in its requirements.txt"
    columns = ", ".join(model.columns) or "label, and one for each class"
    given = "the columns image and text" if kind is PAIRS else f"one column, {kind.name}"
    table = f" It takes a table with {given}, and returns the columns {columns}."
    also = ' In place of the path, give an image with its text: ("photo.jpg", "Its text.").' if kind is PAIRS else ""
    said = _said(model)
    found = [
        Snippet(
            "Python, without MLflow", "python", _by_itself(model.folder, item, kind, said),
            f"Needs only {needed}: pip install -r requirements.txt, in the folder of the model.{also}",
        ),
        Snippet(
            "Terminal, without MLflow", "bash",
            f"python {shlex.quote(str(model.folder / 'predictor.py'))} {shlex.quote(item)}",
            f"Needs only {needed}. It prints JSON.",
        ),
        Snippet(
            "Python, with MLflow, by folder", "python", _by_mlflow(repr(str(model.folder)), item, kind),
            f"{with_mlflow}.{table}",
        ),
    ]  # fmt: skip
    if model.address:
        found.append(
            Snippet(
                "Python, with MLflow, by address", "python",
                _by_mlflow(repr(model.address), item, kind, f"mlflow.set_tracking_uri({store!r})\n"),
                f"An alias stands for the version that has it when the model is loaded.{table}",
            )
        )  # fmt: skip
    return [
        *found,
        Snippet(
            "Serve it over HTTP", "bash",
            f"mlflow models serve -m {shlex.quote(str(model.folder))} -h 127.0.0.1 -p {port} --env-manager local",
            f"{with_mlflow}. It takes 10 to 30 s to start, and runs until Ctrl+C.",
        ),
        Snippet(
            "Ask the server (curl)", "bash", curl(item, port),
            f"Needs a running server: use the command above, or the button under Serve.{table}",
        ),
    ]  # fmt: skip


def _said(model: ExportableModel) -> str:
    """What to print of an answer."""
    if model.targets:
        return 'found["targets"]'
    answer = model.columns[0] if model.columns else "label"
    return f'found["{answer}"]' if answer == "value" else f'found["{answer}"], found["probabilities"]'


def _by_itself(folder: Path, item: str, kind: ItemKind, said: str) -> str:
    # A string is a text to such a model, and a path to one of images or clips.
    before, given = ("", repr(item)) if kind in (IMAGES, CLIPS) else ("from pathlib import Path\n", f"Path({item!r})")
    return f"""\
import sys
{before}
folder = {str(folder)!r}
sys.path.insert(0, folder)
from predictor import Predictor

model = Predictor(folder)
for found in model.predict([{given}]):
    print({said})
"""


def _by_mlflow(model: str, item: str, kind: ItemKind, before: str = "") -> str:
    read = "read_bytes()" if kind in (IMAGES, CLIPS) else 'read_text(encoding="utf-8")'
    filled = f'{{"{kind.name}": [Path({kind.name}).{read} for {kind.name} in {kind.plural}]}}'
    items = f"{kind.plural} = [{item!r}]"
    if kind is PAIRS:
        items, filled = (
            'photo, text = "photo.jpg", "Its text."',
            '{"image": [Path(photo).read_bytes()], "text": [text]}',
        )
    return f"""\
from pathlib import Path

import mlflow
import pandas as pd

{before}model = mlflow.pyfunc.load_model({model})
{items}
table = pd.DataFrame({filled})
print(model.predict(table))
"""
