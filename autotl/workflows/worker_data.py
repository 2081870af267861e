"""The items of a run on the machine of a worker: in another place, or not there at all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from autotl.data.item_kinds import KINDS
from autotl.data.modalities import modality_named
from autotl.data.source import open_source
from autotl.errors import ConfigError, DatasetError, OutOfTimeError
from autotl.runs.events import Message
from autotl.runs.run import Run
from autotl.settings import Settings
from autotl.targets import named_kind
from autotl.trial import format_size

if TYPE_CHECKING:
    from autotl.search.context import SearchContext

_LOOKED_AT = 200
"""Items that are looked for; to ask for a million of them over a network would take minutes."""


def with_data(run: Run, data: Path | None, settings: Settings) -> tuple[Run, str]:
    """The run with its items where they are on this machine, and why they are not there; empty if they are.

    data: a folder, archive or table as `autotl fit` takes it; None for where the data of the run were. Raises
    DatasetError or ConfigError if what was given is not the data of the run.
    """
    place, root = data or run.config.data, run.dataset.root
    if data is not None or not root.is_dir():
        if not place.exists():
            if data is not None:
                raise ConfigError(f"{data} does not exist; give the data of the run with --data")
            return run, f"{place} does not exist here"
        root = _opened_root(run, place, settings)
    moved = replace(run, dataset=replace(run.dataset, root=root))
    missing = _first_missing(moved)
    if missing is None:
        return moved, ""
    if data is not None:
        raise ConfigError(f"{data} does not hold the data of the run: {missing} is not there")
    return run, f"{missing} is not there"


def read_what_is_shared(context: SearchContext, why: str) -> None:
    """Prepare a worker without the items for trials whose features are cached or shared; the others are left.

    why: they are not there. Raises ConfigError if there are no such features.
    """
    from autotl.search.optuna_study import read_records

    run, reader, left = context.run, context.reader, []
    reader.has_items = False
    places = dict.fromkeys(t.reading.place for t in read_records(run) if t.reading and t.reading.stage)
    for name, size in places:
        try:
            reader.features(context.space.backbone(name), size)
        except (DatasetError, OutOfTimeError, KeyError):
            left.append(f"{name} at {format_size(size)}")
    kind = KINDS[run.dataset.modality].plural
    if len(left) == len(places):
        raise ConfigError(
            f"the {kind} of the run are not on this machine ({why}), and no features of all of them are in the cache "
            f"or shared. Say where the {kind} are with --data, or share features: set AUTOTL_SHARED to the same URL "
            "for `autotl fit` and all workers"
        )
    others = f", and trials on {', '.join(left)}" if left else ""
    run.emit(Message(f"the {kind} are not here ({why}): fine-tuning{others} are left to other workers"))


def _opened_root(run: Run, place: Path, settings: Settings) -> Path:
    config = run.config
    return open_source(
        place, label=config.label, text=config.text, image=config.image, classes=config.classes, cache=settings.cache,
        kind=named_kind(config.target), order=config.order, need_labels=False,
    ).root  # fmt: skip


def _first_missing(run: Run) -> Path | None:
    """One of the items, or of their parts, that is not there; only some are looked for."""
    dataset = run.dataset
    for kind in (dataset.modality, *modality_named(dataset.modality).parts):
        part = dataset.part(kind)
        for item in np.linspace(0, len(part.items) - 1, min(_LOOKED_AT, len(part.items))).astype(int):
            if not part.path(int(item)).exists():
                return part.path(int(item))
    return None
