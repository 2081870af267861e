"""A run is shared by a URL: what a worker needs of it, the files of its trials, and no secret."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from autotl.data.split import Split
from autotl.errors import ConfigError, RunError
from autotl.predictions import Predictions
from autotl.runs import run_share as module
from autotl.runs.config import Config
from autotl.runs.run import create
from autotl.runs.run_share import TrialShare, fetch_run, publish, require_unused
from autotl.search.trial_files import PREDICTIONS_FILE, load_predictions, send_trial_files, trial_file

URL = "s3://bucket/runs/x"


@pytest.fixture
def bucket(object_server):
    module._share_at.cache_clear()
    return object_server.emptied()


@pytest.fixture
def run(toy_dataset, tmp_path):
    config = Config(
        data=tmp_path / "data", run=tmp_path / "a run", share=URL, storage="postgresql://me:hunter22@host/db",
        tracking_uri="https://me:hunter33@tracker", register="my-model",
    )  # fmt: skip
    fold = np.array([-1, 0, 1, 2, 0, -1, 1, 2, 0, 1])
    return create(config, toy_dataset(["猫", "dog"] * 5, [(0, 2, 0.9)]), Split(fold=fold, cluster=np.arange(10) // 2))


def told(run):
    return [json.loads(line)["text"] for line in (run.folder / "events.jsonl").read_text(encoding="utf-8").splitlines()]


def predictions(value=0.5):
    return Predictions(np.array([1, 2]), np.array([0, 1]), np.array([[value, 1 - value]] * 2))


def test_a_worker_finds_the_run_as_it_is(bucket, run, tmp_path):
    run.update(int8={"net 8x8": ["a"]}, result={"secret": 1}, findings=[1])
    publish(run)
    found = fetch_run(URL, tmp_path / "cache")
    assert found.folder == tmp_path / "cache" / run.study_name
    assert (found.study_name, found.fingerprint, found.config.seed) == (run.study_name, run.fingerprint, 0)
    assert (found.split.fold == run.split.fold).all()
    pd.testing.assert_frame_equal(found.dataset.table, run.dataset.table, check_dtype=False)
    assert found.state()["int8"] == {"net 8x8": ["a"]}
    assert found.config.share == URL
    assert not {"result", "findings"} & set(found.state())


def test_no_password_and_no_address_but_the_storages_is_published(bucket, run):
    publish(run)
    published = b"".join(bucket.get(name) for name in bucket.names())
    assert len(bucket.names()) == 4
    assert b"postgresql://***@host/db" in published
    for private in (b"hunter22", b"hunter33", b"tracker", b"my-model"):
        assert private not in published


def test_before_it_is_published_there_is_no_run(bucket, run, tmp_path):
    assert fetch_run(URL, tmp_path) is None
    assert list(tmp_path.iterdir()) == [run.folder]


@pytest.mark.parametrize("name", ["run.json", "dataset.parquet", "pairs.parquet", "published.json"])
def test_a_run_that_is_half_written_is_not_there_yet(bucket, run, tmp_path, name):
    publish(run)
    content = bucket.get(f"runs/x/{name}")
    bucket.put(f"runs/x/{name}", content[: len(content) // 2])
    assert fetch_run(URL, tmp_path / "cache") is None
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("name", ["../escaped", "/escaped", "..", ""])
def test_what_is_shared_cannot_choose_a_folder_outside_of_the_one_for_copies(bucket, run, tmp_path, name):
    run.update(study_name=f"{tmp_path}{name}" if name == "/escaped" else name)
    publish(run)
    with pytest.raises(RunError, match="is not a run that `autotl fit --share` published"):
        fetch_run(URL, tmp_path / "cache" / "runs")
    assert not list(tmp_path.rglob("escaped"))


def test_the_line_that_starts_workers_is_not_published(bucket, run):
    line = "command:docker run -i -e AWS_SECRET_ACCESS_KEY=hunter44 image"
    run = replace(run, config=replace(run.config, executor=line))
    run.update(config=run.config.to_json())
    publish(run)
    published = b"".join(bucket.get(name) for name in bucket.names())
    assert b"hunter44" not in published
    assert b'"executor": "command"' in published


def test_where_another_run_is_shared_a_new_one_is_refused(bucket, run):
    require_unused(URL)
    publish(run)
    with pytest.raises(ConfigError, match=f"another run is shared at {URL}. Give another URL with --share"):
        require_unused(URL)


def test_a_run_that_is_to_be_shared_needs_a_database(tmp_path):
    with pytest.raises(ConfigError, match="workers elsewhere do not reach; give a database with --storage"):
        Config(data=tmp_path, run=tmp_path / "r", share=URL)
    with pytest.raises(ConfigError, match="is not the URL of a folder"):
        Config(data=tmp_path, run=tmp_path / "r", share="bucket/x", storage="sqlite:///x.db")


@pytest.fixture
def elsewhere(bucket, run, tmp_path):
    """The run as a worker of another machine has it."""
    publish(run)
    return fetch_run(URL, tmp_path / "cache")


def keep(run, number, value=0.5):
    run.trial_folder(number).mkdir(parents=True)
    predictions(value).save(run.trial_folder(number) / PREDICTIONS_FILE)


def test_the_files_of_a_trial_are_found_by_the_others(run, elsewhere):
    keep(elsewhere, 7, 0.25)
    (elsewhere.trial_folder(7) / ".half-written").write_bytes(b"x")
    send_trial_files(elsewhere, 7)
    assert load_predictions(run, 7).probabilities[0].tolist() == [0.25, 0.75]
    assert not trial_file(run, 7, "calibration.npy").exists()
    assert sorted(path.name for path in run.trial_folder(7).iterdir()) == ["files.json", PREDICTIONS_FILE]


def test_what_a_trial_does_not_have_is_asked_for_once(run, elsewhere, bucket):
    keep(elsewhere, 7)
    send_trial_files(elsewhere, 7)
    load_predictions(run, 7)
    bucket.client.delete_object(Bucket="bucket", Key="runs/x/trials/0007/files.json")
    assert not trial_file(run, 7, "calibration.npy").exists()
    assert trial_file(run, 7, PREDICTIONS_FILE).exists()


@pytest.mark.parametrize("name", [PREDICTIONS_FILE, "files.json"])
@pytest.mark.parametrize("harm", ["missing", "half", "flipped"])
def test_half_an_upload_and_damage_are_not_read(run, elsewhere, bucket, name, harm):
    keep(elsewhere, 7)
    send_trial_files(elsewhere, 7)
    key = f"runs/x/trials/0007/{name}"
    content = bytearray(bucket.get(key))
    content[len(content) // 2] ^= 0xFF
    if harm == "missing":
        bucket.client.delete_object(Bucket="bucket", Key=key)
    else:
        bucket.put(key, bytes(content if harm == "flipped" else content[: len(content) // 2]))
    assert not trial_file(run, 7, PREDICTIONS_FILE).exists()


def test_a_store_that_vanishes_is_said_once_and_what_was_found_is_sent_later(run, elsewhere, bucket, monkeypatch):
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.0)
    share, other = TrialShare(URL), TrialShare(URL)
    bucket.admit(strangers=False)
    for number in (3, 4):
        keep(elsewhere, number)
        share.send(elsewhere, number)
    bucket.admit(strangers=True)
    [warning] = told(elsewhere)
    assert f"trials are not shared for now; what they found is kept in {elsewhere.folder}: {URL}" in warning
    assert "Check its credentials" in warning
    share.send(elsewhere)
    for number in (3, 4):
        other.bring(run, number, PREDICTIONS_FILE)
        assert (run.trial_folder(number) / PREDICTIONS_FILE).exists()


def test_a_run_that_is_not_shared_looks_nowhere(run):
    alone = replace(run, config=replace(run.config, share=None))
    keep(alone, 1)
    send_trial_files(alone, 1)
    assert not trial_file(alone, 2, PREDICTIONS_FILE).exists()
