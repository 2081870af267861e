"""A file whose decoder may crash is tried in a child process; others cost nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from autotl.images import safe_decode
from autotl.images.safe_decode import decode_risk
from autotl.runtime.child_process import Isolated

pytest.importorskip("pi_heif")

HEIC = Path(__file__).parents[2] / "data" / "tiny.heic"


def test_a_heic_file_that_can_be_decoded_is_no_risk_as_a_file_or_as_bytes():
    assert decode_risk(HEIC) == decode_risk(str(HEIC)) == decode_risk(HEIC.read_bytes()) == ""


def test_a_damaged_heic_file_gives_the_reason(tmp_path):
    (tmp_path / "torn.heic").write_bytes(HEIC.read_bytes()[:400])
    assert "damaged" in decode_risk(tmp_path / "torn.heic")
    assert "damaged" in decode_risk(HEIC.read_bytes()[:400])


def test_a_decoder_that_crashes_ends_only_its_own_process(monkeypatch):
    monkeypatch.setattr(safe_decode, "_try", Isolated("testing_no_such_module", "nothing"))
    assert "crashes the decoder" in decode_risk(HEIC)


def test_other_files_are_not_tried(tmp_path, monkeypatch):
    monkeypatch.setattr(safe_decode, "_try", lambda path: pytest.fail(f"{path} was decoded"))
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    for source in (tmp_path / "a.png", (tmp_path / "a.png").read_bytes(), tmp_path, tmp_path / "gone", b""):
        assert decode_risk(source) == ""
