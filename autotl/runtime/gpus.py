"""The GPUs of NVIDIA that this process may use, and their free memory, as the driver's own program lists them.

A GPU that is divided (MIG, multi-instance GPU) cannot be used as a whole: its parts take its place.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass

PROGRAM = "nvidia-smi"
VARIABLE = "CUDA_VISIBLE_DEVICES"
"""The environment variable that says which GPUs a process may use."""
_GPU = re.compile(r"GPU \d+: .*\(UUID: (?P<uuid>GPU-[^)]+)\)")
_PART = re.compile(r"\s+MIG \d+(?:c\.\d+)?g\.(?P<gigabytes>\d+)gb.*\(UUID: (?P<uuid>MIG-[^)]+)\)")
"""Lines of `nvidia-smi -L`; the name of a part says how much memory it has, such as 1g.18gb."""


@dataclass(frozen=True)
class Gpu:
    """A GPU, or a part of one. name: what CUDA_VISIBLE_DEVICES calls it.

    free_bytes: memory that nothing uses; of a part, all of it, because the driver does not list what is used.
    """

    name: str
    free_bytes: float


def visible_gpus() -> tuple[Gpu, ...]:
    """The GPUs that CUDA_VISIBLE_DEVICES allows, in its order; none where there is no driver."""
    program = shutil.which(PROGRAM)
    if program is None:
        return ()
    try:
        listed, parts = _listed(program), _parts(program)
    except (OSError, ValueError, subprocess.SubprocessError):  # a driver that does not answer has no GPUs to give
        return ()
    allowed = os.environ.get(VARIABLE)
    if allowed is None:
        return tuple(one for number, uuid, free in listed for one in parts.get(uuid) or [Gpu(number, free)])
    memory: dict[str, float] = {}
    for number, uuid, free in listed:
        own = parts.get(uuid, [])
        memory[number] = memory[uuid] = own[0].free_bytes if own else free  # of a divided one CUDA uses the first part
        memory |= {part.name: part.free_bytes for part in own}
    found = []
    for name in filter(None, (part.strip() for part in allowed.split(","))):
        known = name if name in memory else next((one for one in memory if one.startswith(name)), "")
        if not known or (name.isdigit() and known != name):  # what CUDA does: the first that is not there ends the list
            break
        found.append(Gpu(name, memory[known]))
    return tuple(found)


def _listed(program: str) -> list[tuple[str, str, float]]:
    """Number, identifier and free bytes of each GPU of the machine; 0 where the driver does not say."""
    told = _told(program, "--query-gpu=index,uuid,memory.free", "--format=csv,noheader,nounits")
    cells = [[cell.strip() for cell in line.split(",")] for line in told if line.strip()]
    return [(number, uuid, float(free) * 2**20 if free.isdigit() else 0.0) for number, uuid, free in cells]


def _parts(program: str) -> dict[str, list[Gpu]]:
    """The parts of each GPU that is divided, by the identifier of the GPU."""
    found, parts = "", dict[str, list[Gpu]]()
    for line in _told(program, "-L"):
        if whole := _GPU.match(line):
            found = whole["uuid"]
        elif part := _PART.match(line):
            parts.setdefault(found, []).append(Gpu(part["uuid"], float(part["gigabytes"]) * 2**30))
    return parts


def _told(*command: str) -> list[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout.splitlines()
