"""Composed items are read by sources of their parts side by side, and by each of these alone."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from small_encoder import small_graph
from small_text_encoder import small_text_encoder

from autotl.errors import ConfigError
from autotl.hookspecs import hookimpl
from autotl.interfaces import Encoder, Joined, WordCounts
from autotl.plugins import Plugins, load_plugins
from autotl.runs.config import Config
from autotl.search.sources import find_source, sources_of, usage_notes

IMAGES = [Encoder(name, small_graph, ((32, 32), (64, 64)), embedded=True) for name in ("a", "b", "c")]
TEXTS = [small_text_encoder(name, embedded=True) for name in ("x", "y")]


def loaded(*more: Encoder) -> Plugins:
    encoders = [*IMAGES, *TEXTS, WordCounts("counts", embedded=True), *more]
    plugin = SimpleNamespace(__name__="theirs", register_encoders=hookimpl(lambda: encoders))
    return load_plugins(extra=[plugin], installed=False)


def config(*backbones: str) -> Config:
    return Config(data=Path("data"), run=Path("run"), backbones=backbones)


def test_the_default_is_joined_and_each_part_takes_part_alone() -> None:
    names = list(sources_of(config(), loaded(), "pair"))
    assert names[0] == "a+x"
    assert set(names) == {"a", "b", "c", "x", "y", "counts", "a+x", "b+x", "c+x", "a+y"}
    assert "+" not in "".join(sources_of(config(), loaded(), "image"))


def test_sources_that_are_asked_for_are_joined_each_with_each() -> None:
    assert list(sources_of(config("b", "c", "x", "y"), loaded(), "pair")) == [
        "b+x", "b", "c", "x", "y", "b+y", "c+x", "c+y",
    ]  # fmt: skip
    assert list(sources_of(config("b"), loaded(), "pair")) == ["b"]
    assert list(sources_of(config("counts", "a"), loaded(), "pair")) == ["counts", "a"]
    assert list(sources_of(config("c+y", "a"), loaded(), "pair")) == ["c+y", "a"]


def test_a_joined_source_is_found_by_the_names_of_its_parts_and_reads_the_first_at_the_chosen_size() -> None:
    source = find_source("b+y", loaded())
    assert isinstance(source, Joined)
    assert (source.modality, source.sizes) == ("pair", IMAGES[1].sizes)
    assert [(part.name, size) for part, size in source.places((64, 64))] == [("b", (64, 64)), ("y", (1, 8))]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("a+b", "a source of images and a source of images"), ("x+a", "a source of texts and a source of images"),
        ("a+counts", "'counts' counts words"), ("a+z", "unknown backbone 'z'"),
    ],
)  # fmt: skip
def test_what_cannot_be_joined_is_refused_with_what_can(name: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told.replace("+", r"\+")):
        find_source(name, loaded())


def test_a_source_of_another_kind_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"'a\+x' reads pairs, and .*data holds images"):
        sources_of(config("a+x"), loaded(), "image")


def test_the_licence_of_each_part_counts() -> None:
    plugins = loaded(Encoder("research", small_graph, ((32, 32),), True, licence="CC-BY-NC-4.0", commercial=False))
    assert "research+x" not in sources_of(config(), plugins, "pair")
    assert usage_notes(config("research+x"), plugins) == [
        "research may not be used commercially: its licence is CC-BY-NC-4.0"
    ]
    assert "research: CC-BY-NC-4.0" in find_source("research+x", plugins).licence
