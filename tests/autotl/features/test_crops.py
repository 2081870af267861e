"""What a crop finds is kept by content, and features are those of the part that it found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_crops import BRIGHT, framed, write_crop
from PIL import Image
from scanning import scan

from autotl.errors import PluginError, WeightsError
from autotl.features import crops
from autotl.features.crops import Corners, corners_of, keep_crop
from autotl.features.decoded_images import DecodedImages, read_pixels
from autotl.features.features import extract
from autotl.features.frozen_network import freeze
from autotl.features.known_features import count_known
from autotl.images.cropping import open_crop
from autotl.interfaces import cropped


@pytest.fixture
def scene(tmp_path):
    """Six patches before a dark background, and the same patches alone; the last scene has no bright patch."""
    rng = np.random.default_rng(0)
    for number in range(6):
        patch = (
            rng.integers(205, 256, (40, 40, 3)).astype(np.uint8) if number < 5 else np.full((40, 40, 3), 60, np.uint8)
        )
        scene = framed(patch, (5 + 3 * number, 20, 30, 10 + 5 * number))
        for kind, pixels in (("scenes", scene), ("patches", patch)):
            (tmp_path / kind / "ab"[number % 2]).mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(tmp_path / kind / "ab"[number % 2] / f"{number}.png")
    return tmp_path


@pytest.fixture
def bright(tmp_path):
    return write_crop(tmp_path / "crop")


def test_features_of_a_crop_are_those_of_the_part_alone(scene, bright, tiny, tmp_path):
    source, cache = cropped(tiny, bright), tmp_path / "cache"
    network = freeze(source, (32, 32), cache=cache)
    found = extract(scan(scene / "scenes"), network, cache=cache).read("joined", "avg+max")
    alone = extract(scan(scene / "patches"), freeze(tiny, (32, 32), cache=cache), cache=cache).read("joined", "avg+max")
    whole = extract(scan(scene / "scenes"), freeze(tiny, (32, 32), cache=cache), cache=cache).read("joined", "avg+max")
    nothing = int(scan(scene / "scenes").items["path"].tolist().index("b/5.png"))
    others = np.delete(np.arange(6), nothing)
    # The filter sees pixels around the part at its edge, which an image of its own lacks.
    assert np.abs(found - alone)[others].mean() < 0.1 * np.abs(found - whole)[others].mean()
    assert found[nothing] == pytest.approx(whole[nothing], abs=1e-5)


def test_a_cropped_network_shares_the_graph_and_not_the_features(bright, tiny, tmp_path):
    whole, part = (freeze(one, (32, 32), cache=tmp_path) for one in (tiny, cropped(tiny, bright)))
    assert whole.file == part.file
    assert whole.key != part.key
    assert (part.backbone, sorted(part.beside)) == ("tiny@bright", ["crop.json", "crop.py"])


def test_the_key_changes_with_the_module_and_with_its_files(bright, tmp_path):
    keys = {
        keep_crop(one, tmp_path / "cache").key for one in (
            bright, replace(bright, files=lambda: {"least.txt": b"100"}), replace(bright, name="other"),
            write_crop(tmp_path / "other", BRIGHT + "\n"),
        )
    }  # fmt: skip
    assert len(keys) == 4
    assert keep_crop(bright, tmp_path / "another").key in keys


def test_each_image_is_looked_at_once_whatever_size_it_is_read_at(scene, bright, tiny, tmp_path, monkeypatch):
    calls = []
    real = crops.find_corners
    monkeypatch.setattr(crops, "find_corners", lambda *given: calls.append(1) or real(*given))
    source, dataset = cropped(tiny, bright), scan(scene / "scenes")
    for size in ((32, 32), (48, 48)):
        found = extract(dataset, freeze(source, size, cache=tmp_path), cache=tmp_path)
    assert len(calls) == 6
    crops.corners_of.cache_clear()  # as in another process
    kept = keep_crop(bright, tmp_path)
    assert corners_of(kept).n_whole(dataset.digests()) == (1, 6)
    DecodedImages(
        dataset, np.arange(6), (24, 24), tmp_path / "pixels", seconds_left=lambda: 9.0, crop=kept
    ).decoded()  # fmt: skip
    assert len(calls) == 6
    assert found.computed == 6


def test_how_many_are_in_the_cache_is_counted_for_each_crop(scene, bright, tiny, tmp_path):
    dataset, source = scan(scene / "scenes"), cropped(tiny, bright)
    extract(dataset, freeze(source, (32, 32), cache=tmp_path), cache=tmp_path, items=np.array([0, 2]))
    assert count_known(tmp_path, "tiny@bright", (32, 32), dataset.digests()) == 2
    assert count_known(tmp_path, "tiny", (32, 32), dataset.digests()) == 0
    assert count_known(tmp_path, "tiny@other", (32, 32), dataset.digests()) == 0


def test_decoded_images_for_fine_tuning_are_cropped_as_those_for_features(scene, bright, tmp_path):
    dataset, kept = scan(scene / "scenes"), keep_crop(bright, tmp_path)
    options = {"seconds_left": lambda: 9.0}
    part = DecodedImages(dataset, np.arange(6), (24, 24), tmp_path / "pixels", crop=kept, **options)
    whole = DecodedImages(dataset, np.arange(6), (24, 24), tmp_path / "pixels", **options)
    for item in range(6):
        assert (part(np.array([item]))[0] == read_pixels(dataset, item, (24, 24), kept)).all()
        assert (whole(np.array([item]))[0] == read_pixels(dataset, item, (24, 24))).all()
    assert len(list((tmp_path / "pixels").iterdir())) == 2


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "def open(files):\n    def find(pixels):\n        raise KeyError('eyes')\n    return find\n",
            "KeyError: 'eyes'",
        ),
        ("def open(files):\n    return lambda pixels: [1]\n", "expected 4 finite pairs"),
    ],
)
def test_a_crop_that_fails_is_named(text, told, scene, tmp_path):
    kept = keep_crop(write_crop(tmp_path / "crop", text), tmp_path)
    with pytest.raises(PluginError, match=rf"the crop 'bright' failed: .*{told}"):
        read_pixels(scan(scene / "scenes"), 0, (24, 24), kept)


@pytest.mark.parametrize(
    ("text", "told"),
    [("import eyes\n", "cannot be opened: ModuleNotFoundError"), ("def find(pixels):\n    pass\n", "KeyError: 'open'")],
)
def test_a_module_that_cannot_be_opened_is_named(text, told, tmp_path):
    with pytest.raises(PluginError, match=f"the crop 'bright' cannot be opened.*{told.rpartition(':')[2]}"):
        corners_of(keep_crop(write_crop(tmp_path / "crop", text), tmp_path))


def test_a_module_that_is_gone_is_named_and_missing_weights_say_so_themselves(bright, tmp_path):
    bright.module.unlink()
    with pytest.raises(PluginError, match="crop 'bright' cannot be read"):
        keep_crop(bright, tmp_path)

    def missing():
        raise WeightsError("install the package")

    with pytest.raises(WeightsError, match="install the package"):
        keep_crop(write_crop(tmp_path / "crop", files=missing), tmp_path)


def test_corners_that_cannot_be_kept_are_found_all_the_same(scene, bright, tmp_path):
    kept = keep_crop(bright, tmp_path)
    kept.corners_folder.parent.mkdir(parents=True)
    kept.corners_folder.write_text("in the way")
    corners = Corners(kept, open_crop(kept.folder))
    dataset = scan(scene / "scenes")
    for item, digest in enumerate(dataset.digests().tolist()):
        corners.of(digest, dataset.path(item).read_bytes())
    corners.keep()
    assert corners.n_whole(dataset.digests()) == (1, 6)
