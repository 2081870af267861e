"""Which backbones read what a crop finds, as asked for, or as every search tries it."""

from __future__ import annotations

from pathlib import Path

import pytest
from loose_plugins.tiny_backbone import build_tiny
from made_crops import crops_plugin
from small_encoder import small_graph
from small_text_encoder import small_text_encoder

from autotl.errors import ConfigError
from autotl.hookspecs import hookimpl
from autotl.interfaces import Backbone, Crop, Encoder, Joined
from autotl.plugins import load_plugins
from autotl.runs.config import Config
from autotl.search.sources import absolute_names, find_source, source_owner, sources_of, usage_notes

TINY = Backbone("tiny", build_tiny, lambda download: Path(__file__), ((32, 32),), embedded=True, licence="MIT")
SMALL = Encoder("small", small_graph, ((32, 32),), embedded=True)
FACES = Crop("faces", Path(__file__), licence="research only", commercial=False)
LARGEST = Crop("largest", Path(__file__))
ALWAYS = Crop("always", Path(__file__), default=True)


def loaded(*crops):
    return load_plugins(
        extra=[crops_plugin(
            *crops, register_backbones=hookimpl(lambda: [TINY]),
            register_encoders=hookimpl(lambda: [SMALL, small_text_encoder("words", embedded=True)]),
        )], installed=False,
    )  # fmt: skip


def names(*, backbones=(), crops=(), modality="image", plugins=None):
    config = Config(data=Path("data"), run=Path("run"), backbones=backbones, crops=crops)
    return list(sources_of(config, plugins or loaded(FACES, LARGEST), modality))


def test_a_search_reads_whole_images_unless_crops_are_asked_for():
    assert names() == ["tiny", "small"]


def test_beside_whole_images_the_first_backbone_alone_reads_crops():
    assert names(crops=("none", "largest", "faces")) == ["tiny", "small", "tiny@largest", "tiny@faces"]


def test_backbones_that_are_named_all_read_the_crops():
    found = names(backbones=("tiny", "small"), crops=("none", "largest"))
    assert found == ["tiny", "small", "tiny@largest", "small@largest"]


def test_without_whole_images_every_backbone_reads_crops():
    assert names(crops=("largest",)) == ["tiny@largest", "small@largest"]


def test_a_crop_that_every_search_tries_joins_the_first_backbone_of_those_for_images():
    plugins = loaded(ALWAYS, LARGEST)
    assert names(plugins=plugins) == ["tiny", "small", "tiny@always"]
    assert names(plugins=plugins, crops=("none",)) == ["tiny", "small"]
    assert names(plugins=plugins, backbones=("small",)) == ["small"]
    assert names(plugins=plugins, modality="text") == ["words"]
    assert not any("@" in name for name in names(plugins=plugins, modality="pair"))


def test_a_cropped_source_is_found_by_its_name_with_what_brought_its_backbone():
    plugins = loaded(FACES)
    source = find_source("small@faces", plugins)
    assert (source.name, source.crop.name, source.sizes) == ("small@faces", "faces", SMALL.sizes)
    assert source_owner(source, plugins).name == "theirs"
    assert names(backbones=("small@faces",)) == ["small@faces"]


def test_a_file_under_a_crop_is_found_from_any_folder(tmp_path, monkeypatch):
    (tmp_path / "net.onnx").touch()
    monkeypatch.chdir(tmp_path)
    assert absolute_names(("net.onnx@faces", "tiny@faces"), loaded(FACES)) == (
        f"{tmp_path / 'net.onnx'}@faces", "tiny@faces",
    )  # fmt: skip


def test_a_crop_that_may_not_be_used_commercially_makes_its_sources_so():
    source = find_source("tiny@faces", loaded(FACES))
    assert (source.commercial, source.licence) == (False, "MIT; faces: research only")
    config = Config(data=Path("data"), run=Path("run"), crops=("none", "faces"))
    [note] = usage_notes(config, loaded(FACES))
    assert note.startswith("tiny@faces may not be used commercially: its licence is MIT; faces: research only")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("words@faces", "words does not read whole images"), ("small+words@faces", "does not read whole images"),
        ("small@faces@largest", "small@faces does not read whole images"), ("small@smiles", "unknown backbone"),
    ],
)  # fmt: skip
def test_what_cannot_be_cropped_is_refused(name, told):
    with pytest.raises(ConfigError, match=told.replace("+", r"\+")):
        find_source(name, loaded(FACES, LARGEST))


def test_an_unknown_crop_is_refused_with_the_nearest_name():
    with pytest.raises(ConfigError, match="unknown crop 'largset'; did you mean 'largest'"):
        names(crops=("largset",))


@pytest.mark.parametrize("modality", ["text", "pair"])
def test_crops_of_what_are_no_images_are_refused(modality):
    with pytest.raises(ConfigError, match=r"the crop 'largest' cuts images, and .*data holds .* Leave out --crops"):
        names(crops=("largest",), modality=modality)
    assert names(crops=("none",), modality=modality)


def test_before_the_kind_of_items_is_known_crops_are_of_those_that_read_images():
    found = names(crops=("none", "largest"), modality=None)
    assert found == ["tiny", "small", "words", "tiny@largest"]
    assert not any(isinstance(one, Joined) for one in found)
