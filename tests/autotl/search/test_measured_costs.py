"""Costs are what was measured in this process, and until then a cautious guess."""

from __future__ import annotations

from dataclasses import replace

import pytest
from small_encoder import small_graph
from small_text_encoder import small_text_encoder

from autotl.interfaces import Encoder, Joined, WordCounts
from autotl.search.hyperparameters import fixed_hyperparameters
from autotl.search.measured_costs import MeasuredCosts
from autotl.search.probe_trials import probe
from autotl.trial import FINE_TUNE, Training, TrialRecord


def test_the_speed_of_reading_is_measured_where_something_was_read(make_context, tiny, tmp_path):
    context = make_context(cache=tmp_path / "fresh")
    context.reader.features(tiny, (32, 32))
    assert 1 < context.costs.images_per_second("tiny", (32, 32)) < 1e6


def test_a_larger_size_is_expected_to_take_as_much_longer_and_another_backbone_twice_as_long(context):
    context.reader.pixels_per_second["tiny"] = 1000 * 32 * 32
    assert context.costs.images_per_second("tiny", (64, 64)) == pytest.approx(250)
    assert context.costs.images_per_second("other", (32, 32)) == pytest.approx(500)


def test_a_joined_source_costs_what_its_parts_cost(context, tiny):
    text = Encoder("text", small_graph, ((1, 8),))
    both = Joined("tiny+text", "pair", (tiny, text), tiny.sizes)
    costs = MeasuredCosts(context.run.split, context.reader, "logistic", {one.name: one for one in (both, tiny, text)})
    context.reader.pixels_per_second |= {"tiny": 300 * 32 * 32, "text": 600 * 8}
    assert costs.images_per_second("tiny+text", (32, 32)) == pytest.approx(200)
    parts = costs.reading_seconds("tiny", (32, 32)) + costs.reading_seconds("text", (1, 8))
    assert costs.reading_seconds("tiny+text", (32, 32)) == pytest.approx(parts)
    assert costs.has_features("tiny+text", (32, 32)) is False


def test_how_fast_texts_are_read_says_nothing_about_images(context, tiny):
    text, counts, other = small_text_encoder(), WordCounts("tfidf"), replace(tiny, name="other")
    costs = MeasuredCosts(
        context.run.split, context.reader, "logistic", {one.name: one for one in (tiny, other, text, counts)}
    )
    context.reader.pixels_per_second |= {text.name: 70 * 8, "tfidf": 800}
    assert costs.images_per_second("tiny", (224, 224)) == pytest.approx(60)
    context.reader.pixels_per_second["tiny"] = 100 * 224 * 224
    assert costs.images_per_second("other", (224, 224)) == pytest.approx(50)


def test_the_speed_of_an_unknown_machine_is_guessed_with_caution(context):
    assert 10 < context.costs.images_per_second("tiny", (224, 224)) < 100


def test_a_probe_teaches_what_its_head_costs(context, candidate):
    costs = context.costs
    assert (costs.has_seen("logistic"), costs.probe_cost("knn")) == (False, 0)
    probe(context, candidate(stage="top", pooling="avg"), fixed_hyperparameters({}))
    assert costs.has_seen("logistic")
    assert costs.fit_cost("logistic") > 0
    assert costs.probe_cost("logistic") == pytest.approx(context.run.split.n_folds * costs.fit_cost("logistic"))


def test_trials_on_another_backbone_or_size_tell_nothing(context, candidate):
    chosen = candidate("dense", "top", "avg", training=Training(1, 1e-3, 1e-4, augment=False))
    speed = {"products_per_second": 1.0}
    elsewhere = candidate(size=(48, 48)).reading
    other = TrialRecord(1, "complete", FINE_TUNE, elsewhere, training=speed)
    assert context.costs.fine_tune_seconds(chosen, [other]) == context.costs.fine_tune_seconds(chosen)
    same = TrialRecord(2, "complete", FINE_TUNE, chosen.reading, training=speed)
    assert context.costs.fine_tune_seconds(chosen, [same]).epoch_seconds > 1000
