"""Names of licences as libraries of networks give them."""

from __future__ import annotations

import re
from typing import Any

_SPDX = {"apache-2.0": "Apache-2.0", "mit": "MIT", "bsd-3-clause": "BSD-3-Clause", "cc-by-4.0": "CC-BY-4.0",
         "cc-by-nc-4.0": "CC-BY-NC-4.0", "cc-by-nc-sa-4.0": "CC-BY-NC-SA-4.0", "cc0-1.0": "CC0-1.0"}  # fmt: skip
_UNKNOWN = ("", "unknown", "other", "none")
_RESEARCH_ONLY = re.compile(
    r"\bnc\b|non.?commercial|research|academic.(use.)?only|\bapple-amlr\b|\bseer-license\b", re.IGNORECASE
)
"""apple-amlr and seer-license are the names that hubs give to licences for research alone, of Apple and Meta."""


def spdx(name: str | None) -> str:
    """The SPDX identifier of a licence where there is one, else its name as it stands; empty if it is not known."""
    name = (name or "").strip()
    return "" if name.lower() in _UNKNOWN else _SPDX.get(name.lower(), name)


def forbids_commercial_use(licence: str) -> bool:
    """Whether the name of a licence says that it forbids commercial use."""
    return bool(_RESEARCH_ONLY.search(licence))


def described(licence: str, *, own: bool) -> dict[str, Any]:
    """What is known of the licence of weights: `licence`, and `commercial`, whether it allows commercial use.

    own: they are the user's, and their licence is not known. What forbids commercial use also holds for weights that
    were made of published ones.
    """
    commercial = not forbids_commercial_use(licence)
    return {"licence": "" if own and commercial else licence, "commercial": commercial}
