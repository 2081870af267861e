from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from moving_crops import write_frames, write_gif, write_video
from PIL import Image

from autotl.clips.clip_source import FRAMES, MOST_FRAME_PIXELS, UnreadableClip, frame_positions
from autotl.clips.decoder import decode_clip, open_clip
from autotl.clips.frame_files import frames_file, frames_in, in_frame_order

STEP = 10


@pytest.fixture(scope="module")
def brightening() -> list[Image.Image]:
    """Frames that get brighter by STEP grey levels each."""
    return [Image.new("RGB", (48, 32), (STEP * number,) * 3) for number in range(24)]


def levels(clip: np.ndarray) -> list[int]:
    return clip.mean((1, 2, 3)).round().astype(int).tolist()


@pytest.mark.parametrize("n_frames", [1, 2, 7, 8, 9, 16, 24, 1001])
def test_played_backwards_the_same_frames_are_read(n_frames: int) -> None:
    positions = frame_positions(n_frames)
    assert len(positions) == FRAMES
    assert positions == sorted(positions)
    assert sorted(n_frames - 1 - position for position in positions) == positions
    assert positions[0] >= 0


def test_the_frames_of_a_gif_a_webp_and_a_folder_are_read_evenly_spaced(
    brightening: list[Image.Image], tmp_path: Path
) -> None:
    expected = [STEP * position for position in frame_positions(24)]
    for source in (
        write_gif(tmp_path / "clip.gif", brightening),
        write_gif(tmp_path / "clip.webp", brightening),
        write_frames(tmp_path / "clip", brightening),
    ):
        clip = decode_clip(source, 8, 12)
        assert clip.shape == (FRAMES, 8, 12, 3)
        assert levels(clip) == pytest.approx(expected, abs=2)


def test_a_file_of_frames_gives_what_their_folder_gives(brightening: list[Image.Image], tmp_path: Path) -> None:
    folder = write_frames(tmp_path / "clip", brightening)
    data = frames_file(frames_in(folder))
    np.testing.assert_array_equal(decode_clip(data, 16, 16), decode_clip(folder, 16, 16))
    assert data == frames_file(frames_in(folder))
    with open_clip(data) as clip:
        assert (clip.header.format, clip.header.n_frames, clip.header.width) == ("frames", 24, 48)


def test_numbers_in_the_names_of_frames_count_as_numbers() -> None:
    assert in_frame_order(["f10.png", "f9.png", "f1.png", "F2.png"]) == ["f1.png", "F2.png", "f9.png", "f10.png"]


def test_transparent_areas_of_an_animation_are_white(tmp_path: Path) -> None:
    frames = [Image.new("RGBA", (8, 8), (0, 0, 0, 0)), Image.new("RGBA", (8, 8), (0, 0, 0, 255))]
    clip = decode_clip(write_gif(tmp_path / "clip.webp", frames), 8, 8)
    assert levels(clip)[0] == 255
    assert levels(clip)[-1] == 0


def test_a_gif_with_one_frame_is_a_clip_that_stands_still(tmp_path: Path) -> None:
    Image.new("L", (8, 8), 90).save(tmp_path / "still.gif")
    assert levels(decode_clip(tmp_path / "still.gif", 8, 8)) == [90] * FRAMES


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mp4", "mpeg4"), ("a.avi", "mpeg4"), ("a.mov", "mpeg4"), ("a.mkv", "mpeg4")]
)
def test_the_frames_of_a_video_are_read_evenly_spaced(
    name: str, codec: str, brightening: list[Image.Image], tmp_path: Path
) -> None:
    pytest.importorskip("av")
    file = write_video(tmp_path / name, brightening, codec=codec)
    clip = decode_clip(file, 8, 8)
    assert levels(clip) == pytest.approx([STEP * position for position in frame_positions(24)], abs=8)
    np.testing.assert_array_equal(decode_clip(file.read_bytes(), 8, 8), clip)
    with open_clip(file) as opened:
        assert (opened.header.width, opened.header.height, opened.header.n_frames) == (48, 32, 24)
        assert opened.header.seconds == pytest.approx(2)


def test_jumping_to_keyframes_gives_the_frames_that_decoding_all_would(tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    frames = [Image.new("RGB", (32, 32), (number // 4,) * 3) for number in range(1000)]
    file = write_video(tmp_path / "long.mp4", frames, quality=2)
    with av.open(str(file)) as container:
        every = [frame.to_image() for frame in container.decode(video=0)]
    expected = [np.asarray(every[position]).mean() for position in frame_positions(1000)]
    assert levels(decode_clip(file, 32, 32)) == pytest.approx(expected, abs=1)


def test_a_video_that_was_filmed_sideways_is_turned_upright(tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    frames = [Image.new("RGB", (48, 32), "black")] * 10
    for frame in frames:
        frame.paste("white", (0, 0, 24, 32))
    file = write_video(tmp_path / "plain.mp4", frames)
    data = bytearray(file.read_bytes())
    place = data.index(b"tkhd") + 4 + 40  # the matrix of a track header of version 0
    data[place : place + 36] = b"".join(
        value.to_bytes(4, "big", signed=True) for value in (0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
    )
    with open_clip(bytes(data)) as clip:
        assert (clip.header.width, clip.header.height) == (32, 48)
        top = np.asarray(next(clip.frames))[:20].mean()
    assert av.__version__
    assert top > 200


def test_what_is_no_clip_is_refused_with_a_plain_reason(tmp_path: Path) -> None:
    pytest.importorskip("av")
    (tmp_path / "empty").mkdir()
    (tmp_path / "page.mp4").write_text("#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n")
    for source, reason in (
        (b"", "it is empty (0 bytes)"),
        (tmp_path / "gone.mp4", "there is no such file"),
        (tmp_path / "empty", "the folder holds no images"),
        (tmp_path / "page.mp4", "damaged, cut short or of an unsupported kind"),
        (b"PK\x03\x04 and no zip", "damaged file of frames"),
        (b"plain text, no video at all", "damaged, cut short or of an unsupported kind"),
    ):
        with pytest.raises(UnreadableClip, match=reason.replace("(", r"\(").replace(")", r"\)")):
            decode_clip(source, 8, 8)


def test_a_video_that_is_cut_short_is_refused(brightening: list[Image.Image], tmp_path: Path) -> None:
    pytest.importorskip("av")
    data = write_video(tmp_path / "clip.avi", brightening).read_bytes()
    with pytest.raises(UnreadableClip):
        decode_clip(data[: len(data) // 2], 8, 8)


def test_frames_that_are_too_large_are_refused_before_they_are_decoded(tmp_path: Path) -> None:
    side = int(MOST_FRAME_PIXELS**0.5) + 1
    Image.new("L", (side, side)).save(tmp_path / "large.gif")
    with pytest.raises(UnreadableClip, match="megapixels"):
        decode_clip(tmp_path / "large.gif", 8, 8)


def test_without_pyav_a_video_says_what_to_install(
    brightening: list[Image.Image], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("av")
    file = write_video(tmp_path / "clip.mp4", brightening)
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    with pytest.raises(UnreadableClip, match=r"install autotl\[clips\]"):
        decode_clip(file, 8, 8)
