"""Every record has a name that MLflow takes, and none that is refused takes others down."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlflow.utils.validation import _validate_metric_name

from autotl.runtime.addresses import sqlite_address
from autotl_plugins.mlflow_store.client import connect
from autotl_plugins.mlflow_store.records import MAX_NAME_LENGTH, log_batch, names


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("recall/day//night", "recall/day/_/night"), ("/a", "_/a"), ("a/", "a/_"), ("..", "__"), (".", "_"), ("", "_"),
        ("a/../b", "a/__/b"), ("recall/Öl & tar", "recall/Öl _ tar"), ("plain.name-1: x", "plain.name-1: x"),
        ("x\n", "x_"), ("recall/50%", "recall/50_"),
    ],
)  # fmt: skip
def test_a_name_that_mlflow_refuses_is_made_one_that_it_takes(key: str, name: str) -> None:
    assert names([key]) == [(key, name)]


@given(st.lists(st.text(max_size=300), unique=True, max_size=20))
def test_no_two_keys_get_one_name_and_mlflow_takes_all_of_them(keys: list[str]) -> None:
    found = names(keys)
    assert [key for key, _ in found] == keys
    assert len({name for _, name in found}) == len(keys)
    for _, name in found:
        _validate_metric_name(name)
        assert len(name) <= MAX_NAME_LENGTH


def test_a_key_that_is_fine_keeps_its_name_whatever_others_become() -> None:
    assert dict(names(["a?b", "a_b", "a!b"])) == {"a?b": "a_b_2", "a_b": "a_b", "a!b": "a_b_3"}
    long = [f"recall/{'x' * 300}{end}" for end in "abc"]
    assert len({name for _, name in names(long)}) == 3


def test_a_record_that_is_refused_is_named_and_the_others_are_there(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    client = connect(sqlite_address(tmp_path / "mlflow.db"))
    run_id = client.create_run("0").info.run_id
    log_batch(client, run_id, params={"head": "svm"})
    many = {f"p{n}": n for n in range(1, 150)}
    with caplog.at_level(logging.WARNING, "autotl.mlflow"):
        log_batch(client, run_id, params={**many, "head": "knn"}, metrics={"recall/day//night": 0.5, "loss": 1.0})
    found = client.get_run(run_id).data
    assert found.params["head"] == "svm"
    assert len(found.params) == 150
    assert found.metrics == {"recall/day/_/night": 0.5, "loss": 1.0}
    assert [record.getMessage().partition(",")[0] for record in caplog.records] == ["MLflow refused param 'head'"]
