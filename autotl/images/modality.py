"""Images as a kind of item."""

from __future__ import annotations

from types import SimpleNamespace

from autotl.images.facts import FACT_COLUMNS, read_facts
from autotl.images.image_process import ImageProcess
from autotl.images.near_duplicates import find_pairs
from autotl.modality import Modality

IMAGES = Modality(
    "image", "images", FACT_COLUMNS, lambda: SimpleNamespace(read_facts=read_facts, find_pairs=find_pairs), ImageProcess
)
