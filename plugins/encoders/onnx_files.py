"""Any ONNX file of a network of images as an encoder: `--backbones FILE.onnx`.

Normalisation and stages are found in the graph and in files beside it. `autotl.graphs.network_settings` describes
`NAME.json`, in which a user states what cannot be found.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable
from contextlib import closing
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from autotl.errors import ConfigError
from autotl.hookspecs import hookimpl
from autotl.interfaces import Encoder, EncoderFormat
from autotl.runtime.child_process import Isolated

if TYPE_CHECKING:
    import onnx

    from autotl.graphs.image_networks import Reading
    from autotl.graphs.network_settings import NetworkSettings

SUFFIX = ".onnx"
_CRASH = "it crashes ONNX Runtime, or takes longer than ten minutes to run"
_MOST_SECONDS = 600.0
"""A network of 500 MB took 40 s to examine on two busy cores."""
_NON_COMMERCIAL = re.compile(r"non.?commercial|\bnc\b|research.only|academic.only", re.IGNORECASE)


class _Stamp(NamedTuple):
    """The state of a file when it was examined."""

    path: Path
    mtime_ns: int
    size: int


@hookimpl
def register_encoder_formats() -> Iterable[EncoderFormat]:
    yield EncoderFormat("onnx-files", open_file, "FILE.onnx")


def open_file(name: str) -> Encoder | None:
    """The network in an ONNX file; None for other names. Raises ConfigError if the file cannot be used."""
    if not name.lower().endswith(SUFFIX):
        return None
    file = Path(name).expanduser()
    _require_file(file)
    reading, said, settings = _opened(_stamps(file))
    licence = settings.licence or said.get("licence", "")
    commercial = settings.commercial if settings.commercial is not None else not _NON_COMMERCIAL.search(licence)
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
    if not file.is_file():
        beside = [one.name for one in file.parent.iterdir()] if file.parent.is_dir() else []
        networks = [one for one in beside if one.lower().endswith(SUFFIX)]
        near = difflib.get_close_matches(file.name, networks, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else f"; {file.parent} has {', '.join(sorted(networks)[:3])}."
        none = "; there is no such folder." if not file.parent.is_dir() else f"; {file.parent} has no ONNX file."
        raise ConfigError(f"there is no file {file}{hint if networks else none}")


def _stamps(file: Path) -> tuple[_Stamp, ...]:
    """The states of the file and of the settings beside it."""
    from autotl.graphs.network_settings import settings_files

    files = [file.absolute(), *(one.absolute() for one in settings_files(file) if one.is_file())]
    states = [(one, one.stat()) for one in files]
    return tuple(_Stamp(one, state.st_mtime_ns, state.st_size) for one, state in states)


@lru_cache(maxsize=32)
def _opened(stamps: tuple[_Stamp, ...]) -> tuple[Reading, dict[str, str], NetworkSettings]:
    """How a file is read, its origin, and its settings; examined once until a file changes."""
    from autotl.graphs.network_settings import read_settings

    file = stamps[0].path
    settings = read_settings(file)
    with closing(Isolated("graphs.network_trial", "examined", crash=_CRASH, seconds=_MOST_SECONDS)) as examined:
        return (*understood(file, examined(file)), settings)


def understood(file: Path, answer: bytes | str) -> tuple[Reading, dict[str, str]]:
    """Parse the answer of `network_trial.examined`; raises ConfigError if it is a reason for refusal."""
    from autotl.graphs.image_networks import Reading

    if isinstance(answer, str):
        end = "" if answer.endswith(".") else "."
        raise ConfigError(f"{file} cannot be used as a backbone: {answer}{end}")
    document: dict[str, Any] = json.loads(answer)
    return Reading.from_json(document["reading"]), document["metadata"]


def _graph(file: Path, height: int, width: int) -> onnx.ModelProto:
    from autotl.graphs.image_networks import encoder_graph
    from autotl.graphs.network_files import load_network

    _require_file(file)
    reading, _, _ = _opened(_stamps(file))
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
