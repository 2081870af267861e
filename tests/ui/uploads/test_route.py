"""The upload route: what it takes, what it refuses, and that nothing lands where it should not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import made_runs
import pytest
from asgi import Answer, ask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autotl_ui.server import signing
from autotl_ui.uploads import finishing
from autotl_ui.uploads.beginning import Limits
from autotl_ui.uploads.route import ROUTES, upload_address
from autotl_ui.workspace.data_sets import DataSet, delete_data_set, find_data_set, list_data_sets
from autotl_ui.workspace.workspace import Workspace

SMALL = Limits(files=50, file_bytes=100_000, upload_bytes=200_000, workspace_bytes=300_000)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "mine")


def begin(workspace: Workspace, files: list[Any], *, limits: Limits = SMALL, **headers: str) -> Answer:
    body = json.dumps({"files": files}).encode()
    return ask(ROUTES, "POST", upload_address(workspace, limits), body, headers)


def put(workspace: Workspace, identity: str, query: str, body: Any) -> Answer:
    return ask(ROUTES, "PUT", f"{upload_address(workspace, SMALL)}/{identity}?{query}", body)


def finish(workspace: Workspace, identity: str) -> Answer:
    return ask(ROUTES, "POST", f"{upload_address(workspace, SMALL)}/{identity}")


def files_below(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_becomes_a_data_set_with_its_sub_folders(workspace: Workspace) -> None:
    plan = begin(workspace, [["pets/cat/1.jpg", 3, 1], ["pets/dog/1.jpg", 4, 1], ["pets/notes.txt", 9, 1]]).json
    assert plan["wanted"] == [[0, 3, 0], [1, 4, 0]]
    assert plan["skipped"] == {"*.txt": 1}
    assert put(workspace, plan["id"], "files=0,1", [b"ca", b"tdog", b"!"]).status == 200
    assert finish(workspace, plan["id"]).json == {"data": "pets"}
    assert files_below(workspace.data / "pets") == {"cat/1.jpg": b"cat", "dog/1.jpg": b"dog!"}
    assert find_data_set(workspace, "pets").title == "pets"
    assert not list((workspace.data / ".incoming").iterdir())


def test_a_folder_of_texts_becomes_a_data_set_without_the_files_that_describe_it(workspace: Workspace) -> None:
    plan = begin(workspace, [["mail/ham/1.txt", 3, 1], ["mail/spam/2.eml", 4, 1], ["mail/README.txt", 9, 1]]).json
    assert (len(plan["wanted"]), plan["skipped"]) == (2, {"*.txt": 1})


def test_a_data_set_remembers_what_of_it_was_not_taken(workspace: Workspace) -> None:
    names = ["1.jpg", "1.CR2", "2.CR2", "film.mp4", ".DS_Store", "../secret.jpg"]
    plan = begin(workspace, [[f"pets/cat/{name}", 3, 1] for name in names] + [["pets/dog/1.jpg", 3, 1]]).json
    put(workspace, plan["id"], "files=0", b"cat")
    said = finishing.finish_upload(workspace, plan["id"], whole=False).skipped
    assert said.startswith("2 *.cr2, 1 *.mp4, 1 refused file (pets/cat/../secret.jpg ")
    assert said.endswith("), 1 that had not arrived")
    assert find_data_set(workspace, "pets").skipped == said


def test_the_same_list_again_carries_on_with_what_is_missing(workspace: Workspace) -> None:
    files = [["pets/cat/1.jpg", 3, 1], ["pets/dog/1.jpg", 3, 1]]
    first = begin(workspace, files).json
    put(workspace, first["id"], "files=0", b"cat")
    again = begin(workspace, files).json
    assert again["id"] == first["id"]
    assert again["wanted"] == [[0, 3, 3], [1, 3, 0]]
    assert "1 of 2 files have not arrived" in finish(workspace, first["id"]).json["message"]


@pytest.mark.parametrize("files", [["a.jpg", "a.jpg/1.jpg"], ["a.jpg/1.jpg", "a.jpg"]])
def test_of_a_file_and_a_folder_of_one_name_the_later_is_refused(workspace: Workspace, files: list[str]) -> None:
    plan = begin(workspace, [[name, 1, 1] for name in files]).json
    assert ([number for number, _, _ in plan["wanted"]], plan["n_refused"]) == ([0], 1)
    assert "both a file and a folder" in plan["refused"][0][1]
    assert put(workspace, plan["id"], "files=0", b"1").status == 200
    name = finish(workspace, plan["id"]).json["data"]
    assert files_below(workspace.data / name) == {files[0]: b"1"}


def test_a_large_file_comes_in_pieces_and_carries_on_where_it_broke_off(workspace: Workspace) -> None:
    files = [["big.zip", 10, 1]]
    identity = begin(workspace, files).json["id"]
    assert put(workspace, identity, "files=0&offset=0", b"0123").status == 200
    assert begin(workspace, files).json["wanted"] == [[0, 10, 4]]
    refused = put(workspace, identity, "files=0&offset=8", b"89")
    assert (refused.status, refused.json["there"]) == (409, 4)
    assert put(workspace, identity, "files=0&offset=4", b"456789").status == 200
    again = put(workspace, identity, "files=0&offset=4", b"456789")  # whose answer got lost
    assert (again.status, again.json["there"]) == (409, 10)
    name = finish(workspace, identity).json["data"]
    assert find_data_set(workspace, name).path == workspace.data / name / "big.zip"
    assert (workspace.data / name / "big.zip").read_bytes() == b"0123456789"


def test_a_broken_connection_leaves_no_half_a_file(workspace: Workspace) -> None:
    identity = begin(workspace, [["a/1.jpg", 4, 1], ["a/2.jpg", 4, 1]]).json["id"]
    address = f"{upload_address(workspace, SMALL)}/{identity}?files=0,1"
    assert ask(ROUTES, "PUT", address, [b"1111" + b"2", None], {"content-length": "8"}).status == 400
    upload = workspace.data / ".incoming" / identity
    assert files_below(upload / "files") in ({}, {"1.jpg": b"1111"})
    assert files_below(upload / "parts") == {}


@pytest.mark.parametrize("token", ["", "x", "x.y.z"])
def test_without_a_valid_token_nothing_is_taken(workspace: Workspace, token: str) -> None:
    for method, path in (("POST", token), ("PUT", f"{token}/abc"), ("POST", f"{token}/abc")):
        assert ask(ROUTES, method, f"/autotl/upload/{path}", b"{}").status in (403, 404, 405)
    assert not workspace.root.exists()


def test_a_token_for_another_purpose_or_too_old_is_no_token(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = signing.sign("image", [str(workspace.root), {}])
    assert ask(ROUTES, "POST", f"/autotl/upload/{other}", b"{}").status == 403
    address = upload_address(workspace)
    monkeypatch.setattr(signing, "MAX_AGE_SECONDS", -1)
    assert ask(ROUTES, "POST", address, b"{}").status == 403


@pytest.mark.parametrize(
    "headers", [{"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}, {"origin": "null"}]
)
def test_other_sites_are_refused(workspace: Workspace, headers: dict[str, str]) -> None:
    assert begin(workspace, [["a/1.jpg", 3, 1]], **headers).status == 403
    assert begin(workspace, [["a/1.jpg", 3, 1]], origin="http://localhost").status == 200


@pytest.mark.parametrize(
    "name",
    ["../a.jpg", "a/../../b.jpg", "/etc/a.jpg", "C:/a.jpg", "a/\0.jpg", "", "/", "/".join("d" * 40) + "/a.jpg"],
)
def test_names_that_lead_out_are_refused_and_told(workspace: Workspace, name: str) -> None:
    answer = begin(workspace, [[name, 3, 1], ["pets/cat/1.jpg", 3, 1]]).json
    assert [number for number, _, _ in answer["wanted"]] == [1]
    assert answer["n_refused"] == 1


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("a\\..\\b.jpg", "a_.._b.jpg"),
        ("con.jpg", "_con.jpg"),
        ("a" * 400 + ".jpg", "a" * 196 + ".jpg"),
        ("what?.jpg", "what_.jpg"),
    ],
)
def test_names_that_some_system_cannot_hold_are_made_safe(workspace: Workspace, name: str, stored: str) -> None:
    answer = begin(workspace, [[f"pets/x/{name}", 1, 1]]).json
    assert answer["n_renamed"] == 1
    put(workspace, answer["id"], "files=0", b"1")
    assert finish(workspace, answer["id"]).status == 200
    assert files_below(workspace.data / "pets") == {f"x/{stored}": b"1"}


@pytest.mark.parametrize(
    ("files", "status", "word"),
    [
        ([[f"a/{i}.jpg", 1, 1] for i in range(51)], 413, "at most 50"),
        ([["a/1.jpg", 90_000, 1], ["a/2.jpg", 90_000, 1], ["a/3.jpg", 90_000, 1]], 413, "at once"),
        ([["a/1.jpg", 100_001, 1]], 400, "at most"),
        ([["a/1.jpg", -1, 1]], 400, "file cannot be used"),
        ([["a/1.jpg", 0, 1]], 400, "1 empty"),
        ([["a/1.doc", 5, 1]], 400, "*.doc"),
        ([["a/.hidden/1.jpg", 5, 1]], 400, "1 hidden"),
        ([], 400, "no file"),
        ([["a.zip", 5, 1], ["b.zip", 5, 1]], 400, "one at a time"),
    ],
)
def test_what_cannot_be_taken_is_refused_with_the_reason(
    workspace: Workspace, files: list[Any], status: int, word: str
) -> None:
    answer = begin(workspace, files)
    assert (answer.status, word in answer.json["message"]) == (status, True), answer.json


def test_a_workspace_holds_so_much_and_no_more(workspace: Workspace) -> None:
    workspace.data.mkdir(parents=True)
    (workspace.data / "old.bin").write_bytes(b"x" * 290_000)
    assert "Delete a dataset" in begin(workspace, [["a/1.jpg", 20_000, 1]]).json["message"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"files": [[1]]}', b'{"files": [["a.jpg", 1e999, 0]]}'])
def test_what_is_no_list_of_files_is_refused(workspace: Workspace, body: bytes) -> None:
    assert ask(ROUTES, "POST", upload_address(workspace), body).status == 400


def test_a_list_that_is_too_long_is_not_read_to_its_end(workspace: Workspace) -> None:
    pieces = [b"x" * 60_000] * 3 + [None]  # the last one is never asked for
    assert ask(ROUTES, "POST", upload_address(workspace, SMALL), pieces).status == 413


@pytest.mark.parametrize(
    ("query", "body", "status"),
    [
        ("files=0", b"12345", 400),
        ("files=0", b"", 400),
        ("files=7", b"1234", 400),
        ("files=0,0", b"12341234", 400),
        ("files=0,1", b"1234", 400),
        ("files=", b"1234", 400),
        ("files=0&offset=-1", b"1234", 400),
        ("files=0&offset=3", b"12", 400),
        ("", b"1234", 400),
    ],
)
def test_bytes_that_were_not_announced_are_refused(workspace: Workspace, query: str, body: bytes, status: int) -> None:
    identity = begin(workspace, [["a/1.jpg", 4, 1], ["a/2.jpg", 4, 1]]).json["id"]
    assert put(workspace, identity, query, body).status == status
    assert files_below(workspace.data / ".incoming" / identity / "files") == {}


def test_more_bytes_than_the_header_says_are_refused(workspace: Workspace) -> None:
    identity = begin(workspace, [["a/1.jpg", 4, 1]]).json["id"]
    address = f"{upload_address(workspace, SMALL)}/{identity}?files=0"
    assert ask(ROUTES, "PUT", address, b"1" * 600_000, {"content-length": "4"}).status == 413
    assert files_below(workspace.data / ".incoming" / identity / "files") == {}


@pytest.mark.parametrize("identity", ["..", "nothing", "%2e%2e", ".incoming"])
def test_an_unknown_upload_is_refused(workspace: Workspace, identity: str) -> None:
    begin(workspace, [["a/1.jpg", 4, 1]])
    assert put(workspace, identity, "files=0", b"1234").status in (404, 405)
    assert finish(workspace, identity).status in (404, 405)


def test_a_table_of_labels_may_not_name_files_outside_of_the_upload(workspace: Workspace, tmp_path: Path) -> None:
    secret = tmp_path / "secret.jpg"
    secret.write_bytes(b"jpeg")
    table = f"path,label\n{secret},a\n1.jpg,b\n".encode()
    identity = begin(workspace, [["x/labels.csv", len(table), 1], ["x/1.jpg", 1, 1]]).json["id"]
    put(workspace, identity, "files=0,1", table + b"1")
    answer = finish(workspace, identity)
    assert (answer.status, "not part of the upload" in answer.json["message"]) == (400, True)
    assert list_data_sets(workspace) == []


@pytest.mark.parametrize(
    "table",
    [
        "path,label\n{later},a\n",  # not understood, as long as there is no such file
        "path,label\n/x/../{later},a\n",
        "path,label\n1.jpg,a\n2.jpg,{later}\n",
        "path,image,label\n1.jpg,{later},a\n2.jpg,,b\n",  # the other column will have more of its files
        "path,label\n{elsewhere}/1.jpg,a\n",  # found by its name alone, as long as there is no such file
        "path,label\nsub/../../../later.jpg,a\n",
    ],
)
def test_a_table_of_labels_may_not_name_files_that_may_come_to_be(
    table: str, workspace: Workspace, tmp_path: Path
) -> None:
    text = table.format(later=tmp_path / "later.jpg", elsewhere=tmp_path / "elsewhere").encode()
    identity = begin(workspace, [["x/labels.csv", len(text), 1], ["x/1.jpg", 1, 1]]).json["id"]
    put(workspace, identity, "files=0,1", text + b"1")
    answer = finish(workspace, identity)
    assert (answer.status, "not part of the upload" in answer.json["message"]) == (400, True)
    assert list_data_sets(workspace) == []


def test_a_table_of_labels_may_have_cells_that_only_look_like_paths(workspace: Workspace) -> None:
    text = b"path,label,a,b,c\nsub/../1.jpg,a/b,/,..,https://example.org/x\n./1.jpg,a/b,n/a,...,12:30\n"
    identity = begin(workspace, [["x/labels.csv", len(text), 1], ["x/1.jpg", 1, 1]]).json["id"]
    put(workspace, identity, "files=0,1", text + b"1")
    assert finish(workspace, identity).status == 200


def test_an_unfinished_upload_can_be_used_as_it_is_or_discarded(workspace: Workspace) -> None:
    identity = begin(workspace, [["pets/cat/1.jpg", 3, 1], ["pets/dog/1.jpg", 3, 1]]).json["id"]
    put(workspace, identity, "files=1", b"dog")
    (found,) = finishing.list_unfinished(workspace)
    assert (found.title, found.n_there, found.n_files, found.active) == ("pets", 1, 2, True)
    data_set = finishing.finish_upload(workspace, identity, whole=False)
    assert files_below(data_set.path) == {"dog/1.jpg": b"dog"}
    other = begin(workspace, [["more/cat/1.jpg", 3, 1]]).json["id"]
    finishing.discard(workspace, other)
    assert finishing.list_unfinished(workspace) == []
    assert finish(workspace, other).status == 404


def test_an_unfinished_upload_is_swept_away_after_a_week(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    begin(workspace, [["pets/cat/1.jpg", 3, 1]])
    assert len(finishing.list_unfinished(workspace)) == 1
    monkeypatch.setattr(finishing, "KEPT_SECONDS", -1)
    assert finishing.list_unfinished(workspace) == []
    assert not list((workspace.data / ".incoming").iterdir())


def test_a_kill_between_the_last_steps_loses_nothing(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    identity = begin(workspace, [["pets/cat/1.jpg", 3, 1]]).json["id"]
    put(workspace, identity, "files=0", b"cat")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(finishing, "save_data_set", killed)
        finishing.finish_upload(workspace, identity)
    assert list_data_sets(workspace) == []
    finishing.list_unfinished(workspace)
    assert [one.name for one in list_data_sets(workspace)] == ["pets"]


def test_the_name_of_deleted_data_is_given_again_only_where_no_run_learned_from_them(workspace: Workspace) -> None:
    def upload() -> DataSet:
        identity = begin(workspace, [["pets/cat/1.jpg", 1, 1]]).json["id"]
        put(workspace, identity, "files=0", b"x")
        finish(workspace, identity)
        [one] = list_data_sets(workspace)
        return one

    for _ in range(2):
        first = upload()
        assert (first.name, first.title) == ("pets", "pets")
        delete_data_set(workspace, first)
    run = workspace.runs / "of-pets"
    made_runs.write_running(run)
    state = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**state, "config": {"data": str(first.path)}}))
    second = upload()
    assert (second.name, second.title) == ("pets-2", "pets")


def test_two_folders_of_one_name_are_two_data_sets(workspace: Workspace) -> None:
    for size in (1, 2):
        identity = begin(workspace, [["pets/cat/1.jpg", size, 1]]).json["id"]
        put(workspace, identity, "files=0", b"x" * size)
        finish(workspace, identity)
    assert [(one.name, one.title) for one in list_data_sets(workspace)] == [("pets", "pets"), ("pets-2", "pets 2")]


piece = st.text(max_size=12) | st.sampled_from(["..", ".", "", "con", "a", "A", "a.jpg", "a.JPG", "..\\x", "~", "a:b"])
names = st.lists(piece, min_size=1, max_size=5).map("/".join).map(lambda name: name + ".jpg")


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sent=st.lists(names | piece, min_size=1, max_size=6))
def test_whatever_files_are_called_nothing_lands_outside(sent: list[str], tmp_path_factory: Any) -> None:
    home = tmp_path_factory.mktemp("any")
    workspace = Workspace(home / "mine")
    answer = begin(workspace, [[name, 1, 0] for name in sent])
    assert answer.status in (200, 400)
    if answer.status == 200:
        wanted = [str(number) for number, _, _ in answer.json["wanted"]]
        body = b"".join(number.encode()[-1:] for number in wanted)
        assert put(workspace, answer.json["id"], f"files={','.join(wanted)}", body).status == 200
        name = finish(workspace, answer.json["id"]).json["data"]
        landed = files_below(workspace.data / name)
        assert sorted(landed.values()) == sorted(number.encode()[-1:] for number in wanted)
        assert {path.parts[0] for path in (p.relative_to(workspace.data) for p in workspace.data.iterdir())} == {
            name, f"{name}.dataset.json", ".incoming",
        }  # fmt: skip
    assert {path.name for path in home.iterdir()} <= {"mine"}
    assert {path.name for path in home.glob("mine/*")} <= {"autotl-data"}


@pytest.mark.parametrize("there", [True, False])
def test_a_table_may_not_lead_out_from_where_the_upload_is_to_stay(
    there: bool, workspace: Workspace, tmp_path: Path
) -> None:
    if there:
        (tmp_path / "secret.jpg").write_bytes(b"jpeg")
    # From the place of an unfinished upload these dots lead elsewhere.
    table = b"path,label\n../../../secret.jpg,a\n1.jpg,b\n"
    identity = begin(workspace, [["x/labels.csv", len(table), 1], ["x/1.jpg", 1, 1]]).json["id"]
    put(workspace, identity, "files=0,1", table + b"1")
    for _ in range(2):
        answer = finish(workspace, identity)
        assert (answer.status, "not part of the upload" in answer.json["message"]) == (400, True)
        assert list_data_sets(workspace) == []
    assert [one.title for one in finishing.list_unfinished(workspace)] == ["x"]


def test_an_upload_that_has_begun_has_its_room_promised(workspace: Workspace) -> None:
    assert begin(workspace, [["a/1.jpg", 90_000, 1], ["a/2.jpg", 90_000, 1]]).status == 200
    refused = begin(workspace, [["b/1.jpg", 90_000, 1], ["b/2.jpg", 90_000, 1]])
    assert (refused.status, "Delete a dataset" in refused.json["message"]) == (413, True)
    assert begin(workspace, [["a/1.jpg", 90_000, 1], ["a/2.jpg", 90_000, 1]]).status == 200
