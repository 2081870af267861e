"""Screening reads the cheapest sample first, and the run keeps what was tried and what was not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from two_backbones import load_two_backbones

from autotl.errors import OutOfTimeError
from autotl.evidence.backbone_comparison import compare_with_best
from autotl.runs.backbones_tried import KEY, BackbonesTried
from autotl.runs.run import open_run
from autotl.search import backbone_tries, screening
from autotl.search.backbone_tries import BackboneTries, count_unread, sample_seconds
from autotl.search.context import open_context
from autotl.search.limits import Limits
from autotl.search.reading_score import ReadingScore
from autotl.search.screening import sample_items, screen
from autotl.trial import Reading

FREE = Limits(lambda: float("inf"), None, None)


@pytest.fixture(scope="module")
def both(tiny):
    return load_two_backbones(tiny)


@pytest.fixture
def two(make_context, both):
    """two(plugins=..., cache=...): a context with both backbones."""

    def two(plugins=both, **options):
        context = make_context(**options)
        return open_context(context.run, plugins, settings=context.settings, seconds_left=lambda: float("inf"))

    return two


def kept(context) -> BackbonesTried:
    return BackbonesTried.from_json(context.run.state()[KEY])


def order(context, monkeypatch) -> list[tuple[str, int]]:
    """The backbones and sizes in the order in which a screening reads them."""
    seen = []
    real = screening.score_readings

    def noted(context, source, readings, *rest):
        seen.append((source.name, readings[0].size[0]))
        return real(context, source, readings, *rest)

    with monkeypatch.context() as patched:
        patched.setattr(screening, "score_readings", noted)
        screen(context, FREE)
    return seen


def test_the_sample_that_costs_least_is_read_first(two, tmp_path, monkeypatch):
    context = two(cache=tmp_path / "fresh")
    context.reader.pixels_per_second.update(tiny=1e5, shallow=1e6)
    assert order(context, monkeypatch)[0] == ("shallow", 32)


def test_what_the_cache_holds_comes_before_what_has_to_be_read(two, tmp_path, tiny, monkeypatch):
    context = two(cache=tmp_path / "fresh")
    context.reader.pixels_per_second.update(tiny=1e5, shallow=1e6)
    items = sample_items(context)
    places = [("tiny", (48, 48)), ("shallow", (32, 32))]
    assert count_unread(context, places, items) == [len(items)] * 2
    context.reader.features(tiny, (48, 48), items)
    later = two(cache=tmp_path / "fresh", run=tmp_path / "later")
    later.reader.pixels_per_second.update(tiny=1e5, shallow=1e6)
    assert count_unread(later, places, items) == [0, len(items)]
    assert sample_seconds(later, "tiny", (48, 48), 0) == 0
    assert sample_seconds(later, "tiny", (48, 48), 50) == pytest.approx(3 + 50 * 48 * 48 / 1e5)
    assert order(later, monkeypatch)[0] == ("tiny", 48)


def test_the_order_changes_no_score_and_no_rank(two, tmp_path):
    scores = []
    for number, speeds in enumerate(({"tiny": 1e6, "shallow": 1e5}, {"tiny": 1e5, "shallow": 1e6})):
        context = two(cache=tmp_path / str(number), run=tmp_path / f"run{number}")
        context.reader.pixels_per_second.update(speeds)
        scores.append(screen(context, FREE))
    assert scores[0] == scores[1]


def test_the_run_keeps_how_each_did_and_what_it_would_take(two):
    context = two()
    scores = screen(context, FREE)
    found = kept(context)
    assert found.n_sample == found.n_development == len(context.run.split.development)
    assert found.n_images == len(context.reader.used)
    assert {(one.backbone, one.size) for one in found.tried} == {
        ("tiny", "32x32"), ("tiny", "48x48"), ("shallow", "32x32"),
    }  # fmt: skip
    best = found.tried[0]
    assert (best.backbone, best.stage, best.pooling) == (
        scores[0].reading.backbone, scores[0].reading.stage, scores[0].reading.pooling,
    )  # fmt: skip
    assert best.log_loss == round(scores[0].log_loss, 4) == min(one.log_loss for one in found.tried)
    assert not best.difference.is_defined
    for one in found.tried[1:]:
        assert one.difference.value == pytest.approx(one.log_loss - best.log_loss, abs=2e-4)
        assert one.difference.low < one.difference.value < one.difference.high
        assert (one.images_needed is None) == one.is_told
    assert all(score.answers is None for score in scores)


def test_speed_and_seconds_are_those_that_were_measured(two, tmp_path):
    fresh = kept_after(two(cache=tmp_path / "fresh"))
    for one in fresh.tried:
        assert one.images_per_second > 0
        assert one.pass_seconds == pytest.approx(fresh.n_images / one.images_per_second, abs=0.006)
    again = kept_after(two(cache=tmp_path / "fresh", run=tmp_path / "again"))
    assert {(one.images_per_second, one.pass_seconds) for one in again.tried} == {(None, None)}


def kept_after(context) -> BackbonesTried:
    screen(context, FREE)
    return kept(context)


def test_what_the_time_does_not_suffice_for_is_kept_with_the_seconds_it_needs(two, tmp_path):
    context = two(cache=tmp_path / "fresh")
    context.reader.pixels_per_second.update(tiny=1e9, shallow=10.0)
    screen(context, Limits(lambda: 100.0, None, None))
    found = kept(context)
    assert {one.backbone for one in found.tried} == {"tiny"}
    [late] = found.left_out
    assert (late.backbone, late.size, late.reason) == ("shallow", "32x32", "time")
    assert late.seconds == pytest.approx(3 + found.n_sample * 32 * 32 / 10, rel=0.01)


@pytest.mark.parametrize(("asked", "tried"), [((), {"tiny"}), (("tiny", "shallow"), {"tiny", "shallow"})])
def test_a_backbone_that_was_asked_for_by_name_may_take_longer(asked, tried, two, tmp_path):
    context = two(cache=tmp_path / "fresh")
    context = replace(context, run=replace(context.run, config=replace(context.run.config, backbones=asked)))
    n_pixels = len(sample_items(context)) * 32 * 32
    context.reader.pixels_per_second.update(tiny=1e9, shallow=n_pixels / 27)  # 30 s with what it takes to build it
    screen(context, Limits(lambda: 100.0, None, None))
    assert {one.backbone for one in kept(context).tried} == tried


def test_a_larger_size_gets_more_time_where_size_helps(two):
    place = ("tiny", (96, 96))
    found = {("tiny", (32, 32)): [score(1.0)], ("tiny", (48, 48)): [score(0.8)], ("shallow", (64, 64)): [score(2.0)]}
    assert screening._gained_by_size(found, place)
    assert not screening._gained_by_size({**found, ("tiny", (48, 48)): [score(0.95)]}, place)
    assert not screening._gained_by_size(found, ("tiny", (48, 48)))


def score(log_loss):
    return ReadingScore(Reading("tiny", (32, 32), "top", "avg"), log_loss)


def test_what_failed_is_kept_with_its_reason(two, tiny):
    def explode(height, width):
        raise RuntimeError("bad weights")

    context = two(load_two_backbones(tiny, name="broken", build=explode))
    screen(context, FREE)
    [failed] = kept(context).left_out
    assert (failed.backbone, failed.size, failed.reason) == ("broken", "32x32", "failed")
    assert "bad weights" in failed.details


def test_one_that_ran_out_of_time_did_not_fail(context):
    tries = BackboneTries(context, sample_items(context))
    tries.failed("tiny", (32, 32), OutOfTimeError("3 of 9 images were read"), 12.34)
    tries.keep()
    [late] = kept(context).left_out
    assert (late.reason, late.seconds, late.details) == ("time", 12.3, "")


def test_a_licence_that_forbids_commercial_use_is_the_reason_only_where_nothing_was_asked_for(two, tiny, tmp_path):
    plugins = load_two_backbones(tiny, licence="CC-BY-NC-4.0", commercial=False)
    context = two(plugins)
    BackboneTries(context, sample_items(context)).keep()
    [limited] = kept(context).left_out
    assert (limited.backbone, limited.size, limited.reason) == ("shallow", "", "licence")
    assert limited.details == "CC-BY-NC-4.0"
    asked = two(plugins, backbones=("tiny",), run=tmp_path / "asked")
    BackboneTries(asked, sample_items(asked)).keep()
    assert kept(asked).left_out == ()
    assert "shallow" in kept(asked).not_asked


def test_a_backbone_whose_weights_do_not_come_along_takes_part_only_if_named(two, tiny):
    context = two(load_two_backbones(tiny, embedded=False))
    screen(context, FREE)
    assert "shallow" in kept(context).not_asked
    assert kept(context).names == ("tiny",)


def test_near_duplicates_are_compared_as_one(two, monkeypatch):
    context = two()
    split = replace(context.run.split, cluster=context.run.split.cluster // 4)
    context = replace(context, run=replace(context.run, split=split))
    given = []

    def noted(best, others, *, groups, seed):
        given.append((best, groups))
        return compare_with_best(best, others, groups=groups, seed=seed)

    monkeypatch.setattr(backbone_tries, "compare_with_best", noted)
    screen(context, FREE)
    [(best, groups)] = given
    assert np.array_equal(groups, split.cluster[sample_items(context)[best.items]])


def test_a_worker_that_opens_the_run_reads_what_was_tried(two):
    context = two()
    screen(context, FREE)
    assert BackbonesTried.from_json(open_run(context.run.folder).state()[KEY]) == kept(context)
