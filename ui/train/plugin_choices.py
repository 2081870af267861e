"""The backbones, heads and objectives of the installed plugins, among which the form lets the reader choose."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from autotl.errors import PluginError
from autotl.evidence.evaluations import gives_one_value
from autotl.interfaces import Backbone, Evaluator, Head
from autotl_ui.widgets.words import OBJECTIVES
from autotl_ui.workspace.installed import loaded_plugins


@dataclass(frozen=True)
class PluginChoices:
    """Names of each kind.

    backbones: first those whose weights are installed, `n_embedded` of them. objectives: the built-in ones first.
    """

    backbones: tuple[str, ...]
    n_embedded: int
    heads: tuple[str, ...]
    objectives: tuple[str, ...]


@cache
def installed_choices() -> PluginChoices:
    """Ask the plugins, once: what they offer does not change while the app runs."""
    plugins = loaded_plugins()
    embedded = [name for name, backbone in plugins.all(Backbone).items() if backbone.embedded]
    others = [name for name in plugins.all(Backbone) if name not in embedded]
    objectives = [name for name, evaluator in plugins.all(Evaluator).items() if _is_objective(evaluator)]
    usual = [name for name in OBJECTIVES if name in objectives]
    return PluginChoices(
        backbones=(*embedded, *others),
        n_embedded=len(embedded),
        heads=tuple(plugins.all(Head)),
        objectives=(*usual, *(name for name in objectives if name not in usual)),
    )


def _is_objective(evaluator: Evaluator) -> bool:
    try:
        return gives_one_value(evaluator)
    except PluginError:  # a search would report it; here it is just not offered
        return False
