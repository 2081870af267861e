"""The evidence as pages read it."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import made_runs
import pytest

from autotl.runs.run import open_run
from autotl_ui.jobs import jobs
from autotl_ui.try_model import similar_images
from autotl_ui.workspace.evidence import evidence_to_compare, find_answers, find_evidence, has_evidence
from autotl_ui.workspace.runs import look


@pytest.fixture
def good(runs: Path) -> Path:
    made_runs.write_finished(runs / "good")
    return runs / "good"


def test_answers_come_surest_first_and_their_files_are_real(good: Path) -> None:
    answers = find_answers(good, "test")
    assert len(answers) == 18
    assert answers["confidence"].is_monotonic_decreasing
    assert all(Path(file).exists() for file in answers["file"])


def test_evidence_written_anew_is_read_anew(good: Path) -> None:
    assert find_evidence(good) is find_evidence(good)
    (good / "evidence" / "search.npz").write_bytes(b"torn")
    assert find_evidence(good) is None
    assert has_evidence(good)
    shutil.rmtree(good / "evidence")
    assert not has_evidence(good)


def test_a_job_that_keeps_its_notes_there_does_not_make_an_old_run_a_damaged_one(
    good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(good / "evidence")
    monkeypatch.setattr(jobs, "AUTOTL", (sys.executable, "-c", "pass"))
    similar_images.start_index(look(good))
    assert jobs.log_file(good / "evidence" / "neighbours.npz").exists()
    assert not has_evidence(good)


@pytest.mark.parametrize("field", ["classes", "confusion"])
def test_evaluations_that_do_not_fit_the_predictions_count_as_damaged(field: str, good: Path) -> None:
    path = good / "evidence" / "evaluations.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    document["test"][field] = document["test"][field][:2]
    path.write_text(json.dumps(document), encoding="utf-8")
    assert find_evidence(good) is None


def test_runs_tested_on_the_same_images_are_known_by_it(good: Path) -> None:
    made_runs.write_finished(good.with_name("other"))
    same = taken(good)
    assert same == open_run(good).test_fingerprint
    assert taken(good.with_name("other")) == same
    file = good.with_name("other") / "champion" / "metadata.json"
    document = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps(document | {"test_fingerprint": "other"}), encoding="utf-8")
    assert taken(good.with_name("other")) == "other"


@pytest.mark.parametrize("content", [None, b"torn", b"[]", b'{"test_fingerprint": 5, "objective": 3, "test": {}}'])
def test_a_run_whose_model_is_gone_or_damaged_keeps_its_scores(content: bytes | None, good: Path) -> None:
    file = good / "champion" / "metadata.json"
    file.unlink() if content is None else file.write_bytes(content)
    run = look(good)
    found = evidence_to_compare(run)
    assert run.result
    assert (found.objective, found.test) == (run.result.objective, run.result.test[run.result.objective])
    assert (found.fingerprint, found.claims, found.run) == (run.result.fingerprint, (run.result.advice,), "good")
    assert found.test_fingerprint == ""


def taken(run: Path) -> str:
    return evidence_to_compare(look(run)).test_fingerprint
