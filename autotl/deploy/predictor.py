"""Classify items with an exported model: `python predictor.py FILE...` prints labels and probabilities as JSON.

An exported model carries a copy of this file, with what reads its kind of item, and needs neither AutoTL nor pickle.
Loaded by MLflow (`mlflow.pyfunc.load_model`), it takes a DataFrame with a column `image`, `text`, or both.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypedDict, cast

import numpy as np
from numpy.typing import NDArray

from autotl.deploy.answers import DOUBTS, open_answers
from autotl.deploy.batches import BATCH_SIZE, answers_of_table, open_graph, print_answers, say_of_each
from autotl.deploy.item_readers import open_reader


class Prediction(TypedDict, total=False):
    """What is said of one item: its label and the probability of every class, or why it could not be read.

    item: the path; "item 0", "item 1", ... for bytes. A model of several labels gives `labels` in place of `label`, one
    of a number `value`, and `low` and `high`, the ends of its interval. If the model offers doubts, set: the plausible
    classes of the item, possibly none; unsure: whether the label's probability is below the model's accept threshold;
    none_of_these: a p-value, small if the item is unlike all classes.
    """

    item: str
    label: str
    labels: list[str]
    value: float
    low: float
    high: float
    probabilities: dict[str, float]
    set: list[str]
    unsure: bool
    none_of_these: float
    error: str


class Explanation(TypedDict, total=False):
    """Why an image got its label rather than the runner-up, or why it could not be read.

    difference: between the logits of the two classes; map: float32 (height, width), the contribution of each part of
    the image to the difference, relative to an average image; negative where the part supports the runner-up.
    """

    item: str
    label: str
    runner_up: str
    difference: float
    map: NDArray[np.float32]
    error: str


class Predictor:
    """An exported model, opened from its folder (the one that holds metadata.json and model.onnx).

    classes: the names of the classes, in the order of the probabilities.
    columns: the names of their columns in a table that also has a column `label`.
    doubts: which of `DOUBTS` the model offers; empty for models exported before there were doubts.
    reader: reads the items as the graph takes them. answers: says what the graph's outputs mean.
    """

    def __init__(self, folder: Path | str) -> None:
        metadata = json.loads((Path(folder) / "metadata.json").read_text(encoding="utf-8"))
        self.classes: tuple[str, ...] = tuple(metadata["classes"])
        self.columns: tuple[str, ...] = tuple(metadata["columns"])
        self.reader, self.answers = open_reader(Path(folder), metadata), open_answers(metadata)
        self._offset: list[float] = metadata.get("map", {}).get("offset", [])
        self._session = open_graph(Path(folder) / "model.onnx")
        offered = {output.name for output in self._session.get_outputs()}
        self.doubts: tuple[str, ...] = tuple(name for name in DOUBTS if name in offered)
        # Without this input the graph computes the doubts even if they are not requested.
        self._switch = "doubts" in {entry.name for entry in self._session.get_overridable_initializers()}

    def probabilities(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Classify pixels: uint8 (n, height, width, 3) -> float32 (n, n_classes), rows sum to 1."""
        parts = [
            self._run(("probabilities",), {"images": pixels[start : start + BATCH_SIZE]})[0]
            for start in range(0, len(pixels), BATCH_SIZE)
        ]
        return np.concatenate(parts) if parts else np.zeros((0, len(self.classes)), np.float32)

    def _run(self, outputs: Sequence[str], inputs: dict[str, NDArray[Any]]) -> list[NDArray[Any]]:
        if self._switch:
            inputs = {**inputs, "doubts": np.array(len(outputs) > 1)}
        found: list[NDArray[Any]] = self._session.run(list(outputs), inputs)
        return found

    def predict(self, items: object, *, doubts: bool = True) -> list[Prediction]:
        """Classify one item or many, in any container; see `reader.given`.

        Images are paths, files' bytes, Pillow images or arrays of pixels; texts are text, paths as `pathlib.Path`, or
        files' bytes; pairs are (image, text), or rows of a table with these columns. Returns one dict per item, in
        order: `item` with `label` and `probabilities`, or with `error`.
        doubts: add `set`, `unsure` and `none_of_these`, as far as the model offers them.
        Raises TypeError if something is not such an item.
        """
        return self.answer(self.reader.given(items), doubts=doubts)

    def answer(self, given: Sequence[Any], *, doubts: bool = True) -> list[Prediction]:
        """Classify given items in batches; see `predict`."""
        outputs = (self.answers.output, *(self.doubts if doubts else ()))

        def say(items: Sequence[Any]) -> Iterator[dict[str, Any]]:
            for part in self.reader.parts(items):
                for row, *others in zip(*self._run(outputs, part), strict=True):
                    answer = self.answers.say(row)
                    for output, value in zip(outputs[1:], others, strict=True):
                        answer |= self.answers.doubt(output, value)
                    yield answer

        return cast(list[Prediction], say_of_each(given, self.reader.read, say, self.reader.unreadable))

    @property
    def has_maps(self) -> bool:
        """Whether the model's graph computes evidence maps; see `maps`."""
        return "map" in {output.name for output in self._session.get_outputs()}

    def maps(self, pixels: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """The evidence at each position for the top class over the runner-up, (n, h, w), and both classes, (n, 2).

        The sum of a map plus the difference of the classes' `offset` in metadata.json equals the difference of their
        logits.
        """
        inputs = {"explain": np.array(True), **({"doubts": np.array(False)} if self._switch else {})}
        parts = [
            self._session.run(["map", "map_classes"], {"images": pixels[start : start + BATCH_SIZE], **inputs})
            for start in range(0, len(pixels), BATCH_SIZE)
        ]
        maps, classes = zip(*parts, strict=True)
        return np.concatenate(maps), np.concatenate(classes)

    def explain(self, items: object) -> list[Explanation]:
        """Locate the evidence for the label of each image. items: see `predict`.

        Raises ValueError if the model has no maps: its head is not linear.
        """
        if not self.has_maps:
            raise ValueError("this model offers no maps; `autotl explain` makes them by covering parts of the image")

        def say(images: Sequence[NDArray[np.uint8]]) -> Iterator[dict[str, Any]]:
            for found, (best, second) in zip(*self.maps(np.stack(images)), strict=True) if images else ():
                difference = float(found.sum() + self._offset[best] - self._offset[second])
                yield {
                    "label": self.classes[best], "runner_up": self.classes[second], "difference": difference,
                    "map": found,
                }  # fmt: skip

        explained = say_of_each(self.reader.given(items), self.reader.read, say, self.reader.unreadable)
        return cast(list[Explanation], explained)


def main(arguments: Sequence[str]) -> int:
    """The command line; see `print_answers`."""
    return print_answers(lambda: Predictor(Path(__file__).resolve().parent), arguments)


# MLflow runs this file to get at its model ("models from code"). Imports from elsewhere must not offer it one.
if "mlflow.pyfunc" in sys.modules and not __name__.startswith("autotl"):
    import mlflow
    import pandas as pd

    class ExportedModel(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
        """The exported model as MLflow sees it."""

        def load_context(self, context: Any) -> None:  # noqa: ARG002, the name is MLflow's
            """Open the folder this file lies in."""
            self.predictor = Predictor(Path(__file__).resolve().parent)

        def predict(self, model_input: pd.DataFrame) -> pd.DataFrame:
            """Classify the items of a table.

            model_input: has the column of the kind of item, or those of its parts: `image` holds each file's bytes, or
            their base64 text, `text` holds texts. Returns the columns `label` and one probability per class. Raises
            ValueError that names a missing column, or the rows that cannot be read. Of several labels the column is
            `labels`, and a number has `value`, `low` and `high`.
            """
            results = answers_of_table(self.predictor, model_input)
            return pd.DataFrame(self.predictor.answers.table(results), index=model_input.index)

    mlflow.models.set_model(ExportedModel())

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
