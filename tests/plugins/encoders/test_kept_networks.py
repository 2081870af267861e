import os

import pytest

from autotl.errors import ConfigError
from autotl_plugins.encoders._kept_networks import kept_network


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOTL_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_network_is_made_once_and_again_only_where_what_it_depends_on_has_changed(own_cache):
    made = []

    def make(folder):
        made.append(folder)
        (folder / "network.onnx").write_bytes(b"graph")

    first = kept_network("timm:resnet18", ["weights", 1], make)
    assert kept_network("timm:resnet18", ["weights", 1], make) == first
    assert len(made) == 1
    other = kept_network("timm:resnet18", ["weights", 2], make)
    assert len(made) == 2
    assert first.parent == other.parent == own_cache / "networks"
    assert first.name.startswith("timm-resnet18-")
    assert (first / "network.onnx").read_bytes() == b"graph"


def test_using_a_network_marks_it_as_used_so_that_it_is_not_the_next_to_be_deleted():
    folder = kept_network("net", 1, lambda fresh: (fresh / "network.onnx").write_bytes(b""))
    os.utime(folder / "network.onnx", (1, 1))
    kept_network("net", 1, lambda fresh: None)
    assert (folder / "network.onnx").stat().st_mtime > 1e9


def test_what_cannot_be_made_leaves_nothing_behind(own_cache):
    def fail(folder):
        (folder / "network.onnx").write_bytes(b"half")
        raise ConfigError("no such model")

    with pytest.raises(ConfigError, match="no such model"):
        kept_network("net", 1, fail)
    assert list((own_cache / "networks").iterdir()) == []


def test_a_cache_that_cannot_be_written_is_named(own_cache):
    own_cache.mkdir()
    (own_cache / "networks").write_bytes(b"a file")
    with pytest.raises(ConfigError, match=r"cannot be kept in .*cache.*AUTOTL_CACHE"):
        kept_network("net", 1, lambda folder: None)
