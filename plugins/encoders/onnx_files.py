"""Any ONNX file of a network of images or texts as an encoder: `--backbones FILE.onnx`.

The inputs of the graph tell which it is. A network of texts needs `tokenizer.json` beside it; both may be given by
their folder. Normalisation and stages of a network of images are found in the graph and in files beside it.
`autotl.graphs.network_settings` describes `NAME.json`, in which a user states what cannot be found.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from autotl.errors import ConfigError
from autotl.hookspecs import hookimpl
from autotl.interfaces import Encoder, EncoderFormat
from autotl.runtime.user_paths import expand_home, why_no_file
from autotl_plugins.encoders._examined_files import examine_file
from autotl_plugins.encoders._licences import forbids_commercial_use
from autotl_plugins.encoders._text_files import open_text_network, text_folder_network

if TYPE_CHECKING:
    import onnx

    from autotl.graphs.image_networks import Reading
    from autotl.graphs.network_settings import NetworkSettings

SUFFIX = ".onnx"


@hookimpl
def register_encoder_formats() -> Iterable[EncoderFormat]:
    yield EncoderFormat("onnx-files", open_file, "FILE.onnx")
    yield EncoderFormat("text-folders", open_folder, "FOLDER of model.onnx and tokenizer.json")


def open_folder(name: str) -> Encoder | None:
    """The network of texts in a folder; None for other names. Raises ConfigError if it cannot be used."""
    folder = expand_home(name)
    try:
        file = text_folder_network(folder) if folder.is_dir() else None
    except (OSError, ValueError):  # no name that a folder can have
        return None
    return open_text_network(name, file, examine_file(file)) if file else None


def open_file(name: str) -> Encoder | None:
    """The network in an ONNX file; None for other names. Raises ConfigError if the file cannot be used."""
    if not name.lower().endswith(SUFFIX):
        return None
    file = expand_home(name)
    _require_file(file)
    examined = examine_file(file)
    if examined.texts is not None:
        return open_text_network(name, file, examined)
    reading, said, settings = examined.reading, examined.metadata, examined.settings
    licence = settings.licence or said.get("licence", "")
    commercial = settings.commercial if settings.commercial is not None else not forbids_commercial_use(licence)
    return Encoder(
        name=name,
        graph=partial(_graph, file),
        sizes=reading.sizes,
        source=_source(file, reading, said, settings),
        licence=licence,
        commercial=commercial,
    )


def _require_file(file: Path) -> None:
    if file.is_dir():
        inside = sorted(one.name for one in file.iterdir() if one.suffix.lower() == SUFFIX)
        found = f" It holds {', '.join(inside[:3])}: give one of these." if inside else ""
        raise ConfigError(f"{file} is a folder; expected an ONNX file.{found}")
    if other := why_no_file(file):
        raise ConfigError(f"{other}; expected a file.")
    if not file.is_file():
        beside = [one.name for one in file.parent.iterdir()] if file.parent.is_dir() else []
        networks = [one for one in beside if one.lower().endswith(SUFFIX)]
        near = difflib.get_close_matches(file.name, networks, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else f"; {file.parent} has {', '.join(sorted(networks)[:3])}."
        none = "; there is no such folder." if not file.parent.is_dir() else f"; {file.parent} has no ONNX file."
        raise ConfigError(f"there is no file {file}{hint if networks else none}")


def _graph(file: Path, height: int, width: int) -> onnx.ModelProto:
    from autotl.graphs.image_networks import encoder_graph
    from autotl.graphs.network_files import load_network

    _require_file(file)
    reading = examine_file(file).reading
    if (height, width) not in reading.sizes:
        sizes = ", ".join(f"{h}x{w}" for h, w in reading.sizes)
        raise ConfigError(f"{file} does not take images of {height}x{width}; it takes {sizes}.")
    return encoder_graph(load_network(file), reading, height, width)


def _source(file: Path, reading: Reading, said: dict[str, str], settings: NetworkSettings) -> str:
    """The origin and the normalisation, as the model card states them."""
    origin = settings.source or said.get("source", "")
    author = said.get("author", "")
    start = f"the file {file.name}" + (f" by {author}" if author else "") + (f", from {origin}" if origin else "")
    sentences = [f"{start}; {reading.pixels.said}", *reading.notes]
    if reading.pixels.assumed:
        sentences.append(
            f"if that is wrong, write {file.with_suffix('.json').name} beside it, such as "
            '{"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "channels": "RGB"}'
        )
    return "; ".join(sentences)
