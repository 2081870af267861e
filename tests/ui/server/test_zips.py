"""A zip that is made while it is sent."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import pytest

from autotl_ui.server import zips
from autotl_ui.server.zips import zip_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    (folder / "replay").mkdir(parents=True)
    (folder / "model.onnx").write_bytes(os.urandom(3 * zips.CHUNK_BYTES + 17))
    (folder / "replay" / "Öl 猫.txt").write_text("hello", encoding="utf-8")
    (folder / "empty").write_bytes(b"")
    return folder


def test_the_zip_holds_every_file_in_one_folder_and_is_as_long_as_announced(folder: Path) -> None:
    pieces = list(zip_folder(folder, "Täst"))
    assert max(map(len, pieces)) <= zips.CHUNK_BYTES
    whole = b"".join(pieces)
    assert len(whole) == zip_folder(folder, "Täst").size
    archive = zipfile.ZipFile(io.BytesIO(whole))
    assert archive.testzip() is None
    assert archive.namelist() == ["Täst/empty", "Täst/model.onnx", "Täst/replay/Öl 猫.txt"]
    assert archive.read("Täst/model.onnx") == (folder / "model.onnx").read_bytes()
    assert all(not info.flag_bits & 8 for info in archive.infolist())  # what simple programs cannot read


def test_what_unpacks_it_is_no_matter(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "model.zip"
    file.write_bytes(b"".join(zip_folder(folder, "m")))
    zipfile.ZipFile(file).extractall(tmp_path / "out")
    assert (tmp_path / "out" / "m" / "replay" / "Öl 猫.txt").read_text(encoding="utf-8") == "hello"


def test_links_are_left_out_for_they_may_lead_anywhere(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("mine", encoding="utf-8")
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "key").write_text("mine", encoding="utf-8")
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "folder-link").symlink_to(tmp_path / "secrets")
    names = zipfile.ZipFile(io.BytesIO(b"".join(zip_folder(folder, "m")))).namelist()
    assert names == ["m/empty", "m/model.onnx", "m/replay/Öl 猫.txt"]


def test_a_file_that_changes_meanwhile_breaks_the_download_instead_of_being_torn(folder: Path) -> None:
    pieces = iter(zip_folder(folder, "m"))
    next(pieces)
    (folder / "model.onnx").write_bytes(b"another")
    with pytest.raises(OSError, match="has changed"):
        list(pieces)


def test_what_no_simple_zip_can_hold_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zips, "MAX_BYTES", 1000)
    with pytest.raises(ValueError, match="too large"):
        zip_folder(folder, "m")
