"""A sample of the images says what is worth reading, without a look at the test split."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from autotl.data.split import LEFT_OUT_FOLD
from autotl.search import screening
from autotl.search.reading_score import ReadingScore
from autotl.search.screening import sample_items, sample_split, score_readings
from autotl.trial import Reading

TOP, SHALLOW = (Reading("tiny", (32, 32), stage, "avg+max") for stage in ("joined", "top-2"))


@pytest.fixture
def small_sample(monkeypatch):
    monkeypatch.setattr(screening, "SAMPLE_ITEMS", 36)


def test_the_sample_is_of_development_items_the_same_every_time_and_of_every_class(context, small_sample):
    items = sample_items(context)
    assert len(np.unique(items)) == len(items) == 36
    assert set(items) <= set(context.run.split.development)
    assert np.array_equal(items, sample_items(context))
    assert np.bincount(context.labels[items]).min() >= 10


def test_a_rare_class_is_in_the_sample_with_at_least_ten_items(context, small_sample):
    labels = np.where(context.labels == 2, 0, context.labels)
    rare = context.run.split.development[:12]
    labels[rare] = 2
    assert (labels[sample_items(replace(context, labels=labels))] == 2).sum() >= 10


def test_another_seed_draws_another_sample(make_context, small_sample, tmp_path):
    first, second = (make_context(seed=seed, run=tmp_path / str(seed)) for seed in (0, 1))
    assert not np.array_equal(sample_items(first), sample_items(second))


def test_of_a_small_data_set_everything_is_the_sample(context):
    assert np.array_equal(sample_items(context), context.run.split.development)


def test_the_samples_folds_are_those_of_the_run(context, small_sample):
    split, items = context.run.split, sample_items(context)
    found = sample_split(split, items)
    assert np.array_equal(found.fold[items], split.fold[items])
    assert (np.delete(found.fold, items) == LEFT_OUT_FOLD).all()
    assert len(found.test) == 0


def test_readings_are_ranked_by_their_held_out_log_loss(context, tiny):
    items = sample_items(context)
    scores = score_readings(context, tiny, [SHALLOW, TOP], items)
    assert {score.reading for score in scores} == {TOP, SHALLOW}
    assert 0 < scores[0].log_loss < scores[1].log_loss < np.log(3) * 1.2


def test_labels_that_mean_nothing_rank_no_better_than_chance(context, tiny):
    shuffled = np.random.default_rng(0).permutation(context.labels)
    context = replace(context, labels=shuffled)
    [score] = score_readings(context, tiny, [TOP], sample_items(context))
    assert score.log_loss > 0.9


def test_only_the_sample_is_read(make_context, tiny, tmp_path, small_sample):
    context = make_context(cache=tmp_path / "fresh")
    items = sample_items(context)
    score_readings(context, tiny, [TOP], items)
    features = context.reader.features(tiny, (32, 32), items)
    assert features._store.known(features.digests).sum() == len(items)
    assert not context.reader.has_features("tiny", (32, 32))


def test_the_labels_of_other_items_do_not_matter(context, tiny, small_sample):
    items = sample_items(context)
    [before] = score_readings(context, tiny, [TOP], items)
    changed = (context.labels + 1) % 3
    changed[items] = context.labels[items]
    context = replace(context, labels=changed)
    assert score_readings(context, tiny, [TOP], items) == [before]


def test_a_score_survives_its_way_through_the_store():
    score = ReadingScore(replace(TOP, size=(32, 48)), 0.1234)
    stored = {**score.to_json(), "size": list(score.to_json()["size"])}
    assert ReadingScore.from_json(stored) == score
