"""What heads are fitted on: components of the development items, or features, and not more of them than fit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from autotl.data.split import LEFT_OUT_FOLD, TEST_FOLD


def test_heads_on_components_are_given_them_and_others_the_features(context, candidate):
    forest = candidate("random-forest")
    features = context.reader.features(forest.backbone, (32, 32)).read("joined", "avg+max")
    assert np.array_equal(context.inputs.get(forest).vectors, features)
    assert context.inputs.get(forest).components is None
    inputs = context.inputs.get(candidate())
    assert inputs.vectors == pytest.approx(inputs.components(features), rel=1e-3, abs=1e-3)
    assert context.inputs.get(candidate("knn")) is inputs
    assert context.inputs.get(candidate(stage="top")).vectors.shape != inputs.vectors.shape


def test_test_items_have_no_part_in_the_components(context, candidate):
    before = context.inputs.get(candidate()).components
    split = context.run.split
    fold = np.where(split.fold == TEST_FOLD, LEFT_OUT_FOLD, split.fold)
    without = context.on(replace(context.run, split=replace(split, fold=fold)))
    after = without.inputs.get(candidate()).components
    assert np.array_equal(before.axes, after.axes)
    assert np.array_equal(before.offset, after.offset)


def test_inputs_that_take_too_much_memory_are_computed_again(context, candidate, monkeypatch):
    monkeypatch.setattr("autotl.search.head_inputs._KEPT_BYTES", 1)
    first = context.inputs.get(candidate())
    context.inputs.get(candidate(stage="top"))
    assert len(context.inputs._kept) == 1
    assert np.array_equal(context.inputs.get(candidate()).vectors, first.vectors)


@pytest.mark.parametrize("head", ["logistic", "random-forest"])
def test_vectors_are_read_in_blocks_straight_into_place_and_older_ones_are_forgotten_before(
    context, candidate, head, monkeypatch
):
    wanted = candidate(head)
    whole = context.inputs.get(wanted).vectors
    monkeypatch.setattr("autotl.training.components._BLOCK_ITEMS", 7)
    monkeypatch.setattr("autotl.search.head_inputs._KEPT_BYTES", 1)
    fresh, sizes = context.on(context.run).inputs, []
    other = candidate(head, stage="top")
    fresh.get(other)
    features = fresh._reader.features(wanted.backbone, (32, 32))
    kept_while_reading = []

    def read(self, stage, pooling, items):
        if stage == "joined" and len(items) < len(context.run.split.development):
            sizes.append(len(items))
            kept_while_reading.append(len(fresh._kept))
        return original(self, stage, pooling, items)

    original = type(features).read
    monkeypatch.setattr(type(features), "read", read)
    assert fresh.get(wanted).vectors == pytest.approx(whole, rel=1e-4, abs=1e-4)
    assert max(sizes) <= 7
    assert kept_while_reading[-1] == 0
