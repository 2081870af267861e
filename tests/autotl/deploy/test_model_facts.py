"""What a deployable says about itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from small_models import write_small_model

from autotl.deploy.model_facts import (
    read_classes,
    read_columns,
    read_metadata,
    read_targets,
    replay_items,
    unsure_below,
)


def test_a_model_names_its_classes_its_columns_and_images_to_try_it_on(tmp_path: Path) -> None:
    folder = write_small_model(tmp_path / "model", classes=("cat", "dog"))
    assert read_classes(folder) == ("cat", "dog")
    assert read_columns(folder) == ("label", "cat", "dog")
    assert replay_items(folder)
    assert all(image.is_file() for image in replay_items(folder))


@pytest.mark.parametrize("content", ["", "{", "[]", "3", '{"classes": 3, "columns": null, "unsure_below": "x"}'])
def test_damaged_metadata_say_nothing(content: str, tmp_path: Path) -> None:
    (tmp_path / "metadata.json").write_text(content, encoding="utf-8")
    assert not {**read_metadata(tmp_path)}.get("height")
    assert read_classes(tmp_path) == read_columns(tmp_path) == ()
    assert unsure_below(tmp_path) == 0.5


def test_without_files_nothing_is_known(tmp_path: Path) -> None:
    assert read_metadata(tmp_path) == {}
    assert read_classes(tmp_path) == replay_items(tmp_path) == ()


def test_a_model_may_have_a_threshold_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "metadata.json").write_text(json.dumps({"unsure_below": 0.3}), encoding="utf-8")
    assert unsure_below(tmp_path) == 0.3


def test_a_model_of_several_targets_has_the_columns_and_the_thresholds_of_each(tmp_path: Path) -> None:
    targets = {
        "pet": {"columns": ["cat", "dog"], "unsure_below": 0.3}, "price": {"columns": [], "target": {"kind": "number"}},
        "things": {"columns": ["hat"], "target": {"kind": "labels"}}, "odd": 3,
    }  # fmt: skip
    (tmp_path / "metadata.json").write_text(json.dumps({"targets": targets}), encoding="utf-8")
    assert list(read_targets(tmp_path)) == ["pet", "price", "things"]
    assert read_columns(tmp_path) == (
        "pet.label", "pet.cat", "pet.dog", "price.value", "price.low", "price.high", "things.labels", "things.hat"
    )  # fmt: skip
    assert [unsure_below(tmp_path, name) for name in ("pet", "price", "other")] == [0.3, 0.5, 0.5]
    assert read_classes(tmp_path) == ()
