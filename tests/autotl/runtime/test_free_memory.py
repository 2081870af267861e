"""What is free is bounded by the machine and by each group around the process."""

from __future__ import annotations

import psutil
import pytest

from autotl.runtime import free_memory
from autotl.runtime.free_memory import free_bytes


@pytest.fixture
def group(tmp_path, monkeypatch):
    """group("a/b", limit=..., used=..., files=...): a control group whose process this is."""
    monkeypatch.setattr(free_memory, "ROOT", tmp_path)
    monkeypatch.setattr(free_memory, "OWN_GROUP", tmp_path / "own")

    def group(path, limit, used, files=0):
        folder = tmp_path / path
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "memory.max").write_text(f"{limit}\n")
        (folder / "memory.current").write_text(f"{used}\n")
        (folder / "memory.stat").write_text(f"anon 5\ninactive_file {files}\n")
        (tmp_path / "own").write_text(f"0::/{path}\n")

    return group


def test_without_a_group_the_machine_decides(group, tmp_path):
    assert free_bytes() == pytest.approx(psutil.virtual_memory().available, rel=0.5)
    group("job", "max", 1_000_000)
    assert free_bytes() > 1_000_000


def test_the_limit_of_a_container_counts_and_pages_of_files_can_be_dropped(group):
    group(".", 3_000_000, 2_500_000, files=200_000)
    assert free_bytes() == 700_000


def test_a_group_further_out_may_leave_less(group):
    group("job", 2_000_000, 1_900_000)
    group("job/task", 3_000_000, 1_000_000)
    assert free_bytes() == 100_000


def test_a_group_that_is_full_leaves_nothing(group):
    group("job", 1_000_000, 1_200_000)
    assert free_bytes() == 0
