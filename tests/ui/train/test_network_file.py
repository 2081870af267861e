"""An uploaded network is kept by its content, under a name that can be a file, and only where there is room."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from autotl_ui.train import network_file
from autotl_ui.train.network_file import FOLDER, NetworkFileError, keep_upload
from autotl_ui.train.start_search import SearchRequest, find_problem
from autotl_ui.workspace.data_sets import DataSet
from autotl_ui.workspace.workspace import Workspace


@dataclass(frozen=True)
class Sent:
    name: str
    content: bytes

    def getvalue(self) -> bytes:
        return self.content


def test_the_same_network_is_kept_once_and_another_of_its_name_beside_it(tmp_path: Path) -> None:
    shared = Workspace(tmp_path, whole_machine=False)
    assert keep_upload([], shared) == ""
    first = Path(keep_upload([Sent("my net, v2.onnx", b"1"), Sent("any.json", b"{}")], shared))
    assert first.name == "my-net-v2.onnx"
    assert (first.read_bytes(), first.with_suffix(".json").read_bytes()) == (b"1", b"{}")
    assert keep_upload([Sent("any.json", b"{}"), Sent("my net, v2.onnx", b"1")], shared) == str(first)
    assert Path(keep_upload([Sent("my net, v2.onnx", b"2")], shared)).parent != first.parent
    assert first.read_bytes() == b"1"


@pytest.mark.parametrize("name", ["../../out.onnx", "/etc/out.onnx", "..onnx", "-.onnx"])
def test_no_name_leads_out_of_the_workspace(name: str, tmp_path: Path) -> None:
    kept = Path(keep_upload([Sent(name, b"1")], Workspace(tmp_path)))
    assert kept.resolve().parent.parent == (tmp_path / FOLDER).resolve()


def test_two_networks_at_once_and_more_than_there_is_room_for_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NetworkFileError, match="2 ONNX files and 0 JSON files"):
        keep_upload([Sent("a.onnx", b"1"), Sent("b.onnx", b"2")], Workspace(tmp_path))
    monkeypatch.setattr(network_file, "MOST_BYTES", 10)
    keep_upload([Sent("a.onnx", b"12345678")], Workspace(tmp_path))
    with pytest.raises(NetworkFileError, match=r"all together may take .* ask the administrator"):
        keep_upload([Sent("b.onnx", b"123")], Workspace(tmp_path))


def test_a_guest_can_use_what_was_uploaded_and_no_other_file(
    tmp_path: Path, shapes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autotl_ui.train.start_search.find_problem_of_networks", lambda *_, **__: "")
    shared = Workspace(tmp_path, whole_machine=False)
    wanted = SearchRequest(DataSet("shapes", "shapes", shapes), 60.0)
    kept = keep_upload([Sent("net.onnx", b"1")], shared)
    assert find_problem(replace(wanted, backbones=("efficientnet-lite0", kept)), shared) == ""
    assert "cannot be used here" in find_problem(replace(wanted, backbones=("/etc/net.onnx",)), shared)
    assert find_problem(replace(wanted, backbones=("/etc/net.onnx",)), Workspace(tmp_path)) == ""
