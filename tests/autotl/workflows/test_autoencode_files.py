"""The folder of an autoencoder is replaced as a whole, or stays as it was."""

from __future__ import annotations

from pathlib import Path

import filelock
import pytest

from autotl.errors import RunError
from autotl.runs.autoencoders import NUMBERS_FILE, autoencoder_folder
from autotl.workflows.autoencode_files import locked, new_results


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run with the results of the method `vae`."""
    write(tmp_path, "first")
    return tmp_path


def write(run: Path, text: str) -> None:
    with locked(run), new_results(run, "vae") as folder:
        (folder / NUMBERS_FILE).write_text(text)


def names(run: Path) -> list[str]:
    return sorted(path.name for path in (run / "autoencoders").iterdir() if path.name != ".lock")


def test_new_results_take_the_place_of_former_ones(run: Path) -> None:
    (autoencoder_folder(run, "vae") / "old.png").write_bytes(b"old")
    write(run, "second")
    assert (autoencoder_folder(run, "vae") / NUMBERS_FILE).read_text() == "second"
    assert [path.name for path in autoencoder_folder(run, "vae").iterdir()] == [NUMBERS_FILE]
    assert names(run) == ["vae"]


@pytest.mark.parametrize("raised", [KeyboardInterrupt, OSError])
def test_where_something_is_raised_the_former_ones_stay(run: Path, raised: type[BaseException]) -> None:
    with pytest.raises(raised), locked(run), new_results(run, "vae") as folder:
        (folder / NUMBERS_FILE).write_text("half")
        raise raised
    assert (autoencoder_folder(run, "vae") / NUMBERS_FILE).read_text() == "first"
    assert names(run) == ["vae"]


def test_what_a_killed_process_left_is_removed(run: Path) -> None:
    (autoencoder_folder(run, ".vae.0123") / "samples.png").parent.mkdir()
    with locked(run):
        assert names(run) == ["vae"]


def test_results_that_a_killed_process_had_moved_aside_are_put_back(run: Path) -> None:
    folder = autoencoder_folder(run, "vae")
    folder.rename(folder.with_name(".vae.0123"))
    with locked(run):
        assert (folder / NUMBERS_FILE).read_text() == "first"


def test_files_of_the_app_beside_the_results_stay(run: Path) -> None:
    (run / "autoencoders" / "job.log").write_text("said")
    with locked(run):
        assert names(run) == ["job.log", "vae"]


def test_two_processes_do_not_work_on_one_run(run: Path) -> None:
    other = filelock.FileLock(run / "autoencoders" / ".lock")
    with other, pytest.raises(RunError, match="another process is training an autoencoder"), locked(run):
        pass
