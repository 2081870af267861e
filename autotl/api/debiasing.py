"""Methods against bias in Python: a fitted model trained again for its worst subgroup, and compared with itself."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from autotl.api.arguments import optional, read_path, read_text, read_whole
from autotl.api.notebook import watched

if TYPE_CHECKING:
    from autotl.runs.debias import DebiasOutcome


class Debiasing:
    """Trains a finished run's model again by methods against bias; a base of `FittedModel`."""

    run: Path

    def debias(
        self,
        by: str | None = None,
        *,
        methods: str | Sequence[str] = "all",
        seeds: int = 5,
        attributes: str | PathLike[str] | None = None,
        limit: str | float = "10m",
        out: str | PathLike[str] | None = None,
        progress: bool | None = None,
    ) -> DebiasOutcome:
        """Fit the model again by methods against bias, and compare each with the champion on the test split.

        by: the attribute whose values make subgroups with each class; None for the classes alone. methods: their names,
        or "all" for every one that this run can use. seeds: fits of each method. attributes: a table with the columns
        path and `by`; None for the run's own. limit: most time for one fit, such as "90s", or seconds. out: a new
        folder for a deployable of the first fit of one method. Returns measures, paired intervals and a verdict for
        each method. Raises ConfigError, DatasetError or RunError before any work.
        """
        from autotl.plugins import load_preferred
        from autotl.runtime.durations import parse_duration
        from autotl.settings import settings
        from autotl.workflows.debias import DebiasRequest, debias

        names = [methods] if isinstance(methods, str) else methods
        request = DebiasRequest(
            optional(read_text)("by", by), tuple(read_text("methods", name) for name in names),
            read_whole("seeds", seeds), optional(read_path)("attributes", attributes),
            parse_duration(limit, name="limit"), optional(read_path)("out", out),
        )  # fmt: skip
        with watched(progress, ()) as listeners:
            return debias(
                self.run, request, plugins=load_preferred(settings()), settings=settings(), listeners=listeners
            )  # fmt: skip
