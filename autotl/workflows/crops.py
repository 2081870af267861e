"""Which part of each image the champion looks at, in how many images none was found, and what cropping brought."""

from __future__ import annotations

from dataclasses import replace

from autotl.evidence.said import Said
from autotl.interfaces import CROPPED, Table
from autotl.runs.backbones_tried import KEY, BackbonesTried, TriedBackbone
from autotl.runs.crops import CROPS_KEY, crop_words
from autotl.workflows.subject import Subject

PIECE = "crops"
_WHOLE = "whole images"
_NOTE = (
    "Log loss: of the untuned default head's held-out answers on a sample of the images, at the best size, stage and "
    "pooling. Where a crop found nothing, the whole image was used."
)


def crops(subject: Subject) -> Said:
    """Say what crops found, and compare them with whole images on the sample; nothing if no crop took part."""
    run = subject.context.run
    found, counts = BackbonesTried.from_json(run.state().get(KEY) or {}), run.state().get(CROPS_KEY, {})
    own = subject.result.champion.backbone.partition(CROPPED)[2]
    tried = _best_of_each(found.tried)
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
    table = Table("What each crop brought", columns, rows, _NOTE)
    return Said(PIECE, (table,) if len(rows) > 1 else (), (_sentence(own, tried, counts),))


def _best_of_each(tried: tuple[TriedBackbone, ...]) -> dict[str, TriedBackbone]:
    """The best reading by crop, of the backbones that were tried with one; an empty name for whole images."""
    names = [one.backbone.partition(CROPPED) for one in tried]
    with_crop = {before for before, _, crop in names if crop}
    best: dict[str, TriedBackbone] = {}
    for one, (before, _, crop) in zip(tried, names, strict=True):
        if before in with_crop and (crop not in best or one.log_loss < best[crop].log_loss):
            best[crop] = replace(one, backbone=before)
    return best


def _sentence(own: str, tried: dict[str, TriedBackbone], counts: dict[str, dict[str, int]]) -> str:
    if not own:
        names = " and ".join(crop for crop in tried if crop)
        return f"The model looks at whole images; {names} took part and did not do better."
    told = counts.get(own)
    how_often = f"; {crop_words(told['images'], told['whole'])}" if told else ""
    return f"The model looks at what the crop {own} finds in each image{how_often}."
