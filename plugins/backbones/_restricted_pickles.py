"""Pickles read by an unpickler that knows a handful of names, so that nothing in a file can run code."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from typing import IO, Any


class RestrictedUnpickler(pickle.Unpickler):
    """Knows the names in `known`, by module and name, and refuses every other; persistent identifiers stay as they are.

    known: what stands for each name. Use plain functions and classes of this project, never those that the names mean:
        a file chooses what they are called with.
    """

    def __init__(self, file: IO[bytes], known: Mapping[tuple[str, str], Any]) -> None:
        super().__init__(file)
        self._known = known

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self._known:
            raise pickle.UnpicklingError(f"it refers to {module}.{name}, which no weights file needs")
        return self._known[module, name]

    def persistent_load(self, pid: Any) -> Any:
        return pid
