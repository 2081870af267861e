"""Pickled NumPy arrays, read without calling NumPy on what a file says."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from autotl.errors import WeightsError
from autotl_plugins.backbones._restricted_pickles import RestrictedUnpickler

_DTYPES = {("f4", "<"): "<f4", ("f8", "<"): "<f8"}


def read_numpy_pickle(path: Path) -> dict[str, tuple[np.ndarray, ...]]:
    """Read a pickled dictionary of sequences of float arrays; raises WeightsError for anything else.

    Three names of NumPy may occur. Small classes of this module stand for them and note what the file says of an array,
    which is checked before an array is made.
    """
    try:
        with path.open("rb") as file:
            entries = RestrictedUnpickler(file, _KNOWN).load()
        return {str(name): tuple(array.read() for array in arrays) for name, arrays in entries.items()}
    # From hostile bytes an unpickler may raise almost anything.
    except Exception as error:
        raise WeightsError(f"the weights file {path} is damaged ({error}); install its package again") from error


class _DType:
    """What the file says of the numbers of an array."""

    def __init__(self, kind: str, *_: object) -> None:
        self.kind, self.order = kind, ""

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.order = state[1]


class _Array:
    """What the file says of an array."""

    state: tuple[Any, ...] = ()

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.state = state

    def read(self) -> np.ndarray:
        """The array itself; ValueError or TypeError if its parts do not belong together."""
        _version, shape, dtype, fortran, numbers = self.state
        known = _DTYPES.get((dtype.kind, dtype.order))
        if known is None:
            raise ValueError(f"an array holds numbers of the kind {dtype.order}{dtype.kind}, not floats")
        if not isinstance(numbers, bytes) or len(numbers) != math.prod(shape) * np.dtype(known).itemsize:
            raise ValueError(f"an array of shape {shape} does not fit its numbers")
        return np.frombuffer(numbers, known).reshape(shape, order="F" if fortran else "C")


def _new_array(*_: object) -> _Array:
    return _Array()


_KNOWN = {
    ("numpy", "ndarray"): "ndarray",
    ("numpy", "dtype"): _DType,
    ("numpy.core.multiarray", "_reconstruct"): _new_array,
    ("numpy._core.multiarray", "_reconstruct"): _new_array,  # where NumPy 2 wrote it
}
