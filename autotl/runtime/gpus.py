"""The GPUs of NVIDIA that this process may use, and their free memory, as the driver's own program lists them."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass

PROGRAM = "nvidia-smi"
VARIABLE = "CUDA_VISIBLE_DEVICES"
"""The environment variable that says which GPUs a process may use."""


@dataclass(frozen=True)
class Gpu:
    """A GPU. name: what CUDA_VISIBLE_DEVICES calls it; free_bytes: memory that nothing uses."""

    name: str
    free_bytes: float


def visible_gpus() -> tuple[Gpu, ...]:
    """The GPUs that CUDA_VISIBLE_DEVICES allows, in its order; none where there is no driver."""
    listed = _listed()
    allowed = os.environ.get(VARIABLE)
    if allowed is None:
        return tuple(Gpu(number, free) for number, _, free in listed)
    found = []
    for name in filter(None, (part.strip() for part in allowed.split(","))):
        match = [free for number, uuid, free in listed if name == number or uuid.startswith(name)]
        if not match:  # what CUDA does: the first that is not there ends the list
            break
        found.append(Gpu(name, match[0]))
    return tuple(found)


def _listed() -> list[tuple[str, str, float]]:
    """Number, identifier and free bytes of each GPU of the machine."""
    program = shutil.which(PROGRAM)
    if program is None:
        return []
    asked = [program, "--query-gpu=index,uuid,memory.free", "--format=csv,noheader,nounits"]
    try:
        told = subprocess.run(asked, capture_output=True, text=True, timeout=20, check=True).stdout
        cells = [[cell.strip() for cell in line.split(",")] for line in told.splitlines() if line.strip()]
        return [(number, uuid, float(free) * 2**20) for number, uuid, free in cells]
    except (OSError, ValueError, subprocess.SubprocessError):  # a driver that does not answer has no GPUs to give
        return []
