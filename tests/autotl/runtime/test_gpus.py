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


DIVIDED = """GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-aa11)
  MIG 1g.10gb     Device  0: (UUID: MIG-11)
  MIG 3g.40gb     Device  1: (UUID: MIG-22)
GPU 1: NVIDIA H100 80GB HBM3 (UUID: GPU-bb22)"""


@pytest.fixture
def divided(listed):
    """The first of two GPUs is divided, and its driver does not say how much of it is free."""
    query = "'0, GPU-aa11, [N/A]\\n1, GPU-bb22, 200\\n'"
    listed.write_text(f"#!/bin/sh\nif [ $1 = -L ]; then printf '{DIVIDED}\n'; else printf {query}; fi")


def test_the_parts_of_a_divided_gpu_take_its_place(divided):
    assert visible_gpus() == (Gpu("MIG-11", 10 * 2**30), Gpu("MIG-22", 40 * 2**30), Gpu("1", 200 * MIB))


@pytest.mark.parametrize(
    ("allowed", "expected"),
    [
        ("MIG-22", [Gpu("MIG-22", 40 * 2**30)]),
        ("MIG-2,GPU-bb22", [Gpu("MIG-2", 40 * 2**30), Gpu("GPU-bb22", 200 * MIB)]),
        ("0", [Gpu("0", 10 * 2**30)]),  # CUDA uses the first part
        ("MIG-33,1", []),
    ],
)
def test_parts_are_chosen_by_their_names(divided, monkeypatch, allowed, expected):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", allowed)
    assert list(visible_gpus()) == expected


def test_without_a_driver_or_with_one_that_fails_there_are_none(listed, monkeypatch, tmp_path):
    listed.write_text("#!/bin/sh\necho 'no devices were found'; exit 6")
    assert visible_gpus() == ()
    listed.write_text("#!/bin/sh\necho 'what is this'")
    assert visible_gpus() == ()
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert visible_gpus() == ()
