"""A run whose MLflow server is away: what is said, what is kept to itself, and how it is made up for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import Result, run_alone
from command_line import run_here as autotl
from loose_plugins import tiny_backbone

PASSWORD, TOKEN = "hunter2-of-joe", "token-of-joe"
AWAY = f"http://joe:{PASSWORD}@127.0.0.1:9?token={TOKEN}"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("My%20Data")


@pytest.fixture(scope="module")
def lost(workspace: Path, shapes: Path) -> Result:
    options = ("--trials", "2", "--strategy", "probe", "--backbones", "tiny", "--heads", "logistic,knn")
    options += ("--register", "pets", "--tracking-uri", AWAY)
    plugins = str(Path(tiny_backbone.__file__).parent)
    return run_alone("fit", shapes, "--run", "run", *options, cwd=workspace, AUTOTL_PLUGINS=plugins)


def test_a_registration_that_failed_is_told_with_what_makes_up_for_it_and_is_no_success(
    lost: Result, workspace: Path
) -> None:
    assert lost.returncode == 2, lost.stderr
    assert "Not registered: " in lost.stdout
    assert (
        "Not recorded: http://***@127.0.0.1:9?token=*** cannot be used: [Errno 111] Connection refused" in lost.stdout
    )
    assert f"autotl register {workspace / 'run'} --tracking-uri URI --name pets" in lost.stdout
    result = json.loads(autotl("report", "run", "--json", cwd=workspace).stdout)
    assert [text.partition(":")[0] for text in result["unkept"]] == ["Not registered", "Not recorded"]
    assert result["status"] == "complete"


def test_no_file_and_no_message_of_a_run_holds_a_password_or_a_token(lost: Result, workspace: Path) -> None:
    files = [file for file in workspace.rglob("*") if file.is_file()]
    assert len(files) > 10
    for text in (lost.stdout.encode(), lost.stderr.encode(), *(file.read_bytes() for file in files)):
        assert PASSWORD.encode() not in text
        assert TOKEN.encode() not in text


def test_a_run_that_lost_its_store_is_recorded_and_registered_again_with_all_its_trials(
    lost: Result, workspace: Path
) -> None:
    away = autotl("register", "run", cwd=workspace)
    assert away.returncode == 2
    assert "the password of http://***@127.0.0.1:9?token=*** is not kept" in away.stderr
    store = f"sqlite:///{workspace / 'mlflow.db'}"
    done = autotl("register", "run", "--tracking-uri", store, cwd=workspace)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "models:/pets@champion is now version 1"
    shown = autotl("report", "run", "--json", cwd=workspace)
    result = json.loads(shown.stdout)
    assert result["unkept"] == []
    assert result["tracking"]["registered"]["name"] == "pets"
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=result["tracking"]["tracking_uri"])
    runs = client.search_runs([result["tracking"]["experiment_id"]])
    assert len([run for run in runs if run.info.run_name.startswith("trial ")]) >= 2
    assert not (workspace.parent / workspace.name.replace("%", "%25")).exists(), "no folder by another name"
