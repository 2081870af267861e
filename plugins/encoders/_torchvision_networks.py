"""Networks of torchvision with weights, as ONNX files with a description beside them; runs in the child process."""

from __future__ import annotations

import difflib
import json
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autotl.errors import ConfigError, in_one_line
from autotl_plugins.encoders._kept_networks import NETWORK
from autotl_plugins.encoders._licences import described
from autotl_plugins.encoders._published_weights import is_reachable, missing_weights
from autotl_plugins.encoders._torch_export import load_weights, read_weights, sizes_taken, write_network

_TIMEOUT_SECONDS = 10
_SWAG = "facebookresearch/SWAG"


def export_network(request: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Write a network, and how its pixels are normalised beside it.

    Returns its sizes, source, licence, and whether that allows commercial use.
    """
    import torch

    name, weights = _require_model(request["model"])
    network = _with_weights(name, weights, request["weights"])
    transforms = weights.transforms()
    native = transforms.crop_size[0]
    sizes = sizes_taken(native, lambda side: network(torch.zeros(1, 3, side, side)))
    size = request["size"] or (native, native)
    images = torch.rand(3, 3, *size, generator=torch.manual_seed(0))
    write_network(network, images, folder / NETWORK, source="pixels", outputs=["logits"])
    pixels = {"size": list(size), "scale": 1 / 255, "mean": transforms.mean, "std": transforms.std}
    pixels |= {"channels": "RGB", "layout": "NCHW"}
    (folder / NETWORK).with_suffix(".json").write_text(json.dumps(pixels), encoding="utf-8")
    origin = f"weights of {Path(request['weights']).name}" if request["weights"] else f"weights {weights.name}"
    own = request["given"] or _n_classes(network.state_dict()) != len(weights.meta["categories"])
    licence = described(_licence(weights), own=own)
    return {"sizes": sizes, "source": f"torchvision {name}, {origin}", **licence}


def _licence(weights: Any) -> str:
    """The licence of published weights: torchvision's own, unless they come with another one."""
    stated = str(weights.meta.get("license", ""))
    return f"CC-BY-NC-4.0 ({stated})" if _SWAG in stated else stated or "BSD-3-Clause"


def _require_model(model: str) -> tuple[str, Any]:
    """The name and the published weights, `NAME.WEIGHTS` or else the best; ConfigError if there are none."""
    import torchvision
    from torchvision.models import get_model_weights, list_models

    name, _, entry = model.partition(".")
    known = list_models(module=torchvision.models)
    if name not in known:
        near = difflib.get_close_matches(name, known, n=3)
        hint = (
            f"; did you mean {', '.join(f'torchvision:{one}' for one in near)}?"
            if near
            else f"; it has {', '.join(known)}."
        )
        raise ConfigError(f"torchvision {torchvision.__version__} has no classifier {name!r}{hint}")
    published = get_model_weights(name)
    if entry and entry not in published.__members__:
        raise ConfigError(
            f"torchvision:{name} has no weights {entry!r}; expected one of {', '.join(published.__members__)}."
        )
    return name, published[entry] if entry else published.DEFAULT


def _with_weights(name: str, weights: Any, file: str) -> Any:
    from torchvision.models import get_model

    tensors = read_weights(Path(file)) if file else _published(name, weights)
    network = get_model(name, weights=None, num_classes=_n_classes(tensors), **_options(name))
    load_weights(network, tensors, f"{file or weights.url}, for torchvision:{name},")
    return network.eval()


def _n_classes(tensors: Mapping[str, Any]) -> int:
    """The length of the last tensor, which is the classifier's in all networks of torchvision."""
    last = list(tensors.values())[-1]
    return int(last.shape[0]) if last.ndim else 1


def _options(name: str) -> dict[str, bool]:
    """What torchvision sets where it loads the weights of a network itself."""
    return {"transform_input": True, "init_weights": False} if name in ("googlenet", "inception_v3") else {}


def _published(name: str, weights: Any) -> dict[str, Any]:
    """The weights in torchvision's cache, or downloaded."""
    from torch.hub import get_dir

    cache = Path(get_dir(), "checkpoints")
    if not (cache / Path(weights.url).name).is_file() and not is_reachable(weights.url):
        raise missing_weights(f"torchvision:{name}", weights.url, cache)
    usual = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_TIMEOUT_SECONDS)
    try:
        return dict(weights.get_state_dict(progress=False, check_hash=True, weights_only=True))
    except Exception as error:  # a lost connection, a wrong hash, a damaged file
        raise missing_weights(
            f"torchvision:{name}", weights.url, cache, f"they cannot be had: {in_one_line(error)}"
        ) from None
    finally:
        socket.setdefaulttimeout(usual)
