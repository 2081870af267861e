"""The memory that this process and its children may still use: of the machine, and of the container it runs in."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

ROOT, OWN_GROUP = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
"""Where Linux mounts control groups, and tells the groups of this process: `man 7 cgroups`."""
_FILES = (("memory.max", "memory.current"), ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"))
"""The limit and what is used, of version 2 and of version 1."""


def free_bytes() -> float:
    """Memory in bytes that can be used before the system swaps, or ends processes to make room."""
    import psutil

    return min(float(psutil.virtual_memory().available), *_left_in_groups(), math.inf)


def _left_in_groups() -> Iterator[float]:
    """What the limits of a container, or of a job of a scheduler, leave; pages of files can be dropped."""
    for folder in _groups():
        for limit_file, used_file in _FILES:
            try:
                limit, used = int((folder / limit_file).read_text()), int((folder / used_file).read_text())
                files = (folder / used_file).with_name("memory.stat").read_text().split()
            except (OSError, ValueError):  # "max" where there is no limit
                continue
            droppable = files[files.index("inactive_file") + 1] if "inactive_file" in files else "0"
            yield max(0.0, limit - used + int(droppable))


def _groups() -> Iterator[Path]:
    """The folders of the group of this process and of those around it."""
    yield ROOT
    try:
        lines = OWN_GROUP.read_text().splitlines()
    except OSError:
        return
    for path in (line.removeprefix("0::/") for line in lines if line.startswith("0::/")):
        yield from (ROOT / part for part in (Path(path), *Path(path).parents))
