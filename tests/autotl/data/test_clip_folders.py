from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from moving_crops import write_frames, write_gif
from PIL import Image

from autotl.data.clip_folders import CLIP_FILES, FRAME_FOLDERS, folders_of_frames, what_holds_clips
from autotl.data.source import Source, open_source
from autotl.deploy.prediction_files import collect
from autotl.errors import DatasetError

GREY = [Image.new("RGB", (8, 8), (20 * number,) * 3) for number in range(4)]
CLASSES = ("jump", "wave")


def opened(data: Path, tmp_path: Path, image: str | None = None) -> Source:
    return open_source(data, cache=tmp_path / "cache", image=image)


def videos(data: Path) -> Path:
    """Files that are called as videos; none is read before the scan."""
    for name in CLASSES:
        (data / name).mkdir(parents=True)
        for number in range(2):
            (data / name / f"{number}.mp4").write_bytes(b"a video")
    return data


def test_a_folder_of_videos_holds_clips(tmp_path: Path) -> None:
    source = opened(videos(tmp_path / "data"), tmp_path)
    assert source.modality == "clip"
    assert list(source.table["path"]) == ["jump/0.mp4", "jump/1.mp4", "wave/0.mp4", "wave/1.mp4"]
    assert list(source.table["label"]) == ["jump", "jump", "wave", "wave"]


def test_beside_videos_an_animated_image_is_a_clip_and_beside_images_a_video_is_named(tmp_path: Path) -> None:
    write_gif(videos(tmp_path / "data") / "wave" / "a.gif", GREY)
    assert "wave/a.gif" in list(opened(tmp_path / "data", tmp_path).table["path"])
    for name in CLASSES:
        GREY[0].save(tmp_path / "data" / name / "photo.jpg")
    source = opened(tmp_path / "data", tmp_path)
    assert source.modality == "image"
    [note] = [note for note in source.notes if "video" in note.message]
    assert note.message == "4 videos are not read, because there are images, too"
    assert note.advice == "To learn from the videos, add --image clips."
    assert len(opened(tmp_path / "data", tmp_path, CLIP_FILES).table) == 5


def test_animated_images_are_clips_only_where_that_is_asked_for(tmp_path: Path) -> None:
    for name in CLASSES:
        write_gif(tmp_path / "data" / name / "a.gif", GREY)
    assert opened(tmp_path / "data", tmp_path).modality == "image"
    assert opened(tmp_path / "data", tmp_path, CLIP_FILES).modality == "clip"


def frames(data: Path) -> Path:
    for name in CLASSES:
        for number in range(2):
            write_frames(data / name / f"clip{number}", GREY)
    return data


def test_each_folder_of_images_is_a_clip_where_that_is_asked_for(tmp_path: Path) -> None:
    data = frames(tmp_path / "data")
    before = sorted(path.relative_to(data) for path in data.rglob("*"))
    assert len(opened(data, tmp_path).table) == 16
    source = opened(data, tmp_path, FRAME_FOLDERS)
    assert source.modality == "clip"
    assert dict(zip(source.table["path"], source.table["label"], strict=True)) == {
        "jump/clip0.frames": "jump", "jump/clip1.frames": "jump", "wave/clip0.frames": "wave",
        "wave/clip1.frames": "wave",
    }  # fmt: skip
    assert sorted(path.relative_to(data) for path in data.rglob("*")) == before


def test_images_of_a_class_without_a_folder_for_each_clip_are_told_from_frames(tmp_path: Path) -> None:
    for name in CLASSES:
        write_frames(tmp_path / "data" / name, GREY)
    with pytest.raises(DatasetError) as raised:
        opened(tmp_path / "data", tmp_path, FRAME_FOLDERS)
    assert str(raised.value) == (
        f"{tmp_path / 'data'} has 2 folders of images, such as jump, and --image frames takes each of them for one "
        "clip, which leaves none with a class. Put the frames of each clip into a folder of its own, in the folder of "
        "its class; leave out --image frames if each image is an item."
    )


def test_a_frame_that_changes_makes_another_clip(tmp_path: Path) -> None:
    data = frames(tmp_path / "data")
    first = opened(data, tmp_path, FRAME_FOLDERS)
    assert opened(data, tmp_path, FRAME_FOLDERS).root == first.root
    Image.new("RGB", (9, 9), "red").save(data / "jump" / "clip0" / "frame-0.jpg")
    changed = opened(data, tmp_path, FRAME_FOLDERS)
    there, before = (one.root / "jump" / "clip0.frames" for one in (changed, first))
    assert there.read_bytes() != before.read_bytes()


def test_a_table_at_the_top_labels_folders_of_frames(tmp_path: Path) -> None:
    data = tmp_path / "data"
    names = [f"clip{number}" for number in range(4)]
    for name in names:
        write_frames(data / "all" / name, GREY)
    pd.DataFrame({"path": [f"all/{name}" for name in names], "label": [*CLASSES] * 2}).to_csv(
        data / "labels.csv", index=False
    )
    source = opened(data, tmp_path, FRAME_FOLDERS)
    assert list(source.table["label"]) == [*CLASSES] * 2


def test_a_table_names_clips(tmp_path: Path) -> None:
    data = videos(tmp_path / "data")
    table = data / "labels.csv"
    paths = [path.relative_to(data).as_posix() for path in sorted(data.rglob("*.mp4"))]
    pd.DataFrame({"file": paths, "label": ["a", "b"] * 2}).to_csv(table, index=False)
    source = opened(table, tmp_path)
    assert (source.modality, list(source.table["label"])) == ("clip", ["a", "b"] * 2)
    assert [one.name for one in collect([table], cache=tmp_path, modality="clip")] == paths


@pytest.mark.parametrize(("image", "message"), [
    (CLIP_FILES, r"has no clip, and --image clips asks for clips: .*\.mp4"),
    (FRAME_FOLDERS, r"has no folder of images, and --image frames takes each folder of images for a clip"),
])  # fmt: skip
def test_what_was_asked_for_and_is_not_there_is_named(image: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    GREY[0].save(tmp_path / "data" / "photo.jpg")
    with pytest.raises(DatasetError, match=message):
        opened(tmp_path / "data", tmp_path, image)


def test_a_folder_of_frames_is_classified_as_one_clip(tmp_path: Path) -> None:
    data = frames(tmp_path / "data")
    assert folders_of_frames(data) == ["jump/clip0", "jump/clip1", "wave/clip0", "wave/clip1"]
    assert what_holds_clips(data) == FRAME_FOLDERS
    assert what_holds_clips(videos(tmp_path / "videos")) == CLIP_FILES
    [one] = collect([data / "jump" / "clip0"], cache=tmp_path, modality="clip")
    assert one.name == str(data / "jump" / "clip0")
    assert len(collect([data], cache=tmp_path, modality="clip")) == 4
