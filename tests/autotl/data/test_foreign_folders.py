"""Folders that programs leave among the data are not read, and named."""

from __future__ import annotations

import pytest

from autotl.data.foreign_folders import is_foreign
from autotl.data.listing import list_files


@pytest.mark.parametrize(
    ("name", "entries"),
    [
        ("mlruns", ["0"]), ("wandb", []), ("runs", ["detect"]), ("runs", ["train2", "val"]),
        ("pets-1", ["run.json", "dataset.parquet"]),
        ("champion", ["MLmodel", "model.onnx"]),
        ("env", ["pyvenv.cfg"]), ("logs", ["events.out.tfevents.1.host"]),
        ("exp3", ["args.yaml", "weights", "results.png"]),
    ],
)  # fmt: skip
def test_the_output_of_a_program_is_told_by_its_name_or_by_what_is_in_it(name, entries):
    assert is_foreign(name, entries)


@pytest.mark.parametrize(
    ("name", "entries"), [("runs", ["1.png"]), ("runs", []), ("cat", ["run.json"]), ("logs", ["oak.png"])]
)
def test_a_class_with_a_similar_name_is_not(name, entries):
    assert not is_foreign(name, entries)


def test_such_folders_are_listed_and_counted_and_their_images_are_not_data(tmp_path):
    for path in (
        "cat/1.png",
        "mlruns/0/plot.png",
        "cat/.ipynb_checkpoints/1.png",
        "bird/1.psd",
        "bird/deep/2.psd",
        "fish/a.txt",
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    files = list_files(tmp_path)
    assert files.items == ["cat/1.png"]
    assert files.unread == ["cat/.ipynb_checkpoints", "mlruns"]
    assert files.ignored == {"tool output": 1, "hidden": 1, "*.psd": 2, "*.txt": 1}
    assert files.unusable == {"bird": {"*.psd": 2}, "fish": {"*.txt": 1}}
