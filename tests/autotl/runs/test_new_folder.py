"""The folder of a new run: nothing of anyone else's is touched, and what a killed process began is no obstacle."""

from __future__ import annotations

from dataclasses import replace

import filelock
import numpy as np
import pandas as pd
import pytest

from autotl.data.split import Split
from autotl.errors import ConfigError
from autotl.runs.config import Config
from autotl.runs.new_folder import LOCK_FILE, require_free
from autotl.runs.run import create, open_run


@pytest.fixture
def dataset(toy_dataset):
    return toy_dataset(["cat", "dog"] * 5)


@pytest.fixture
def divided():
    return Split(fold=np.arange(10) % 5, cluster=np.arange(10))


@pytest.fixture
def config(tmp_path):
    return Config(data=tmp_path / "data", run=tmp_path / "run")


def test_a_folder_that_holds_something_is_not_overwritten(config, dataset, divided, tmp_path):
    run = create(config, dataset, divided)
    with pytest.raises(ConfigError, match=r"not empty\. Continue it with `autotl resume .*`, or give another folder"):
        require_free(run.folder)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    with pytest.raises(ConfigError, match=r"not empty\. Give another folder with --run"):
        create(replace(config, run=tmp_path / "mine"), dataset, divided)
    with pytest.raises(ConfigError, match="already exists"):
        require_free(tmp_path / "mine" / "thesis.txt")
    assert [p.name for p in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


def test_an_empty_folder_and_one_that_is_not_there_are_free(tmp_path):
    (tmp_path / "empty").mkdir()
    require_free(tmp_path / "empty")
    require_free(tmp_path / "deep" / "down")


@pytest.mark.parametrize("method", ["to_parquet", "to_json"])
def test_a_folder_that_a_process_was_killed_in_before_it_was_a_run_is_made_again(
    method, config, dataset, divided, monkeypatch
):
    class KilledError(BaseException):
        pass

    def be_killed(*_args, **_options):
        raise KilledError

    with monkeypatch.context() as patched:
        patched.setattr(pd.DataFrame if method == "to_parquet" else Config, method, be_killed)
        with pytest.raises(KilledError):
            create(config, dataset, divided)
    assert not (config.run / "run.json").exists()
    (config.run / f".run.json.{'0' * 32}").write_bytes(b"half")
    require_free(config.run)
    create(config, dataset, divided)
    assert open_run(config.run).dataset.table.equals(dataset.table)


def test_a_folder_with_more_in_it_than_a_run_begins_with_is_not_taken_for_one(config, tmp_path):
    config.run.mkdir()
    for name in (LOCK_FILE, "dataset.parquet", "thesis.txt"):
        (config.run / name).write_text("precious")
    with pytest.raises(ConfigError, match="not empty"):
        require_free(config.run)


def test_two_processes_do_not_make_one_folder_at_the_same_moment(config, dataset, divided):
    config.run.mkdir()
    with (
        filelock.FileLock(config.run / LOCK_FILE),
        pytest.raises(ConfigError, match=r"another process is making .* Give another folder with --run"),
    ):
        create(config, dataset, divided)
    create(config, dataset, divided)
