"""Encoders of texts in ONNX files: the network, and the `tokenizer.json` beside it."""

from __future__ import annotations

from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from autotl.errors import ConfigError
from autotl.interfaces import TextEncoder
from autotl_plugins.encoders._examined_files import Examined, examine_file
from autotl_plugins.encoders._licences import forbids_commercial_use

if TYPE_CHECKING:
    import onnx

TOKENIZER = "tokenizer.json"
_NETWORKS = ("model.onnx", "onnx/model.onnx")
"""Where exporters put the network of a folder."""
_MOST_BYTES = 200_000_000


def text_folder_network(folder: Path) -> Path | None:
    """The network in a folder that holds `tokenizer.json`; None for other folders.

    Raises ConfigError if it is not clear which network is meant.
    """
    if not (folder / TOKENIZER).is_file():
        return None
    for name in _NETWORKS:
        if (folder / name).is_file():
            return folder / name
    found = sorted(file for part in (folder, folder / "onnx") for file in part.glob("*.onnx"))
    if len(found) == 1:
        return found[0]
    names = ", ".join(str(file.relative_to(folder)) for file in found[:4])
    raise ConfigError(
        f"{folder} holds {TOKENIZER} and "
        + (f"several networks, {names}: give one of these files." if found else "no ONNX file; expected model.onnx.")
    )


def open_text_network(name: str, file: Path, examined: Examined) -> TextEncoder:
    """The encoder in a file whose network reads tokens; raises ConfigError if its tokenizer cannot be used."""
    _, said, settings = examined
    assert examined.texts is not None
    tokenizer = _tokenizer_file(file)
    _read_tokenizer(tokenizer, tokenizer.stat().st_mtime_ns)
    licence = settings.licence or said.get("licence", "")
    origin, author = settings.source or said.get("source", ""), said.get("author", "")
    source = f"the file {file.name}" + (f" by {author}" if author else "") + (f", from {origin}" if origin else "")
    return TextEncoder(
        name=name,
        graph=partial(_graph, file),
        sizes=((1, examined.texts.n_tokens),),
        source=source,
        licence=licence,
        commercial=settings.commercial if settings.commercial is not None else not forbids_commercial_use(licence),
        tokenizer=partial(_tokenizer, file),
    )


def _graph(file: Path, height: int, n_tokens: int) -> onnx.ModelProto:
    from autotl.graphs.network_files import load_network
    from autotl.graphs.text_networks import text_encoder_graph

    reading = examine_file(file).texts
    if reading is None or (height, n_tokens) != (1, reading.n_tokens):
        raise ConfigError(f"{file} has changed: it does not take texts in chunks of {n_tokens} tokens.")
    return text_encoder_graph(load_network(file), reading)


def _tokenizer(file: Path) -> str:
    tokenizer = _tokenizer_file(file)
    return _read_tokenizer(tokenizer, tokenizer.stat().st_mtime_ns)


def _tokenizer_file(network: Path) -> Path:
    """The tokenizer of a network: in its folder, or above a folder called `onnx`."""
    folders = [network.parent, *([network.parent.parent] if network.absolute().parent.name == "onnx" else [])]
    for folder in folders:
        if (folder / TOKENIZER).is_file():
            return folder / TOKENIZER
    raise ConfigError(
        f"{network} is a network of texts, and its {TOKENIZER} is not beside it in {folders[0]}. Copy that file too: "
        "the library `tokenizers` writes it, and folders of Hugging Face have it."
    )


@lru_cache(maxsize=4)
def _read_tokenizer(file: Path, _mtime_ns: int) -> str:
    """The text of a tokenizer that can be used."""
    from autotl.texts.tokens import Tokens

    try:
        if file.stat().st_size > _MOST_BYTES:
            raise ConfigError(f"{file} has more than {_MOST_BYTES // 1_000_000} MB; expected a tokenizer.")
        text = file.read_text(encoding="utf-8-sig")
        Tokens(text)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{file} cannot be used: {error}. Replace it by the tokenizer of the network.") from error
    return text
