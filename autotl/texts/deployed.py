"""What a deployable of texts says, needs and shows as its example."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from autotl.modality import Deployed
from autotl.texts.decoding import READER_VERSION
from autotl.texts.reading import read_text
from autotl.texts.text_reader import TOKENIZER_FILE
from autotl.texts.tokens import TOKENS_VERSION


def deployed(size: tuple[int, int], files: Mapping[str, Path]) -> Deployed:
    """How a deployable for texts is written. size: (1, n_tokens) of a text encoder, whose tokenizer is in files."""
    by_tokens = TOKENIZER_FILE in files
    facts = {"kind": "tokens", "n_tokens": size[1], "version": TOKENS_VERSION}
    return Deployed(
        facts={
            "task": "text-classification",
            "input": facts if by_tokens else {"kind": "counts"},
            "reader": READER_VERSION,
        },
        packages=("onnxruntime", "numpy", *(("tokenizers",) if by_tokens else ())),
        columns={"text": "string"},
        example=lambda data, name: {"text": read_text(data, Path(name).suffix)},
    )
