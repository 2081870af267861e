"""The run folder: what is written is what is read, and damage is said plainly."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pairs_on_disk import write_listing

from autotl.data.patch import Decision
from autotl.data.split import Split, split
from autotl.errors import ConfigError, RunError
from autotl.runs.config import Config
from autotl.runs.events import FindingMade, Message, SearchEnded
from autotl.runs.run import (
    Run,
    cluster_of,
    create,
    default_run_folder,
    open_run,
    require_images,
    scan_data,
)

FULL = Config(
    data=Path("données"), run=Path("runs/a b"), budget_seconds=None, trials=7, objective="log_loss",
    strategy="fine-tune", backbones=("a", "b"), heads=("c",), groups=r"(patient\d+)", attributes=Path("who.csv"),
    seed=3, workers=2, sampler="random", storage="sqlite:///x.db", tracking_uri="http://tracker", register="name",
    disable_plugins=("mlflow",), text="description", image="photo",
)  # fmt: skip


@pytest.mark.parametrize("config", [FULL, Config(data=Path("d"), run=Path("r"))])
def test_a_configuration_survives_json(config):
    assert Config.from_json(json.loads(json.dumps(config.to_json()))) == config


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"strategy": "both"}, r"unknown strategy 'both'; choose one of auto, probe, fine-tune"),
        ({"budget_seconds": 0.0}, r"a budget of 0s cannot be kept and leaves no time"),
        ({"trials": 0}, r"0 trials were asked for; at least 1"),
        ({"workers": 0}, r"0 workers were asked for; at least 1"),
    ],
)
def test_a_configuration_that_cannot_work_is_refused(option, message):
    with pytest.raises(ConfigError, match=message):
        Config(data=Path("d"), run=Path("r"), **option)


@pytest.fixture
def dataset(toy_dataset):
    """Ten items and two files that were set aside, with an attribute."""
    labels = ["猫", "dog"] * 6
    quarantine = ["", "it is empty", *[""] * 9, "it is cut short"]
    attribute = ["young", None] * 6
    stale = (Decision("exclude", "gone.png"),)
    return replace(
        toy_dataset(labels, [(0, 2, 0.9)], quarantine=quarantine, **{"attribute.age group": attribute}), stale=stale
    )


@pytest.fixture
def run(dataset, tmp_path):
    fold = np.array([-1, 0, 1, 2, 0, -1, 1, 2, 0, 1])
    config = Config(data=tmp_path / "data", run=tmp_path / "a run", seed=5)
    return create(config, dataset, Split(fold=fold, cluster=np.arange(10) // 2))


def test_a_run_is_read_as_it_was_written(run, dataset):
    again = open_run(run.folder)
    assert again.config == run.config
    assert (again.split.fold == run.split.fold).all()
    assert (again.split.cluster == run.split.cluster).all()
    pd.testing.assert_frame_equal(again.dataset.table, dataset.table, check_dtype=False)
    assert again.dataset.items["path"].tolist() == dataset.items["path"].tolist()
    assert (again.dataset.labels == dataset.labels).all()
    pd.testing.assert_frame_equal(again.dataset.pairs, dataset.pairs)
    assert again.dataset.stale == dataset.stale == (Decision("exclude", "gone.png"),)
    assert again.fingerprint == dataset.fingerprint == run.state()["fingerprint"]


def test_the_fingerprint_of_the_test_split_tells_of_its_images_and_labels(run):
    same = run.test_fingerprint
    assert open_run(run.folder).test_fingerprint == same
    file = run.folder / "dataset.parquet"
    table = pd.read_parquet(file)
    table.loc[table["split"] == "test", "label"] = "dog"
    table.to_parquet(file, index=False)
    assert open_run(run.folder).test_fingerprint not in (same, "")


def test_a_run_on_a_sample_was_not_tested_on_all_the_images_of_the_test_split(toy_dataset, tmp_path):
    config = Config(data=tmp_path / "data", run=tmp_path / "a run")
    fold, cluster = np.resize([-1, 0, 1], 300), np.arange(300)
    run = create(config, toy_dataset(["cat", "dog"] * 150), Split(fold=fold, cluster=cluster))
    whole = open_run(run.folder).test_fingerprint
    run.update(subsampled_to=30)
    assert open_run(run.folder).test_fingerprint not in (whole, "")


def test_the_table_of_the_data_set_says_who_is_in_which_split(run):
    table = pd.read_parquet(run.folder / "dataset.parquet")
    assert {"path", "sha256", "label", "split", "group", "quarantine", "attribute.age group"} <= set(table.columns)
    assert table["split"].tolist()[:3] == ["test", "", "validation"]
    assert table["fold"].tolist()[1] == -9


def test_a_moved_run_is_read_where_it_lies_now(run, tmp_path):
    moved = run.folder.rename(tmp_path / "moved")
    again = open_run(moved)
    assert again.folder == again.config.run == moved
    assert again.champion == moved / "champion"
    assert again.storage == f"sqlite:///{moved / 'study.db'}"


def test_the_state_of_a_new_run_names_versions_and_is_running(run):
    state = run.state()
    assert (state["status"], state["seed"], state["spent_seconds"]) == ("running", 5, 0.0)
    assert {"python", "autotl", "keras", "onnxruntime"} <= set(state["versions"])
    assert run.result() is None


def test_updating_changes_the_named_fields_only(run):
    before = run.state()
    run.update(status="complete", ended="the time was up")
    assert run.state() == before | {"status": "complete", "ended": "the time was up"}


def test_events_are_lines_of_json_and_reach_every_listener(run):
    heard = []
    listening = replace(run, listeners=(heard.append, heard.append))
    told = [Message("Größe"), SearchEnded("complete", 1.0)]
    for event in told:
        listening.emit(event)
    lines = [json.loads(line) for line in (run.folder / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["event"] for line in lines] == ["message", "end"]
    assert lines[0]["text"] == "Größe"
    assert heard == [told[0], told[0], told[1], told[1]]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: (folder / "run.json").write_text('{"config": '),
        lambda folder: (folder / "run.json").write_bytes(b"\xff\xfe\x00"),
        lambda folder: (folder / "run.json").write_text("{}"),
        lambda folder: (folder / "run.json").write_text("[]"),
        lambda folder: (folder / "run.json").write_text('{"config": {"unknown": 1}}'),
        lambda folder: (folder / "run.json").write_text(""),
        lambda folder: (folder / "dataset.parquet").write_bytes(b""),
        lambda folder: (folder / "dataset.parquet").write_bytes((folder / "dataset.parquet").read_bytes()[:-100]),
        lambda folder: (folder / "dataset.parquet").unlink(),
        lambda folder: (folder / "pairs.parquet").unlink(),
        lambda folder: pd.DataFrame({"a": [1]}).to_parquet(folder / "dataset.parquet"),
    ],
    ids=[
        "torn",
        "bytes",
        "empty object",
        "a list",
        "unknown key",
        "empty",
        "empty table",
        "torn table",
        "no table",
        "no pairs",
        "other",
    ],
)
def test_a_damaged_run_says_what_is_damaged_and_what_to_do(run, spoil):
    spoil(run.folder)
    with pytest.raises(RunError, match=r"a run.* is damaged.*Start a new search with `autotl fit`"):
        open_run(run.folder)


def test_a_folder_that_is_no_run_says_so(tmp_path):
    with pytest.raises(RunError, match=r"is not a run folder: it has no run\.json"):
        open_run(tmp_path)


def test_the_default_folder_is_named_after_the_data_and_the_time(tmp_path, monkeypatch):
    (tmp_path / "pets").mkdir()
    monkeypatch.chdir(tmp_path / "pets")
    now = time.struct_time((2026, 3, 4, 5, 6, 7, 0, 0, 0))
    assert default_run_folder(Path(), now) == Path("autotl-runs") / "pets-20260304-050607"


def test_clusters_are_told_only_where_items_hang_together(run):
    assert cluster_of(run, np.array([0, 1, 9])).tolist() == [0, 0, 4]
    alone = Run(run.folder, run.config, run.dataset, Split(fold=run.split.fold, cluster=np.arange(10)))
    assert cluster_of(alone, np.array([0, 1, 9])) is None


def test_a_real_folder_survives_the_way_through_the_run(shapes_dataset, tmp_path):
    made = create(Config(data=shapes_dataset.root, run=tmp_path / "run"), shapes_dataset, split(shapes_dataset, seed=0))
    again = open_run(made.folder)
    assert all(again.dataset.path(i).samefile(shapes_dataset.path(i)) for i in range(60))
    assert (again.dataset.digests() == shapes_dataset.digests()).all()


@pytest.fixture
def pairs(tmp_path, cache):
    """A run of 24 pairs."""
    config = Config(data=write_listing(tmp_path / "shop", 24), run=tmp_path / "run", text="description")
    dataset = scan_data(config, cache=cache, listeners=())
    return create(config, dataset, split(dataset, seed=0))


def test_the_columns_of_a_configuration_give_the_items(pairs, cache):
    assert pairs.dataset.modality == "pair"
    for image, modality in (("photo", "pair"), ("none", "text")):
        config = replace(pairs.config, image=image)
        assert scan_data(config, cache=cache, listeners=()).modality == modality


def test_pairs_whose_images_or_texts_are_gone_are_said(pairs, tmp_path):
    again = open_run(pairs.folder)
    require_images(again)
    photo = tmp_path / "shop" / "photos" / "003.png"
    photo.unlink()
    with pytest.raises(RunError, match=rf"1 of the 24 images of .* are gone, the first: {photo}\. Put them back"):
        require_images(again)


def test_messages_are_said_of_the_items_and_findings_as_they_were_made(pairs):
    heard = []
    made = replace(pairs, listeners=(heard.append,))
    made.emit(Message("3 images are left"))
    made.emit(FindingMade("tiny", "info", "3 images are tiny", ""))
    assert [heard[0].text, heard[1].message] == ["3 pairs are left", "3 images are tiny"]


def test_events_of_several_threads_reach_a_listener_one_at_a_time(dataset, tmp_path):
    inside, together = [], []

    def listen(_event):
        inside.append(1)
        together.append(len(inside))
        time.sleep(0.02)
        inside.pop()

    config = Config(data=tmp_path / "data", run=tmp_path / "threads")
    run = create(config, dataset, split(dataset, seed=0), (listen,))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: run.emit(Message(str(n))), range(8)))
    assert together == [1] * 8
