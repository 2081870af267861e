import socket

import pytest

from autotl_plugins.encoders import _published_weights
from autotl_plugins.encoders._published_weights import is_reachable, missing_weights

URL = "https://example.org/models/resnet18-f37072fd.pth"


@pytest.fixture
def no_proxy(monkeypatch):
    monkeypatch.setattr(_published_weights.urllib.request, "getproxies", dict)


def test_a_host_is_reachable_if_something_listens_there(no_proxy):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert is_reachable(f"http://127.0.0.1:{port}/models")
    assert not is_reachable(f"http://127.0.0.1:{port}/models")


def test_a_proxy_is_taken_to_reach_every_host(monkeypatch):
    monkeypatch.setattr(_published_weights.urllib.request, "getproxies", lambda: {"https": "http://proxy:3128"})
    assert is_reachable("https://no-such-host.invalid/")


def test_missing_weights_are_said_with_the_file_its_place_and_its_address(tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOTL_WEIGHTS", str(tmp_path))
    said = str(missing_weights("torchvision:resnet18", URL, "/home/me/.cache/torch"))
    for part in (
        "torchvision:resnet18 are not on this machine", "example.org cannot be reached", f"resnet18.pth in {tmp_path}",
        "/home/me/.cache/torch", f"Download {URL}", "torchvision:resnet18:checkpoint=FILE",
    ):  # fmt: skip
        assert part in said
    monkeypatch.delenv("AUTOTL_WEIGHTS")
    said = str(missing_weights("timm:net", "https://example.org/net/model.safetensors", "hub", "the disk is full"))
    assert "the disk is full" in said
    assert "net.safetensors in the folder that AUTOTL_WEIGHTS names" in said
