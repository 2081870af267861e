"""What the conformance check of encoders asks of an encoder of texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autotl.interfaces import Size, TextEncoder
from autotl.testing.support import doing, require, require_sound_outputs

if TYPE_CHECKING:
    import onnx

_TEXTS = (
    "",
    "A short text.",
    "Two sentences, in fact. The second is a little longer than the first!",
    "\u00e9t\u00e9 \u4e16\u754c \u0645\u0631\u062d\u0628\u0627 \U0001f600 <b>&amp;</b> 1,234.5\0",
    "good\t\nbad \u2028",
)


def require_text_sizes(subject: str, encoder: TextEncoder) -> None:
    """Fail where sizes are not (1, n_tokens)."""
    wrong = [size for size in encoder.sizes if size[0] != 1]
    require(not wrong, f"{subject}: it has the size {wrong[:1]}; expected (1, n_tokens), as it reads texts")


def check_text_graph(subject: str, encoder: TextEncoder, size: Size, graph: onnx.ModelProto) -> None:
    """Compute texts at one size: short, empty, in several chunks, in several scripts, alone and together."""
    from autotl.features.frozen_network import open_session
    from autotl.features.text_graph import pool_text_graph, tokenizer_of
    from autotl.texts.tokens import Tokens

    with doing(f"{subject}: tokenizer"):
        first, again = encoder.tokenizer(), encoder.tokenizer()
    require(isinstance(first, str), f"{subject}: tokenizer returned {type(first).__name__}; expected JSON")
    require(first == again, f"{subject}: tokenizer returned another the second time; it is part of the cache's key")
    require(
        encoder.unknown or not encoder.skip_unknown, f"{subject}: skip_unknown is set; say in `unknown` which token"
    )
    try:
        with doing(f"{subject}: its graph or tokenizer", ValueError):
            tokenizer = tokenizer_of(encoder, size)
            tokens = Tokens(tokenizer)
            pooled, widths = pool_text_graph(graph, tokenizer, size)
            session = open_session(pooled.SerializeToString(), threads=1)
    except ValueError as error:
        raise AssertionError(f"{subject}: {error}") from error
    known = not encoder.unknown or tokens.knows(encoder.unknown)
    require(known, f"{subject}: unknown is {encoder.unknown!r}, a token that its tokenizer does not have")
    texts = [*_TEXTS, "A long text, which is read in chunks. " * size[1]]
    with doing(f"{subject}: computing texts"):
        together = session.run(list(widths), tokens.encode(texts, size[1]))
        alone = [session.run(list(widths), tokens.encode([text], size[1])) for text in texts]
    # The first is empty.
    require_sound_outputs(
        subject, widths, together, alone, item="a text", different="different texts", of=slice(1, None)
    )  # fmt: skip
