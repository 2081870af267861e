"""A usable model soon, and no more images than the budget allows."""

from __future__ import annotations

import json

import numpy as np
import pytest

from autotl.deploy.deployable import load_deployable
from autotl.deploy.predictor import Predictor
from autotl.errors import ExportError
from autotl.runs.run import open_run
from autotl.search import screening
from autotl.search.limits import Limits
from autotl.search.measured_costs import MeasuredCosts
from autotl.search.study_loop import StudyLoop
from autotl.workflows import first_model as module
from autotl.workflows.first_model import make_first_model, save_first_model


class FakeClock:
    """A budget of which a given part is spent."""

    def __init__(self, budget_seconds, spent=0.0):
        self.budget_seconds, self._spent = budget_seconds, spent

    def spent(self):
        return self._spent

    def left(self):
        return self.budget_seconds - self._spent


@pytest.fixture
def slow(make_context, tmp_path, monkeypatch):
    """slow(2.0): reads that many images per second, and samples of 24 images; nothing has been read before."""
    monkeypatch.setattr(screening, "SAMPLE_ITEMS", 24)

    def slow(images_per_second, **options):
        speed = lambda self, backbone, size: images_per_second  # noqa: E731
        monkeypatch.setattr(MeasuredCosts, "images_per_second", speed)
        return make_context(trials=None, budget_seconds=100.0, **{"cache": tmp_path / "cache", **options})

    return slow


def start(context, clock):
    return make_first_model(context, clock, clock.left)


def told(context):
    lines = (context.run.folder / "events.jsonl").read_text(encoding="utf-8").splitlines()
    return [event["text"] for event in map(json.loads, lines) if event["event"] in ("message", "first-model")]


def test_where_all_images_are_soon_read_nothing_is_done_before(slow):
    context = slow(1000.0)
    assert start(context, FakeClock(100.0)) is context
    assert not context.run.champion.exists()
    assert "subsampled_to" not in context.run.state()


def test_where_all_is_read_already_a_budget_that_is_used_up_leaves_out_no_image(slow):
    context = slow(1000.0)
    default = context.space.default()
    context.reader.features(default.backbone, default.reading.size)
    assert context.costs.reading_seconds(*default.reading.place) == 0
    start(context, FakeClock(100.0, spent=130.0))
    assert "subsampled_to" not in context.run.state()


def test_without_a_budget_no_sample_is_read(context):
    assert start(context, FakeClock(None)) is context
    assert not (context.run.folder / "events.jsonl").exists()


def test_where_reading_takes_long_a_model_of_the_sample_is_saved_before(slow):
    context = slow(2.0)  # 30 s of 100 s
    assert start(context, FakeClock(100.0)) is context
    assert not context.reader.has_features("tiny", (32, 32))
    assert told(context)[-1] == f"a first model, of 24 images, is saved in {context.run.champion}"
    assert load_deployable(context.run.folder).metadata["preliminary"] is True
    path = context.run.dataset.path(0)
    assert Predictor(context.run.champion).predict([path])[0]["label"] in context.run.dataset.classes


def test_a_model_of_the_sample_is_saved_once(slow, monkeypatch):
    context = slow(2.0)
    start(context, FakeClock(100.0))
    monkeypatch.setattr(module, "save_early", lambda *a: pytest.fail("saved again"))
    assert start(context, FakeClock(100.0, spent=10.0)) is context


def test_where_each_class_needs_all_its_images_no_image_is_said_to_be_left_out(slow, monkeypatch):
    from autotl.runs.run import Run

    monkeypatch.setattr(Run, "subsampled", lambda self, n_items: self)  # as with many classes of few images
    context = slow(0.6)
    assert start(context, FakeClock(100.0)) is context
    assert "subsampled_to" not in context.run.state()
    assert not any("the search uses" in text for text in told(context))
    assert any("more than the budget has room for" in text for text in told(context))


def test_images_that_the_budget_does_not_allow_are_left_out_and_that_is_said(slow):
    context = slow(0.4)  # 90 s for the 36 that the sample lacks, where 50 s are allowed
    subsampled = start(context, FakeClock(100.0))
    n_used = len(subsampled.reader.used)
    assert 44 <= n_used < 60
    assert context.run.state()["subsampled_to"] == 44
    assert context.run.state()["n_unused"] == 60 - n_used
    assert (
        f"the budget allows reading about 44 of 60 images: the search uses {n_used}, since each class needs its few"
        in told(context)[-2]
    )
    assert "a budget of 3m would be enough for all" in told(context)[-2]
    assert set(np.unique(subsampled.labels[subsampled.run.split.train])) == {0, 1, 2}


def test_a_resumed_run_leaves_out_the_same_images(slow):
    context = slow(0.6)
    subsampled = start(context, FakeClock(100.0))
    assert np.array_equal(open_run(context.run.folder).split.fold, subsampled.run.split.fold)
    again = make_first_model(context.on(open_run(context.run.folder)), FakeClock(100.0, 90.0), lambda: 10.0)
    assert np.array_equal(again.run.split.fold, subsampled.run.split.fold)


def test_the_model_of_the_sample_needs_no_image_that_was_not_read(slow, monkeypatch, tmp_path):
    context = slow(0.6, cache=tmp_path / "fresh")
    start(context, FakeClock(100.0))
    lines = (context.run.folder / "events.jsonl").read_text(encoding="utf-8").splitlines()
    read = [event["computed"] for event in map(json.loads, lines) if event["event"] == "features"]
    assert read == [24, 0]


def test_no_model_of_the_sample_is_a_message_and_no_end(slow, monkeypatch):
    def refuse(*arguments):
        raise ExportError("no converter")

    monkeypatch.setattr(module, "save_early", refuse)
    context = slow(2.0)
    assert start(context, FakeClock(100.0)) is context
    assert told(context)[-1] == "could not save a model of a sample: no converter"
    assert "first_model" not in context.run.state()


def test_the_untuned_default_takes_the_place_of_the_samples_model_once(slow, monkeypatch):
    context = slow(2.0)
    start(context, FakeClock(100.0))
    default = StudyLoop(context, Limits(lambda: 60.0, 100.0, None)).baselines()
    assert save_first_model(context, default) > 0
    assert load_deployable(context.run.folder).metadata["trial"] == default.number
    assert context.run.state()["first_model"] == "default"
    monkeypatch.setattr(module, "save_early", lambda *a: pytest.fail("saved again"))
    save_first_model(context, default)
