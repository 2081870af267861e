"""Remarks from reading the data, besides its layout; each becomes a finding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Note:
    """A remark on the data that a user would miss otherwise, such as rows that were left out, and what to do."""

    message: str
    advice: str = ""
    severity: Literal["info", "warning"] = "warning"
