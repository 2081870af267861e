"""Answer several targets with an exported model: `python predictor.py FILE...` prints the answers as JSON.

An exported model carries a copy of this file, with what reads its kind of item, and needs neither AutoTL nor pickle.
Loaded by MLflow (`mlflow.pyfunc.load_model`), it takes a DataFrame with a column `image`, `text`, or both, and gives
the columns TARGET.label and TARGET.CLASS.
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
from autotl.deploy.batches import answers_of_table, open_graph, print_answers, say_of_each
from autotl.deploy.item_readers import open_reader

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
        wanted = [
            (place, name, output)
            for place, (name, answers) in enumerate(self.answers.items())
            for output in (answers.output, *(self.doubts[name] if doubts else ()))
        ]
        names = [f"{place}{SEPARATOR}{output}" for place, _, output in wanted]

        def say(items: Sequence[Sequence[Any]]) -> Iterator[dict[str, Any]]:
            for part in self._parts(items):
                inputs = part | ({"doubts": np.array(doubts)} if self._switch else {})
                for row in zip(*self._session.run(names, inputs), strict=True):
                    targets: dict[str, dict[str, Any]] = {name: {} for name in self.answers}
                    for (_, name, output), value in zip(wanted, row, strict=True):
                        answers = self.answers[name]
                        targets[name] |= (
                            answers.say(value) if output == answers.output else answers.doubt(output, value)
                        )
                    yield {"targets": targets}

        def read(one: Any) -> list[Any]:
            return [reader.read(one) for reader in self._readers]

        return cast(list[JointPrediction], say_of_each(given, read, say, self.reader.unreadable))

    def _parts(self, items: Sequence[Sequence[Any]]) -> Iterator[dict[str, NDArray[Any]]]:
        """The inputs of the graph for items, each read by every reader, as many at a time as need little memory."""
        if not items:
            return
        parts = [list(reader.parts(read)) for reader, read in zip(self._readers, zip(*items, strict=True), strict=True)]
        # The parts of several readers need not end at the same item.
        if len(parts) > 1 and any(len(one) > 1 for one in parts):
            for item in items:
                yield from self._parts([item])
            return
        for together in zip(*parts, strict=True):
            given = {
                f"part{number}{SEPARATOR}{name}": values
                for number, inputs in enumerate(together) for name, values in inputs.items()
            }  # fmt: skip
            yield {name: values for name, values in given.items() if name in self._inputs}


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
            their base64 text, `text` holds texts. Returns for each target the columns of a model of it alone, with its
            name and a full stop before theirs. Raises ValueError that names a missing column, or the rows that cannot
            be read.
            """
            results = answers_of_table(self.predictor, model_input)
            table = {
                f"{target}.{column}": values
                for target, answers in self.predictor.answers.items()
                for column, values in answers.table([row["targets"][target] for row in results]).items()
            }
            return pd.DataFrame(table, index=model_input.index)

    mlflow.models.set_model(ExportedModel())

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
