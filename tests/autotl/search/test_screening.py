"""A sample of the images says what is worth reading, without a look at the test split."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from autotl.data.split import LEFT_OUT_FOLD
from autotl.search import screening
from autotl.search.screening import ReadingScore, sample_items, sample_split, score_readings
from autotl.trial import Reading

TOP, SHALLOW = (Reading("tiny", (32, 32), stage, "avg+max") for stage in ("joined", "top-2"))


@pytest.fixture
def small_sample(monkeypatch):
    monkeypatch.setattr(screening, "SAMPLE_ITEMS", 36)


def test_the_sample_is_of_development_items_the_same_every_time_and_of_every_class(laboratory, small_sample):
    items = sample_items(laboratory)
    assert len(np.unique(items)) == len(items) == 36
    assert set(items) <= set(laboratory.run.split.development)
    assert np.array_equal(items, sample_items(laboratory))
    assert np.bincount(laboratory.labels[items]).min() >= 10


def test_a_rare_class_is_in_the_sample_with_at_least_ten_items(laboratory, small_sample, monkeypatch):
    labels = np.where(laboratory.labels == 2, 0, laboratory.labels)
    rare = laboratory.run.split.development[:12]
    labels[rare] = 2
    monkeypatch.setattr(laboratory, "labels", labels)
    assert (labels[sample_items(laboratory)] == 2).sum() >= 10


def test_another_seed_draws_another_sample(make_laboratory, small_sample, tmp_path):
    first, second = (make_laboratory(seed=seed, run=tmp_path / str(seed)) for seed in (0, 1))
    assert not np.array_equal(sample_items(first), sample_items(second))


def test_of_a_small_data_set_everything_is_the_sample(laboratory):
    assert np.array_equal(sample_items(laboratory), laboratory.run.split.development)


def test_the_samples_folds_are_those_of_the_run(laboratory, small_sample):
    split, items = laboratory.run.split, sample_items(laboratory)
    found = sample_split(split, items)
    assert np.array_equal(found.fold[items], split.fold[items])
    assert (np.delete(found.fold, items) == LEFT_OUT_FOLD).all()
    assert len(found.test) == 0


def test_readings_are_ranked_by_their_held_out_log_loss(laboratory):
    items = sample_items(laboratory)
    ranks = score_readings(laboratory, [SHALLOW, TOP], items)
    assert {rank.reading for rank in ranks} == {TOP, SHALLOW}
    assert 0 < ranks[0].log_loss < ranks[1].log_loss < np.log(3) * 1.2


def test_labels_that_mean_nothing_rank_no_better_than_chance(laboratory, monkeypatch):
    shuffled = np.random.default_rng(0).permutation(laboratory.labels)
    monkeypatch.setattr(laboratory, "labels", shuffled)
    [rank] = score_readings(laboratory, [TOP], sample_items(laboratory))
    assert rank.log_loss > 0.9


def test_only_the_sample_is_read(make_laboratory, tmp_path, small_sample):
    laboratory = make_laboratory()
    laboratory._cache = tmp_path / "fresh"
    items = sample_items(laboratory)
    score_readings(laboratory, [TOP], items)
    features = laboratory.features("tiny", (32, 32), items)
    assert features._store.known(features.digests).sum() == len(items)
    assert not laboratory.has_features("tiny", (32, 32))


def test_the_labels_of_other_items_do_not_matter(laboratory, small_sample, monkeypatch):
    items = sample_items(laboratory)
    [before] = score_readings(laboratory, [TOP], items)
    changed = (laboratory.labels + 1) % 3
    changed[items] = laboratory.labels[items]
    monkeypatch.setattr(laboratory, "labels", changed)
    assert score_readings(laboratory, [TOP], items) == [before]


def test_a_rank_survives_its_way_through_the_store():
    from autotl.search.screening import reading_score_from_json

    rank = ReadingScore(replace(TOP, size=(32, 48)), 0.1234)
    stored = {**rank.to_json(), "size": list(rank.to_json()["size"])}
    assert reading_score_from_json(stored) == rank
