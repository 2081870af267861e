"""What a run keeps of its crops: in how many images each found nothing."""

from __future__ import annotations

from autotl.runtime.wording import counted

CROPS_KEY = "crops"
"""In run.json: by name of the crop, how many `images` it looked at, and how many of them were used `whole`."""


def crop_words(n_images: int, n_whole: int) -> str:
    """In how many images a crop found nothing, in words."""
    if not n_whole:
        return f"all {counted(n_images, 'image')} could be cropped"
    return f"{n_whole:,} of {counted(n_images, 'image')} could not be cropped; they were used whole"
