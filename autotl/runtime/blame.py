"""Functions of plugins, wrapped so that their errors name the plugin."""

from __future__ import annotations

import functools
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from autotl.errors import AutoTLError, PluginError


def blaming(function: Callable[..., Any], who: str, plugin: str) -> Callable[..., Any]:
    """The same function, which raises PluginError where it raised something else; an AutoTLError begins with `who`.

    who: such as "evaluator 'kappa' of plugin 'mine'". plugin: its name. What it yields one by one is covered too.
    """

    @functools.wraps(function, updated=())
    def blamed(*arguments: Any, **named: Any) -> Any:
        with _named(who):
            found = function(*arguments, **named)
        return _yielding(found, who) if isinstance(found, Iterator) else found

    blamed._plugin = plugin  # type: ignore[attr-defined]
    return blamed


def of_plugin(function: Callable[..., Any]) -> str:
    """Return " of plugin 'mine'", or nothing for a function that is our own."""
    plugin = getattr(function, "_plugin", "")
    return f" of plugin {plugin!r}" if plugin else ""


def describe(error: BaseException, but: tuple[str, ...] = ()) -> str:
    """Say what was raised and in which line of the plugin, which is what its author needs first.

    but: files whose lines are not meant.
    """
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [frame for frame in frames if frame.filename not in (__file__, *but) and "importlib" not in frame.filename]
    where = f" ({theirs[0].filename}, line {theirs[0].lineno})" if theirs else ""
    return f"{type(error).__name__}: {error}{where}"


@contextmanager
def _named(who: str) -> Iterator[None]:
    try:
        yield
    except AutoTLError as error:
        if str(error) and who not in str(error):
            error.args = (f"{who}: {error}", *error.args[1:])
        raise
    except Exception as error:
        raise PluginError(f"{who} raised {describe(error)}") from error


def _yielding(found: Iterator[Any], who: str) -> Iterator[Any]:
    with _named(who):
        yield from found
