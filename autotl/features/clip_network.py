"""Clips read by an image network: all frames of a clip in one graph, pooled over the frames."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autotl.cache.content_folders import folder_name
from autotl.clips.clip_source import CLIP_READER_VERSION, FRAMES, UnreadableClip
from autotl.clips.decoder import decode_clip
from autotl.data.dataset import Dataset
from autotl.errors import ItemLostError, PluginError
from autotl.features.frozen_network import (
    POOLINGS,
    VECTOR,
    Column,
    FrozenNetwork,
    describe_columns,
    known_columns,
    select_stages,
    side_by_side,
    tensor_name,
)
from autotl.features.item_files import require_unchanged
from autotl.interfaces import ClipEncoder, Size
from autotl.runtime.atomic_files import write_atomically

N_FRAMES = FRAMES
"""Frames that are read of each clip."""
EACH_FRAME = "frames"
"""The pooling of the deepest stage that keeps the frames apart: FRAMES vectors side by side."""
MOTION = ("trend", "change")
"""The poolings that depend on the order of the frames."""
_GRAPH_VERSION = 1
"""Part of the cache key: raise it when the graph computes something else than before."""


@dataclass(frozen=True)
class ClipNetwork(FrozenNetwork):
    """The graph of an image network as one of clips. motion: whether it also reads how frames change, and so their
    order.
    """

    motion: bool = False

    def select(self, stage: str, pooling: str) -> tuple[Column, ...]:
        """The columns that a choice of stage and pooling reads; EACH_FRAME: those that keep the frames apart."""
        if pooling == EACH_FRAME:
            return tuple(one for one in self.columns if one.pooling == EACH_FRAME)
        stages = select_stages(self.stages, stage)
        wanted = (*POOLINGS[pooling], *(MOTION if self.motion else ()))
        return tuple(one for one in self.columns if one.stage in stages and one.pooling in wanted)


def freeze_clips(source: ClipEncoder, images: FrozenNetwork, size: Size, *, cache: Path) -> ClipNetwork:
    """Write the graph that reads clips at one size, or take it from the cache; images: what reads a frame."""
    digest = hashlib.sha256(f"{images.key} {FRAMES} {_GRAPH_VERSION}".encode()).hexdigest()
    key = f"{folder_name(source.frames.name)}-{size[0]}x{size[1]}-clips-{digest[:16]}"
    folder = cache / "networks" / key
    columns = known_columns(folder)
    if not columns:
        columns = _write(images, size, folder)
    return ClipNetwork(
        source.name, size, key, folder / "network.onnx", columns, modality=source.modality, motion=source.motion
    )


def _write(images: FrozenNetwork, size: Size, folder: Path) -> tuple[Column, ...]:
    from autotl.graphs.clip_networks import FramePooling, clip_graph

    if not images.file.exists():
        raise PluginError(
            f"backbone {images.backbone!r} cannot read clips at {size[0]}x{size[1]}: it cannot be written as a graph. "
            "Name another one with --backbones"
        )
    poolings: list[FramePooling] = []
    for column in images.columns:
        width = column.stop - column.start
        # A vector has no positions to pool: it is pooled over the frames in both ways.
        hows = ("avg", "max") if column.pooling == VECTOR else (column.pooling,)
        poolings += [FramePooling(tensor_name(column.stage, how), column.tensor, how, width) for how in hows]
        if column.pooling != "max":
            poolings += [FramePooling(tensor_name(column.stage, how), column.tensor, how, width) for how in MOTION]
    last = [one for one in images.columns if one.stage == images.stages[-1] and one.pooling != "max"][-1]
    name = tensor_name(last.stage, EACH_FRAME)
    poolings.append(FramePooling(name, last.tensor, EACH_FRAME, last.stop - last.start))
    graph = clip_graph(images.graph(), poolings, size=size, n_frames=FRAMES)
    columns = side_by_side({one.name: one.width * (FRAMES if one.how == EACH_FRAME else 1) for one in poolings})
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / "network.onnx", graph.SerializeToString())
    describe_columns(folder, columns)
    return columns


def read_clip(dataset: Dataset, item: int, size: Size) -> np.ndarray:
    """The pixels of a clip, uint8 (n_frames, height, width, 3); ItemLostError if its file is not what was scanned."""
    require_unchanged(dataset, item)
    path = dataset.path(item)
    try:
        return decode_clip(path, *size)
    except UnreadableClip as error:
        raise ItemLostError(f"{path} was read when the data were scanned, and cannot be read now: {error}") from error


def clip_reading_version() -> str:
    """What changes whenever the same file would be read as something else, for the name of a folder."""
    return f"c{CLIP_READER_VERSION}"
