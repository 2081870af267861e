"""Texts for tests of the app: folders and tables of them, and a model that knows a few words."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np

from autotl.texts.counting import CountedStage, WordCounter

CLASSES = ("bad", "good")
_WORDS = ("dull", "wonderful")
_FILMS = ("the film", "a scene", "the music", "her story", "this cast", "the end", "his voice", "the plot")


def sentences(n: int) -> list[tuple[str, str]]:
    """Different texts with their class, which one word tells."""
    return [
        (f"{_FILMS[i // 2 % 8]} number {i} was {_WORDS[i % 2]} to see in town {i * 7}", CLASSES[i % 2])
        for i in range(n)
    ]


def write_folder(folder: Path, n: int = 12) -> Path:
    """A folder per class with a text file each."""
    for number, (text, label) in enumerate(sentences(n)):
        file = folder / label / f"{number:03d}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return folder


def write_table(file: Path, n: int = 12) -> Path:
    """A table with a column of texts, a column of classes and one of numbers, none with a usual name."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", encoding="utf-8", newline="") as table:
        writer = csv.writer(table)
        writer.writerow(["said", "verdict", "mark"])
        writer.writerows((text, label, number) for number, (text, label) in enumerate(sentences(n)))
    return file


def write_text_model(folder: Path) -> Path:
    """A deployable that counts two words and answers by them."""
    from onnx import TensorProto, helper, numpy_helper, save

    folder.mkdir(parents=True, exist_ok=True)
    counter = WordCounter([CountedStage("words", "words", (1, 1), _WORDS)])
    (folder / "vocabulary.json").write_text(counter.to_json(), encoding="utf-8")
    weights = np.array([[1, -1], [-1, 1]], np.float32)
    nodes = [
        helper.make_node("MatMul", ["counts", "weights"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"]),
    ]
    graph = helper.make_graph(
        nodes, "words", [helper.make_tensor_value_info("counts", TensorProto.FLOAT, ["n", 2])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", 2])],
        [numpy_helper.from_array(weights, "weights")],
    )  # fmt: skip
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), folder / "model.onnx")
    metadata = {"classes": CLASSES, "columns": CLASSES, "modality": "text", "input": {"kind": "counts"}}
    (folder / "metadata.json").write_text(json.dumps(metadata), encoding="utf-8")
    return folder
