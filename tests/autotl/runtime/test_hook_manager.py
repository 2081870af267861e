"""The manager finds the hooks of a plugin that pluggy's own finds."""

from __future__ import annotations

import functools
import math
from types import ModuleType, SimpleNamespace

import pluggy
import pytest

from autotl.runtime.hook_manager import HookManager

hookimpl = pluggy.HookimplMarker("project")


class Bound:
    @hookimpl
    def method(self):
        return "bound"


def module():
    """One with every kind of thing that may be marked as a hook, and things that are none."""
    made = ModuleType("made")
    made.function = hookimpl(lambda: "function")
    made.renamed = hookimpl(lambda: "renamed", specname="other")
    made.static = staticmethod(hookimpl(lambda: "static"))
    made.of_class = classmethod(hookimpl(lambda cls: "class"))
    made.marked_static = hookimpl(staticmethod(lambda: "static"))
    made.bound = Bound().method
    made.plain = lambda: "no hook"
    made.partial = functools.partial(made.function)
    made.number, made.text, made.library, made.kind = 1, "text", math, Bound
    return made


@pytest.mark.parametrize(
    "plugin",
    [module(), Bound(), Bound, SimpleNamespace(one=hookimpl(lambda: 1))],
    ids=lambda plugin: type(plugin).__name__,
)
def test_the_same_names_are_hooks_as_for_pluggy(plugin):
    found, expected = HookManager("project"), pluggy.PluginManager("project")
    assert [found.parse_hookimpl_opts(plugin, name) for name in dir(plugin)] == [
        expected.parse_hookimpl_opts(plugin, name) for name in dir(plugin)
    ]
    assert any(expected.parse_hookimpl_opts(plugin, name) for name in dir(plugin))


def test_what_a_module_computes_on_demand_is_not_computed():
    made = module()
    made.__getattr__ = lambda name: pytest.fail(f"{name} was asked for")
    assert HookManager("project").register(made) == "made"
