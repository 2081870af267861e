"""WordLlama: static vectors of pieces of words, made of the token embeddings of language models."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotl.errors import WeightsError
from autotl.hookspecs import hookimpl
from autotl.interfaces import TextEncoder
from autotl_plugins.encoders._packaged_files import packaged_file, require_file
from autotl_plugins.encoders._word_vectors import N_TOKENS, lookup_graph

if TYPE_CHECKING:
    import numpy as np
    import onnx

NAME = "wordllama-256"
PACKAGE = "wordllama"
TABLE = "wordllama/weights/l2_supercat_256.safetensors"
TOKENIZER = "wordllama/tokenizers/l2_supercat_tokenizer_config.json"
_KEY = "embedding.weight"


def graph(_height: int, _n_tokens: int) -> onnx.ModelProto:
    """One vector per piece of a word."""
    return lookup_graph(read_table(require_file(NAME, PACKAGE, TABLE)))


def tokenizer() -> str:
    """Pieces of words and single bytes, without the token that begins a text."""
    document = json.loads(require_file(NAME, PACKAGE, TOKENIZER).read_text(encoding="utf-8"))
    return json.dumps(document | {"post_processor": None}, ensure_ascii=False)


def read_table(file: Path) -> np.ndarray[Any, Any]:
    """The vectors in a safetensors file, (n_tokens, width); raises WeightsError if it holds none.

    The format: 8 bytes with the length of a header, the header as JSON, the numbers.
    """
    import numpy as np

    data = file.read_bytes()
    try:
        start = 8 + int.from_bytes(data[:8], "little")
        about = json.loads(data[8:start])[_KEY]
        first, last = about["data_offsets"]
        kind = {"F16": "<f2", "F32": "<f4"}[about["dtype"]]
        rows, columns = about["shape"]
        return np.frombuffer(data[start + first : start + last], dtype=kind).reshape(rows, columns)
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(
            f"{file} does not hold the array {_KEY!r}: {error}. Install {PACKAGE} 0.4.0.post1, whose file is known to "
            "fit."
        ) from error


@hookimpl
def register_encoders() -> Iterable[TextEncoder]:
    yield TextEncoder(
        name=NAME,
        graph=graph,
        sizes=((1, N_TOKENS),),
        embedded=all(packaged_file(PACKAGE, name) for name in (TABLE, TOKENIZER)),
        source=f"l2_supercat of WordLlama, in the Python package {PACKAGE}; made of the token embeddings of language "
        "models, Llama 2 and Phi 3 among them, whose own licences may apply",
        licence="MIT",
        tokenizer=tokenizer,
        unknown="<unk>",
    )
