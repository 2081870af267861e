"""The GPUs of a machine, as its driver lists them."""

from __future__ import annotations

import os

import pytest

from autotl.runtime.gpus import Gpu, visible_gpus

MIB = 2**20


@pytest.fixture
def listed(tmp_path, monkeypatch):
    """A driver that lists three GPUs."""
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\nprintf '0, GPU-aa11, 100\\n1, GPU-bb22, 200\\n2, GPU-cc33, 300\\n'")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return program


def test_all_are_listed_with_their_free_memory(listed):
    assert visible_gpus() == (Gpu("0", 100 * MIB), Gpu("1", 200 * MIB), Gpu("2", 300 * MIB))


@pytest.mark.parametrize(
    ("allowed", "expected"),
    [("2,0", ["2", "0"]), ("GPU-bb", ["GPU-bb"]), ("0,7,1", ["0"]), ("", []), ("-1", [])],
)
def test_the_variable_of_cuda_chooses_among_them(listed, monkeypatch, allowed, expected):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", allowed)
    assert [gpu.name for gpu in visible_gpus()] == expected


def test_without_a_driver_or_with_one_that_fails_there_are_none(listed, monkeypatch, tmp_path):
    listed.write_text("#!/bin/sh\necho 'no devices were found'; exit 6")
    assert visible_gpus() == ()
    listed.write_text("#!/bin/sh\necho 'what is this'")
    assert visible_gpus() == ()
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert visible_gpus() == ()
