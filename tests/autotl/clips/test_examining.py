from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from moving_crops import frames_of, pan, shake, write_frames, write_gif, write_video, zoom_in
from PIL import Image
from sklearn.datasets import load_sample_images

from autotl.clips.frame_files import frames_file, frames_in
from autotl.clips.modality import CLIPS

PARTS = [(row, column) for row in range(2) for column in range(3)]


@pytest.fixture(scope="module")
def scenes() -> list[Image.Image]:
    """Unlike parts of two photographs."""
    photos = [Image.fromarray(photo) for photo in load_sample_images().images]
    return [photo.crop((150 * c, 140 * r, 150 * c + 150, 140 * r + 140)) for photo in photos for r, c in PARTS]


def examine(root: Path, names: list[str], cache: Path):
    digests = np.array([hashlib.sha256((root / name).read_bytes()).hexdigest() for name in names], dtype="S64")
    return CLIPS.examiner().read_facts(root, np.array(names, dtype=object), digests, cache=cache)


def test_facts_tell_the_size_and_length_of_a_clip_and_how_much_it_moves(
    scenes: list[Image.Image], tmp_path: Path
) -> None:
    moving = frames_of(scenes[0], shake, n=20, size=(80, 60))
    write_gif(tmp_path / "moving.gif", moving)
    write_gif(tmp_path / "still.gif", [moving[0]])
    found = examine(tmp_path, ["moving.gif", "still.gif"], tmp_path / "cache")
    assert list(found.quarantine) == ["", ""]
    moves, stands = found.facts.to_dict("records")
    assert (moves["width"], moves["height"], moves["frames"]) == (80, 60, 20)
    assert moves["seconds"] == pytest.approx(1.6)
    assert stands["frames"] == 1
    assert stands["motion"] == 0 < moves["motion"]
    assert CLIPS.typical_size(found.facts.iloc[:1]) == "80 × 60, 1.6 s"


def test_a_damaged_clip_is_skipped_with_its_reason_and_the_next_one_is_read(
    scenes: list[Image.Image], tmp_path: Path
) -> None:
    pytest.importorskip("av")
    write_video(tmp_path / "sound.mp4", frames_of(scenes[0], pan, size=(64, 64)))
    data = bytearray((tmp_path / "sound.mp4").read_bytes())
    (tmp_path / "bad.mp4").write_bytes(data[: len(data) // 3])
    (tmp_path / "text.avi").write_bytes(b"these are not moving pictures " * 20)
    found = examine(tmp_path, ["bad.mp4", "text.avi", "sound.mp4"], tmp_path / "cache")
    assert found.quarantine[2] == ""
    for reason in found.quarantine[:2]:
        assert "damaged, cut short" in reason
    assert found.facts["frames"].tolist() == [0, 0, 16]


def test_copies_of_a_clip_in_another_size_format_or_cut_are_near_duplicates_and_other_scenes_are_not(
    scenes: list[Image.Image], tmp_path: Path
) -> None:
    names = [f"{number}.gif" for number in range(len(scenes))]
    for number, (name, scene) in enumerate(zip(names, scenes, strict=True)):
        write_gif(tmp_path / name, frames_of(scene, [pan, zoom_in, shake][number % 3], n=12, size=(64, 64)))
    write_gif(tmp_path / "copy.webp", frames_of(scenes[6], pan, n=24, size=(56, 48)))
    write_gif(tmp_path / "cut.gif", frames_of(scenes[1], zoom_in, n=12, size=(64, 64))[1:-1])
    found = examine(tmp_path, [*names, "copy.webp", "cut.gif"], tmp_path / "cache")
    labels = np.array([number % 2 for number in (*range(len(names)), 6, 1)])
    pairs = CLIPS.examiner().find_pairs(found.signatures, labels, sequence=np.zeros((0, 2), int))
    joined = set(zip(pairs["first"], pairs["second"], strict=True))
    assert {(6, len(names)), (1, len(names) + 1)} <= joined
    assert len(joined) <= 4


def test_one_frame_in_common_does_not_make_near_duplicates() -> None:
    miniatures = np.random.default_rng(0).integers(0, 256, (12, 3, 3, 32, 32), dtype=np.uint8)
    miniatures[1, 2] = miniatures[0, 0]
    miniatures[3, 1:] = miniatures[2, 1:]
    pairs = CLIPS.examiner().find_pairs(miniatures, np.arange(12) % 2, sequence=np.zeros((0, 2), int))
    assert list(zip(pairs["first"], pairs["second"], strict=True)) == [(2, 3)]


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """The bytes with some of them changed, moved or lost."""
    changed = bytearray(data)
    for _ in range(int(rng.integers(1, 12))):
        place = int(rng.integers(len(changed)))
        kind = int(rng.integers(4))
        if kind == 0:
            changed[place] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            changed[place : place + 4] = int(rng.choice([0, 1, 0x7FFFFFFF, 0xFFFFFFFF])).to_bytes(4, "big")
        elif kind == 2:
            del changed[place : place + int(rng.integers(1, 60))]
        else:
            changed[place:place] = changed[: int(rng.integers(1, 60))]
        changed = changed or bytearray(b"\0")
    return bytes(changed)


@pytest.mark.heavy
def test_a_thousand_mutated_clips_are_read_or_skipped_and_none_brings_the_process_down(
    scenes: list[Image.Image], tmp_path: Path
) -> None:
    pytest.importorskip("av")
    frames = frames_of(scenes[0], shake, n=12, size=(48, 48))
    sound = [
        write_video(tmp_path / "a.mp4", frames, codec="libx264"), write_video(tmp_path / "a.avi", frames),
        write_video(tmp_path / "a.mkv", frames), write_gif(tmp_path / "a.gif", frames),
        write_gif(tmp_path / "a.webp", frames),
    ]  # fmt: skip
    (tmp_path / "a.frames").write_bytes(frames_file(frames_in(write_frames(tmp_path / "folder", frames))))
    sound.append(tmp_path / "a.frames")
    rng, names = np.random.default_rng(0), []
    for number in range(1000):
        file = sound[number % len(sound)]
        names.append(f"{number}{file.suffix}")
        (tmp_path / names[-1]).write_bytes(mutated(file.read_bytes(), rng))
    found = examine(tmp_path, names, tmp_path / "cache")
    n_skipped = int((found.quarantine != "").sum())
    assert 100 < n_skipped < 1000
    assert all(reason == reason.strip() and "Traceback" not in reason for reason in found.quarantine)
    # What was read is read the same way in this process.
    reader = CLIPS.serving().ItemReader({"height": 16, "width": 16})
    read = [name for name, reason in zip(names, found.quarantine, strict=True) if not reason]
    for name in read[::10]:
        assert reader.read(reader.at(name, str(tmp_path / name))).shape == (8, 16, 16, 3)
