"""Errors of plugins that name the plugin: its functions are wrapped, and its line is found in a traceback."""

from __future__ import annotations

import copy
import functools
import inspect
import re
import traceback
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import is_dataclass
from typing import Any, TypeAlias

from autotl.errors import AutoTLError, PluginError

Caller: TypeAlias = Callable[[Callable[[], Any]], Any]
_END = object()


def blaming(
    function: Callable[..., Any], who: str, plugin: str, *, call: Caller = lambda function: function()
) -> Callable[..., Any]:
    """The same function, which raises PluginError if it raised something else; an AutoTLError begins with `who`.

    It cannot change the arrays and tables that it is given. A call of sys.exit is an error like any other.

    who: such as "evaluator 'kappa' of plugin 'mine'". plugin: its name. What it yields one by one is covered too.
    call: calls the function, such as with a deadline, and then for each thing that it yields.
    """

    @functools.wraps(function, updated=())
    def blamed(*arguments: Any, **named: Any) -> Any:
        given = [_protected(argument) for argument in arguments]
        found = step(lambda: function(*given, **named))
        return _yielding(found, step) if isinstance(found, Iterator) else found

    def step(part: Callable[[], Any]) -> Any:
        def told() -> Any:
            with _named(who):
                return part()

        return call(told)

    blamed._plugin = plugin  # type: ignore[attr-defined]
    return blamed


def of_plugin(function: Callable[..., Any]) -> str:
    """Return " of plugin 'mine'", or nothing for a function that is our own."""
    plugin = getattr(function, "_plugin", "")
    return f" of plugin {plugin!r}" if plugin else ""


def where_of_plugin(function: Callable[..., Any]) -> str:
    """Return " of plugin 'mine' (FILE, line 3)", or nothing for a function that is our own."""
    return f"{found}{written_in(function)}" if (found := of_plugin(function)) else ""


def written_in(function: Callable[..., Any]) -> str:
    """Where a function is written: " (FILE, line 3)"; nothing where that is not known."""
    inner = inspect.unwrap(function)
    code = getattr(getattr(inner, "func", inner), "__code__", None)
    return f" ({code.co_filename}, line {code.co_firstlineno})" if code else ""


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
        if not str(error):
            raise PluginError(f"{who} raised {type(error).__name__} without a reason") from error
        if who not in str(error):
            error.args = (f"{who}: {error}", *error.args[1:])
        raise
    except (Exception, SystemExit) as error:
        raise PluginError(f"{who} raised {describe(error)}") from error


def _yielding(found: Iterator[Any], step: Caller) -> Iterator[Any]:
    while (item := step(lambda: next(found, _END))) is not _END:
        yield item


def _protected(value: Any) -> Any:
    """An array that is read only, a table that keeps its changes to itself, an object with such; else the same."""
    import numpy as np
    import pandas as pd

    if isinstance(value, np.ndarray):
        view = value.view()
        view.flags.writeable = False
        return view
    if isinstance(value, pd.DataFrame):
        return value.copy(deep=False)  # pandas copies what is written to
    if is_dataclass(value) and not isinstance(value, type):
        parts = {name: part for name, part in vars(value).items() if isinstance(part, np.ndarray | pd.DataFrame)}
        if parts:
            value = copy.copy(value)
            vars(value).update({name: _protected(part) for name, part in parts.items()})
    return value


def line_in(told: str, source: str, files: Collection[str]) -> str:
    """The line of a plugin that a traceback, or what faulthandler wrote, names last: " (FILE, line 3)"; or nothing.

    source, files: those of the plugin.
    """
    frames = re.findall(r'File "([^"]+)", line (\d+)', told)
    own = [frame for frame in frames if frame[0] == source or frame[0] in files]
    if not own:
        return ""
    # faulthandler begins with the latest call, Python ends with it.
    file, line = own[0] if "most recent call first" in told else own[-1]
    return f" ({file}, line {line})"
