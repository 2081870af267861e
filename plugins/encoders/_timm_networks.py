"""Networks of timm with weights, as graphs of an encoder; runs in the child process."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from autotl.errors import ConfigError, WeightsError, in_one_line
from autotl_plugins.encoders._kept_networks import NETWORK
from autotl_plugins.encoders._licences import described, spdx
from autotl_plugins.encoders._published_weights import is_reachable, missing_weights
from autotl_plugins.encoders._torch_export import read_weights, sizes_taken, write_network

_N_BLOCKS = 4
"""Depths at which the blocks of a transformer, all of one resolution, are read."""
_HUB_FILES = ("model.safetensors", "pytorch_model.bin")


def export_network(request: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Write the graph of an encoder; returns its sizes, source, licence, and whether that allows commercial use."""
    import timm
    import torch

    name = _require_model(request["model"])
    network, origin = _with_weights(name, request["weights"])
    data = timm.data.resolve_model_data_config(network)
    channels, *size = data["input_size"]
    if channels != 3:
        raise ConfigError(f"timm:{name} takes images of {channels} channels; expected 3.")
    config = network.pretrained_cfg
    sizes = [tuple(size)]
    if not config.get("fixed_input_size") and size[0] == size[1]:
        sizes = sizes_taken(size[0], lambda side: network.forward_features(torch.zeros(1, 3, side, side)))
    height, width = request["size"] or size
    images = torch.randint(0, 256, (3, height, width, 3), dtype=torch.uint8, generator=torch.manual_seed(0))
    stages, names = _stages(network, images, data["mean"], data["std"])
    write_network(stages, images, folder / NETWORK, source="images", outputs=names)
    published = timm.get_pretrained_cfg(name)
    own = request["given"] or published is None or network.num_classes != published.num_classes
    licence = described(spdx(config.get("license")), own=own)
    return {"sizes": sizes, "source": f"timm {name}, {origin}", **licence}


def _require_model(name: str) -> str:
    """The full name, with the tag of the weights; ConfigError if timm has none of this name."""
    import timm

    architecture, _, tag = name.partition(".")
    if not timm.is_model(architecture):
        near = difflib.get_close_matches(architecture, timm.list_models(), n=3)
        hint = f"; did you mean {', '.join(f'timm:{one}' for one in near)}?" if near else "."
        raise ConfigError(
            f"timm {timm.__version__} has no model {architecture!r}{hint} timm.list_models() has them all."
        )
    tagged = timm.list_pretrained(f"{architecture}.*")
    if tag and name not in tagged:
        raise ConfigError(f"timm:{architecture} has no weights {tag!r}; expected one of {', '.join(tagged) or 'none'}.")
    return name


def _with_weights(name: str, file: str) -> tuple[Any, str]:
    """The network with the weights of a file, or those that timm publishes, and where they are from."""
    import timm

    config = timm.get_pretrained_cfg(name)
    origin = f"weights of {Path(file).name}" if file else ""
    options: dict[str, Any] = {"pretrained": True}
    if not file:
        file, origin = _published(name, config)
    if file:
        options |= {"pretrained_cfg_overlay": {"file": file}, **_classes(Path(file), config)}
        if "num_classes" in options:
            options["pretrained_cfg_overlay"]["num_classes"] = options["num_classes"]
    try:
        network = timm.create_model(name, **options)
    except Exception as error:  # PyTorch's for other shapes, the hub client's own kinds
        if file:
            raise WeightsError(f"{file} does not hold the weights of timm:{name}: {in_one_line(error)}") from None
        raise missing_weights(f"timm:{name}", *_address(config), f"they cannot be had: {in_one_line(error)}") from None
    return network.eval(), origin


def _classes(file: Path, config: Any) -> dict[str, int]:
    """The number of classes that the weights were trained for, if it is another one than that of timm's own."""
    if file.suffix == ".npz" or config is None:
        return {}
    tensors = read_weights(file)
    names = config.classifier if isinstance(config.classifier, (tuple, list)) else (config.classifier,)
    found = {len(tensors[f"{one}.weight"]) for one in names if f"{one}.weight" in tensors} or {0}
    usual = {config.num_classes, config.num_classes + (config.label_offset or 0)}
    return {} if found <= usual else {"num_classes": max(found)}


def _published(name: str, config: Any) -> tuple[str, str]:
    """The file in the local cache of the hub, empty if it can be downloaded, and the address of the weights."""
    from huggingface_hub import try_to_load_from_cache
    from torch.hub import get_dir

    if config is None or not (config.hf_hub_id or config.url):
        raise WeightsError(f"timm publishes no weights of {name}. Give a file: timm:{name}:checkpoint=FILE.")
    address, cache = _address(config)
    if config.hf_hub_id:
        names = (config.hf_hub_filename,) if config.hf_hub_filename else _HUB_FILES
        found = [try_to_load_from_cache(config.hf_hub_id, one) for one in names]
    else:
        kept = Path(get_dir(), "checkpoints", Path(config.url).name)
        found = [str(kept)] if kept.is_file() else []
    if file := next((one for one in found if isinstance(one, str)), ""):
        return file, address
    if not is_reachable(address):
        raise missing_weights(f"timm:{name}", address, cache)
    return "", address


def _address(config: Any) -> tuple[str, str]:
    """Where published weights are, and the cache of the library that downloads them."""
    from huggingface_hub import constants
    from torch.hub import get_dir

    if config.hf_hub_id:
        file = config.hf_hub_filename or _HUB_FILES[0]
        return f"{constants.ENDPOINT}/{config.hf_hub_id}/resolve/main/{file}", str(constants.HF_HUB_CACHE)
    return config.url, str(Path(get_dir(), "checkpoints"))


def _stages(network: Any, images: Any, mean: Sequence[float], std: Sequence[float]) -> tuple[Any, list[str]]:
    """The network from bytes of images to its maps, shallow to deep, and the vector before the classifier."""
    import torch

    class Stages(torch.nn.Module):  # type: ignore[misc]
        def __init__(self, indices: list[int], vector: bool) -> None:
            super().__init__()
            self.network, self.indices, self.vector = network, indices, vector
            deviation = torch.tensor(std).reshape(-1, 1, 1)
            self.register_buffer("scale", 1 / (255 * deviation))
            self.register_buffer("offset", -torch.tensor(mean).reshape(-1, 1, 1) / deviation)

        def forward(self, images: Any) -> tuple[Any, ...]:
            pixels = images.permute(0, 3, 1, 2).to(torch.float32) * self.scale + self.offset
            final, maps = self.network.forward_intermediates(pixels, indices=self.indices)
            read = [one.permute(0, 2, 3, 1) for one in maps]
            if self.vector:
                read.append(self.network.forward_head(final, pre_logits=True).flatten(1))
            return tuple(read)

    with torch.no_grad():
        heights = [one.shape[1] for one in Stages(list(range(_n_maps(network, images))), False)(images[:1])]
        indices = _read_at(heights, images.shape[1])
        *_, last, vector = Stages(indices, True)(images)
    pooled = last.mean((1, 2))
    fresh = vector.shape != pooled.shape or not torch.allclose(vector, pooled, rtol=1e-3, atol=1e-4)
    names = [f"stage{number}" for number in range(1, len(indices) + 1)]
    return Stages(indices, fresh).eval(), [*names, "vector"] if fresh else names


def _n_maps(network: Any, images: Any) -> int:
    import torch

    return len(network.forward_intermediates(torch.zeros(1, 3, *images.shape[1:3]), intermediates_only=True))


def _read_at(heights: Sequence[int], height: int) -> list[int]:
    """The deepest map of each resolution below half the image's; blocks of one resolution at four depths."""
    n = len(heights)
    if len(set(heights)) == 1:
        return sorted({max(0, n * step // _N_BLOCKS - 1) for step in range(1, _N_BLOCKS + 1)})
    last = {rows: index for index, rows in enumerate(heights)}
    small = {rows: index for rows, index in last.items() if rows < height / 2}
    return sorted((small or last).values())
