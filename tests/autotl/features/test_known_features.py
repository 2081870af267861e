"""What the cache holds of a source is counted without building it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from small_text_encoder import small_text_encoder
from texts_on_disk import paragraphs, write_texts

from autotl.features.features import extract
from autotl.features.frozen_network import freeze
from autotl.features.known_features import count_known


def test_only_images_whose_features_were_read_at_this_size_count(tiny, shapes_dataset, tmp_path):
    digests = shapes_dataset.digests()
    assert count_known(tmp_path, "tiny", (32, 32), digests) == 0
    network = freeze(tiny, (32, 32), cache=tmp_path)
    assert count_known(tmp_path, "tiny", (32, 32), digests) == 0
    extract(shapes_dataset, network, cache=tmp_path, items=np.array([0, 3, 5]))
    assert count_known(tmp_path, "tiny", (32, 32), digests) == 3
    assert count_known(tmp_path, "tiny", (32, 32), digests[:3]) == 1
    assert count_known(tmp_path, "tiny", (48, 48), digests) == 0
    assert count_known(tmp_path, "ti", (32, 32), digests) == 0


def test_texts_whose_features_were_read_count(tmp_path):
    dataset = write_texts(tmp_path / "texts", *paragraphs())
    network = freeze(small_text_encoder(), (1, 8), cache=tmp_path)
    extract(dataset, network, cache=tmp_path, items=np.array([0, 3, 5]))
    assert count_known(tmp_path, network.backbone, (1, 8), dataset.digests()) == 3


@pytest.mark.parametrize("content", ["", "{", "[]", "[{}]", "null"])
def test_a_damaged_description_counts_as_nothing(content, tiny, shapes_dataset, tmp_path):
    network = freeze(tiny, (32, 32), cache=tmp_path)
    extract(shapes_dataset, network, cache=tmp_path, items=np.array([0]))
    (tmp_path / "networks" / network.key / "columns.json").write_text(content)
    assert count_known(tmp_path, "tiny", (32, 32), shapes_dataset.digests()) == 0


def test_a_name_with_signs_of_its_own_is_found(tiny, shapes_dataset, tmp_path):
    odd = replace(tiny, name="tiny[2]")
    extract(shapes_dataset, freeze(odd, (32, 32), cache=tmp_path), cache=tmp_path, items=np.array([0, 1]))
    assert count_known(tmp_path, "tiny[2]", (32, 32), shapes_dataset.digests()) == 2
