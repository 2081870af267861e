"""Where a run writes is looked at before any work, and what is out of reach is named with what to do."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from autotl.errors import MachineError
from autotl.settings import Settings
from autotl.workflows.places import conditions_explained, require_cache


def test_a_cache_of_which_a_part_belongs_to_another_user_is_refused(tmp_path: Path) -> None:
    (tmp_path / "facts").mkdir()
    require_cache(tmp_path)
    (tmp_path / "manifests").symlink_to("/proc")  # where nobody can write, as in a folder that root left behind
    with pytest.raises(
        MachineError, match=r"manifests cannot be written: .* Set the environment variable AUTOTL_CACHE"
    ):
        require_cache(tmp_path)


def test_a_cache_that_is_still_to_be_made_is_no_fault(tmp_path: Path) -> None:
    require_cache(tmp_path / "new" / "cache")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(("exists", "remedy"), [(False, "Name another one with --run"), (True, "name the copy")])
def test_the_folder_of_a_run_that_there_is_can_be_copied_and_a_new_one_named(
    exists: bool, remedy: str, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    run.mkdir()
    if exists:
        (run / "run.json").touch()
    with (
        pytest.raises(MachineError, match=remedy),
        conditions_explained(Settings(cache=tmp_path / "cache"), run),
    ):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(run / ".lock"))
