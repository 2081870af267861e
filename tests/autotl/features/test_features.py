"""Features are computed once per image content, and the cache bears what happens to files and processes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import tracemalloc
from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from scanning import scan

from autotl.cache.record_store import RecordStore
from autotl.errors import ConfigError, DatasetError, OutOfTimeError, PluginError
from autotl.features import engine, engine_choice
from autotl.features import features as module
from autotl.features.features import extract
from autotl.features.frozen_network import Column, FrozenNetwork, freeze, open_session
from autotl.images.decoder import DECODER_VERSION, decode


@pytest.fixture(scope="module")
def network(tiny, cache):
    return freeze(tiny, (32, 32), cache=cache)


@pytest.fixture
def folder(tmp_path, shapes):
    """A copy of 30 of the shapes, to be changed."""
    for kind in ("circle", "square", "stripes"):
        (tmp_path / "data" / kind).mkdir(parents=True)
        for path in sorted((shapes / kind).iterdir())[:10]:
            shutil.copy(path, tmp_path / "data" / kind)
    return tmp_path / "data"


def forget(network):
    """A network that cannot be read any more: whatever is computed fails."""
    return replace(network, file=network.file.with_name("gone.onnx"), reader=None)


def all_of(features):
    return features.read("joined", "avg+max")


def by_hand(dataset, network):
    session = open_session(network.file)
    names = [c.tensor for c in network.columns]
    rows = [
        np.concatenate(session.run(names, {"images": decode(dataset.path(i), 32, 32)[None]}), axis=1)
        for i in range(len(dataset.items))
    ]
    return np.concatenate(rows)


def by_hand_network(file, nodes, constants, width):
    """A network from `images` to `top-avg` that was not made from a Keras model."""
    images = helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", 32, 32, 3])
    output = helper.make_tensor_value_info("top-avg", TensorProto.FLOAT, ["n", width])
    graph = helper.make_graph(nodes, file.stem, [images], [output], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), file)
    return FrozenNetwork(file.stem, (32, 32), file.stem, file, (Column("top", "avg", 0, width),))


def test_features_are_what_the_network_says_of_each_item(folder, network, tmp_path):
    dataset = scan(folder)
    seen = []
    found = extract(dataset, network, cache=tmp_path, progress=lambda done, total: seen.append((done, total)))
    assert all_of(found).dtype == np.float32
    assert len(found) == 30
    assert all_of(found) == pytest.approx(by_hand(dataset, network), abs=1e-4)
    assert (found.reused, seen) == (0, [(30, 30)])
    assert found.engine
    assert found.images_per_second > 1


def test_a_choice_of_stage_and_pooling_gives_its_columns(folder, network, tmp_path):
    found = extract(scan(folder), network, cache=tmp_path)
    [column] = network.select("top", "max")
    assert (found.read("top", "max") == all_of(found)[:, column.start : column.stop]).all()
    averages = np.concatenate([all_of(found)[:, c.start : c.stop] for c in network.select("joined", "avg")], axis=1)
    assert (found.read("joined", "avg") == averages).all()


def test_items_are_read_in_the_order_asked_for_and_block_by_block(folder, network, tmp_path):
    found = extract(scan(folder), network, cache=tmp_path)
    items = np.array([7, 3, 29, 3, 0])
    assert (found.read("top", "avg", items) == found.read("top", "avg")[items]).all()
    assert found.read("top", "avg", np.array([], dtype=int)).shape == (0, 16)
    blocks = list(found.blocks("joined", "max", items, rows=2))
    assert [len(block) for block in blocks] == [2, 2, 1]
    assert (np.concatenate(blocks) == found.read("joined", "max", items)).all()
    assert (np.concatenate(list(found.blocks("joined", "avg+max", rows=7))) == all_of(found)).all()


def test_a_second_call_computes_nothing_and_gives_the_same_numbers(folder, network, tmp_path):
    first = extract(scan(folder), network, cache=tmp_path)
    second = extract(scan(folder), forget(network), cache=tmp_path)
    assert second.reused == 30
    assert (all_of(second) == all_of(first)).all()


def test_only_added_images_are_computed(folder, network, tmp_path, shapes):
    first = extract(scan(folder), network, cache=tmp_path)
    for path in sorted((shapes / "circle").iterdir())[10:20]:
        shutil.copy(path, folder / "circle" / f"0 {path.name}")  # sorts before the others
    seen = []
    second = extract(scan(folder), network, cache=tmp_path, progress=lambda done, total: seen.append((done, total)))
    assert (second.reused, seen) == (30, [(10, 10)])
    assert (all_of(second)[10:] == all_of(first)).all()
    assert all_of(second) == pytest.approx(by_hand(scan(folder), network), abs=1e-4)


def test_a_renamed_folder_with_renamed_files_and_labels_computes_nothing(folder, network, tmp_path):
    first = extract(scan(folder), network, cache=tmp_path)
    moved = folder.rename(tmp_path / "moved")
    (moved / "circle").rename(moved / "zebra")
    for i, path in enumerate(sorted((moved / "square").iterdir())):
        path.rename(path.with_name(f"{100 - i}.png"))
    second = extract(scan(moved), forget(network), cache=tmp_path)
    assert second.reused == 30
    assert sorted(map(tuple, all_of(second))) == sorted(map(tuple, all_of(first)))


def test_another_network_or_another_decoder_shares_nothing(folder, network, tiny, tmp_path, monkeypatch):
    extract(scan(folder), network, cache=tmp_path)
    assert extract(scan(folder), freeze(tiny, (48, 48), cache=tmp_path), cache=tmp_path).reused == 0
    monkeypatch.setattr(module, "DECODER_VERSION", 99)
    assert extract(scan(folder), network, cache=tmp_path).reused == 0


def test_identical_files_are_computed_once_and_have_equal_rows(folder, network, tmp_path):
    original = sorted((folder / "square").iterdir())[0]
    for name in ("copy 1.png", "copy 2.png"):
        shutil.copy(original, folder / "circle" / name)
    seen = []
    dataset = scan(folder)
    found = extract(dataset, network, cache=tmp_path, progress=lambda done, total: seen.append(total))
    assert seen[-1] == 30
    place = dataset.items["path"].tolist().index
    same = [place("circle/copy 1.png"), place("circle/copy 2.png"), place(original.relative_to(folder).as_posix())]
    assert (all_of(found)[same] == all_of(found)[same[0]]).all()
    assert all_of(found) == pytest.approx(by_hand(dataset, network), abs=1e-4)


def shards(cache):
    return sorted(p for p in cache.rglob("*.npy") if not p.name.endswith(".keys.npy"))


def test_a_damaged_shard_is_computed_again(folder, network, tmp_path):
    dataset = scan(folder)
    first = extract(dataset, network, cache=tmp_path)
    [vectors] = shards(tmp_path)
    before = all_of(first)
    vectors.write_bytes(vectors.read_bytes()[:-50])
    second = extract(dataset, network, cache=tmp_path)
    assert second.reused == 0
    assert (all_of(second) == before).all()
    assert extract(dataset, forget(network), cache=tmp_path).reused == 30


def test_a_flipped_byte_is_noticed_and_only_its_shard_is_computed_again(folder, network, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "SHARD_ITEMS", 10)
    monkeypatch.setattr(engine, "_LANE_PIXELS", 5 * 32 * 32)
    dataset, seen = scan(folder), []
    before = all_of(extract(dataset, network, cache=tmp_path))
    damaged = shards(tmp_path)[1]
    data = bytearray(damaged.read_bytes())
    data[-100] ^= 1
    damaged.write_bytes(data)
    found = extract(dataset, network, cache=tmp_path, progress=lambda done, total: seen.append(total))
    assert (found.reused, seen) == (30, [])
    assert all_of(found) == pytest.approx(before, abs=1e-6)
    assert set(seen) == {10}
    assert (extract(dataset, forget(network), cache=tmp_path).reused, damaged.exists()) == (30, False)


def test_what_another_process_deletes_meanwhile_is_computed_again(folder, network, tmp_path):
    found = extract(scan(folder), network, cache=tmp_path)
    before = all_of(found)
    for shard in shards(tmp_path):
        shard.unlink()
    assert (all_of(found) == before).all()


def test_a_cache_that_keeps_nothing_is_named(folder, network, tmp_path, monkeypatch):
    dataset = scan(folder)
    monkeypatch.setattr(module.RecordStore, "append", lambda self, digests, records: None)
    found = extract(dataset, network, cache=tmp_path)
    with pytest.raises(ConfigError, match=r"The cache .*features.* loses what is written to it\. .*AUTOTL_CACHE"):
        all_of(found)


def test_a_full_disk_is_named(folder, network, tmp_path, monkeypatch):
    def full(self, digests, records):
        raise OSError(28, "No space left on device")

    dataset = scan(folder)
    monkeypatch.setattr(module.RecordStore, "append", full)
    with pytest.raises(ConfigError, match="cannot be written: No space left on device"):
        extract(dataset, network, cache=tmp_path)


def test_the_numbers_stay_on_disk(network, tmp_path, toy_dataset):
    """Opening the features of 20,000 items, 6 MB of numbers, costs their keys."""
    dataset = toy_dataset(["a", "b"] * 10_000)
    digests = dataset.digests()
    store = RecordStore(tmp_path / "features" / f"{network.key}-d{DECODER_VERSION}", np.dtype(np.float32), (72,))
    for start in range(0, 20_000, 500):
        store.append(digests[start : start + 500], np.full((500, 72), start, dtype=np.float32))
    tracemalloc.start()
    try:
        found = extract(dataset, forget(network), cache=tmp_path)
        opened = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        held = tracemalloc.get_traced_memory()[0]
        total = sum(float(block[:, 0].sum()) for block in found.blocks("joined", "avg+max", rows=1000))
        read = tracemalloc.get_traced_memory()[1] - held
    finally:
        tracemalloc.stop()
    assert total == sum(500 * start for start in range(0, 20_000, 500))
    assert found.reused == 20_000
    assert opened < 20_000 * 64 * 8
    assert read < 2 * 1000 * 72 * 4 + 1_000_000 < 20_000 * 72 * 4


def test_computing_needs_no_more_memory_for_more_images(tmp_path, make_folder, monkeypatch):
    """With shards of 20 images, 180 more of them cost their keys and not their 12 kB of numbers each."""
    nodes = [
        helper.make_node("Cast", ["images"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("Flatten", ["pixels"], ["top-avg"]),
    ]
    wide = by_hand_network(tmp_path / "wide.onnx", nodes, [], 3072)
    monkeypatch.setattr(module, "SHARD_ITEMS", 20)
    monkeypatch.setattr(engine, "_LANE_PIXELS", 4 * 32 * 32)
    peaks = []
    for n in (60, 240):
        dataset = scan(make_folder(tmp_path / str(n), circle=n // 2, square=n // 2, edge=16, seed=n))
        extract(dataset, wide, cache=tmp_path / "warm")
        tracemalloc.start()
        try:
            extract(dataset, wide, cache=tmp_path / f"cold {n}")
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    assert peaks[1] < peaks[0] + 180 * 3072


def test_running_out_of_time_keeps_what_was_computed(folder, network, tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "_LANE_PIXELS", 16 * 32 * 32)
    with pytest.raises(OutOfTimeError, match="16 of 30 images were read"):
        extract(scan(folder), network, cache=tmp_path, out_of_time=lambda: True)
    found = extract(scan(folder), network, cache=tmp_path)
    assert found.reused == 16


def test_time_that_runs_out_with_the_last_image_is_no_failure(folder, network, tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "_LANE_PIXELS", 16 * 32 * 32)
    calls = iter([False, True])
    assert extract(scan(folder), network, cache=tmp_path, out_of_time=lambda: next(calls)).reused == 0


@pytest.mark.parametrize("when", ["the engine is chosen", "images are read"])
def test_numbers_that_are_not_finite_name_the_backbone_and_are_not_kept(when, folder, tmp_path, monkeypatch):
    if when == "images are read":  # as where the few images that choose the engine are bright
        monkeypatch.setattr(engine_choice, "require_finite", lambda network, answers: None)
        monkeypatch.setattr(engine_choice, "_disagreement", lambda *_: "")
    nodes = [
        helper.make_node("Cast", ["images"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["pixels"], ["grey"], axes=[1, 2], keepdims=0),
        helper.make_node("Sub", ["grey", "limit"], ["above"]),
        helper.make_node("Sqrt", ["above"], ["top-avg"]),  # of a negative number, for images that are not bright
    ]
    dark = by_hand_network(tmp_path / "dark.onnx", nodes, [numpy_helper.from_array(np.float32(200), "limit")], 3)
    with pytest.raises(PluginError, match="backbone 'dark' gives features that are not finite at 32x32"):
        extract(scan(folder), dark, cache=tmp_path)
    assert not shards(tmp_path)


def test_an_image_that_is_gone_since_the_scan_is_named(folder, network, tmp_path):
    dataset = scan(folder)
    gone = dataset.path(3)
    gone.unlink()
    with pytest.raises(DatasetError, match=rf"{gone.name} was read .* cannot be read now: No such file.*Put it back"):
        extract(dataset, network, cache=tmp_path)


def test_an_image_that_was_edited_since_the_scan_is_refused_and_never_cached_under_its_old_hash(
    folder, network, tmp_path
):
    dataset = scan(folder)
    edited = dataset.path(3)
    edited.write_bytes(dataset.path(4).read_bytes())
    with pytest.raises(DatasetError, match=rf"{edited.name} has changed since the data were scanned"):
        extract(dataset, network, cache=tmp_path)


PROCESS = """
import sys, time
from dataclasses import replace
from pathlib import Path
from autotl.features import engine, features
from autotl.data.scan import scan
from autotl.features.frozen_network import Column, FrozenNetwork

folder, cache, file, slow = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), float(sys.argv[4])
widths = {"shallow": 8, "middle": 12, "deep": 16}
columns, start = [], 0
for stage, width in widths.items():
    for pooling in ("avg", "max"):
        columns.append(Column(stage, pooling, start, start + width))
        start += width
network = FrozenNetwork("tiny", (32, 32), sys.argv[5], file, tuple(columns))
engine._LANE_PIXELS = 2 * 32 * 32
features.SHARD_ITEMS = 2
def progress(done, total):
    print(done, flush=True)
    time.sleep(slow)
features.extract(scan(folder, cache=cache), network, cache=cache, progress=progress)
"""


def start(folder, cache, network, *, slow):
    command = [sys.executable, "-c", PROCESS, folder, cache, network.file, slow, network.key]
    return subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, text=True)


def test_two_processes_at_once_leave_a_sound_cache(folder, network, tmp_path):
    processes = [start(folder, tmp_path, network, slow=0.01) for _ in range(2)]
    for process in processes:
        process.communicate(timeout=60)
        assert process.returncode == 0
    found = extract(scan(folder), forget(network), cache=tmp_path)
    assert found.reused == 30
    assert all_of(found) == pytest.approx(by_hand(scan(folder), network), abs=1e-4)
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL there")
def test_a_killed_process_leaves_a_sound_cache_with_what_it_had_computed(folder, network, tmp_path):
    process = start(folder, tmp_path, network, slow=0.2)
    for line in process.stdout:
        if int(line) >= 6:
            break
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=60)
    process.stdout.close()
    store = next((tmp_path / "features").iterdir())
    (store / ".torn.npy.part").write_bytes(b"half")  # what a kill in the middle of a write leaves
    np.save(store / "lonely.npy", np.zeros((2, network.n_features), np.float32))  # vectors without their keys
    started = time.monotonic()
    found = extract(scan(folder), network, cache=tmp_path)
    assert time.monotonic() - started < 20
    assert 6 <= found.reused < 30
    assert all_of(found) == pytest.approx(by_hand(scan(folder), network), abs=1e-4)
