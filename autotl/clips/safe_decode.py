"""Clips whose decoder may crash: tried in a child process before they are decoded in this one."""

from __future__ import annotations

import tempfile
from pathlib import Path

from autotl.clips.clip_source import ClipSource
from autotl.runtime.child_process import Isolated

_try = Isolated("clips.records", "reason")


def clip_risk(source: ClipSource) -> str:
    """Why a clip must not be decoded in this process; empty where it may be."""
    if not isinstance(source, bytes):
        return _reason(Path(source))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "clip"
        file.write_bytes(source)
        return _reason(file)


def _reason(path: Path) -> str:
    answer = _try(path.absolute())
    return answer if isinstance(answer, str) else ""
