"""How the network in an ONNX file is read, found out once on a machine and kept in the user's cache."""

from __future__ import annotations

import importlib.metadata
import json
import shutil
import stat
from contextlib import closing
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from autotl.errors import ConfigError
from autotl.runtime.child_process import Isolated
from autotl_plugins.encoders._kept_networks import FACTS, file_digest, kept_network

if TYPE_CHECKING:
    from autotl.graphs.image_networks import Reading
    from autotl.graphs.network_settings import NetworkSettings
    from autotl.graphs.text_networks import TextReading

CRASH = "it crashes ONNX Runtime, or takes longer than ten minutes to run"
_MOST_SECONDS = 600.0
"""A network of 500 MB took 40 s to examine on two busy cores."""
_VERSION = 2
"""Raise it when `autotl.graphs.network_trial` finds something else in the same file than before."""


class Examined(NamedTuple):
    """How a network is read, the origin that its file states, and the settings beside it."""

    found: Reading | TextReading
    metadata: dict[str, str]
    settings: NetworkSettings

    @property
    def texts(self) -> TextReading | None:
        """How a network of texts is read; None for a network of images."""
        return None if hasattr(self.found, "pixels") else self.found

    @property
    def reading(self) -> Reading:
        """How a network of images is read; raises ConfigError for a network of texts."""
        if self.texts is not None:
            raise ConfigError("it is a network of texts; expected one of images")
        return cast("Reading", self.found)


class _Stamp(NamedTuple):
    """The state of a file when it was examined."""

    path: Path
    mtime_ns: int
    size: int

    @classmethod
    def of(cls, file: Path) -> _Stamp | None:
        """None if it is not a file, or if its name is impossible."""
        try:
            state = file.stat()
        except (OSError, ValueError):
            return None
        return cls(file, state.st_mtime_ns, state.st_size) if stat.S_ISREG(state.st_mode) else None


def examine_file(file: Path) -> Examined:
    """Examine an ONNX file, unless this was done before for the same content; ConfigError if it cannot be used."""
    return _examined(_stamps(file.absolute()))


def _stamps(file: Path) -> tuple[_Stamp, ...]:
    """The states of the file, of its weights and of the settings beside it, as far as they exist."""
    from autotl.graphs.network_files import MOST_BYTES, TOO_LARGE
    from autotl.graphs.network_settings import settings_files
    from autotl.graphs.text_trial import length_files

    own = _Stamp.of(file)
    if own is None:
        raise ConfigError(f"there is no file {file}")
    if own.size > MOST_BYTES:
        raise _refusal(file, TOO_LARGE)
    beside = dict.fromkeys((*_weights_beside(own), *settings_files(file), *length_files(file)))
    others = map(_Stamp.of, beside)
    return (own, *(one for one in others if one))


@lru_cache(maxsize=32)
def _weights_beside(stamp: _Stamp) -> tuple[Path, ...]:
    from autotl.graphs.network_files import weights_files

    return weights_files(stamp.path)


@lru_cache(maxsize=32)
def _examined(stamps: tuple[_Stamp, ...]) -> Examined:
    from autotl.graphs.network_settings import read_settings

    file = stamps[0].path
    settings = read_settings(file)
    contents = [(one.path.name, file_digest(one.path)) for one in stamps[1:]]
    identity = [_versions(), file_digest(file), contents]
    keep = partial(kept_network, file.stem, identity, partial(_examine, file))
    folder = keep()
    try:
        return Examined(*understood(file, (folder / FACTS).read_bytes()), settings)
    except (OSError, LookupError, TypeError, ValueError):  # it was damaged in the cache
        shutil.rmtree(folder, ignore_errors=True)
        return Examined(*understood(file, (keep() / FACTS).read_bytes()), settings)


def _versions() -> list[str | int]:
    import onnx
    import onnxruntime

    return [_VERSION, importlib.metadata.version("autotl"), onnx.__version__, onnxruntime.__version__]


def _examine(file: Path, folder: Path) -> None:
    with closing(Isolated("graphs.network_trial", "examined", crash=CRASH, seconds=_MOST_SECONDS)) as examined:
        answer = examined(file)
    understood(file, answer)
    (folder / FACTS).write_bytes(answer if isinstance(answer, bytes) else answer.encode())


def understood(file: Path, answer: bytes | str) -> tuple[Reading | TextReading, dict[str, str]]:
    """Parse the answer of `network_trial.examined`; raises ConfigError if it is a reason for refusal."""
    from autotl.graphs.image_networks import Reading
    from autotl.graphs.text_networks import TextReading

    if isinstance(answer, str):
        raise _refusal(file, answer)
    document: dict[str, Any] = json.loads(answer)
    if "texts" in document:
        return TextReading.from_json(document["texts"]), document["metadata"]
    return Reading.from_json(document["reading"]), document["metadata"]


def _refusal(file: Path, reason: str) -> ConfigError:
    return ConfigError(f"{file} cannot be used as a backbone: {reason.removesuffix('.')}.")
