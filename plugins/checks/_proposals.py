"""What the checks propose to do about the images they found."""

from __future__ import annotations

from collections.abc import Iterable

MOST = 500
"""People look at guesses one by one, and hardly at more than these."""


def excluding(paths: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Proposals to exclude images."""
    return tuple(("exclude", str(path)) for path in paths)
