"""Class shares in Python: estimated for unlabelled images from a fitted model and a labelled sample."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from autotl.api.arguments import optional, read_path, read_text, read_whole
from autotl.api.notebook import watched

if TYPE_CHECKING:
    from autotl.workflows.share_estimate import ShareEstimate, SheetDrawn


class ShareEstimates:
    """Estimates class shares with a finished run; a base of `FittedModel`."""

    run: Path

    def estimate(
        self,
        items: object,
        codings: str | PathLike[str] | None = None,
        by: str | None = None,
        *,
        groups: str | None = None,
        attributes: str | PathLike[str] | None = None,
        within_points: float = 3,
        sample: int | None = None,
        out: str | PathLike[str] | None = None,
        progress: bool | None = None,
    ) -> ShareEstimate | SheetDrawn:
        """Estimate the share of each class among unlabelled images, or draw some of them for people to label.

        items: as for `predict`. codings: a sheet filled in by people. Without it, only the model's own counts are
        known, and these are not a valid estimate. by: a column of groups; groups: a column of clusters of similar
        images, such as one per person. Both are columns of the table given as `items`, or of the table `attributes`.
        within_points: target half-width of the intervals, in percentage points, for planning the number of labels.
        sample, out: instead of estimating, draw this many more images and write the sheet to fill in; by, groups,
        attributes and codings belong to an estimate and are refused here.
        Returns the estimate or the drawn sheet; its `text` is a summary. Raises ConfigError or DatasetError.
        """
        from autotl.settings import settings
        from autotl.workflows.share_estimate import (
            Request,
            draw_to_label,
            estimate_shares,
            require_one_purpose,
            within_of,
        )

        number, sheet = optional(read_whole)("sample", sample), optional(read_path)("out", out)
        asked = Request(
            optional(read_path)("codings", codings), optional(read_text)("by", by),
            optional(read_text)("groups", groups), optional(read_path)("attributes", attributes),
            within_of(within_points, "within_points"),
        )  # fmt: skip
        require_one_purpose(asked, number, sheet)
        with watched(progress, ()) as listeners:
            if number is not None and sheet is not None:
                return draw_to_label(self.run, items, number, sheet, settings=settings(), listeners=listeners)
            return estimate_shares(self.run, items, asked, settings=settings(), listeners=listeners)
