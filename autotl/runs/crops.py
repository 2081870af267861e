"""What a run keeps of its crops: in how many images each found nothing, and a sheet of what the champion's found."""

from __future__ import annotations

from pathlib import Path

from autotl.runtime.wording import counted

CROPS_KEY = "crops"
"""In run.json: by name of the crop, how many `images` it looked at, and how many of them were used `whole`."""


def crop_words(n_images: int, n_whole: int) -> str:
    """In how many images a crop found nothing, in words."""
    if not n_whole:
        return f"all {counted(n_images, 'image')} could be cropped"
    return f"{n_whole:,} of {counted(n_images, 'image')} could not be cropped; they were used whole"


SHEET_TITLE = "What it finds"
SHEET_NOTE = (
    "The part of each image that the model sees, and its class; images without lines could not be cropped and are seen "
    "whole. Both kinds are drawn at random, of each class in turn, and there may be more of one kind than in the data."
)


def crop_sheet(run: Path) -> Path:
    """Where the sheet of images with what the champion's crop found is, if it crops images; a PNG file."""
    return run / "evidence" / "crops.png"
