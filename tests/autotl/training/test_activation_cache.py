"""The frozen part is computed once, kept within the space allowed, and never for the test split."""

from __future__ import annotations

import os
import threading
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import layers

from autotl.cache import disk_allowance
from autotl.features.frozen_network import stage_outputs
from autotl.graphs import keras_to_onnx
from autotl.training import activation_cache
from autotl.training.activation_cache import ActivationCache, CannotCacheError, split_network
from autotl.training.augmentation import altered
from autotl.training.fine_tuning import assemble

N_TRAIN, N_ITEMS = 150, 180


def never():
    return False


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (N_ITEMS, 32, 32, 3), dtype=np.uint8)


@pytest.fixture
def make(tiny, images, tmp_path):
    """make(stage="joined", augment=True): activations of the tiny network below its last stage, and what was read."""

    def make(*, stage="top", pooling="avg+max", trainable=1, augment=False, folder=tmp_path / "pixels" / "cut", seed=0):
        width = {"joined": 36, "top": 16}[stage] * 2
        network = tiny.build(32, 32)
        head = keras.Sequential([keras.Input((width,)), layers.Dense(2, "softmax")])
        model, depth = assemble(network, head, stage=stage, pooling=pooling, trainable_stages=trainable)
        asked = []

        def pixels(items):
            asked.extend(items.tolist())
            return images[items]

        parts = split_network(
            model, network, stage=stage, pooling=pooling, freeze_depth=depth, deeper=range(depth - 1, 0, -1)
        )
        folders = [folder.with_name(f"{folder.name}{'-deeper' * i}") for i in range(len(parts.layers))]
        cached = ActivationCache(
            parts, pixels, folders=folders,
            n_items=N_ITEMS, train_items=np.arange(N_TRAIN), augment=augment, seed=seed,
        )  # fmt: skip
        return SimpleNamespace(cached=cached, model=model, network=network, asked=asked, folder=folder)

    return make


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def chunks(folder):
    """What was computed, without the graph that computed it."""
    return [name for name in files(folder) if name.endswith(".npy")]


@pytest.mark.parametrize("stage", ["top", "joined"])
@pytest.mark.parametrize("trainable", [1, 2])
def test_the_upper_network_says_of_activations_what_the_whole_one_says_of_pixels(make, images, stage, trainable):
    made = make(stage=stage, trainable=trainable)
    assert made.cached.prepare(0, never)
    items = np.array([170, 3, 64, 128])
    expected = made.model.predict_on_batch(images[items].astype("float32"))
    found = made.cached.trainer.predict_on_batch(made.cached.read(items, 0))
    assert found == pytest.approx(expected, abs=1e-3)


def test_pooled_vectors_of_frozen_stages_are_kept_whole_and_enter_beside_the_activations(make, images):
    made = make(stage="joined")
    made.cached.prepare(0, never)
    items = np.arange(5)
    activations, *pooled = made.cached.read(items, 0)
    shallow, middle, _ = stage_outputs(made.network).values()
    reader = keras.Model(made.network.input, [shallow, middle])
    expected_shallow, expected_middle = reader.predict_on_batch(images[items].astype("float32"))
    assert activations == pytest.approx(expected_middle, rel=1e-3, abs=1e-3)
    expected = [f(x, axis=(1, 2)) for x in (expected_shallow, expected_middle) for f in (np.mean, np.max)]
    for want, got in zip(expected, pooled, strict=True):
        assert got == pytest.approx(want, rel=1e-5, abs=1e-4)


def test_every_item_is_computed_once_however_often_it_is_read(make):
    made = make()
    for epoch in (0, 1, 2, 3):
        assert made.cached.prepare(epoch, never)
        made.cached.read(np.arange(10), epoch)
    assert sorted(made.asked) == list(range(N_ITEMS))
    again = make()
    assert again.cached.prepare(0, never)
    assert (again.asked, again.cached.seconds) == ([], 0.0)


def test_a_process_killed_while_filling_carries_on(make):
    made = make()
    stops = iter([False, True])
    assert not made.cached.prepare(0, lambda: next(stops))
    assert len(chunks(made.folder)) == 1
    resumed = make()
    assert resumed.cached.prepare(0, never)
    assert sorted(made.asked + resumed.asked) == list(range(N_ITEMS))


def test_two_workers_that_fill_at_once_leave_one_complete_cache(make, monkeypatch):
    monkeypatch.setattr(activation_cache, "CHUNK_ITEMS", 8)
    first, second = make(), make()
    threads = [threading.Thread(target=made.cached.prepare, args=(0, never)) for made in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(chunks(first.folder)) == 23
    items = np.arange(N_ITEMS)
    assert np.array_equal(first.cached.read(items, 0), second.cached.read(items, 0))
    assert len(first.asked) + len(second.asked) < 2 * N_ITEMS


def test_what_another_worker_removed_to_make_room_is_computed_again(make):
    made = make()
    made.cached.prepare(0, never)
    for file in made.folder.iterdir():
        file.unlink()
    assert made.cached.read(np.array([0]), 0).shape == (1, 8, 8, 12)


def test_each_epoch_sees_another_view_and_validation_the_plain_one(make):
    cached = make(augment=True).cached
    items = np.arange(4)
    seen = {}
    for epoch in range(activation_cache.MAX_VIEWS + 2):
        assert cached.prepare(epoch, never)
        seen[epoch] = cached.read(items, epoch)
    assert np.array_equal(seen[0], seen[1])
    for a in range(1, activation_cache.MAX_VIEWS + 1):
        assert all(not np.array_equal(seen[a], seen[b]) for b in range(1, a))
    assert np.array_equal(seen[1], seen[activation_cache.MAX_VIEWS + 1])


def test_without_augmentation_there_is_one_view_of_every_epoch(make):
    made = make()
    assert made.cached.n_views == 1
    for epoch in (0, 1, 5):
        made.cached.prepare(epoch, never)
    assert chunks(made.folder) == ["view0-000.npy", "view0-001.npy"]


def test_altered_views_are_of_training_items_only(make):
    made = make(augment=True)
    made.cached.prepare(0, never)
    made.asked.clear()
    made.cached.prepare(2, never)
    assert sorted(made.asked) == list(range(N_TRAIN))


def test_altered_images_depend_on_seed_item_and_view_alone(images):
    items = np.arange(6)
    assert np.array_equal(altered(images[:6], items, 0, seed=1), images[:6])
    first = altered(images[:6], items, 2, seed=1)
    assert first.shape == images[:6].shape
    assert np.array_equal(first[4:], altered(images[4:6], items[4:], 2, seed=1))
    assert not np.array_equal(first, altered(images[:6], items, 3, seed=1))
    assert not np.array_equal(first, altered(images[:6], items, 2, seed=2))


def test_altering_moves_a_image_a_little_and_fills_with_its_edge():
    image = np.full((1, 100, 60, 3), 200, np.uint8)
    image[0, 40:60, 20:40] = 0
    for view in range(1, 30):
        [found] = altered(image, np.array([0]), view, seed=0)
        assert (found[[0, -1]] == 200).all()
        assert (found[:, [0, -1]] == 200).all()
        rows, columns = np.nonzero(found[..., 0] < 100)
        assert abs(rows.mean() - 49.5) <= 0.08 * 100 * 1.1 + 1
        assert abs(columns.mean() - 29.5) <= 0.08 * 60 * 1.1 + 1
        assert 14 <= np.ptp(rows) <= 24


def test_too_little_space_is_told_with_what_is_needed_and_allowed(make, monkeypatch):
    monkeypatch.setattr(disk_allowance, "MAX_BYTES", 50_000)
    with pytest.raises(CannotCacheError, match=r"^the activations would need 0\.3 MB, 0\.1 MB allowed$"):
        make()


def test_no_more_than_a_share_of_the_free_disk_is_used(make, monkeypatch, tmp_path):
    monkeypatch.setattr(disk_allowance.shutil, "disk_usage", lambda folder: SimpleNamespace(free=400_000))
    assert disk_allowance.allowed_bytes(tmp_path / "pixels") == 100_000
    with pytest.raises(CannotCacheError, match="allowed"):
        make()


def test_with_less_space_there_are_fewer_views_but_never_only_the_plain_one(make, monkeypatch):
    record = 8 * 8 * 12 * 2
    monkeypatch.setattr(disk_allowance, "MAX_BYTES", record * (N_ITEMS + 2 * N_TRAIN))
    made = make(augment=True)
    assert made.cached.n_views == 3
    assert str(made.cached) == "from cached activations (3 views, 0.7 MB)"
    monkeypatch.setattr(disk_allowance, "MAX_BYTES", record * (N_ITEMS + N_TRAIN) - 1)
    with pytest.raises(CannotCacheError):
        make(augment=True)


def test_the_oldest_cut_makes_room_for_a_new_one(make, monkeypatch, tmp_path):
    pixels = tmp_path / "pixels"
    for age, name in ((200, "oldest"), (100, "older")):
        made = make(folder=pixels / name)
        made.cached.prepare(0, never)
        for folder in (pixels / name, pixels / f"{name}-deeper"):
            then = folder.stat().st_mtime - age
            os.utime(folder, (then, then))
    monkeypatch.setattr(disk_allowance, "MAX_BYTES", int(2.5 * made.cached.n_bytes))
    make(folder=pixels / "new")
    assert files(pixels) == ["older", "older-deeper"]


def test_activations_of_the_next_deeper_stage_come_out_of_the_same_pass(make, images):
    shallow = make(trainable=1)
    shallow.cached.prepare(0, never)
    assert files(shallow.folder.with_name("cut-deeper")) == ["view0-000.npy", "view0-001.npy"]
    deeper = make(trainable=2, folder=shallow.folder.with_name("cut-deeper"))
    assert deeper.cached.prepare(0, never)
    assert deeper.asked == []
    items = np.arange(40)
    expected = deeper.model.predict_on_batch(images[items].astype("float32"))
    found = deeper.cached.trainer.predict_on_batch(deeper.cached.read(items, 0))
    assert found == pytest.approx(expected, abs=1e-3)


def test_a_number_too_large_for_half_precision_is_refused(make, monkeypatch):
    made = make()
    monkeypatch.setattr(activation_cache, "_LARGEST_HALF", 0.5)
    with pytest.raises(CannotCacheError, match="does not fit into half precision"):
        made.cached.prepare(0, never)
    assert not chunks(made.folder)


def test_a_full_disk_is_a_reason_to_train_plainly(make, monkeypatch):
    def full(path, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(activation_cache, "write_atomically", full)
    with pytest.raises(CannotCacheError, match="cannot be written: No space left on device"):
        make().cached.prepare(0, never)


def test_a_network_with_a_way_around_the_cut_is_not_cut():
    inputs = keras.Input((8, 8, 3))
    first = layers.Conv2D(4, 1, name="first")(inputs)
    second = layers.Conv2D(4, 1, name="second")(first)
    network = keras.Model(inputs, [second, layers.Add(name="third")([first, layers.Conv2D(4, 1)(second)])])
    head = keras.Sequential([keras.Input((4,)), layers.Dense(2)])
    model, depth = assemble(network, head, stage="top", pooling="avg", trainable_stages=1)
    with pytest.raises(CannotCacheError, match="a connection around stage 'second'"):
        split_network(model, network, stage="top", pooling="avg", freeze_depth=depth)


def test_a_network_that_trains_whole_or_has_no_graph_is_not_cut(tiny, monkeypatch):
    network = tiny.build(32, 32)
    head = keras.Sequential([keras.Input((16,)), layers.Dense(2)])
    model, depth = assemble(network, head, stage="top", pooling="avg", trainable_stages=3)
    with pytest.raises(CannotCacheError, match="every stage trains"):
        split_network(model, network, stage="top", pooling="avg", freeze_depth=depth)
    writers = {name: write for name, write in keras_to_onnx.LAYER_WRITERS.items() if name != "Conv2D"}
    monkeypatch.setattr(keras_to_onnx, "LAYER_WRITERS", writers)
    with pytest.raises(CannotCacheError, match="Conv2D, which AutoTL cannot write"):
        split_network(model, network, stage="top", pooling="avg", freeze_depth=1)


def test_reading_maps_files_instead_of_loading_them(make):
    made = make()
    made.cached.prepare(0, never)
    made.cached.read(np.arange(N_ITEMS), 0)
    assert all(isinstance(chunk, np.memmap) for chunk in made.cached._chunks.values())
    assert len(made.cached._chunks) == 2
