"""Classify images with an exported model: `python predictor.py IMAGE...` prints labels and probabilities as JSON.

An exported model carries a copy of this file that needs onnxruntime, pillow and numpy, and neither AutoTL nor
pickle. Loaded by MLflow (`mlflow.pyfunc.load_model`), it takes a DataFrame with one column `image`.
"""

from __future__ import annotations

import base64
import json
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from autotl.images.decoder import UnreadableImage, decode
from autotl.images.given_images import GivenImage, given_images, read_source

DOUBTS = ("set", "unsure", "none_of_these")  # optional outputs that say how far an answer can be relied on
BATCH_SIZE = 32  # 224-pixel images: 5 MB of pixels, and no faster beyond it on a processor


class Prediction(TypedDict, total=False):
    """What is said of one image: its label and the probability of every class, or why it could not be read.

    item: the path; "item 0", "item 1", ... for bytes. If the model offers doubts, set: the plausible classes of the
    image, possibly none; unsure: whether the label's probability is below the model's accept threshold; none_of_these:
    a p-value, small if the image is unlike all classes.
    """

    item: str
    label: str
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
    """

    def __init__(self, folder: Path | str) -> None:
        metadata = json.loads((Path(folder) / "metadata.json").read_text(encoding="utf-8"))
        self.classes: tuple[str, ...] = tuple(metadata["classes"])
        self.columns: tuple[str, ...] = tuple(metadata["columns"])
        self.height: int = metadata["height"]
        self.width: int = metadata["width"]
        self._offset: list[float] = metadata.get("map", {}).get("offset", [])
        os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # read at the import; it would report its use to its makers
        import onnxruntime

        # TF32 would round the products of a graphics card to 10 bits, and the replay would not match.
        wanted = {"CUDAExecutionProvider": {"use_tf32": "0"}, "CPUExecutionProvider": {}}
        available = onnxruntime.get_available_providers()
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # otherwise it warns about optional inputs
        # Products in int8 would overflow on processors without instructions for them.
        options.add_session_config_entry("session.x64quantprecision", "1")
        self._session = onnxruntime.InferenceSession(
            str(Path(folder) / "model.onnx"),
            options,
            providers=[(name, options) for name, options in wanted.items() if name in available],
        )
        offered = {output.name for output in self._session.get_outputs()}
        self.doubts: tuple[str, ...] = tuple(name for name in DOUBTS if name in offered)
        # Without this input the graph computes the doubts even if they are not requested.
        self._switch = "doubts" in {entry.name for entry in self._session.get_overridable_initializers()}

    def probabilities(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Classify pixels: uint8 (n, height, width, 3) -> float32 (n, n_classes), rows sum to 1."""
        parts = [
            self._run(("probabilities",), pixels[start : start + BATCH_SIZE])[0]
            for start in range(0, len(pixels), BATCH_SIZE)
        ]
        return np.concatenate(parts) if parts else np.zeros((0, len(self.classes)), np.float32)

    def _run(self, outputs: Sequence[str], pixels: NDArray[np.uint8]) -> list[NDArray[Any]]:
        inputs: dict[str, NDArray[Any]] = {"images": pixels}
        if self._switch:
            inputs["doubts"] = np.array(len(outputs) > 1)
        found: list[NDArray[Any]] = self._session.run(list(outputs), inputs)
        return found

    def predict(self, items: object, *, doubts: bool = True) -> list[Prediction]:
        """Classify one image or many: paths, files' bytes, Pillow images or arrays of pixels, in any container.

        Returns one dict per image, in order: `item` with `label` and `probabilities`, or with `error`. doubts: add
        `set`, `unsure` and `none_of_these`, as far as the model offers them.
        Raises TypeError if something is not an image.
        """
        return self.answer(given_images(items), doubts=doubts)

    def answer(self, images: Sequence[GivenImage], *, doubts: bool = True) -> list[Prediction]:
        """Classify images in batches; see `predict`."""
        outputs = ("probabilities", *(self.doubts if doubts else ()))
        results: list[Prediction] = []
        for decoded in self._decoded(images):
            readable = [pixels for pixels in decoded if not isinstance(pixels, UnreadableImage)]
            rows = zip(*self._run(outputs, np.stack(readable)), strict=True) if readable else iter(())
            for pixels in decoded:
                name = images[len(results)].name
                if isinstance(pixels, UnreadableImage):
                    results.append({"item": name, "error": str(pixels)})
                    continue
                row, *said = next(rows)
                named = dict(zip(self.classes, row.tolist(), strict=True))
                answer: Prediction = {"item": name, "label": self.classes[row.argmax()], "probabilities": named}
                self._add_doubts(answer, dict(zip(outputs[1:], said, strict=True)))
                results.append(answer)
        return results

    def _add_doubts(self, answer: Prediction, said: dict[str, NDArray[Any]]) -> None:
        """Add the model's doubts about one image to its answer. said: the outputs, by name."""
        if "set" in said:
            answer["set"] = [name for name, within in zip(self.classes, said["set"], strict=True) if within]
        if "unsure" in said:
            answer["unsure"] = bool(said["unsure"])
        if "none_of_these" in said:
            answer["none_of_these"] = float(said["none_of_these"])

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
        images, results = given_images(items), list[Explanation]()
        for decoded in self._decoded(images):
            readable = [pixels for pixels in decoded if not isinstance(pixels, UnreadableImage)]
            rows = iter(zip(*self.maps(np.stack(readable)), strict=True) if readable else ())
            for pixels in decoded:
                name = images[len(results)].name
                if isinstance(pixels, UnreadableImage):
                    results.append({"item": name, "error": str(pixels)})
                    continue
                found, (best, second) = next(rows)
                difference = float(found.sum() + self._offset[best] - self._offset[second])
                results.append({
                    "item": name, "label": self.classes[best], "runner_up": self.classes[second],
                    "difference": difference, "map": found,
                })  # fmt: skip
        return results

    def _decoded(self, images: Sequence[GivenImage]) -> Iterator[list[NDArray[np.uint8] | UnreadableImage]]:
        """Batches of pixels; the next batch is decoded while the caller works on this one."""

        def pixels(given: GivenImage) -> NDArray[np.uint8] | UnreadableImage:
            try:
                return UnreadableImage(given.problem) if given.problem else self._read(given)
            except UnreadableImage as error:
                return error

        with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
            ahead = None
            for start in range(0, len(images), BATCH_SIZE):
                batch = pool.map(pixels, images[start : start + BATCH_SIZE])
                if ahead is not None:
                    yield list(ahead)
                ahead = batch
            if ahead is not None:
                yield list(ahead)

    def _read(self, given: GivenImage) -> NDArray[np.uint8]:
        return decode(read_source(given.image), self.height, self.width)


def main(arguments: Sequence[str]) -> int:
    """The command line: paths in, JSON in UTF-8 on standard output; exit code 0, or 2 where no image could be read."""
    if not arguments:
        sys.stderr.write("usage: python predictor.py IMAGE...\n")
        return 2
    results = Predictor(Path(__file__).resolve().parent).predict(list(arguments))
    document = json.dumps(results, indent=2, ensure_ascii=False) + "\n"
    sys.stdout.flush()
    # Whatever the encoding of this system: JSON is UTF-8, and half a character of a file's name is escaped.
    sys.stdout.buffer.write(document.encode("utf-8", "backslashreplace"))
    sys.stdout.flush()
    if all("error" in result for result in results):
        sys.stderr.write("no image could be read\n")
        return 2
    return 0


# MLflow runs this file to get at its model ("models from code"). Imports from elsewhere must not offer it one.
if "mlflow.pyfunc" in sys.modules and not __name__.startswith("autotl"):
    import mlflow
    import pandas as pd

    class ImageModel(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
        """The exported model as MLflow sees it."""

        def load_context(self, context: Any) -> None:  # noqa: ARG002, the name is MLflow's
            """Open the folder this file lies in."""
            self.predictor = Predictor(Path(__file__).resolve().parent)

        def predict(self, model_input: pd.DataFrame) -> pd.DataFrame:
            """Classify the images of a table.

            model_input: the column `image` holds each file's bytes, or their base64 text. Returns the columns
            `label` and one probability per class. Raises ValueError that names the rows it cannot read.
            """
            images = [_cell_bytes(cell) for cell in model_input["image"]]
            results = self.predictor.predict(images, doubts=False)
            bad = [f"row {n}: {row['error']}" for n, row in enumerate(results) if "error" in row]
            if bad:
                raise ValueError(f"{len(bad)} of {len(results)} images cannot be read. " + "; ".join(bad[:10]))
            table = {"label": [row["label"] for row in results]} | {
                column: np.array([row["probabilities"][name] for row in results], np.float32)
                for name, column in zip(self.predictor.classes, self.predictor.columns, strict=True)
            }
            return pd.DataFrame(table, index=model_input.index)

    def _cell_bytes(cell: Any) -> bytes:
        if isinstance(cell, str):
            try:
                return base64.b64decode("".join(cell.split()), validate=True)
            except ValueError:
                return b"text that is not base64"  # the decoder refuses it, and the error names the row
        return bytes(cell) if isinstance(cell, bytes | bytearray | memoryview) else b""

    mlflow.models.set_model(ImageModel())

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
