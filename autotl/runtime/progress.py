"""The callbacks by which long work reports its progress."""

from __future__ import annotations

from collections.abc import Callable

OnProgress = Callable[[int, int], None]
"""Called with (done, total)."""
OnStageProgress = Callable[[str, int, int], None]
"""Called with (stage, done, total)."""
