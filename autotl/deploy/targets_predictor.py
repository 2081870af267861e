"""Answer several targets with an exported model: `python predictor.py FILE...` prints the answers as JSON.

An exported model carries a copy of this file, with what reads its kind of item, and needs neither AutoTL nor pickle.
Loaded by MLflow (`mlflow.pyfunc.load_model`), it takes a DataFrame with one column, such as `image`, and gives the
columns TARGET.label and TARGET.CLASS.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from autotl.deploy.item_readers import open_reader

BATCH_SIZE = 32  # 224-pixel images: 5 MB of pixels, and no faster beyond it on a processor
PROBABILITIES = "probabilities/"  # of a target: the name of the graph's output is this, and the target's number
SEPARATOR = "/"  # in the name of an input of the graph: between the part that reads it and its own name


class Answer(TypedDict):
    """What is said of one item for one target: its label, and the probability of every class."""

    label: str
    probabilities: dict[str, float]


class JointPrediction(TypedDict, total=False):
    """What is said of one item, by target, or why it could not be read."""

    item: str
    targets: dict[str, Answer]
    error: str


class Predictor:
    """An exported model of several targets, opened from its folder (the one with metadata.json and model.onnx).

    classes: by target, the names of its classes in the order of the probabilities. columns: by target, the names of
    their columns in a table. label_columns: by target, the column of its label. doubts: none are offered. reader: reads
    the items first.
    """

    def __init__(self, folder: Path | str) -> None:
        folder = Path(folder)
        metadata = json.loads((folder / "metadata.json").read_text(encoding="utf-8"))
        targets: Mapping[str, Any] = metadata["targets"]
        self.classes: dict[str, tuple[str, ...]] = {name: tuple(one["classes"]) for name, one in targets.items()}
        self.columns: dict[str, tuple[str, ...]] = {name: tuple(one["columns"]) for name, one in targets.items()}
        self.label_columns: dict[str, str] = {name: one["label_column"] for name, one in targets.items()}
        self.doubts: tuple[str, ...] = ()
        self._readers = [open_reader(folder / f"part{n}", part) for n, part in enumerate(metadata["parts"])]
        self.reader = self._readers[0]
        os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # read at the import; it would report its use to its makers
        import onnxruntime

        # TF32 would round the products of a graphics card to 10 bits, and the replay would not match.
        wanted = {"CUDAExecutionProvider": {"use_tf32": "0"}, "CPUExecutionProvider": {}}
        available = onnxruntime.get_available_providers()
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        # Products in int8 would overflow on processors without instructions for them.
        options.add_session_config_entry("session.x64quantprecision", "1")
        self._session = onnxruntime.InferenceSession(
            str(folder / "model.onnx"),
            options,
            providers=[(name, options) for name, options in wanted.items() if name in available],
        )
        self._inputs = {entry.name for entry in self._session.get_inputs()}

    def predict(self, items: object) -> list[JointPrediction]:
        """Classify one item or many, in any container; see `reader.given`.

        Returns one dict per item, in order: `item` with `targets`, or with `error`. Raises TypeError if something is
        not such an item.
        """
        return self.answer(self.reader.given(items))

    def answer(self, given: Sequence[Any], *, doubts: bool = False) -> list[JointPrediction]:  # noqa: ARG002
        """Classify given items in batches; see `predict`."""
        outputs = [f"{PROBABILITIES}{number}" for number in range(len(self.classes))]
        results: list[JointPrediction] = []
        for batch in self._read_ahead(given):
            readable = [item for item in batch if not isinstance(item, Exception)]
            rows = zip(*self._session.run(outputs, self._batch_inputs(readable)), strict=True) if readable else iter(())
            for item in batch:
                name = given[len(results)].name
                if isinstance(item, Exception):
                    results.append({"item": name, "error": str(item)})
                    continue
                answers = zip(self.classes.items(), next(rows), strict=True)
                results.append({
                    "item": name, "targets": {target: _answer(classes, row) for (target, classes), row in answers}
                })  # fmt: skip
        return results

    def _batch_inputs(self, items: Sequence[list[Any]]) -> dict[str, NDArray[Any]]:
        """The inputs of the graph for items, each read by every reader."""
        inputs = {}
        for number, (reader, read) in enumerate(zip(self._readers, zip(*items, strict=True), strict=True)):
            inputs |= {f"part{number}{SEPARATOR}{name}": values for name, values in reader.inputs(read).items()}
        return {name: values for name, values in inputs.items() if name in self._inputs}

    def _read_ahead(self, given: Sequence[Any]) -> Iterator[list[Any]]:
        """Batches of items as each reader reads them, or why one cannot; the next is read ahead of its use."""

        def read(one: Any) -> Any:
            try:
                if one.problem:
                    return self.reader.unreadable(one.problem)
                return [reader.read(one) for reader in self._readers]
            except self.reader.unreadable as error:
                return error

        with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
            ahead = None
            for start in range(0, len(given), BATCH_SIZE):
                batch = pool.map(read, given[start : start + BATCH_SIZE])
                if ahead is not None:
                    yield list(ahead)
                ahead = batch
            if ahead is not None:
                yield list(ahead)


def _answer(classes: Sequence[str], row: NDArray[np.float32]) -> Answer:
    return {"label": classes[int(row.argmax())], "probabilities": dict(zip(classes, row.tolist(), strict=True))}


def main(arguments: Sequence[str]) -> int:
    """The command line: paths in, JSON in UTF-8 on standard output; exit code 0, or 2 where no item could be read."""
    predictor = Predictor(Path(__file__).resolve().parent) if arguments else None
    if predictor is None:
        sys.stderr.write("usage: python predictor.py FILE...\n")
        return 2
    results = predictor.predict([Path(argument) for argument in arguments])
    document = json.dumps(results, indent=2, ensure_ascii=False) + "\n"
    sys.stdout.flush()
    # Whatever the encoding of this system: JSON is UTF-8, and half a character of a file's name is escaped.
    sys.stdout.buffer.write(document.encode("utf-8", "backslashreplace"))
    sys.stdout.flush()
    if all("error" in result for result in results):
        sys.stderr.write(f"no {predictor.reader.item} could be read\n")
        return 2
    return 0


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
            text, `text` holds texts. Returns for each target its label and one probability per class. Raises
            ValueError that names the rows it cannot read.
            """
            own = self.predictor
            results = own.predict([own.reader.from_cell(cell) for cell in model_input[own.reader.item]])
            bad = [f"row {n}: {row['error']}" for n, row in enumerate(results) if "error" in row]
            if bad:
                raise ValueError(
                    f"{len(bad)} of {len(results)} {own.reader.item}s cannot be read. " + "; ".join(bad[:10])
                )
            table: dict[str, Any] = {}
            for target, classes in own.classes.items():
                said = [row["targets"][target] for row in results]
                table[own.label_columns[target]] = [one["label"] for one in said]
                for name, column in zip(classes, own.columns[target], strict=True):
                    table[column] = np.array([one["probabilities"][name] for one in said], np.float32)
            return pd.DataFrame(table, index=model_input.index)

    mlflow.models.set_model(ExportedModel())

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
