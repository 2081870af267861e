from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
from small_encoder import small_graph

from autotl.graphs.clip_networks import FramePooling, clip_graph
from autotl.graphs.pooled_outputs import pool_outputs

N_FRAMES = 5


@pytest.mark.parametrize("n_clips", [1, 3])
def test_what_is_read_of_each_frame_is_pooled_over_the_frames_of_its_clip(n_clips: int) -> None:
    images, widths = pool_outputs(small_graph(16, 16), (16, 16))
    width = widths["high-avg"]
    hows = ("avg", "max", "trend", "change", "frames")
    poolings = [FramePooling(f"high-{how}", "high-avg", how, width) for how in hows]
    graph = clip_graph(images, poolings, size=(16, 16), n_frames=N_FRAMES)
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    assert [one.name for one in session.get_inputs()] == ["images"]
    clips = np.random.default_rng(0).integers(0, 256, (n_clips, N_FRAMES, 16, 16, 3), np.uint8)
    of_images = onnxruntime.InferenceSession(images.SerializeToString(), providers=["CPUExecutionProvider"])
    [plain] = of_images.run(["high-avg"], {"images": clips.reshape(-1, 16, 16, 3)})
    frames = plain.reshape(n_clips, N_FRAMES, width)
    average, largest, trend, change, each = session.run([one.name for one in poolings], {"images": clips})
    np.testing.assert_allclose(average, frames.mean(1), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(largest, frames.max(1), rtol=1e-4, atol=1e-5)
    slopes = [[np.polyfit(range(N_FRAMES), column, 1)[0] for column in clip.T] for clip in frames]
    np.testing.assert_allclose(trend, N_FRAMES * np.array(slopes), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(change, np.abs(np.diff(frames, axis=1)).mean(1), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(each, frames.reshape(n_clips, -1), rtol=1e-4, atol=1e-5)


def test_only_trend_turns_round_where_a_clip_is_played_backwards() -> None:
    images, widths = pool_outputs(small_graph(16, 16), (16, 16))
    hows = ("avg", "max", "trend", "change")
    poolings = [FramePooling(f"low-{how}", "low-avg", how, widths["low-avg"]) for how in hows]
    graph = clip_graph(images, poolings, size=(16, 16), n_frames=N_FRAMES)
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    clip = np.random.default_rng(1).integers(0, 256, (1, N_FRAMES, 16, 16, 3), np.uint8)
    forwards = session.run(None, {"images": clip})
    backwards = session.run(None, {"images": np.ascontiguousarray(clip[:, ::-1])})
    for how, there, back in zip(hows, forwards, backwards, strict=True):
        np.testing.assert_allclose(back, -there if how == "trend" else there, rtol=1e-3, atol=1e-4)
