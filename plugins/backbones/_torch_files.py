"""Tensors in PyTorch's file format before 1.6, read without PyTorch."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from autotl.errors import WeightsError
from autotl_plugins.backbones._restricted_pickles import RestrictedUnpickler

if TYPE_CHECKING:
    import keras

_STORAGES = {"FloatStorage": "<f4", "LongStorage": "<i8"}


def read_torch_file(path: Path) -> dict[str, np.ndarray]:
    """The tensors by name; raises WeightsError if the file is damaged or refers to anything but tensors.

    The file is a few pickles and then raw numbers.
    """
    try:
        with path.open("rb") as file:
            for _ in range(3):  # magic number, protocol, system
                _load(file)
            entries, keys = _load(file), _load(file)
            kinds = {storage[2]: storage[1] for storage, *_ in entries.values()}
            storages = {key: _read_storage(file, kinds[key]) for key in keys}
            return {name: _view(storages[storage[2]], *where) for name, (storage, *where) in entries.items()}
    # From hostile bytes an unpickler may raise almost anything.
    except Exception as error:
        raise WeightsError(f"the weights file {path} is damaged ({error}); install its package again") from error


def set_weights(layer: keras.Layer, kernel: np.ndarray, rest: Sequence[np.ndarray] = ()) -> None:
    """Give a Keras layer a tensor in PyTorch's order of axes, with the vectors that follow it."""
    if kernel.ndim == 4:
        # PyTorch: (out, in, h, w). Keras: (h, w, in, out), depthwise (h, w, in, 1).
        depthwise = type(layer).__name__ == "DepthwiseConv2D"
        kernel = kernel.transpose((2, 3, 0, 1) if depthwise else (2, 3, 1, 0))
    layer.set_weights([kernel, *rest])


def _load(file: IO[bytes]) -> Any:
    return RestrictedUnpickler(file, _KNOWN).load()


def _view(flat: np.ndarray, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> np.ndarray:
    """A copy of one tensor; ValueError if it reaches beyond its numbers."""
    last = offset + sum((n - 1) * stride for n, stride in zip(shape, strides, strict=True))
    if min(offset, *shape, *strides, 0) < 0 or last >= len(flat):
        raise ValueError(f"a tensor of shape {shape} does not fit into {len(flat)} numbers")
    bytes_apart = [stride * flat.itemsize for stride in strides]
    return np.lib.stride_tricks.as_strided(flat[offset:], shape, bytes_apart).copy()


def _read_storage(file: IO[bytes], kind: str) -> np.ndarray:
    dtype = np.dtype(_STORAGES[kind])
    n = int(np.frombuffer(file.read(8), "<i8")[0])
    return np.frombuffer(file.read(n * dtype.itemsize), dtype, count=n)


def _tensor(storage: Any, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: Any) -> tuple[Any, ...]:
    return storage, offset, shape, strides


_KNOWN = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    **{("torch", name): name for name in _STORAGES},
}
