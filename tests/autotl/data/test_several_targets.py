"""Several columns of labels as one dataset, and a dataset for each target."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scanning import scan, write_noise

from autotl.data.joint_split import split_together
from autotl.data.patch import Decision
from autotl.data.several_targets import TargetDatasets, combine, divide_by_target, names_of_targets
from autotl.data.source import Source, open_source
from autotl.errors import DatasetError
from autotl.settings import settings
from autotl.targets import Kind

ANIMALS, PLACES = ("cat", "dog"), ("in", "out")


def write_table(root: Path, rows: list[dict[str, Any]]) -> Path:
    for number, row in enumerate(rows):
        row["path"] = f"{number:03d}.png"
        write_noise(root / row["path"], number)
    pd.DataFrame(rows).to_csv(root / "labels.csv", index=False)
    return root / "labels.csv"


def many(n: int = 80, **more: Any) -> list[dict[str, Any]]:
    """Rows in which all four combinations are equally frequent."""
    return [{"animal": ANIMALS[i % 2], "place": PLACES[i // 2 % 2]} | more for i in range(n)]


def sources(table: Path, kinds: dict[str, Kind]) -> dict[str, Source]:
    return {name: open_source(table, label=name, kind=kind, cache=settings().cache) for name, kind in kinds.items()}


def read(table: Path, *decisions: Decision, **kinds: Kind) -> TargetDatasets:
    kinds = kinds or {"animal": "classes", "place": "classes"}
    return divide_by_target(scan(table, opened=combine(sources(table, kinds))), kinds, decisions)


def test_a_text_with_commas_names_several_targets_unless_a_column_is_called_so(tmp_path: Path) -> None:
    table = write_table(tmp_path, [{"a,b": "x", "a": "y"}])
    assert names_of_targets("a, c", table, None) == ("a", "c")
    assert names_of_targets("a,b", table, None) == ()
    assert names_of_targets("a,b", tmp_path, None) == ()
    assert names_of_targets("a", table, None) == names_of_targets(None, table, None) == ()


def test_each_target_has_the_items_with_a_label_of_its_own(tmp_path: Path) -> None:
    rows = many(12, age="7")
    rows[0]["animal"] = rows[1]["place"] = ""
    rows[2]["animal"] = rows[2]["place"] = ""
    found = read(write_table(tmp_path, rows))
    animal, place = found.of["animal"], found.of["place"]
    assert (len(found.together.items), len(animal.items), len(place.items)) == (11, 10, 10)
    assert animal.classes == ANIMALS
    assert place.classes == PLACES
    assert animal.unlabelled["path"].tolist() == ["000.png", "002.png"]
    assert {"attribute.place", "attribute.age"} <= set(animal.table.columns)
    assert not {"attribute.animal", "target.animal"} & set(animal.table.columns)
    assert (animal.table["path"] == place.table["path"]).all()


def test_near_duplicates_are_found_once_and_refer_to_the_items_of_each_target(tmp_path: Path) -> None:
    rows = many(12)
    rows[0]["animal"] = ""
    table = write_table(tmp_path, rows)
    for copy, original in ((7, 3), (0, 5)):
        (tmp_path / f"{copy:03d}.png").write_bytes((tmp_path / f"{original:03d}.png").read_bytes())
    found = read(table)
    for dataset in (found.together, *found.of.values()):
        paths = dataset.items["path"].to_numpy()
        pairs = {tuple(paths[[first, second]]) for first, second in dataset.pairs[["first", "second"]].to_numpy()}
        assert pairs == {("003.png", "007.png"), ("000.png", "005.png")} & {
            (a, b) for a in paths for b in paths
        }  # fmt: skip
    assert len(found.of["animal"].pairs) == 1
    assert len(found.of["place"].pairs) == 2


def test_a_decision_holds_for_the_targets_that_have_its_class(tmp_path: Path) -> None:
    decisions = [
        Decision("relabel", "000.png", "dog"), Decision("relabel", "000.png", "in"), Decision("exclude", "001.png"),
        Decision("merge", "out", "in"), Decision("relabel", "002.png", "whale"),
    ]  # fmt: skip
    rows = [*many(12), {"animal": "cat", "place": "field"}]
    found = read(write_table(tmp_path, rows), *decisions)
    animal, place = found.of["animal"].table.set_index("path"), found.of["place"].table.set_index("path")
    assert animal.loc["000.png", "label"] == "dog"
    assert place.loc["000.png", "label"] == "in"
    assert animal.loc["001.png", "quarantine"].startswith("excluded")
    assert place.loc["001.png", "quarantine"].startswith("excluded")
    assert set(found.of["place"].classes) == {"field", "in"}
    assert found.of["animal"].classes == ANIMALS
    assert [decision.label for decision in found.together.stale] == ["whale"]


def test_each_target_may_be_of_its_own_kind(tmp_path: Path) -> None:
    rows = [row | {"age": str(20 + i / 2)} for i, row in enumerate(many(40))]
    found = read(write_table(tmp_path, rows), animal="classes", age="number")
    assert found.of["age"].labels.dtype.kind == "f"
    assert found.of["age"].classes == ()
    assert found.of["animal"].classes == ANIMALS
    split = split_together(found, seed=0)
    ages = found.of["age"].labels
    assert abs(ages[split.of["age"].test].mean() - ages.mean()) < 2.5


def test_every_item_is_on_one_side_and_combinations_keep_their_share(tmp_path: Path) -> None:
    found = read(write_table(tmp_path, many(80)))
    split = split_together(found, seed=0)
    sides = {name: split.of[name].part_names() for name in found.of}
    np.testing.assert_array_equal(sides["animal"], sides["place"])
    items = found.together.items
    tested = items["label"][split.together.part_names() == "test"].value_counts()
    assert tested.tolist() == [4, 4, 4, 4]


def test_a_rare_combination_does_not_stop_the_split_and_no_class_is_lost(tmp_path: Path) -> None:
    rows = many(80)
    for row in rows:
        if row["animal"] == "dog":
            row["place"] = "in"
    rows[1]["place"] = "out"  # the only dog that is out
    found = read(write_table(tmp_path, rows))
    split = split_together(found, seed=0)
    for name, dataset in found.of.items():
        tested = dataset.labels[split.of[name].test]
        assert set(tested) == {0, 1}


def test_copies_stay_on_one_side_though_only_one_of_them_has_a_label_for_a_target(tmp_path: Path) -> None:
    rows = many(60)
    table = write_table(tmp_path, rows)
    for number in range(0, 60, 2):  # pairs of copies; the second of each has no animal
        (tmp_path / f"{number + 1:03d}.png").write_bytes((tmp_path / f"{number:03d}.png").read_bytes())
        rows[number + 1]["animal"] = ""
        rows[number]["animal"] = ANIMALS[number // 2 % 2]
        rows[number + 1]["place"] = rows[number]["place"]
    pd.DataFrame(rows).to_csv(table, index=False)
    found = read(table)
    split = split_together(found, seed=0)
    part = dict(zip(found.together.items["path"], split.together.part_names(), strict=True))
    for number in range(0, 60, 2):
        assert (part[f"{number:03d}.png"] == "test") == (part[f"{number + 1:03d}.png"] == "test")


def test_a_split_that_is_given_holds_for_all_targets(tmp_path: Path) -> None:
    rows = [row | {"split": "test" if i % 8 < 2 else "train"} for i, row in enumerate(many(80))]
    found = read(write_table(tmp_path, rows))
    split = split_together(found, seed=0)
    for name, dataset in found.of.items():
        given = dataset.items["given_split"].to_numpy()
        np.testing.assert_array_equal(split.of[name].part_names() == "test", given == "test")


def test_a_class_that_cannot_be_divided_is_named_with_its_target(tmp_path: Path) -> None:
    rows = many(60)
    for row in rows[:3]:
        row["animal"] = "eel"
    table = write_table(tmp_path, rows)
    for copy in (1, 2):  # all three eels are one image
        (tmp_path / f"{copy:03d}.png").write_bytes((tmp_path / "000.png").read_bytes())
    with pytest.raises(DatasetError, match=r"animal would be trained without 'eel'.*--min-per-class"):
        split_together(read(table), seed=0)
