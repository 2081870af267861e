"""Which part of each image the champion looks at, in which images none was found, and what cropping brought."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from autotl.evidence.crop_misses import CropMisses, compare_misses, describe_misses, misses_table
from autotl.evidence.panels import CROPS
from autotl.evidence.said import Said
from autotl.features.crops import corners_of
from autotl.interfaces import CROPPED, Table
from autotl.runs.backbones_tried import KEY, BackbonesTried, TriedBackbone
from autotl.runs.crops import CROPS_KEY, crop_sheet, crop_words
from autotl.runs.run import cluster_of
from autotl.workflows.crop_sheet import write_crop_sheet
from autotl.workflows.item_groups import item_groups
from autotl.workflows.subject import Subject

PIECE = CROPS
_WHOLE = "whole images"
_NOTE = (
    "Log loss: of the untuned default head's held-out answers on a sample of the images, at the best size, stage and "
    "pooling. Where a crop found nothing, the whole image was used."
)


def crops(subject: Subject) -> Said:
    """Say what crops found, and compare them with whole images on the sample; nothing if no crop took part.

    Of the champion's crop it also says in images of which class or group it finds nothing more often, and leaves a
    sheet of images in the run's evidence.
    """
    run = subject.context.run
    found, counts = BackbonesTried.from_json(run.state().get(KEY) or {}), run.state().get(CROPS_KEY, {})
    own = subject.result.champion.backbone.partition(CROPPED)[2]
    tried = _best_of_each(found.tried)
    crop_sheet(run.folder).unlink(missing_ok=True)  # of a champion before this one
    if not own and len(tried) < 2:
        return Said(PIECE)
    rows = tuple(
        (
            one.backbone, crop or _WHOLE, round(one.log_loss, 4), counts.get(crop, {}).get("images"),
            counts.get(crop, {}).get("whole"),
        )
        for crop, one in tried.items()
    )  # fmt: skip
    columns = ("backbone", "looks at", "log loss", "images", "not cropped")
    tables = [Table("What each crop brought", columns, rows, _NOTE)] if len(rows) > 1 else []
    misses = _look_at_misses(subject) if own else ()
    if any(one.n_missed for one in misses):
        tables.append(misses_table(misses))
    return Said(PIECE, tuple(tables), (_sentence(own, tried, counts, misses), *describe_misses(own, misses)))


def _look_at_misses(subject: Subject) -> tuple[CropMisses, ...]:
    """In which images the champion's crop found nothing, by class and attribute; also writes the sheet of images."""
    context, run, name = subject.context, subject.context.run, subject.result.champion.backbone
    source = context.space.backbones.get(name) or context.space.recipe_backbones.get(name)
    kept = context.reader.crop(source) if source else None
    if kept is None:
        return ()
    looked_at, corners = corners_of(kept).kept(run.dataset.digests()[context.reader.used])
    items, corners = context.reader.used[looked_at], corners[looked_at]
    sheet = crop_sheet(run.folder)
    sheet.parent.mkdir(exist_ok=True)
    write_crop_sheet(sheet, run.dataset, items, corners, seed=run.config.seed)
    return compare_misses(np.isnan(corners[:, 0, 0]), item_groups(run, items), cluster_of(run, items))


def _best_of_each(tried: tuple[TriedBackbone, ...]) -> dict[str, TriedBackbone]:
    """The best reading by crop, of the backbones that were tried with one; an empty name for whole images."""
    names = [one.backbone.partition(CROPPED) for one in tried]
    with_crop = {before for before, _, crop in names if crop}
    best: dict[str, TriedBackbone] = {}
    for one, (before, _, crop) in zip(tried, names, strict=True):
        if before in with_crop and (crop not in best or one.log_loss < best[crop].log_loss):
            best[crop] = replace(one, backbone=before)
    return best


def _sentence(
    own: str, tried: dict[str, TriedBackbone], counts: dict[str, dict[str, int]], misses: Sequence[CropMisses]
) -> str:
    if not own:
        names = " and ".join(crop for crop in tried if crop)
        return f"The model looks at whole images; {names} took part and did not do better."
    told = counts.get(own)
    how_often = f"; {crop_words(told['images'], told['whole'])}" if told else ""
    more = next((one for one in misses if one.is_more_often), None)
    where = f". It fails more often on images whose {more.column} is {more.value}" if more else ""
    return f"The model looks at what the crop {own} finds in each image{how_often}{where}."
