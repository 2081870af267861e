"""Development images at one size: decoded once where there is room, and never half."""

from __future__ import annotations

import numpy as np
import pytest

from autotl.cache import disk_allowance
from autotl.errors import OutOfTimeError
from autotl.features.decoded_images import DecodedImages
from autotl.images.decoder import decode

ITEMS = np.array([3, 17, 20, 21, 40, 41, 42, 50, 59])


@pytest.fixture
def images(shapes_dataset, tmp_path):
    """images(left=iter([1.0])): nine of the shapes at 32 pixels."""

    def images(left=None):
        def seconds_left():
            return next(left, 0.0) if left else float("inf")

        return DecodedImages(shapes_dataset, ITEMS, (32, 32), tmp_path / "pixels", seconds_left=seconds_left)

    return images


def test_the_decoded_images_are_kept_on_disk(images, shapes_dataset, tmp_path):
    made = images()
    pixels = made(np.array([5, 2]))
    assert pixels.shape == (2, 32, 32, 3)
    assert (pixels[0] == decode(shapes_dataset.path(41).read_bytes(), 32, 32)).all()
    [file] = (tmp_path / "pixels").iterdir()
    written = file.stat().st_mtime_ns
    assert isinstance(made.decoded(), np.memmap)
    images()(np.arange(9))
    assert file.stat().st_mtime_ns == written


def test_without_room_images_are_decoded_every_time(images, tmp_path, monkeypatch):
    monkeypatch.setattr(disk_allowance, "MAX_BYTES", 1000)
    assert images()(np.arange(9)).shape == (9, 32, 32, 3)
    assert not (tmp_path / "pixels").exists()


def test_time_that_runs_out_while_decoding_leaves_nothing_half_done(images, tmp_path):
    with pytest.raises(OutOfTimeError, match="while the images were decoded"):
        images(iter([1.0])).decoded()
    assert not list((tmp_path / "pixels").iterdir())
