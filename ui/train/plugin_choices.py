"""What the installed plugins offer to a search; asked once, for it does not change while the app runs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from autotl.errors import PluginError
from autotl.evidence.evaluations import gives_one_value
from autotl.interfaces import Backbone, Evaluator, Head
from autotl_ui.widgets.words import OBJECTIVES
from autotl_ui.workspace.installed import loaded_plugins


@dataclass(frozen=True)
class Offers:
    """Names. backbones: first those whose weights are here, `embedded` of them. objectives: the usual ones first."""

    backbones: tuple[str, ...]
    embedded: int
    heads: tuple[str, ...]
    objectives: tuple[str, ...]


@cache
def installed_offers() -> Offers:
    """Ask the plugins."""
    plugins = loaded_plugins()
    embedded = [name for name, backbone in plugins.all(Backbone).items() if backbone.embedded]
    others = [name for name in plugins.all(Backbone) if name not in embedded]
    objectives = [name for name, evaluator in plugins.all(Evaluator).items() if _is_objective(evaluator)]
    usual = [name for name in OBJECTIVES if name in objectives]
    return Offers(
        backbones=(*embedded, *others),
        embedded=len(embedded),
        heads=tuple(plugins.all(Head)),
        objectives=(*usual, *(name for name in objectives if name not in usual)),
    )


def _is_objective(evaluator: Evaluator) -> bool:
    try:
        return gives_one_value(evaluator)
    except PluginError:  # the search would say so; here it is not offered
        return False
