"""What reading the data has to tell besides its layout, in the words of a finding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Note:
    """Something about the data that nobody would notice otherwise, such as rows that were left out, and what to do."""

    message: str
    advice: str = ""
    severity: Literal["info", "warning"] = "warning"
