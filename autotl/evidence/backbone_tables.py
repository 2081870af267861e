"""How the backbones did on the sample, as tables."""

from __future__ import annotations

import math

from autotl.evidence.backbone_comparison import RELEVANT_SHARE
from autotl.interfaces import Table
from autotl.runs.backbones_tried import BackbonesTried, LeftOutBackbone
from autotl.runtime.wording import counted, listed, percent


def tables(found: BackbonesTried) -> tuple[Table, ...]:
    """The backbones that were tried, and those that were left out."""
    return tuple(table for table in (_tried(found), _left_out(found)) if table.rows)


def _tried(found: BackbonesTried) -> Table:
    columns = (
        "backbone", "size", "best reading", "log loss", "difference", "low", "high", "images needed", "images/s",
        "seconds for all", "read in full", "trials",
    )  # fmt: skip
    rows = tuple(
        (
            one.backbone, one.size, f"{one.stage} {one.pooling}", round(one.log_loss, 4),
            *(round(x, 4) if math.isfinite(x) else None for x in one.difference.rounded(4)), one.images_needed,
            _rounded(one.images_per_second), _rounded(one.pass_seconds), "yes" if one.read_in_full else "no",
            one.n_trials,
        )
        for one in found.tried
    )  # fmt: skip
    note = (
        f"Log loss: of the untuned default head's held-out answers on a sample of {counted(found.n_sample, 'image')} "
        "for training and validation, at the best stage and pooling of each backbone. Difference: to the best one; the "
        "95 % intervals hold for all rows together. Images needed: about how many would show this difference, or "
        f"{percent(RELEVANT_SHARE)} of the log loss if that is more, with a power of 80 %; there are "
        f"{found.n_development:,}. Seconds for all: to read all {found.n_images:,} images, those of the test split "
        "included, at the speed measured."
    )
    return Table("Backbones tried", columns, rows, note)


def _left_out(found: BackbonesTried) -> Table:
    rows = [(one.backbone, one.size or None, _why(one), _rounded(one.seconds)) for one in found.left_out]
    if found.not_asked:
        rows.append((listed(found.not_asked), None, "takes part only if named with --backbones", None))
    note = "" if len(found.tried) > 1 else "Nothing was compared, because fewer than two could be tried on a sample."
    return Table("Backbones left out", ("backbone", "size", "why", "seconds for the sample"), tuple(rows), note)


def _why(one: LeftOutBackbone) -> str:
    if one.reason == "time":
        return "reading the sample would have taken too much of the time"
    if one.reason == "licence":
        return f"its licence does not allow commercial use: {one.details or 'not known'}"
    return f"it failed: {one.details}"


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 1)
