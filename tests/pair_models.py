"""Whole deployables of pairs that are written in no time: the colour of the image and the words of the text decide."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper
from PIL import Image
from small_text_encoder import small_text_encoder

from autotl.deploy.deployable import write_deployable
from autotl.features.text_graph import pool_text_graph, tokenizer_of
from autotl.graphs.blocks import affine, choices
from autotl.graphs.side_by_side import Side, side_by_side
from autotl.graphs.surgery import join
from autotl.pairs.pair_files import held_parts
from autotl.texts.counting import build_counter
from autotl.texts.text_reader import TOKENIZER_FILE, VOCABULARY_FILE

TEXTS = ("the film was good", "a bad, dull film!", "very long . very dull", "good")
EDGE = 16


def photo(red: int, blue: int = 0) -> bytes:
    """A PNG of one colour."""
    file = io.BytesIO()
    Image.new("RGB", (20, 12), (red, 40, blue)).save(file, "PNG")
    return file.getvalue()


def write_pair_model(
    folder: Path, *, by: str = "tokens", seed: int = 0, classes: tuple[str, ...] = ("bad", "good"),
    metadata: Mapping[str, Any] | None = None,
) -> Path:  # fmt: skip
    """A deployable that reads texts by "tokens" or by "counts" of words."""
    beside = folder.with_name(f"{folder.name}-beside")
    beside.mkdir(parents=True)
    texts, widths, file = (_tokens if by == "tokens" else _counts)(beside)
    graph = side_by_side([_all_of(_colours()), _all_of(texts)])
    widths = {"colour": 3, **widths}
    weights = np.random.default_rng(seed).normal(0, 1, (sum(widths.values()), len(classes)))
    weights[:3] /= 255
    head = join(
        choices(widths, {"features": list(widths)}),
        affine(weights, np.zeros(len(classes)), "features", "probabilities", softmax=True), {"features": "features"},
    )  # fmt: skip
    write_deployable(
        join(graph, head, {name: name for name in widths}), folder, classes=classes, size=(EDGE, EDGE),
        replay=[(f"{n}.pair", held_parts(photo(60 * n), text)) for n, text in enumerate(TEXTS)], expected=None,
        metadata=metadata or {"fingerprint": "f00d"}, card="# Card", modality="pair", files={file.name: file},
    )  # fmt: skip
    return folder


def _all_of(model: ModelProto) -> Side:
    return Side(model, {one.name: one.name for one in model.graph.input}, {o.name: o.name for o in model.graph.output})


def _colours() -> ModelProto:
    nodes = [
        helper.make_node("Cast", ["images"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["pixels", "axes"], ["colour"], keepdims=0),
    ]
    graph = helper.make_graph(
        nodes, "colours", [helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", EDGE, EDGE, 3])],
        [helper.make_tensor_value_info("colour", TensorProto.FLOAT, ["n", 3])],
        [numpy_helper.from_array(np.array([1, 2], np.int64), "axes")],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def _tokens(folder: Path) -> tuple[ModelProto, dict[str, int], Path]:
    encoder = small_text_encoder()
    size = encoder.sizes[0]
    tokenizer = tokenizer_of(encoder, size)
    (folder / TOKENIZER_FILE).write_text(tokenizer, encoding="utf-8")
    return *pool_text_graph(encoder.graph(*size), tokenizer, size), folder / TOKENIZER_FILE


def _counts(folder: Path) -> tuple[ModelProto, dict[str, int], Path]:
    counter = build_counter(TEXTS, words=(1, 1), characters=(2, 2), most=50)
    (folder / VOCABULARY_FILE).write_text(counter.to_json(), encoding="utf-8")
    graph = affine(np.eye(counter.n_columns), np.zeros(counter.n_columns), "counts", "words")
    return graph, {"words": counter.n_columns}, folder / VOCABULARY_FILE
