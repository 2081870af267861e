"""What the checks propose to do about the images they found."""

from __future__ import annotations

from collections.abc import Iterable

MOST = 500
"""Guesses are worth a look one by one, which nobody takes at more."""


def excluding(paths: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Proposals to exclude images."""
    return tuple(("exclude", str(path)) for path in paths)
