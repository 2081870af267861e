"""The page of the pretrained networks names every built-in one with the licence that a model card would name."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from pathlib import Path

from autotl_plugins.backbones import efficientnet_lite, keras_applications, mobilenetv2, squeezenet

PAGE = Path(__file__).parents[2] / "docs" / "networks.md"
ROWS = [
    line.strip("| ").split(" | ") for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")
]


def row_of(name: str) -> list[set[str]]:
    """The cells of the rows that name a network."""
    return [set(cells) for cells in ROWS if any(fnmatch(name, one) for one in re.findall("`([^`]*)`", cells[0]))]


def test_every_network_is_in_one_row_with_its_licence() -> None:
    for plugin in (efficientnet_lite, mobilenetv2, squeezenet, keras_applications):
        for backbone in plugin.register_backbones():
            [cells] = row_of(backbone.name)
            assert backbone.licence in cells, backbone.name


def test_the_table_says_which_size_is_the_default() -> None:
    for plugin in (efficientnet_lite, mobilenetv2, squeezenet):
        for backbone in plugin.register_backbones():
            [cells] = row_of(backbone.name)
            assert str(backbone.sizes[0][0]) in cells, backbone.name
