"""Files of tensors in PyTorch's format before 1.6, written without PyTorch."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path

import numpy as np


def write_torch_file(file: Path, tensors: Mapping[str, np.ndarray]) -> Path:
    """Write float tensors, each in a storage of its own; returns the file."""
    entries = "".join(_entry(name, array) for name, array in tensors.items())
    storages = [len(array.ravel()).to_bytes(8, "little") + array.astype("<f4").tobytes() for array in tensors.values()]
    head = [pickle.dumps(value, protocol=2) for value in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True})]
    file.parent.mkdir(parents=True, exist_ok=True)
    body = [f"(d{entries}.".encode(), pickle.dumps(list(tensors), protocol=2)]
    file.write_bytes(b"".join([*head, *body, *storages]))
    return file


def _entry(name: str, array: np.ndarray) -> str:
    strides = [stride // array.itemsize for stride in array.strides]
    storage = f"(S'storage'\nctorch\nFloatStorage\nS'{name}'\nS'cpu'\nI{array.size}\nNtQ"
    return f"S'{name}'\nctorch._utils\n_rebuild_tensor_v2\n({storage}I0\n{_tuple(array.shape)}{_tuple(strides)}tRs"


def _tuple(numbers: tuple[int, ...] | list[int]) -> str:
    return f"({''.join(f'I{number}' + chr(10) for number in numbers)}t"
