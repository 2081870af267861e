"""How often each letter and mark occurs in a text, and which occur at all: traces of its language and its style."""

import json

import autotl
from autotl.interfaces import TextEncoder

LETTERS = list("_abcdefghijklmnopqrstuvwxyz0123456789 .,;:!?'\"()-")  # the first stands for all others
# An output (n, length, n_features) has a vector per token: AutoTL takes its mean and its maximum over the text.
GRAPH = """<ir_version: 8, opset_import: ["": 17]>
letter_shares (int64[n, length] ids, int64[n, length] mask) => (float[n, length, N] letters)
<int64 n_letters = {N}, float[2] off_on = {0, 1}> { letters = OneHot <axis = -1> (ids, n_letters, off_on) }"""


def graph(height, n_tokens):
    import onnx

    return onnx.parser.parse_model(GRAPH.replace("N]", f"{len(LETTERS)}]").replace("{N}", f"{{{len(LETTERS)}}}"))


def tokenizer():
    """Single letters, lower case, without accents; written with the library `tokenizers`, or by hand as here."""
    steps = [{"type": name} for name in ("NFD", "StripAccents", "Lowercase")]
    vocabulary = {letter: number for number, letter in enumerate(LETTERS)}
    parts = {
        "normalizer": {"type": "Sequence", "normalizers": steps},
        "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "."}, "behavior": "Isolated", "invert": False},
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "_"},
    }
    empty = dict.fromkeys(("truncation", "padding", "post_processor", "decoder"))
    return json.dumps({"version": "1.0", "added_tokens": [], **empty, **parts})


@autotl.hookimpl
def register_encoders():
    yield TextEncoder(
        "letter-shares",
        graph,
        sizes=((1, 512),),  # texts are read in chunks of up to 512 tokens
        source="this package",
        licence="Apache-2.0",
        tokenizer=tokenizer,
        unknown="_",
    )
