"""What the tests of images share."""

from __future__ import annotations

import pytest
import skimage.data
from PIL import Image


@pytest.fixture(scope="session")
def photo() -> Image.Image:
    """A photograph of a cat."""
    return Image.fromarray(skimage.data.chelsea())
