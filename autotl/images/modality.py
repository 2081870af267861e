"""Images as a kind of item."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType, SimpleNamespace

from autotl.images.facts import FACT_COLUMNS, read_facts
from autotl.images.image_process import ImageProcess
from autotl.images.near_duplicates import find_pairs
from autotl.modality import Deployed, Modality


def _deployed(size: tuple[int, int], files: Mapping[str, Path]) -> Deployed:
    from autotl.images.deployed import deployed

    return deployed(size, files)


def _serving() -> ModuleType:
    from autotl.images import serving

    return serving


IMAGES = Modality(
    name="image",
    plural="images",
    fact_columns=FACT_COLUMNS,
    examiner=lambda: SimpleNamespace(read_facts=read_facts, find_pairs=find_pairs),
    apart=ImageProcess,
    serving=_serving,
    deployed=_deployed,
)
