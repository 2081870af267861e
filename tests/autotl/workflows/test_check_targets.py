"""A check of several targets: the data are read once, and each target has the findings that are its own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from PIL import Image
from several_labels import N_OF_EACH, UNKNOWN, write_shapes

from autotl.checks.check_document import read_document
from autotl.data.patch import Decision
from autotl.data.patch_edits import decide
from autotl.interfaces import Finding
from autotl.reports.check_page import CheckedTarget, write_targets_page
from autotl.runs.config import Config
from autotl.runs.events import Event, Progress
from autotl.settings import Settings
from autotl.workflows.check import check_data
from autotl.workflows.check_targets import TargetsCheck, check_targets
from autotl.workflows.several_targets import with_targets

N = 3 * N_OF_EACH


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory, make_folder: Callable[..., Path]) -> Path:
    """Shapes of which eight have an enlarged copy, with the same labels."""
    table = write_shapes(tmp_path_factory.mktemp("data") / "shapes", make_folder)
    rows = pd.read_csv(table, dtype=str, keep_default_na=False)
    for place in range(10, 18):
        file = table.parent / rows.loc[place, "path"]
        again = file.with_name(f"again-{file.name}")
        Image.open(file).resize((128, 128), Image.Resampling.LANCZOS).save(again)
        rows.loc[len(rows)] = rows.loc[place].to_dict() | {"path": again.relative_to(table.parent).as_posix()}
    rows.to_csv(table, index=False)
    return table


def check(table: Path, plugins: Any, settings: Settings, **options: Any) -> TargetsCheck:
    probe, listeners = options.pop("probe", False), options.pop("listeners", ())
    config = with_targets(Config(data=table, run=table / "unused", **({"label": "shape,tone"} | options)))
    return check_targets(config, plugins=plugins, settings=settings, probe=probe, listeners=listeners)


def named(findings: tuple[Finding, ...]) -> set[str]:
    return {finding.check for finding in findings}


def test_what_holds_for_all_targets_is_said_once(table: Path, plugins: Any, settings: Settings) -> None:
    found = check(table, plugins, settings)
    assert found.leaks is not None
    assert found.leaks.pairs >= 8
    assert "near-duplicates" in named(found.findings)
    for target, single in found.of.items():
        assert "near-duplicates" not in named(single.findings)
        alone = check_data(
            Config(data=table, run=table / "unused", label=target), plugins=plugins, settings=settings, probe=False
        )
        assert named(found.findings) | named(single.findings) == named(alone.findings)
    facts = found.facts()
    assert facts["understood as"] == "labels.csv, column 'shape', column 'tone'"
    assert facts["images"].startswith(f"{N + 8} images with a label for at least one of 2 targets")
    assert "near-duplicate pairs" in facts["near-duplicates"]
    assert f"{UNKNOWN['tone']} unlabelled" in found.facts_of("tone")["images"]
    assert "near-duplicates" not in found.facts_of("tone")


def test_the_document_has_the_targets_by_name_and_can_be_read_as_that_of_one(
    table: Path, plugins: Any, settings: Settings
) -> None:
    document = json.loads(json.dumps(check(table, plugins, settings).document(), allow_nan=False))
    assert list(document["targets"]) == ["shape", "tone"]
    assert set(document["targets"]["shape"]["classes"]) == {"circle", "square", "stripes"}
    assert document["targets"]["tone"]["unlabelled"] == UNKNOWN["tone"]
    assert document["leaks"]["pairs"] >= 8
    once = {"fingerprint", "leaks", "groups", "set_aside", "ignored", "decisions"}
    assert once <= set(document)
    assert not once & set(document["targets"]["tone"])
    assert "near-duplicates" in {finding.check for finding in read_document(document).findings}


def test_the_files_are_examined_once(table: Path, plugins: Any, settings: Settings, tmp_path: Path) -> None:
    seen: list[Event] = []
    check(table, plugins, Settings(cache=tmp_path / "cache"), listeners=(seen.append,))
    done = [event.done for event in seen if isinstance(event, Progress) and event.stage == "scan"]
    assert max(done) == N + 8
    assert done.count(N + 8) == 1


def test_with_a_model_each_target_has_the_doubtful_labels_of_its_own(
    table: Path, plugins: Any, settings: Settings, tmp_path: Path
) -> None:
    mislabelled = tmp_path / "shapes"
    shutil.copytree(table.parent, mislabelled)
    rows = pd.read_csv(mislabelled / "labels.csv", dtype=str, keep_default_na=False)
    rows.loc[[5, 7, 9], "tone"] = "dark"  # they are light
    rows.to_csv(mislabelled / "labels.csv", index=False)
    found = check(mislabelled / "labels.csv", plugins, settings, probe=True)
    assert found.of["tone"].skipped == found.of["shape"].skipped == found.refusal == ""
    assert found.of["tone"].inflation is not None
    [doubtful] = [finding for finding in found.of["tone"].findings if finding.check == "label-errors"]
    assert set(doubtful.items) >= set(rows.loc[[5, 7, 9], "path"])
    assert all(finding.check != "label-errors" for finding in found.findings)


def test_data_that_a_study_would_refuse_are_shown_with_the_reason(
    table: Path, plugins: Any, settings: Settings, tmp_path: Path
) -> None:
    rows = pd.read_csv(table, dtype=str, keep_default_na=False)
    rows["tone"] = "dark"
    (tmp_path / "images").symlink_to(table.parent / "images")
    rows.to_csv(tmp_path / "labels.csv", index=False)
    found = check(tmp_path / "labels.csv", plugins, settings)
    assert found.refusal.startswith("the target 'tone': ")
    assert found.of["tone"].refusal == found.facts()["cannot be trained on"] == found.document()["refusal"]
    assert found.of["shape"].refusal == ""
    assert (found.leaks, found.of["shape"].split) == (None, None)


def test_a_target_that_is_a_number_has_the_checks_that_need_no_model(
    table: Path, plugins: Any, settings: Settings, tmp_path: Path
) -> None:
    rows = pd.read_csv(table, dtype=str, keep_default_na=False)
    rows["size"] = [str(20 + number % 7) for number in range(len(rows))]
    (tmp_path / "images").symlink_to(table.parent / "images")
    rows.to_csv(tmp_path / "labels.csv", index=False)
    found = check(tmp_path / "labels.csv", plugins, settings, label="shape,size", target="classes,number", probe=True)
    assert "the target is 'number'" in found.of["size"].skipped
    assert found.of["shape"].inflation is not None
    targets: Any = found.document()["targets"]
    assert [one["target"] for one in targets.values()] == ["classes", "number"]


def test_decisions_are_applied_and_named_once(table: Path, plugins: Any, settings: Settings, tmp_path: Path) -> None:
    item = pd.read_csv(table)["path"][20]
    decide(table, [Decision("exclude", item)], label="shape", patch=tmp_path / "patch.csv", cache=settings.cache)
    found = check(table, plugins, settings, patch=tmp_path / "patch.csv")
    assert [decision.item for decision in found.decisions] == [item]
    assert "1 excluded" in found.facts()["images"]
    assert all("1 excluded" in found.facts_of(name)["images"] for name in found.of)


def test_one_page_shows_the_findings_of_all_targets_and_of_each(
    table: Path, plugins: Any, settings: Settings, tmp_path: Path
) -> None:
    found = check(table, plugins, settings)
    targets = {
        name: CheckedTarget(one.dataset, one.findings, one.split, found.facts_of(name))
        for name, one in found.of.items()
    }  # fmt: skip
    page = tmp_path / "page.html"
    write_targets_page(page, found.together, found.findings, targets, data=table, facts=found.facts())
    text = page.read_text(encoding="utf-8")
    assert text.index("Findings about all targets") < text.index("Target: <bdi>shape</bdi>")
    assert text.index("Target: <bdi>shape</bdi>") < text.index("Target: <bdi>tone</bdi>")
    assert text.count(">near-duplicates<") + text.count(": near-duplicates<") == 2  # a fact and a finding
    assert "The classes of <bdi>tone</bdi>" in text
    assert "with 2 targets" in text
    assert "circle | dark" not in text.split("Target: <bdi>shape</bdi>")[1]
