"""LiteRT (TensorFlow Lite) files as encoders: `--backbones FILE.tflite`, converted to ONNX as they are first used.

`FILE-settings.json` beside `FILE.tflite` may say how pixels are normalised and more: see
`autotl.graphs.network_settings`. Needs the extra `convert`.
"""

from __future__ import annotations

from collections.abc import Iterable

from autotl.errors import ConfigError
from autotl.hookspecs import hookimpl
from autotl.interfaces import Encoder, EncoderFormat
from autotl.runtime.user_paths import expand_home
from autotl_plugins.encoders._converted_files import open_converted, require_file

SUFFIX = ".tflite"
_MAGIC, _MAGIC_AT = b"TFL3", 4


@hookimpl
def register_encoder_formats() -> Iterable[EncoderFormat]:
    yield EncoderFormat("litert-files", open_litert, "FILE.tflite")


def open_litert(name: str) -> Encoder | None:
    """The network in a LiteRT file; None if the name is not that of one, ConfigError if it cannot be an encoder."""
    if not name.lower().endswith(SUFFIX):
        return None
    file = expand_home(name).absolute()
    require_file(file, SUFFIX)
    with file.open("rb") as opened:
        start = opened.read(_MAGIC_AT + len(_MAGIC))
    if start[_MAGIC_AT:] != _MAGIC:
        raise ConfigError(
            f"{file} is not a LiteRT file: it does not begin with the mark TFL3. Download or export it again."
        )
    return open_converted(name, file, "tflite")
