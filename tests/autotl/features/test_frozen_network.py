"""A frozen backbone as a graph: what it reads, under which names, and when it is written again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import pytest

from autotl.errors import ExportError
from autotl.features import frozen_network
from autotl.features.frozen_network import (
    FrozenNetwork,
    freeze,
    open_session,
    pool_stages,
    select_stages,
    stage_outputs,
)

STAGES = ("shallow", "middle", "deep")
WIDTHS = {"shallow": 8, "middle": 12, "deep": 16}


@pytest.fixture
def frozen(tiny, cache) -> FrozenNetwork:
    return freeze(tiny, (32, 48), cache=cache)


def test_every_stage_is_pooled_twice_and_the_columns_follow_each_other(frozen):
    assert frozen.stages == STAGES
    assert [c.tensor for c in frozen.columns] == [f"{s}-{p}" for s in STAGES for p in ("avg", "max")]
    assert [c.start for c in frozen.columns[1:]] == [c.stop for c in frozen.columns[:-1]]
    assert [c.stop - c.start for c in frozen.columns] == [WIDTHS[s] for s in STAGES for _ in range(2)]
    assert frozen.n_features == 2 * sum(WIDTHS.values())


def test_the_graph_takes_bytes_and_computes_what_keras_computes(frozen, tiny):
    import keras

    pixels = np.random.default_rng(5).integers(0, 256, (3, 32, 48, 3), dtype=np.uint8)
    found = open_session(frozen.file).run([c.tensor for c in frozen.columns], {"images": pixels})
    for stage, output in zip(STAGES, tiny.build(32, 48)(pixels.astype(np.float32), training=False), strict=True):
        maps = keras.ops.convert_to_numpy(output)
        assert found[2 * STAGES.index(stage)] == pytest.approx(maps.mean(axis=(1, 2)), abs=1e-4)
        assert found[2 * STAGES.index(stage) + 1] == pytest.approx(maps.max(axis=(1, 2)), abs=1e-4)


@pytest.mark.parametrize(
    ("choice", "stages"),
    [("joined", STAGES), ("top", ("deep",)), ("top-1", ("middle",)), ("top-2", ("shallow",)), ("top-3", ("shallow",))],
)
def test_stages_are_counted_from_the_deepest_and_too_deep_a_wish_gives_the_shallowest(choice, stages):
    assert select_stages(STAGES, choice) == stages


@pytest.mark.parametrize(("pooling", "kinds"), [("avg", ["avg"]), ("max", ["max"]), ("avg+max", ["avg", "max"])])
def test_a_choice_of_stage_and_pooling_reads_its_columns_in_order(frozen, pooling, kinds):
    assert [c.tensor for c in frozen.select("top", pooling)] == [f"deep-{kind}" for kind in kinds]
    assert [c.tensor for c in frozen.select("joined", pooling)] == [f"{s}-{k}" for s in STAGES for k in kinds]


def test_a_frozen_network_is_written_once(tiny, tmp_path):
    built = []

    def build(height, width):
        built.append((height, width))
        return tiny.build(height, width)

    counted = replace(tiny, build=build)
    first = freeze(counted, (32, 32), cache=tmp_path)
    assert freeze(counted, (32, 32), cache=tmp_path) == first
    assert built == [(32, 32)]
    freeze(counted, (48, 48), cache=tmp_path)
    assert built == [(32, 32), (48, 48)]


def test_other_weights_another_name_or_another_size_are_another_network(tiny, tmp_path):
    other = tmp_path / "other.weights"
    other.write_bytes(b"other")
    variants = [
        (tiny, (32, 32)),
        (replace(tiny, weights=lambda download: other), (32, 32)),
        (replace(tiny, name="tiny2"), (32, 32)),
        (tiny, (32, 48)),
        (tiny, (48, 32)),
    ]
    assert len({freeze(backbone, size, cache=tmp_path).key for backbone, size in variants}) == 5


def test_what_another_process_is_writing_stays(tiny, tmp_path):
    first = freeze(tiny, (32, 32), cache=tmp_path)
    folder = first.file.parent
    (folder / "columns.json").unlink()
    (folder / ".network.onnx.partial").write_bytes(b"half")
    inode = first.file.stat().st_ino
    seen = []
    written = frozen_network.write_atomically

    def watched(path, data):
        seen.append(first.file.exists())
        written(path, data)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(frozen_network, "write_atomically", watched)
        freeze(tiny, (32, 32), cache=tmp_path)
    assert all(seen)
    assert first.file.stat().st_ino != inode
    assert (folder / ".network.onnx.partial").exists()


def test_a_network_whose_writing_was_cut_short_is_written_again(tiny, tmp_path):
    first = freeze(tiny, (32, 32), cache=tmp_path)
    (first.file.parent / "columns.json").unlink()
    first.file.write_bytes(b"half")
    again = freeze(tiny, (32, 32), cache=tmp_path)
    onnx.checker.check_model(onnx.load(again.file))
    assert again == first
    assert not [p for p in again.file.parent.iterdir() if p.name.startswith(".")]


def test_a_network_that_cannot_be_written_is_described_all_the_same(tiny, tmp_path, monkeypatch):
    from autotl.graphs import keras_to_onnx

    def refuse(model, **options):
        raise ExportError("Layer 'odd' cannot be written.")

    monkeypatch.setattr(keras_to_onnx, "to_onnx", refuse)
    first = freeze(tiny, (32, 32), cache=tmp_path)
    assert (first.stages, first.file.exists()) == (STAGES, False)
    assert (first.file.parent / "no-graph.txt").read_text() == "Layer 'odd' cannot be written."
    monkeypatch.undo()
    assert freeze(tiny, (32, 32), cache=tmp_path) == first


def test_the_keras_model_is_at_hand_in_any_precision_and_has_the_graphs_outputs(tiny, tmp_path):
    frozen_network = freeze(tiny, (32, 32), cache=tmp_path)
    for precision in ("float32", "float32", "mixed_float16"):
        reader = frozen_network.reader(precision)
        assert tuple(reader.output_names) == frozen_network.tensors
        assert reader.get_layer("deep.conv").compute_dtype == precision.removeprefix("mixed_")


def test_pooling_stays_in_single_precision_under_mixed_precision(tiny):
    import keras

    keras.config.set_dtype_policy("mixed_float16")
    try:
        pooled = pool_stages(stage_outputs(tiny.build(32, 32)), ("avg",))
    finally:
        keras.config.set_dtype_policy("float32")
    assert list(pooled) == ["shallow-avg", "middle-avg", "deep-avg"]
    assert {output.dtype for output in pooled.values()} == {"float32"}
