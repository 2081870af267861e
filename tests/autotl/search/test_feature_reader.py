"""Features are read once per process, with progress, and the cache stays within its limit."""

from __future__ import annotations

import os
import time

import pytest

from autotl.errors import OutOfTimeError
from autotl.features import engine


def test_features_are_told_of_once_and_stay_at_hand(context, tiny, events):
    sizes = [(32, 32), (40, 40)]
    assert not context.reader.has_features("tiny", sizes[0])
    for size in [*sizes, *sizes]:
        context.reader.features(tiny, size)
    assert all(context.reader.has_features("tiny", size) for size in sizes)
    emitted = events(context, "features")
    assert [event["size"] for event in emitted] == ["32x32", "40x40"]
    assert all(event["computed"] + event["reused"] == 60 for event in emitted)


def test_what_reads_the_features_is_told_and_how_long_it_will_take(make_context, tiny, tmp_path, events, monkeypatch):
    monkeypatch.setattr(engine, "_LANE_PIXELS", 8 * 32 * 32)
    context = make_context(cache=tmp_path / "fresh")
    context.reader.features(tiny, (32, 32))
    [message] = events(context, "engine")
    assert message["text"].startswith("engine: ")
    [emitted] = events(context, "features")
    assert emitted["engine"]
    assert emitted["images_per_second"] > 1
    last = events(context, "progress")[-1]
    assert (last["done"], last["total"], last["eta_seconds"]) == (60, 60, 0)
    assert last["rate"] > 1


def test_the_engine_can_be_forced(make_context, tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOTL_ENGINE", "keras")
    context = make_context(cache=tmp_path / "fresh")
    assert context.reader.features(tiny, (32, 32)).engine.startswith("Keras ")


def test_the_cache_is_kept_within_its_limit_but_never_without_what_this_run_uses(
    make_context, tiny, tmp_path, monkeypatch
):
    cache = tmp_path / "fresh"
    old = cache / "features" / "other" / "old.npy"
    old.parent.mkdir(parents=True)
    old.write_bytes(b"x" * 5000)
    os.utime(old, (time.time() - 10_000,) * 2)
    monkeypatch.setenv("AUTOTL_CACHE_LIMIT_GB", "0.000001")
    context = make_context(cache=cache)
    first = context.reader.features(tiny, (32, 32))
    context.reader.features(tiny, (40, 40))
    assert not old.exists()
    assert first.network.file.exists()
    assert context.on(context.run).reader.features(tiny, (32, 32)).reused == 60


def test_time_that_runs_out_while_reading_features_is_an_error(make_context, tiny, tmp_path):
    context = make_context(seconds_left=lambda: 0.0, cache=tmp_path / "fresh")
    with pytest.raises(OutOfTimeError):
        context.reader.features(tiny, (32, 32))
