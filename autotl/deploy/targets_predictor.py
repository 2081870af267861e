"""Answer several targets with an exported model: `python predictor.py FILE...` prints the answers as JSON.

An exported model carries a copy of this file, with what reads its kind of item, and needs neither AutoTL nor pickle.
Loaded by MLflow (`mlflow.pyfunc.load_model`), it takes a DataFrame with one column, such as `image`, and gives the
columns TARGET.label and TARGET.CLASS.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from autotl.deploy.answers import open_answers
from autotl.deploy.batches import open_graph, print_answers, read_ahead
from autotl.deploy.item_readers import open_reader

DOUBTS = ("set", "unsure", "none_of_these")  # optional outputs that say how far an answer can be relied on
SEPARATOR = "/"  # in the names of inputs and outputs of the graph, after the part or the target they belong to


class JointPrediction(TypedDict, total=False):
    """What is said of one item, or why it could not be read.

    targets: by name, what a model of that target alone says: `label` and `probabilities` of classes, and its doubts.
    """

    item: str
    targets: dict[str, dict[str, Any]]
    error: str


class Predictor:
    """An exported model of several targets, opened from its folder (the one with metadata.json and model.onnx).

    answers: by target, what says the answers of its outputs. doubts: by target, which of `DOUBTS` it offers. reader:
    what reads the items that are given.
    """

    def __init__(self, folder: Path | str) -> None:
        folder = Path(folder)
        metadata = json.loads((folder / "metadata.json").read_text(encoding="utf-8"))
        self.answers = {name: open_answers(one) for name, one in metadata["targets"].items()}
        # An item is read once for each way in which the networks take it, such as a size in pixels.
        self._readers = [open_reader(folder / f"part{n}", part) for n, part in enumerate(metadata["parts"])]
        self.reader = self._readers[0]
        self._session = open_graph(folder / "model.onnx")
        offered = {output.name for output in self._session.get_outputs()}
        self.doubts = {
            name: tuple(doubt for doubt in DOUBTS if f"{place}{SEPARATOR}{doubt}" in offered)
            for place, name in enumerate(self.answers)
        }
        self._inputs = {entry.name for entry in self._session.get_inputs()}
        # Without this input the graph computes the doubts even if they are not requested.
        self._switch = "doubts" in {entry.name for entry in self._session.get_overridable_initializers()}

    def predict(self, items: object, *, doubts: bool = True) -> list[JointPrediction]:
        """Classify one item or many, in any container; see `reader.given`.

        Returns one dict per item, in order: `item` with `targets`, or with `error`. doubts: add `set`, `unsure` and
        `none_of_these` to the answers of the targets that offer them. Raises TypeError if something is not such an
        item.
        """
        return self.answer(self.reader.given(items), doubts=doubts)

    def answer(self, given: Sequence[Any], *, doubts: bool = True) -> list[JointPrediction]:
        """Classify given items in batches; see `predict`."""

        def read(one: Any) -> Any:
            try:
                return self.reader.unreadable(one.problem) if one.problem else [r.read(one) for r in self._readers]
            except self.reader.unreadable as error:
                return error

        results: list[JointPrediction] = []
        for batch in read_ahead(given, read):
            readable = [item for item in batch if not isinstance(item, Exception)]
            rows = iter(self._say(readable, doubts=doubts) if readable else ())
            for item in batch:
                name = given[len(results)].name
                if isinstance(item, Exception):
                    results.append({"item": name, "error": str(item)})
                else:
                    results.append({"item": name, "targets": next(rows)})
        return results

    def _say(self, items: Sequence[Sequence[Any]], *, doubts: bool) -> list[dict[str, dict[str, Any]]]:
        """The answers for items, each read by every reader, by target."""
        inputs: dict[str, NDArray[Any]] = {"doubts": np.array(doubts)} if self._switch else {}
        for number, (reader, read) in enumerate(zip(self._readers, zip(*items, strict=True), strict=True)):
            given = {f"part{number}{SEPARATOR}{name}": values for name, values in reader.inputs(read).items()}
            inputs |= {name: values for name, values in given.items() if name in self._inputs}
        wanted = [
            (place, name, output)
            for place, (name, answers) in enumerate(self.answers.items())
            for output in (answers.output, *(self.doubts[name] if doubts else ()))
        ]
        names = [f"{place}{SEPARATOR}{output}" for place, _, output in wanted]
        said: list[dict[str, dict[str, Any]]] = [{name: {} for name in self.answers} for _ in items]
        for (_, name, output), values in zip(wanted, self._session.run(names, inputs), strict=True):
            answers = self.answers[name]
            for one, value in zip(said, values, strict=True):
                one[name] |= answers.say(value) if output == answers.output else _doubt(output, value, answers.classes)
        return said


def _doubt(output: str, value: Any, classes: Sequence[str]) -> Mapping[str, Any]:
    """One of a model's doubts about an item."""
    if output == "set":
        return {"set": [name for name, within in zip(classes, value, strict=True) if within]}
    return {output: bool(value) if output == "unsure" else float(value)}


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

            model_input: has one column named as the kind of item: `image` holds each file's bytes, or their base64
            text, `text` holds texts. Returns for each target the columns of a model of it alone, with its name and a
            full stop before theirs. Raises ValueError that names the rows it cannot read.
            """
            reader = self.predictor.reader
            items = [reader.from_cell(cell) for cell in model_input[reader.item]]
            results = self.predictor.predict(items, doubts=False)
            bad = [f"row {n}: {row['error']}" for n, row in enumerate(results) if "error" in row]
            if bad:
                raise ValueError(f"{len(bad)} of {len(results)} {reader.item}s cannot be read. " + "; ".join(bad[:10]))
            table = {
                f"{target}.{column}": values
                for target, answers in self.predictor.answers.items()
                for column, values in answers.table([row["targets"][target] for row in results]).items()
            }
            return pd.DataFrame(table, index=model_input.index)

    mlflow.models.set_model(ExportedModel())

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
