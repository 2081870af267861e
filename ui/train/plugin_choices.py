"""The backbones, heads and objectives of the installed plugins, among which the form lets the reader choose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from autotl.data.item_kinds import IMAGES
from autotl.data.modalities import source_kinds
from autotl.errors import PluginError
from autotl.evidence.evaluations import gives_one_value
from autotl.interfaces import NOT_COMMERCIAL, Backbone, Crop, Evaluator, FeatureSource, Head
from autotl.targets import DEFAULT_OBJECTIVES, Kind, Target
from autotl_ui.widgets.words import OBJECTIVES
from autotl_ui.workspace.installed import loaded_plugins


@dataclass(frozen=True)
class PluginChoices:
    """Names of each kind.

    backbones: and encoders, with what to know before one is chosen, empty for those that a search tries by default,
    which come first. heads, objectives: those for the target, the built-in objectives first. crops: what each finds, of
    images alone.
    """

    backbones: Mapping[str, str]
    heads: tuple[str, ...]
    objectives: tuple[str, ...]
    crops: Mapping[str, str]


@cache
def installed_choices(modality: str = "image", target: Kind = "classes") -> PluginChoices:
    """Ask the plugins, once: what they offer does not change while the app runs.

    modality: the kind of the items, by its name. target: the kind of what is learned.
    """
    plugins, read = loaded_plugins(), source_kinds(modality)
    remarks = {name: _remark(source) for name, source in plugins.sources().items() if source.modality in read}
    objectives = [name for name, evaluator in plugins.all(Evaluator).items() if _is_objective(evaluator, target)]
    usual = [name for name in (DEFAULT_OBJECTIVES[target], *OBJECTIVES) if name in objectives]
    return PluginChoices(
        backbones=dict(sorted(remarks.items(), key=lambda entry: entry[1] != "")),
        heads=tuple(name for name, head in plugins.all(Head).items() if Target(kind=target).may_use(head.targets)),
        objectives=tuple(dict.fromkeys((*usual, *(name for name in objectives if name not in usual)))),
        crops={name: _found_by(crop) for name, crop in plugins.all(Crop).items()} if modality == IMAGES.name else {},
    )


def _found_by(crop: Crop) -> str:
    return ", ".join(filter(None, (crop.purpose, "" if crop.commercial else NOT_COMMERCIAL)))


def _remark(source: FeatureSource) -> str:
    facts = []
    if not source.embedded:
        facts.append("downloads its weights" if isinstance(source, Backbone) else "only if chosen")
    if not source.commercial:
        facts.append(NOT_COMMERCIAL)
    return ", ".join(facts)


def _is_objective(evaluator: Evaluator, target: Kind) -> bool:
    try:
        return target in evaluator.targets and gives_one_value(evaluator)
    except PluginError:  # a search would report it; here it is just not offered
        return False
