"""Beside the scan, features are read that the search will need; whatever goes wrong there stops nothing."""

from __future__ import annotations

import threading

import pytest
from scanning import scan

from autotl.features import features
from autotl.runs.config import Config
from autotl.runs.events import FeaturesRead
from autotl.search import screening
from autotl.settings import Settings
from autotl.workflows import early_reading as module
from autotl.workflows.early_reading import EarlyReading


@pytest.fixture
def early(shapes, plugins, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_FEWEST_ITEMS", 1)
    monkeypatch.setattr(module, "_FIRST_ITEMS", 4)
    config = Config(data=shapes, run=tmp_path / "run", budget_seconds=60.0)
    early = EarlyReading(config, plugins, Settings(cache=tmp_path / "cache"))
    early.begin("image")
    return early


def finish(early):
    early._reading.join()
    return [event for event in early.end() if isinstance(event, FeaturesRead)]


def test_the_search_computes_only_the_features_that_were_not_read_before(early, shapes_dataset, make_context, tmp_path):
    early.examined(shapes_dataset)
    [read] = finish(early)
    assert (read.backbone, read.size, read.computed) == ("tiny", "32x32", 45)
    context = make_context(cache=tmp_path / "cache")
    default = context.space.default()
    found = context.reader.features(default.backbone, default.reading.size)
    assert (found.computed, found.reused) == (15, 45)


def test_the_search_expects_to_wait_only_for_what_was_not_read(early, shapes_dataset, make_context, tmp_path):
    early.examined(shapes_dataset)
    finish(early)
    context = make_context(cache=tmp_path / "cache")
    default = context.space.default()
    context.reader.features(default.backbone, default.reading.size, context.reader.used[:1])
    missing = context.costs.reading_seconds(*default.reading.place) * context.costs.images_per_second(
        *default.reading.place
    )
    assert 14 <= round(missing) <= 15


def test_what_is_read_first_is_what_the_search_uses_first(early, shapes_dataset, make_context, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_SHARE", 0.5)
    monkeypatch.setattr(screening, "SAMPLE_ITEMS", 15)
    early.examined(shapes_dataset)
    [read] = finish(early)
    context = make_context(cache=tmp_path / "cache")
    default = context.space.default()
    found = context.reader.features(default.backbone, default.reading.size, screening.sample_items(context))
    assert (read.computed, found.computed, found.reused) == (30, 0, 15)


def test_reading_ends_when_the_search_begins(early, shapes_dataset, monkeypatch):
    begun, going_on = threading.Event(), threading.Event()
    batches = features._batches

    def slowly(*args):
        for batch in batches(*args):
            begun.set()
            going_on.wait(10)
            yield batch

    monkeypatch.setattr(features, "_batches", slowly)
    with early:
        early.examined(shapes_dataset)
        assert begun.wait(60)
    going_on.set()
    assert sum(event.computed for event in finish(early)) < 45


def test_what_goes_wrong_is_left_to_the_search_to_report(early, shapes_dataset, monkeypatch):
    def fail(*args, **options):
        raise OSError("the disk is full")

    monkeypatch.setattr(features, "extract", fail)
    early.examined(shapes_dataset)
    assert finish(early) == []


def test_a_small_dataset_is_left_to_the_search(shapes, shapes_dataset, plugins, tmp_path):
    config = Config(data=shapes, run=tmp_path / "run", budget_seconds=60.0)
    early = EarlyReading(config, plugins, Settings(cache=tmp_path / "cache"))
    early.begin("image")
    early.examined(shapes_dataset)
    assert early.end() == []
    assert not (tmp_path / "cache" / "features").exists()


def test_a_scan_tells_of_the_examined_images_before_it_compares_them(shapes):
    seen = []
    dataset = scan(shapes, examined=seen.append)
    assert [len(each.items) for each in seen] == [len(dataset.items)]
    assert len(seen[0].pairs) == 0
    assert seen[0].items["width"].equals(dataset.items["width"])
