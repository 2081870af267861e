"""The results of runs of several labels and of numbers: what their evidence says, and the worst answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from app_pages import open_page, open_section, words
from verified_targets import write_verified_target

from autotl.evidence.run_evidence import read_evidence
from autotl.evidence.wrong_answers import wrong_answers
from autotl.runs.run import Run
from autotl.targets import Kind

SECTIONS = ("What it gets wrong", "Evidence", "Leaderboard", "Scores and panels", "Autoencoders", "Compare", "Report")


@pytest.fixture
def finished(runs: Path, toy_dataset: Any, plugins: Any, settings: Any) -> Callable[[Kind], Run]:
    def write(kind: Kind) -> Run:
        runs.mkdir(exist_ok=True)
        run = write_verified_target(runs / kind, toy_dataset, plugins, settings, kind=kind)
        # The model of a made run is not exported.
        run.update(status="complete")
        return run

    return write


@pytest.mark.parametrize("kind", ["labels", "number"])
def test_every_section_of_other_targets_can_be_drawn(finished: Callable[[Kind], Run], kind: Kind) -> None:
    finished(kind)
    app = open_page("results")
    assert not app.exception
    assert [tab.label for tab in app.tabs] == list(SECTIONS)
    for section in SECTIONS:
        said = words(open_section(app, section))
        assert "older version" not in said
        assert "damaged" not in said


def test_labels_are_shown_worst_found_first_with_their_thresholds_and_the_worst_items(
    finished: Callable[[Kind], Run],
) -> None:
    run = finished("labels")
    app = open_section(open_page("results"), "What it gets wrong")
    said = words(app)
    assert "Which labels does it find?" in [one.value for one in app.subheader]
    assert "Each label on the test split" in said
    assert "The images that it answers worst" in [one.value for one in app.subheader]
    assert "at least one half" in said
    worst = wrong_answers(read_evidence(run.folder), "test").iloc[0]
    assert worst["error"] >= 2
    assert worst["path"] in said  # its file is not there, and it is named


def test_numbers_are_shown_as_points_with_their_intervals_and_the_worst_items(finished: Callable[[Kind], Run]) -> None:
    run = finished("number")
    app = open_section(open_page("results"), "What it gets wrong")
    assert "How near are its numbers?" in [one.value for one in app.subheader]
    assert "Predicted and true numbers" in words(app)
    assert "the farthest off first" in words(app).lower()
    app.segmented_control(key="wrong-part").set_value("search").run()
    assert not app.exception
    assert wrong_answers(read_evidence(run.folder), "search").iloc[0]["path"] in words(app)


def test_runs_of_other_targets_are_not_offered_where_one_class_each_is_needed(finished: Callable[[Kind], Run]) -> None:
    finished("number")
    app = open_page("label")
    assert not app.exception
