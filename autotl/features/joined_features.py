"""Features of several sources side by side: of the parts of composed items, such as an image and its text."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from autotl.cache.content_folders import folder_name
from autotl.features.features import Features
from autotl.features.frozen_network import Column, FrozenNetwork
from autotl.interfaces import Joined, Size

if TYPE_CHECKING:
    import onnx


@dataclass(frozen=True)
class JoinedNetwork(FrozenNetwork):
    """The graphs of several sources as one, with the inputs of all. networks: those of the parts; it has no file."""

    networks: tuple[FrozenNetwork, ...] = ()

    @property
    def beside(self) -> dict[str, Path]:
        """What the graphs of the parts need."""
        return {name: file for network in self.networks for name, file in network.beside.items()}

    def graph(self) -> onnx.ModelProto:
        """The graphs of the parts side by side."""
        from autotl.graphs.side_by_side import Side, side_by_side

        models = [network.graph() for network in self.networks]
        return side_by_side([
            Side(
                model, {one.name: one.name for one in model.graph.input},
                {column.tensor: _in_whole(column, network, 0).tensor for column in network.columns},
            )
            for model, network in zip(models, self.networks, strict=True)
        ])  # fmt: skip

    def select(self, stage: str, pooling: str) -> tuple[Column, ...]:
        """The columns that the choice reads of each part."""
        starts = accumulate((network.n_features for network in self.networks), initial=0)
        return tuple(
            _in_whole(column, network, start)
            for network, start in zip(self.networks, starts, strict=False)
            for column in network.select(stage, pooling)
        )


@dataclass(frozen=True)
class JoinedFeatures:
    """The features of a joined source; as `features.Features`, which those of its parts are."""

    network: JoinedNetwork
    parts: tuple[Features, ...]

    def __len__(self) -> int:
        return len(self.parts[0])

    @property
    def computed(self) -> int:
        """The number of items that were computed: the largest of those of the parts."""
        return max(part.computed for part in self.parts)

    @property
    def images_per_second(self) -> float:
        """How fast the parts were read one after the other; 0 if one of them was not."""
        speeds = [part.images_per_second for part in self.parts]
        return 1 / sum(1 / speed for speed in speeds) if all(speeds) else 0.0

    def n_missing(self, items: np.ndarray) -> int:
        """The number of these items that would have to be computed: the largest of those of the parts."""
        return max(part.n_missing(items) for part in self.parts)

    def read(self, stage: str, pooling: str, items: np.ndarray | None = None) -> np.ndarray:
        """The chosen columns of the parts side by side, float32 (n, n_columns)."""
        return np.concatenate([part.read(stage, pooling, items) for part in self.parts], axis=1)


def join_features(source: Joined, size: Size, parts: Sequence[Features]) -> JoinedFeatures:
    """The features of a joined source from those of its parts."""
    networks = tuple(part.network for part in parts)
    digest = hashlib.sha256("\n".join(network.key for network in networks).encode()).hexdigest()
    key = f"{folder_name(source.name)}-{size[0]}x{size[1]}-{digest[:16]}"
    starts = accumulate((network.n_features for network in networks), initial=0)
    columns = tuple(
        _in_whole(column, network, start)
        for network, start in zip(networks, starts, strict=False)
        for column in network.columns
    )
    return JoinedFeatures(
        JoinedNetwork(source.name, size, key, Path(), columns, modality=source.modality, networks=networks), (*parts,)
    )


def _in_whole(column: Column, network: FrozenNetwork, start: int) -> Column:
    """A column of a part as one of the whole. start: the place of the part's first column."""
    stage = f"{network.backbone}/{column.stage}"
    return replace(column, stage=stage, start=column.start + start, stop=column.stop + start)
