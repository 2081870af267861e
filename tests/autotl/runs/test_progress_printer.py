"""What is printed while a run goes on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autotl.runs.events import (
    DatasetRead,
    Event,
    FeaturesRead,
    FindingMade,
    Message,
    Progress,
    SearchBegun,
    StageBegun,
    TrialEnded,
)
from autotl.runs.progress_printer import ProgressPrinter


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (Progress("features", 512, 2000, rate=200.0), "features: 512 of 2000, 200/s, ETA 7s"),
        (Progress("fine-tuning", 3, 6, eta_seconds=42.0), "fine-tuning: 3 of 6, ETA 42s"),
    ],
)
def test_long_work_tells_now_and_then_how_far_it_is_and_when_it_ends(event, line, monkeypatch, capsys):
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    printer = ProgressPrinter(budget_seconds=None)
    printer(replace(event, done=0))
    now[0] += 60
    printer(event)
    printer(event)
    [told] = capsys.readouterr().err.splitlines()
    assert line in told


TRIAL = TrialEnded(
    7, "svm on net", strategy="probe", size="224x224", stage="joined", head="svm", value=0.8, low=0.7, high=0.9,
    seconds=1.25, best_trial=7,
)  # fmt: skip


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (DatasetRead(90, ("a", "b"), 58, 14, 18, unlabelled=3),
         "90 images in 2 classes, 3 unlabelled: 58 to train, 14 to validate, 18 held out for the test"),
        (FindingMade("copies", "warning", "two [alike]", "Exclude one."), "warning two [alike]. Exclude one."),
        (FeaturesRead("net", "224x224", 90, 10, 7.2, engine="onnxruntime", images_per_second=12.5),
         "features of net at 224x224: 90 images in 7.2 s (12/s by onnxruntime), 10 reused"),
        (FeaturesRead("net", "224x224", 0, 100, 0.1),
         "features of net at 224x224: all 100 reused from the cache (0.1 s)"),
        (TRIAL, "trial  7  0.800 (0.700 to 0.900)  svm on net, 224x224, joined  1.2 s  best so far"),
        (replace(TRIAL, strategy="fine-tune", best_trial=3),
         "trial  7  0.800 (0.700 to 0.900)  svm on net, fine-tuned, 224x224, joined  1.2 s"),
        (TrialEnded(8, "svm", "failed", reason="boom [x]"), "trial  8  failed: svm: boom [x]"),
        (Message("a [note]"), "a [note]"),
    ],
)  # fmt: skip
def test_an_event_is_one_line(event: Event, line: str, capsys):
    ProgressPrinter(budget_seconds=60)(event)
    [told] = capsys.readouterr().err.splitlines()
    assert told.strip().removeprefix("0s").strip() == line


def test_how_the_data_was_understood_and_its_classes_are_said_first(capsys):
    event = DatasetRead(90, ("cat", "[dog]"), 58, 14, 18, layout="one sub-folder per class; 3 unlabelled images in new")
    ProgressPrinter(budget_seconds=None)(event)
    first, _ = capsys.readouterr().err.splitlines()
    said = "Understood as: one sub-folder per class; 3 unlabelled images in new; classes cat, [dog]"
    assert first.strip().removeprefix("0s").strip() == said


@pytest.mark.parametrize("event", [FindingMade("x", "info", "m"), SearchBegun(0.0), StageBegun("conclude")])
def test_what_is_of_little_interest_is_not_printed(event: Event, capsys):
    ProgressPrinter(budget_seconds=None)(event)
    assert capsys.readouterr().err == ""


def test_there_is_no_eta_before_anything_is_done(monkeypatch, capsys):
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    printer = ProgressPrinter(budget_seconds=None)
    for _ in range(2):
        printer(Progress("debias", 0, 40))
        now[0] += 60
    [told] = capsys.readouterr().err.splitlines()
    assert told.endswith("fitting methods against bias: 0 of 40")
