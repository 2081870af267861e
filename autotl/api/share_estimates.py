"""Shares of classes in Python: what a fitted model and people's labels say of images that have none."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from autotl.api.arguments import optional, read_path, read_text, read_whole
from autotl.api.notebook import watched
from autotl.errors import ConfigError

if TYPE_CHECKING:
    from autotl.workflows.share_estimate import ShareEstimate, SheetDrawn


class ShareEstimates:
    """What a finished run says of shares; `FittedModel` has it."""

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
        """Estimate the share of each class among images without labels, or draw some of them for people to label.

        items: as for `predict`. codings: a sheet that people filled in; without it only the model's own count is known,
        which is no estimate. by: a column of groups, of the table that items is, or of the table attributes; groups: a
        column of what has images that are alike, such as persons. within_points: the precision for which labels are
        planned. sample, out: draw so many further images, and write the sheet, in place of an estimate. Returns what
        was found or drawn; `text` says it in sentences. Raises ConfigError or DatasetError.
        """
        from autotl.settings import settings
        from autotl.workflows.share_estimate import Request, draw_to_label, estimate_shares, within_of

        number, sheet = optional(read_whole)("sample", sample), optional(read_path)("out", out)
        asked = Request(
            optional(read_path)("codings", codings), optional(read_text)("by", by),
            optional(read_text)("groups", groups), optional(read_path)("attributes", attributes),
            within_of(within_points, "within_points"),
        )  # fmt: skip
        with watched(progress, ()) as listeners:
            if number is None and sheet is None:
                return estimate_shares(self.run, items, asked, settings=settings(), listeners=listeners)
            if number is None or sheet is None or asked.codings:
                raise ConfigError("sample and out belong together, without codings: draw images first, label them next")
            return draw_to_label(self.run, items, number, sheet, settings=settings(), listeners=listeners)
