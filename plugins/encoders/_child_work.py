"""Work that an encoder's format leaves to a child process: frameworks that must not meet TensorFlow, or may crash."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from autotl.errors import AutoTLError, ConfigError, WeightsError, in_one_line
from autotl.runtime.guarded_process import ChildEndedError, Document, GuardedProcess, Handler, serve

if TYPE_CHECKING:
    import numpy as np

_ERRORS: Mapping[str, type[AutoTLError]] = {error.__name__: error for error in (ConfigError, WeightsError)}


def ask_child(module: str, request: Mapping[str, Any], *, what: str, seconds: float = math.inf) -> None:
    """Have the `main` of a module of this package do something in a child process.

    what: the work, such as "converting FILE", with which an error begins. Raises the ConfigError or WeightsError that
    the child raised, and ConfigError if it raised anything else, crashed, or took longer than `seconds`.
    """
    until = time.monotonic() + seconds
    with closing(_Child(f"autotl_plugins.encoders.{module}")) as child:
        try:
            with child.watched(lambda: until - time.monotonic(), math.inf):
                child.send(request)
                answer, _ = child.receive()
        except ChildEndedError as error:
            raise ConfigError(f"{what} failed: it {error}") from None
    if kind := answer.get("error"):
        message = str(answer["message"])
        if kind in _ERRORS:
            raise _ERRORS[kind](message)
        raise ConfigError(f"{what} failed: {kind}: {in_one_line(message)}")


class _Child(GuardedProcess):
    def close(self) -> None:
        self.end()


def answer_with(work: Callable[[Mapping[str, Any]], None]) -> None:
    """The child's side: do the work for each request."""

    def make_handler(ask: Callable[[Document], dict[str, Any]]) -> Handler:
        def handle(request: Document, arrays: Sequence[np.ndarray]) -> tuple[Document, Sequence[np.ndarray]]:
            with _quiet():
                work(request)
            return {}, ()

        return handle

    serve(make_handler)


@contextmanager
def _quiet() -> Iterator[None]:
    """Throw away what frameworks print, some of it from C++; what goes wrong is raised."""
    kept = os.dup(2)
    with open(os.devnull, "wb") as nothing:  # noqa: PTH123 - no file of a user's
        os.dup2(nothing.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
