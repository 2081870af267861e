"""Sources of features are found by name among backbones, encoders and what formats open."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from loose_plugins.tiny_backbone import build_tiny
from small_encoder import small_graph

from autotl.errors import ConfigError, PluginError
from autotl.hookspecs import hookimpl
from autotl.interfaces import Backbone, Encoder, EncoderFormat
from autotl.plugins import load_plugins
from autotl.runs.config import Config
from autotl.search.sources import absolute_names, find_source, named_sources, sources_of, usage_notes

TINY = Backbone("tiny", build_tiny, lambda download: Path(__file__), ((32, 32),), embedded=True)
SMALL = Encoder("small", small_graph, ((32, 32),), embedded=True)
RESEARCH = Encoder("research", small_graph, ((32, 32),), True, "some faces", "CC-BY-NC-4.0", commercial=False)


def open_toy(name):
    return Encoder(name, small_graph, ((32, 32),)) if name.endswith(".toy") else None


def loaded(*encoders, backbones=(TINY,)):
    plugin = SimpleNamespace(
        __name__="theirs",
        register_backbones=hookimpl(lambda: list(backbones)),
        register_encoders=hookimpl(lambda: list(encoders)),
        register_encoder_formats=hookimpl(lambda: [EncoderFormat("toy", open_toy, "FILE.toy")]),
    )
    return load_plugins(extra=[plugin], installed=False)


def config(*backbones):
    return Config(data=Path("data"), run=Path("run"), backbones=backbones)


def test_backbones_come_first_and_what_may_not_be_used_commercially_is_not_chosen_by_itself():
    plugins = loaded(SMALL, RESEARCH)
    assert list(sources_of(config(), plugins)) == ["tiny", "small"]
    assert usage_notes(config(), plugins) == []
    assert list(sources_of(config("research"), plugins)) == ["research"]
    [note] = usage_notes(config("research"), plugins)
    assert note == "research may not be used commercially: its licence is CC-BY-NC-4.0"


def test_a_file_is_opened_by_its_format_and_bears_its_own_name(tmp_path):
    (tmp_path / "net.toy").touch()
    assert find_source(str(tmp_path / "net.toy"), loaded()).name == "net.toy"
    assert find_source("name/of.toy", loaded()).name == "name/of.toy"


def test_a_file_in_the_home_folder_bears_its_own_name_too(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "net.toy").touch()
    assert find_source("~/net.toy", loaded()).name == "net.toy"


def test_a_file_that_is_named_after_a_prefix_is_kept_by_its_place_and_bears_its_own_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mine.toy").touch()
    [name] = absolute_names(["lib:net:checkpoint=mine.toy"], loaded())
    assert name == f"lib:net:checkpoint={tmp_path / 'mine.toy'}"
    assert find_source(name, loaded()).name == "lib:net:checkpoint=mine.toy"
    assert absolute_names(["lib:net:checkpoint=gone.toy", "lib:net:checkpoint="], loaded()) == (
        "lib:net:checkpoint=gone.toy", "lib:net:checkpoint=",
    )  # fmt: skip


def test_what_can_be_no_path_is_an_unknown_name():
    for name in ("a" * 300, "a\0b", "x=" + "a" * 300):
        assert absolute_names([name], loaded()) == (name,)
        with pytest.raises(ConfigError, match="unknown backbone"):
            find_source(name, loaded())
    with pytest.raises(ConfigError, match="there is no home folder ~no-such-user"):
        absolute_names(["~no-such-user/net.toy"], loaded())


def test_a_name_that_no_report_can_show_is_refused(tmp_path):
    folder = tmp_path / "new\nline"
    folder.mkdir()
    for name in ("\x1b[31m.toy", "two\nlines.toy"):
        (tmp_path / name).touch()
        with pytest.raises(ConfigError, match=r"the backbone '.*' has characters .* Rename the file"):
            find_source(str(tmp_path / name), loaded())
    for name in ("Ärger 1.toy", "a\u202fb.toy", "網.toy"):
        (folder / name).touch()
        assert find_source(str(folder / name), loaded()).name == name


def test_two_files_of_one_name_are_refused(tmp_path):
    for folder in "ab":
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "net.toy").touch()
    names = [str(tmp_path / folder / "net.toy") for folder in "ab"]
    with pytest.raises(ConfigError, match=r"a/net\.toy and .*b/net\.toy would both be called 'net\.toy'"):
        named_sources(names, loaded())
    assert len(named_sources([names[0], names[0]], loaded())) == 1


def test_an_unknown_name_is_refused_with_the_nearest_and_what_can_be_named():
    with pytest.raises(ConfigError, match=r"unknown backbone 'tinny'; did you mean 'tiny'\? Available: .*FILE\.toy"):
        find_source("tinny", loaded())


def test_names_of_files_become_absolute_and_others_stay(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("net.toy").touch()
    Path("tiny").touch()  # a file that is called as a backbone is
    names = absolute_names(["net.toy", "tiny", "toy:name"], loaded())
    assert names == (str(tmp_path / "net.toy"), "tiny", "toy:name")


def test_a_backbone_and_an_encoder_of_two_plugins_may_not_share_a_name():
    other = SimpleNamespace(__name__="other", register_encoders=hookimpl(lambda: [Encoder("tiny", small_graph, ())]))
    mine = SimpleNamespace(__name__="mine", register_backbones=hookimpl(lambda: [TINY]))
    with pytest.raises(PluginError, match=r"the encoder 'tiny' is offered by two plugins, 'mine' .* and 'other'"):
        load_plugins(extra=[mine, other], installed=False)
