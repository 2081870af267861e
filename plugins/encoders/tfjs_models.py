"""TensorFlow.js graph models as encoders: `--backbones FOLDER/model.json`, converted to ONNX as they are first used.

`model-settings.json` beside `model.json` may say how pixels are normalised and more: see
`autotl.graphs.network_settings`. Needs the extra `convert`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from autotl.errors import ConfigError, WeightsError
from autotl.hookspecs import hookimpl
from autotl.interfaces import Encoder, EncoderFormat
from autotl.runtime.user_paths import expand_home
from autotl_plugins.encoders._converted_files import open_converted, read_json, require_file

SUFFIX = ".json"
_TO_GRAPH_MODEL = "tensorflowjs_converter --input_format=tfjs_layers_model --output_format=tfjs_graph_model"


@hookimpl
def register_encoder_formats() -> Iterable[EncoderFormat]:
    yield EncoderFormat("tfjs-models", open_tfjs, "FOLDER/model.json")


def open_tfjs(name: str) -> Encoder | None:
    """The network in a graph model; None if the name is not of a JSON file, ConfigError if it cannot be an encoder."""
    if not name.lower().endswith(SUFFIX):
        return None
    file = expand_home(name).absolute()
    require_file(file, SUFFIX)
    document = read_json(file)
    _require_graph_model(file, document)
    return open_converted(name, file, "tfjs", _shards(file, document))


def _require_graph_model(file: Path, document: Any) -> None:
    topology = document.get("modelTopology") if isinstance(document, dict) else None
    if not isinstance(topology, dict) or not isinstance(document.get("weightsManifest"), list):
        raise ConfigError(
            f"{file} is not a TensorFlow.js model: expected a JSON object with 'modelTopology' and 'weightsManifest'."
        )
    if "model_config" in topology or document.get("format") == "layers-model":
        raise ConfigError(
            f"{file} is a TensorFlow.js layers model, and only graph models can be converted to ONNX. Convert "
            f"it with {_TO_GRAPH_MODEL} {file} FOLDER."
        )
    if not isinstance(topology.get("node"), list):
        raise ConfigError(f"{file} is not a TensorFlow.js graph model: its topology has no nodes.")


def _shards(file: Path, document: Mapping[str, Any]) -> list[Path]:
    """The files of weights, which lie beside the model or in folders there."""
    try:
        names = [str(path) for group in document["weightsManifest"] for path in group["paths"]]
        n_weights = sum(len(group["weights"]) for group in document["weightsManifest"])
    except (KeyError, TypeError):
        names, n_weights = [], 0
    if not names or not n_weights:
        raise ConfigError(
            f"{file} does not list its weights; expected groups with 'paths' and 'weights' in 'weightsManifest'."
        )
    for name in names:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or "\\" in name:
            raise ConfigError(f"{file} has its weights in {name!r}; expected files beside it.")
    shards = [file.parent / name for name in names]
    if missing := [shard for shard in shards if not shard.is_file()]:
        raise WeightsError(
            f"{file} has its weights in {missing[0].name}, which is not beside it"
            f"{f', nor are {len(missing) - 1} other files' if len(missing) > 1 else ''}. Copy all its files."
        )
    return shards
