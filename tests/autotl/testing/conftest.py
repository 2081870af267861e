"""What the tests of the conformance checks share."""

from __future__ import annotations

import pytest

from autotl.runtime.keras_backend import prepare


@pytest.fixture(scope="module", autouse=True)
def keras():
    prepare()
    return pytest.importorskip("keras")


@pytest.fixture
def run_folder(tmp_path):
    (tmp_path / "run.json").write_text("{}", encoding="utf-8")
    return tmp_path
